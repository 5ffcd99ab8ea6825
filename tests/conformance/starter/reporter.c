// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The program that the specifications start: it sends what it can see of
 * itself, as one line of JSON, to a socket of its parent's.  Linked statically.
 *
 * Its answer goes to an abstract address, as that needs neither a descriptor, an
 * argument nor a file system, all of which are under test.  What would need a
 * descriptor is looked at when those it was given are known and closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/types.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
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

#include "meeting.h"

static char text[131072];
static size_t used;

static void put_char(char c) {
    if (used < sizeof(text))
        text[used++] = c;
}

static void put(const char* s) {
    while (*s)
        put_char(*s++);
}

static void put_number(long long n) {
    char digits[32];

    snprintf(digits, sizeof(digits), "%lld", n);
    put(digits);
}

static void put_string(const char* s, size_t size) {
    static const char hex[] = "0123456789abcdef";
    size_t i;

    put_char('"');
    for (i = 0; i < size; i++) {
        unsigned char c = s[i];

        if (c == '"' || c == '\\') {
            put_char('\\');
            put_char(c);
        } else if (c < 0x20 || c > 0x7e) {
            put("\\u00");
            put_char(hex[c >> 4]);
            put_char(hex[c & 15]);
        } else {
            put_char(c);
        }
    }
    put_char('"');
}

/* A member of the innermost object. */
static void name(const char* s) {
    if (used && text[used - 1] != '{')
        put_char(',');
    put_string(s, strlen(s));
    put_char(':');
}

static void member_number(const char* s, long long n) {
    name(s);
    put_number(n);
}

static void member_string(const char* s, const char* value) {
    name(s);
    put_string(value, strlen(value));
}

static void open_object(const char* s) {
    name(s);
    put_char('{');
}

static void close_object(void) {
    put_char('}');
}

static void strings(const char* s, char* const list[]) {
    int i;

    name(s);
    put_char('[');
    for (i = 0; list[i]; i++) {
        if (i)
            put_char(',');
        put_string(list[i], strlen(list[i]));
    }
    put_char(']');
}

static const char* kind(mode_t mode) {
    if (S_ISREG(mode))
        return "file";
    if (S_ISDIR(mode))
        return "directory";
    if (S_ISFIFO(mode))
        return "pipe";
    if (S_ISCHR(mode))
        return "character";
    if (S_ISSOCK(mode))
        return "socket";
    return "other";
}

/* Numbers in names that say only when something was made. */
static void put_link(const char* link) {
    char target[PATH_MAX];
    ssize_t size = readlink(link, target, sizeof(target) - 1);
    char* bracket;

    if (size < 0) {
        member_number("link error", errno);
        return;
    }
    target[size] = '\0';
    if (!strncmp(target, "/dev/pts/", 9)) {
        strcpy(target, "/dev/pts/N");
    } else if (target[0] != '/') {
        bracket = strchr(target, '[');
        if (bracket && bracket[1] >= '0' && bracket[1] <= '9')
            strcpy(bracket, "[N]");
    }
    member_string("link", target);
}

static void relation(const char* s, pid_t group) {
    if (group < 0)
        member_number(s, -errno);
    else if (group == 0)
        member_string(s, "none");
    else if (group == getpid())
        member_string(s, "own");
    else if (group == getpgid(getppid()))
        member_string(s, "parent's");
    else if (group == getppid())
        member_string(s, "parent");
    else
        member_string(s, "another");
}

static dev_t scratch_device;

static void descriptor(int fd) {
    char number[32], link[64];
    struct stat st;
    int flags;

    snprintf(number, sizeof(number), "%d", fd);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    flags = fcntl(fd, F_GETFD);
    open_object(number);
    member_number("descriptor flags", flags);
    member_number("status flags", fcntl(fd, F_GETFL));
    if (!fstat(fd, &st)) {
        member_string("kind", kind(st.st_mode));
        /* Others have numbers that are never the same twice. */
        if (st.st_dev == scratch_device)
            member_number("inode", st.st_ino);
        if (S_ISREG(st.st_mode)) {
            member_number("size", st.st_size);
            member_number("mode", st.st_mode & 07777);
            member_number("owner", st.st_uid);
        }
    }
    member_number("offset", lseek(fd, 0, SEEK_CUR));
    put_link(link);
    if (isatty(fd))
        relation("foreground", tcgetpgrp(fd));
    close_object();
}

static void descriptors(void) {
    struct stat scratch;
    int fd;

    if (!stat(SCRATCH, &scratch))
        scratch_device = scratch.st_dev;
    open_object("descriptors");
    for (fd = 0; fd < SCANNED_DESCRIPTORS; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            descriptor(fd);
    close_object();
}

static ssize_t slurp(const char* path, char* data, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t n;

    if (fd < 0)
        return -errno;
    while ((n = read(fd, data + size, room - 1 - size)) > 0)
        size += n;
    close(fd);
    if (n < 0)
        return -errno;
    data[size] = '\0';
    return size;
}

static bool listed(const char* const list[], size_t count, const char* s) {
    size_t i;

    for (i = 0; i < count; i++)
        if (!strcmp(list[i], s))
            return true;
    return false;
}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* All of it but process IDs, and what memory and time have made of it. */
static void status(void) {
    static const char* const passed_over[] = {
        "State",
        "Tgid",
        "Ngid",
        "Pid",
        "PPid",
        "TracerPid",
        "NStgid",
        "NSpid",
        "NSpgid",
        "NSsid",
        "VmPeak",
        "VmSize",
        "VmHWM",
        "VmRSS",
        "RssAnon",
        "RssFile",
        "RssShmem",
        "VmData",
        "VmStk",
        "VmExe",
        "VmLib",
        "VmPTE",
        "VmSwap",
        "voluntary_ctxt_switches",
        "nonvoluntary_ctxt_switches",
        "SigQ",
        "FDSize",
    };
    static char data[16384];
    char *line, *save, *value;
    ssize_t size = slurp("/proc/self/status", data, sizeof(data));

    open_object("status");
    if (size < 0)
        member_number("error", -size);
    for (line = size > 0 ? strtok_r(data, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        value = strchr(line, ':');
        if (!value)
            continue;
        *value++ = '\0';
        value += strspn(value, " \t");
        if (!listed(passed_over, ARRAY_SIZE(passed_over), line))
            member_string(line, value);
    }
    close_object();
}

/* Fields of /proc/self/stat, as proc(5) counts them. */
static void stat_fields(void) {
    static const struct {
        int number;
        const char* name;
    } wanted[] = {
        {9, "flags"},        {18, "priority"},          {19, "nice"},   {20, "threads"},
        {38, "exit signal"}, {40, "realtime priority"}, {41, "policy"},
    };
    char data[4096];
    ssize_t size = slurp("/proc/self/stat", data, sizeof(data));
    char *field, *save;
    size_t i;
    int number;

    open_object("stat");
    if (size < 0) {
        member_number("error", -size);
        close_object();
        return;
    }
    field = strrchr(data, ')') + 2;
    field = strtok_r(field, " ", &save);
    for (number = 3; field; number++) {
        for (i = 0; i < ARRAY_SIZE(wanted); i++)
            if (wanted[i].number == number)
                member_number(wanted[i].name, atoll(field));
        if (number == 7)
            member_string("terminal", strcmp(field, "0") ? "some" : "none");
        field = strtok_r(NULL, " ", &save);
    }
    close_object();
}

static void files(void) {
    static const char* const wanted[] = {
        "personality", "oom_score_adj",  "timerslack_ns", "coredump_filter",
        "cgroup",      "sessionid",      "loginuid",      "timers",
        "comm",        "timens_offsets", "setgroups",     "uid_map",
    };
    char path[64], data[4096];
    ssize_t size;
    size_t i;

    open_object("proc");
    for (i = 0; i < ARRAY_SIZE(wanted); i++) {
        snprintf(path, sizeof(path), "/proc/self/%s", wanted[i]);
        size = slurp(path, data, sizeof(data));
        if (size < 0)
            member_number(wanted[i], size);
        else
            member_string(wanted[i], data);
    }
    close_object();
}

static void links(void) {
    static const char* const wanted[] = {
        "cwd",    "root",   "exe",     "ns/mnt",    "ns/pid",  "ns/net",
        "ns/ipc", "ns/uts", "ns/user", "ns/cgroup", "ns/time", "ns/pid_for_children",
    };
    char path[64];
    char target[PATH_MAX];
    ssize_t size;
    size_t i;

    open_object("links");
    for (i = 0; i < ARRAY_SIZE(wanted); i++) {
        snprintf(path, sizeof(path), "/proc/self/%s", wanted[i]);
        size = readlink(path, target, sizeof(target) - 1);
        if (size < 0) {
            member_number(wanted[i], -errno);
            continue;
        }
        target[size] = '\0';
        /* Each starter has a mount namespace of its own. */
        if (strcmp(wanted[i], "ns/mnt"))
            member_string(wanted[i], target);
    }
    close_object();
}

static void limits(void) {
    struct rlimit limit;
    char number[32];
    int i;

    open_object("limits");
    for (i = 0; i < RLIM_NLIMITS; i++) {
        snprintf(number, sizeof(number), "%d", i);
        getrlimit(i, &limit);
        name(number);
        put_char('[');
        put_number((long long)limit.rlim_cur);
        put_char(',');
        put_number((long long)limit.rlim_max);
        put_char(']');
    }
    close_object();
}

static void dispositions(void) {
    /* As the kernel has it: libc hides two, and the restorer. */
    struct {
        void* handler;
        unsigned long flags;
        void* restorer;
        unsigned long mask;
    } action;
    char number[32];
    int i;

    open_object("dispositions");
    for (i = 1; i <= 64; i++) {
        if (syscall(SYS_rt_sigaction, i, NULL, &action, 8))
            continue;
        if (!action.handler && !action.flags && !action.mask)
            continue;
        snprintf(number, sizeof(number), "%d", i);
        open_object(number);
        member_string("handler", action.handler == (void*)SIG_IGN ? "ignore"
                                 : action.handler                 ? "handler"
                                                                  : "default");
        member_number("flags", action.flags & 0xffffffff);
        member_number("mask", action.mask);
        close_object();
    }
    close_object();
}

static void processes(void) {
    relation("process group", getpgrp());
    relation("session", getsid(0));
}

static void controls(void) {
    static const struct {
        const char* name;
        int option;
    } plain[] = {
        {"dumpable", PR_GET_DUMPABLE},      {"keep capabilities", PR_GET_KEEPCAPS},
        {"secure bits", PR_GET_SECUREBITS}, {"no huge pages", PR_GET_THP_DISABLE},
        {"machine check", PR_MCE_KILL_GET},
    };
    int value;
    size_t i;

    open_object("controls");
    for (i = 0; i < ARRAY_SIZE(plain); i++)
        member_number(plain[i].name, prctl(plain[i].option, 0, 0, 0, 0));
    value = -1;
    prctl(PR_GET_PDEATHSIG, &value, 0, 0, 0);
    member_number("parent death signal", value);
    value = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0);
    member_number("subreaper", value);
    member_number("io priority", syscall(SYS_ioprio_get, 1, 0));
    close_object();
}

static void scheduling(void) {
    /* struct sched_attr; its header and libc's <sched.h> exclude each other. */
    struct {
        __u32 size, sched_policy;
        __u64 sched_flags;
        __s32 sched_nice;
        __u32 sched_priority;
        __u64 sched_runtime, sched_deadline, sched_period;
    } attr = {.size = sizeof(attr)};

    open_object("scheduling");
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0)) {
        member_number("error", errno);
    } else {
        member_number("policy", attr.sched_policy);
        member_number("flags", attr.sched_flags);
        member_number("nice", attr.sched_nice);
        member_number("priority", attr.sched_priority);
        member_number("runtime", attr.sched_runtime);
    }
    close_object();
}

static void timers(void) {
    static const int which[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    struct itimerval timer;
    char number[32];
    size_t i;

    open_object("interval timers");
    for (i = 0; i < ARRAY_SIZE(which); i++) {
        snprintf(number, sizeof(number), "%d", which[i]);
        getitimer(which[i], &timer);
        member_string(number, timer.it_value.tv_sec || timer.it_value.tv_usec ? "runs" : "stands");
    }
    close_object();
}

/* Whether a lock of the parent's is seen as somebody else's. */
static void locks(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(SCRATCH "/locked", O_RDWR | O_CLOEXEC);

    open_object("locks");
    if (fd < 0) {
        member_number("error", errno);
    } else {
        fcntl(fd, F_GETLK, &lock);
        member_string("record", lock.l_type == F_UNLCK    ? "none"
                                : lock.l_pid == getppid() ? "parent's"
                                : lock.l_pid == getpid()  ? "own"
                                                          : "another's");
        close(fd);
    }
    close_object();
}

static void stack_of_signals(void) {
    stack_t stack;

    sigaltstack(NULL, &stack);
    member_number("signal stack flags", stack.ss_flags);
}

int main(int argc, char* argv[], char* envp[]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, length, sock;

    put_char('{');
    member_number("argc", argc);
    strings("argv", argv);
    strings("environment", envp);
    member_number("secure", getauxval(AT_SECURE));
    descriptors();
    dispositions();
    processes();
    controls();
    scheduling();
    timers();
    limits();
    stack_of_signals();

    /* From here on, nothing that is to be seen is changed by closing. */
    for (fd = 0; fd < SCANNED_DESCRIPTORS; fd++)
        close(fd);
    status();
    stat_fields();
    files();
    links();
    locks();
    put_char('}');

    sock = socket(AF_UNIX, SOCK_DGRAM, 0);
    length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, MEETING_FORMAT,
                      (int)getppid());
    if (used == sizeof(text) ||
        sendto(sock, text, used, 0, (struct sockaddr*)&address,
               offsetof(struct sockaddr_un, sun_path) + 1 + length) != (ssize_t)used)
        return 99;
    return 0;
}
