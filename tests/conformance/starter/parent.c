// SPDX-License-Identifier: LGPL-2.1-or-later
/* The states that a parent can be in. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "meeting.h"
#include "parent.h"
#include "watch.h"
#include "words.h"

int helper_group;

static int checked(long result) {
    return result < 0 ? errno : 0;
}

static int put_file(const char* name, const char* text, mode_t mode) {
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode))
        return -1;
    return close(fd);
}

int make_scratch(void) {
    if (mount("kspawn", SCRATCH, "tmpfs", 0, "mode=777,size=16m") || chdir(SCRATCH))
        return -1;
    umask(0);
    return put_file("a", "0123456789abcdef", 0666) || put_file("b", "B", 0666) ||
           put_file("locked", "", 0666) || put_file("secret", "x", 0600) ||
           put_file("noexec", "x", 0644) || put_file("garbage", "\177ELF", 0755) ||
           put_file("script", "#!" PROGRAMS "/reporter option\n", 0755) ||
           put_file("badscript", "#!/nonexistent/interpreter\n", 0755) ||
           put_file("text", "echo shell\n", 0755) || mkdir("d", 0777) ||
           put_file("d/inner", "i", 0666) || mkdir("closed", 0000) || mkdir("d/deep", 0777) ||
           put_file("d/noexec", "x", 0644) || put_file("d/garbage", "x", 0755) ||
           symlink(PROGRAMS "/reporter", "d/prog") || symlink("a", "link") ||
           symlink("nowhere", "dangling") || symlink("loop", "loop") || mkfifo("fifo", 0666);
}

static void describe_directory(const char* name, char* text, int room) {
    struct dirent** entries;
    int i, count = scandir(name, &entries, NULL, alphasort);
    struct stat st;
    char path[512];

    for (i = 0; i < count; i++) {
        const char* entry = entries[i]->d_name;

        snprintf(path, sizeof(path), "%s/%s", name, entry);
        if (entry[0] == '.' || lstat(path, &st))
            continue;
        snprintf(text + strlen(text), room - strlen(text), "%s:%o:%u:%lld ", entry, st.st_mode,
                 st.st_uid, S_ISDIR(st.st_mode) ? 0 : (long long)st.st_size);
    }
}

void describe_scratch(char* text, int room) {
    text[0] = '\0';
    describe_directory(SCRATCH, text, room);
    describe_directory(SCRATCH "/d", text, room);
}

int number_of(const struct step* step, int n) {
    return n < step->count ? (int)strtol(step->field[n], NULL, 0) : 0;
}

/* Have @fd as @wanted. */
static int place(int fd, int wanted, int cloexec) {
    if (fd < 0)
        return errno;
    if (fd == wanted)
        return checked(fcntl(fd, F_SETFD, cloexec ? FD_CLOEXEC : 0));
    if (dup3(fd, wanted, cloexec ? O_CLOEXEC : 0) < 0) {
        int error = errno;

        close(fd);
        return error;
    }
    close(fd);
    return 0;
}

static int open_file(const struct step* step) {
    int flags = open_flags(step->field[3]);

    return place(open(step->field[2], flags | O_CLOEXEC, 0600), number_of(step, 1),
                 flags & O_CLOEXEC);
}

static int make_pipe(const struct step* step) {
    int ends[2], spare, err;
    int cloexec = number_of(step, 3);

    if (pipe2(ends, O_CLOEXEC))
        return errno;
    /* Out of the way of where they are to go. */
    spare = fcntl(ends[1], F_DUPFD_CLOEXEC, 300);
    close(ends[1]);
    err = place(fcntl(ends[0], F_DUPFD_CLOEXEC, 300), number_of(step, 1), cloexec);
    if (ends[0] != number_of(step, 1))
        close(ends[0]);
    return err ? err : place(spare, number_of(step, 2), cloexec);
}

static void caught(int signal) {
    (void)signal;
}

static int set_handler(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaddset(&action.sa_mask, SIGUSR2);
    return checked(sigaction(signal, &action, NULL));
}

static int change_mask(int how, int signal) {
    sigset_t set;

    sigemptyset(&set);
    if (signal)
        sigaddset(&set, signal);
    else
        memcpy(&set, &all_signals, sizeof(all_signals));
    return checked(sigprocmask(how, &set, NULL));
}

static int set_limit(const struct step* step) {
    struct rlimit limit = {
        .rlim_cur = strtoll(step->field[2], NULL, 0),
        .rlim_max = strtoll(step->field[3], NULL, 0),
    };

    return checked(setrlimit(limit_of(step->field[1]), &limit));
}

static int write_proc(const char* file, const char* text) {
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    int err;

    if (fd < 0)
        return errno;
    err = checked(write(fd, text, strlen(text)));
    close(fd);
    return err;
}

static int set_groups(const struct step* step) {
    gid_t groups[MAX_FIELDS];
    int i;

    for (i = 1; i < step->count; i++)
        groups[i - 1] = number_of(step, i);
    return checked(syscall(SYS_setgroups, step->count - 1, groups));
}

/* Bits of capabilities 0 to 31; of the sets of capset(2), or the ambient one. */
static int set_capabilities(const struct step* step) {
    /* As <linux/capability.h> has it, which musl-gcc does not see. */
    struct {
        unsigned int version;
        int pid;
    } header = {0x20080522, 0};
    struct {
        unsigned int effective, permitted, inheritable;
    } data[2];
    unsigned int bits = strtoul(step->field[2], NULL, 0);
    int i;

    if (syscall(SYS_capget, &header, data))
        return errno;
    if (!strcmp(step->field[1], "drop")) {
        data[0].effective &= ~bits;
        data[0].permitted &= ~bits;
        data[0].inheritable &= ~bits;
    } else if (!strcmp(step->field[1], "ineffective")) {
        data[0].effective &= ~bits;
    } else if (!strcmp(step->field[1], "inheritable")) {
        data[0].inheritable |= bits & data[0].permitted;
    } else if (!strcmp(step->field[1], "bounding")) {
        for (i = 0; i < 32; i++)
            if (bits & 1U << i && prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
                return errno;
        return 0;
    } else {
        for (i = 0; i < 32; i++)
            if (bits & 1U << i && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0))
                return errno;
        return 0;
    }
    return checked(syscall(SYS_capset, &header, data));
}

/* A terminal, controlling if we lead a session without one, as descriptor. */
static int make_terminal(const struct step* step) {
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int unlock = 0, err;

    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock))
        return errno;
    err = place(ioctl(master, TIOCGPTPEER, O_RDWR | O_CLOEXEC | O_NOCTTY), number_of(step, 1),
                number_of(step, 2));
    if (!err && number_of(step, 3))
        err = checked(ioctl(number_of(step, 1), TIOCSCTTY, 0));
    return err ? err : place(master, FIRST_OWN_DESCRIPTOR + 5, 1);
}

static int make_helper(void) {
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    if (pid < 0 || setpgid(pid, pid))
        return errno;
    helper_group = pid;
    return 0;
}

static void* idle(void* unused) {
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

static int make_threads(int count) {
    int err = 0;

    while (count-- > 0 && !err)
        err = make_thread_without_signals(idle);
    return err;
}

static int take_lock(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open("locked", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return errno;
    return fcntl(fd, F_SETLK, &lock) ? errno : place(fd, FIRST_OWN_DESCRIPTOR + 6, 1);
}

static int set_timer(int which) {
    const struct itimerval later = {.it_value = {.tv_sec = 1000}};

    return checked(setitimer(which, &later, NULL));
}

static int make_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    const struct itimerspec later = {.it_value = {.tv_sec = 1000}};
    timer_t timer;

    return timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &later, NULL)
               ? errno
               : 0;
}

static int set_signal_stack(void) {
    static char memory[65536];
    const stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};

    return checked(sigaltstack(&stack, NULL));
}

static int join_cgroup(const char* name) {
    char path[256], self[32];

    snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", name);
    if (mkdir(path, 0755) && errno != EEXIST)
        return errno;
    strcat(path, "/cgroup.procs");
    snprintf(self, sizeof(self), "%d", (int)getpid());
    return write_proc(path, self);
}

int take_parent_step(const struct step* step) {
    const char* verb = step->field[0] + 2; /* behind "p:" */
    const int n = number_of(step, 1);
    int fds[2];
    cpu_set_t cpus;
    struct sched_param parameter;

#define IS(name) (!strcmp(verb, name))
    if (IS("open"))
        return open_file(step);
    if (IS("close"))
        return checked(close(n));
    if (IS("dup"))
        return checked(dup3(n, number_of(step, 2), number_of(step, 3) ? O_CLOEXEC : 0));
    if (IS("seek"))
        return checked(lseek(n, number_of(step, 2), SEEK_SET));
    if (IS("cloexec"))
        return checked(fcntl(n, F_SETFD, number_of(step, 2) ? FD_CLOEXEC : 0));
    if (IS("pipe"))
        return make_pipe(step);
    if (IS("socket"))
        return place(socket(AF_UNIX, SOCK_STREAM, 0), n, number_of(step, 2));
    if (IS("eventfd"))
        return place(eventfd(0, 0), n, number_of(step, 2));
    if (IS("memfd"))
        return place(syscall(SYS_memfd_create, "m", 0), n, number_of(step, 2));
    if (IS("ignore"))
        return set_handler(n, SIG_IGN, 0);
    if (IS("handle"))
        return set_handler(n, caught, SA_RESTART | number_of(step, 2));
    if (IS("default"))
        return set_handler(n, SIG_DFL, 0);
    if (IS("block"))
        return change_mask(SIG_BLOCK, n);
    if (IS("raise")) /* stays pending if it is blocked */
        return checked(kill(getpid(), n));
    if (IS("chdir"))
        return checked(chdir(step->field[1]));
    if (IS("remove")) /* a directory that is somebody's */
        return checked(rmdir(step->field[1]));
    if (IS("chroot"))
        return checked(chroot(step->field[1]));
    if (IS("umask"))
        return umask(n), 0;
    if (IS("limit"))
        return set_limit(step);
    if (IS("resuid"))
        return checked(syscall(SYS_setresuid, n, number_of(step, 2), number_of(step, 3)));
    if (IS("resgid"))
        return checked(syscall(SYS_setresgid, n, number_of(step, 2), number_of(step, 3)));
    if (IS("groups"))
        return set_groups(step);
    if (IS("capabilities"))
        return set_capabilities(step);
    if (IS("secure_bits"))
        return checked(prctl(PR_SET_SECUREBITS, n, 0, 0, 0));
    if (IS("keep_capabilities"))
        return checked(prctl(PR_SET_KEEPCAPS, n, 0, 0, 0));
    if (IS("no_new_privileges"))
        return checked(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (IS("dumpable"))
        return checked(prctl(PR_SET_DUMPABLE, n, 0, 0, 0));
    if (IS("death_signal"))
        return checked(prctl(PR_SET_PDEATHSIG, n, 0, 0, 0));
    if (IS("subreaper"))
        return checked(prctl(PR_SET_CHILD_SUBREAPER, n, 0, 0, 0));
    if (IS("no_huge_pages"))
        return checked(prctl(PR_SET_THP_DISABLE, n, 0, 0, 0));
    if (IS("timer_slack"))
        return checked(prctl(PR_SET_TIMERSLACK, n, 0, 0, 0));
    if (IS("personality"))
        return checked(personality(n));
    if (IS("oom_score_adj"))
        return write_proc("/proc/self/oom_score_adj", step->field[1]);
    if (IS("coredump_filter"))
        return write_proc("/proc/self/coredump_filter", step->field[1]);
    if (IS("name"))
        return checked(prctl(PR_SET_NAME, step->field[1], 0, 0, 0));
    if (IS("nice"))
        return checked(setpriority(PRIO_PROCESS, 0, n));
    if (IS("io_priority"))
        return checked(syscall(SYS_ioprio_set, 1, 0, n));
    if (IS("scheduler")) {
        parameter.sched_priority = number_of(step, 2);
        /* Not libc's: musl's says ENOSYS. */
        return checked(syscall(SYS_sched_setscheduler, 0,
                               policy_of(step->field[1]) | (number_of(step, 3) ? 0x40000000 : 0),
                               &parameter));
    }
    if (IS("cpus")) {
        CPU_ZERO(&cpus);
        CPU_SET(n, &cpus);
        return checked(sched_setaffinity(0, sizeof(cpus), &cpus));
    }
    if (IS("session"))
        return checked(setsid());
    if (IS("process_group"))
        return checked(setpgid(0, 0));
    if (IS("helper"))
        return make_helper();
    if (IS("terminal"))
        return make_terminal(step);
    if (IS("threads"))
        return make_threads(n);
    if (IS("lock"))
        return take_lock();
    if (IS("alarm_every"))
        return set_alarm_every(n);
    if (IS("watch_waits"))
        return watch_waits();
    if (IS("timer"))
        return set_timer(n);
    if (IS("posix_timer"))
        return make_timer();
    if (IS("lock_memory"))
        return checked(mlockall(MCL_CURRENT));
    if (IS("signal_stack"))
        return set_signal_stack();
    if (IS("cgroup"))
        return join_cgroup(step->field[1]);
    if (IS("unshare"))
        return checked(unshare(n));
    if (IS("setenv"))
        return checked(setenv(step->field[1], step->field[2], 1));
    if (IS("unsetenv"))
        return checked(unsetenv(step->field[1]));
    if (IS("socket_pair")) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
            return errno;
        fds[1] = place(fds[1], number_of(step, 2), number_of(step, 3));
        return fds[1] ? fds[1] : place(fds[0], n, number_of(step, 3));
    }
#undef IS
    fprintf(stderr, "starter: no such step: %s\n", step->field[0]);
    _Exit(98);
}
