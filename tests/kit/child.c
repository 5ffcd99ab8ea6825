// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The program that the tests start.  Linked statically, so that it needs no
 * file but itself.
 *
 *   child report FILE [STATUS]    write what it sees of itself to FILE
 *   child exit STATUS
 *   child kill SIGNAL             end by that signal
 *   child cat                     copy standard input to standard output
 *   child pause                   wait for a signal
 *   child signal NUMBER STATUS    say "ready"; exit when this signal comes
 *   child pipes COUNT             have that many pipes; say "r"; wait for a signal
 *   child                         report to $KSPAWN_REPORT, or to standard output
 *
 * It judges nothing: a report is what the kernel says, and abi/lib/report.c and
 * kit/report.cpp read it.  A section of it is "NAME SIZE\n", SIZE bytes and a NUL.
 *
 * REPORTER_SOCKET makes it a program that always reports: to the abstract socket of that
 * name, with its parent's process ID for %d.  That needs neither a descriptor, an argument
 * nor a file system, which tests/conformance has under test.  REPORTER_LOCKED is a file
 * there of which it says who has locked it, and on which device it is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define BAD_USE 120
#define BAD_REPORT 121

/* Where /proc/self/fd cannot be read, for want of a descriptor, it looks at these. */
#define SCANNED_DESCRIPTORS 256

struct text {
    char* data;
    size_t size, room;
};

static struct text all;

/* Makes room for that many bytes more. */
static void need(struct text* text, size_t more) {
    if (text->size + more <= text->room)
        return;
    text->room = 2 * (text->size + more);
    text->data = realloc(text->data, text->room);
    if (!text->data)
        _exit(BAD_REPORT);
}

static void put(struct text* text, const void* data, size_t size) {
    need(text, size);
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

#define put_printf(text, ...)                                                                      \
    do {                                                                                           \
        char line_[PATH_MAX + 256];                                                                \
        put(text, line_, snprintf(line_, sizeof(line_), __VA_ARGS__));                             \
    } while (0)

static void section(const char* name, const void* data, size_t size) {
    put_printf(&all, "%s %zu\n", name, size);
    put(&all, data, size);
    put(&all, "", 1);
}

#define section_printf(name, ...)                                                                  \
    do {                                                                                           \
        struct text text_ = {0};                                                                   \
        put_printf(&text_, __VA_ARGS__);                                                           \
        section_text(name, &text_);                                                                \
    } while (0)

static void section_text(const char* name, struct text* text) {
    section(name, text->size ? text->data : "", text->size);
    free(text->data);
}

static void section_strings(const char* name, char* const list[]) {
    struct text strings = {0};

    for (; *list; list++)
        put(&strings, *list, strlen(*list) + 1);
    section_text(name, &strings);
}

static void section_file(const char* name, const char* path) {
    struct text content = {0};
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        section_printf(name, "errno %d", errno);
        return;
    }
    do {
        need(&content, 65536);
        n = read(fd, content.data + content.size, content.room - content.size);
        if (n > 0)
            content.size += n;
    } while (n > 0);
    close(fd);
    section_text(name, &content);
}

static void section_link(const char* name, const char* path) {
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target));

    if (n < 0)
        section_printf(name, "errno %d", errno);
    else
        section(name, target, n);
}

/* "FD FLAGS FDFLAGS DEV INO MODE SIZE OWNER POS FOREGROUND TARGET\n" */
static void describe_fd(struct text* lines, int fd) {
    char link[64], target[PATH_MAX];
    struct stat st;
    pid_t foreground = tcgetpgrp(fd);
    ssize_t n;

    if (foreground < 0)
        foreground = -errno;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, target, sizeof(target) - 1);
    if (n < 0)
        n = snprintf(target, sizeof(target), "errno %d", errno);
    target[n] = '\0';
    if (fstat(fd, &st))
        memset(&st, 0, sizeof(st));
    put_printf(lines, "%d %o %d %llu %llu %o %lld %u %lld %d %s\n", fd,
               (unsigned int)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), (unsigned long long)st.st_dev,
               (unsigned long long)st.st_ino, (unsigned int)st.st_mode, (long long)st.st_size,
               st.st_uid, (long long)lseek(fd, 0, SEEK_CUR), foreground, target);
}

static void report_descriptors(void) {
    DIR* directory = opendir("/proc/self/fd");
    struct dirent* entry;
    struct text lines = {0};

    while (directory && (entry = readdir(directory))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] != '.' && fd != dirfd(directory))
            describe_fd(&lines, fd);
    }
    for (int fd = 0; !directory && fd < SCANNED_DESCRIPTORS; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            describe_fd(&lines, fd);
    if (directory)
        closedir(directory);
    section_text("fds", &lines);
}

/* As the kernel has them: libc hides two.  Those that are default are left out. */
static void report_dispositions(void) {
    struct {
        void* handler;
        unsigned long flags;
        void* restorer;
        unsigned long mask;
    } action;
    struct text lines = {0};

    for (int i = 1; i <= 64; i++) {
        if (syscall(SYS_rt_sigaction, i, NULL, &action, 8))
            continue;
        if (action.handler || action.flags || action.mask)
            put_printf(&lines, "%d %s %lx %lx\n", i,
                       action.handler == (void*)SIG_IGN ? "ignore"
                       : action.handler                 ? "handler"
                                                        : "default",
                       action.flags & 0xffffffff, action.mask);
    }
    section_text("dispositions", &lines);
}

static void report_scheduling(void) {
    struct sched_param param = {0};

    sched_getparam(0, &param);
    section_printf("scheduling", "policy %d priority %d nice %d ioprio %ld", sched_getscheduler(0),
                   param.sched_priority, getpriority(PRIO_PROCESS, 0),
                   syscall(SYS_ioprio_get, 1, 0));
}

static void report_timers(void) {
    struct itimerval real = {0}, virtual = {0}, prof = {0};
    stack_t stack = {0};

    getitimer(ITIMER_REAL, &real);
    getitimer(ITIMER_VIRTUAL, &virtual);
    getitimer(ITIMER_PROF, &prof);
    sigaltstack(NULL, &stack);
    section_printf("itimers", "real %d virtual %d prof %d alternate_stack_flags %d",
                   real.it_value.tv_sec || real.it_value.tv_usec,
                   virtual.it_value.tv_sec || virtual.it_value.tv_usec,
                   prof.it_value.tv_sec || prof.it_value.tv_usec, stack.ss_flags);
}

static void report_process_controls(void) {
    int death = -1, reaper = -1;

    prctl(PR_GET_PDEATHSIG, &death);
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    section_printf("prctl",
                   "pdeathsig %d subreaper %d dumpable %d keepcaps %d securebits %d "
                   "no_new_privs %d timerslack %d thp_disable %d mce_kill %d io_flusher %d",
                   death, reaper, prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
                   prctl(PR_GET_SECUREBITS), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
                   prctl(PR_GET_TIMERSLACK), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0),
                   prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
}

static void report_namespaces(void) {
    static const char* const kinds[] = {
        "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "user", "uts",
    };
    struct text links = {0};
    char path[64], target[128];

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
        n = readlink(path, target, sizeof(target) - 1);
        target[n < 0 ? 0 : n] = '\0';
        put_printf(&links, "%s %s ", kinds[i], target);
    }
    section_text("namespaces", &links);
}

/* The state in which a new program finds the floating-point unit. */
static void report_fpu(void) {
    unsigned short control;
    unsigned int mxcsr;

    __asm__("fnstcw %0" : "=m"(control));
    __asm__("stmxcsr %0" : "=m"(mxcsr));
    section_printf("fpu", "control %04x mxcsr %08x", control, mxcsr);
}

static void report_auxiliary(void) {
    const char* name = (const char*)getauxval(AT_EXECFN);

    section_printf("secure", "%lu", getauxval(AT_SECURE));
    section_printf("execfn", "%s", name ? name : "");
    section_printf("auxids", "%lu %lu %lu %lu", getauxval(AT_UID), getauxval(AT_EUID),
                   getauxval(AT_GID), getauxval(AT_EGID));
}

static void report_files(void) {
    static const char* const files[] = {
        "status",        "stat",      "cmdline",         "environ",        "limits",   "cgroup",
        "comm",          "timers",    "oom_score_adj",   "personality",    "uid_map",  "gid_map",
        "timerslack_ns", "setgroups", "coredump_filter", "timens_offsets", "loginuid", "sessionid",
    };
    char from[64];

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(from, sizeof(from), "/proc/self/%s", files[i]);
        section_file(files[i], from);
    }
    section_file("lsm", "/proc/self/attr/current");
    section_link("cwd", "/proc/self/cwd");
    section_link("root", "/proc/self/root");
    section_link("exe", "/proc/self/exe");
    report_namespaces();
}

#ifdef REPORTER_LOCKED
/* Whether a lock of the parent's is seen as somebody else's; the device it is on. */
static void report_lock(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st = {0};
    int fd = open(REPORTER_LOCKED, O_RDWR | O_CLOEXEC);

    if (fd < 0 || fcntl(fd, F_GETLK, &lock))
        section_printf("lock", "errno %d", errno);
    else
        section_printf("lock", "%s",
                       lock.l_type == F_UNLCK    ? "none"
                       : lock.l_pid == getppid() ? "parent's"
                                                 : "another's");
    close(fd);
    stat(REPORTER_LOCKED, &st);
    section_printf("device", "%llu", (unsigned long long)st.st_dev);
}
#endif

static void look_at_myself(char* const argv[], char* const envp[]) {
    int argc = 0;

    while (argv[argc])
        argc++;
    section_printf("argc", "%d", argc);
    section_strings("argv", argv);
    section_strings("env", envp);
    report_descriptors();
    section_printf("ids", "pid %d tid %ld ppid %d pgid %d sid %d parents_pgid %d", getpid(),
                   syscall(SYS_gettid), getppid(), getpgrp(), getsid(0), getpgid(getppid()));
    section_printf("keyring", "%ld",
                   syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    report_dispositions();
    report_scheduling();
    report_timers();
    report_process_controls();
    report_fpu();
    report_auxiliary();
#ifdef REPORTER_SOCKET
    /* From here on, nothing that is to be seen is changed by closing. */
    for (int fd = 0; fd < SCANNED_DESCRIPTORS; fd++)
        close(fd);
#endif
    report_files();
#ifdef REPORTER_LOCKED
    report_lock();
#endif
    section("end", "", 0);
}

#ifdef REPORTER_SOCKET

int main(int argc, char* argv[], char* envp[]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, REPORTER_SOCKET,
                          (int)getppid());
    int sock;

    (void)argc;
    look_at_myself(argv, envp);
    sock = socket(AF_UNIX, SOCK_DGRAM, 0);
    return sendto(sock, all.data, all.size, 0, (struct sockaddr*)&address,
                  offsetof(struct sockaddr_un, sun_path) + 1 + length) == (ssize_t)all.size
               ? 0
               : BAD_REPORT;
}

#else

static int write_out(int fd) {
    for (size_t done = 0; done < all.size;) {
        ssize_t n = write(fd, all.data + done, all.size - done);

        if (n <= 0)
            return BAD_REPORT;
        done += n;
    }
    return 0;
}

/* Another file in its place: who waits for it must not read half of it. */
static int write_new(const char* path) {
    char unfinished[PATH_MAX];
    int fd;

    if (snprintf(unfinished, sizeof(unfinished), "%s.part", path) >= (int)sizeof(unfinished))
        return BAD_REPORT;
    fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd < 0 || write_out(fd) || rename(unfinished, path) ? BAD_REPORT : 0;
}

static int report(char* const argv[], const char* path) {
    struct rlimit limit;
    int fd;

    look_at_myself(argv, environ);
    if (!path)
        return write_out(STDOUT_FILENO);
    /* A test may have left no room for one more descriptor. */
    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return write_new(path);
    return write_out(fd);
}

static int copy_input(void) {
    char block[65536];
    ssize_t n, m;

    while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0) {
        for (ssize_t done = 0; done < n; done += m) {
            m = write(STDOUT_FILENO, block + done, n - done);
            if (m <= 0)
                return BAD_REPORT;
        }
    }
    return n < 0 ? BAD_REPORT : 0;
}

_Noreturn static void wait_for(void) {
    for (;;)
        pause();
}

static int say(const char* what, size_t size) {
    return write(STDOUT_FILENO, what, size) == (ssize_t)size ? 0 : BAD_REPORT;
}

static int wait_for_signal(int number, int status) {
    int received = 0;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (say("ready\n", 6))
        return BAD_REPORT;
    return !sigwait(&set, &received) && received == number ? status : BAD_USE;
}

static int have_pipes(int count) {
    int ends[2];

    while (count--)
        if (pipe2(ends, O_CLOEXEC))
            return BAD_USE;
    if (say("r", 1))
        return BAD_REPORT;
    wait_for();
}

int main(int argc, char* argv[]) {
    const char* command = argc > 1 ? argv[1] : "";

    if (argc <= 1)
        return report(argv, getenv("KSPAWN_REPORT"));
    if (!strcmp(command, "cat"))
        return copy_input();
    if (!strcmp(command, "pause"))
        wait_for();
    if (argc > 3 && !strcmp(command, "signal"))
        return wait_for_signal(atoi(argv[2]), atoi(argv[3]));
    if (argc > 2 && !strcmp(command, "report")) {
        int failure = report(argv, argv[2]);

        return failure || argc == 3 ? failure : atoi(argv[3]);
    }
    if (argc > 2 && !strcmp(command, "exit"))
        return atoi(argv[2]);
    if (argc > 2 && !strcmp(command, "kill"))
        return raise(atoi(argv[2]));
    if (argc > 2 && !strcmp(command, "pipes"))
        return have_pipes(atoi(argv[2]));
    return BAD_USE;
}

#endif
