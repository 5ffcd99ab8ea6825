// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starts what it is told to, by one implementation of posix_spawn; the engine
 * has one of these for each that it compares.
 *
 * It reads specifications, a line each, as the engine has taken them apart:
 * steps that end with RS, whose fields are separated by US.  For each it forks a
 * process, which becomes the parent that the specification tells of, starts the
 * program, and writes what came of it as one line of JSON.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meeting.h"
#include "parent.h"
#include "watch.h"
#include "way.h"
#include "words.h"

#define RESULT_DESCRIPTOR FIRST_OWN_DESCRIPTOR
#define MEETING_DESCRIPTOR (FIRST_OWN_DESCRIPTOR + 1)
#define PARENT_SECONDS 60
#define MAX_STEPS 512

extern char** environ;

struct attempt {
    way_actions actions;
    way_attributes attributes;
    short flags;
    int uses_attributes, uses_actions;
    const char* path;
    int search, in_thread;
    char *argv[MAX_FIELDS], *envp[MAX_FIELDS];
    int has_argv;
    pid_t pid;
    int error;
    int add_error; /* of adding an action or an attribute */
};

static struct attempt attempt;

static void note(int error) {
    if (error && !attempt.add_error)
        attempt.add_error = error;
}

static void take_action(const struct step* step) {
    const char* verb = step->field[0] + 2;
    const int fd = number_of(step, 1);
    way_actions* actions = &attempt.actions;

    attempt.uses_actions = 1;
    if (!strcmp(verb, "open"))
        note(WAY(spawn_file_actions_addopen)(actions, fd, step->field[2],
                                             open_flags(step->field[3]), number_of(step, 4)));
    else if (!strcmp(verb, "close"))
        note(WAY(spawn_file_actions_addclose)(actions, fd));
    else if (!strcmp(verb, "dup2"))
        note(WAY(spawn_file_actions_adddup2)(actions, fd, number_of(step, 2)));
    else if (!strcmp(verb, "chdir"))
        note(WAY_ADDCHDIR(actions, step->field[1]));
    else if (!strcmp(verb, "fchdir"))
        note(WAY_ADDFCHDIR(actions, fd));
    else if (!strcmp(verb, "closefrom"))
        note(WAY_CLOSEFROM(actions, fd));
    else if (!strcmp(verb, "tcsetpgrp"))
        note(WAY_TCSETPGRP(actions, fd));
    else
        _Exit(98);
}

/* Fields from 1 on as a set. */
static sigset_t signals_of(const struct step* step) {
    sigset_t set;
    int i;

    sigemptyset(&set);
    /* Not sigfillset(): each libc leaves out the ones that it uses itself. */
    if (step->count == 2 && !strcmp(step->field[1], "all"))
        memcpy(&set, &all_signals, sizeof(all_signals));
    else
        for (i = 1; i < step->count; i++)
            sigaddset(&set, number_of(step, i));
    return set;
}

static pid_t group_of(const char* word) {
    if (!strcmp(word, "own"))
        return 0;
    if (!strcmp(word, "parent's"))
        return getpgrp();
    if (!strcmp(word, "helper"))
        return helper_group;
    return atoi(word);
}

static void take_attribute(const struct step* step) {
    const char* verb = step->field[0] + 2;
    way_attributes* attributes = &attempt.attributes;
    struct sched_param parameter;
    sigset_t set;

    attempt.uses_attributes = 1;
    if (!strcmp(verb, "none")) {
        return;
    } else if (!strcmp(verb, "resetids")) {
        attempt.flags |= WAY_FLAG(RESETIDS);
    } else if (!strcmp(verb, "setsid")) {
        attempt.flags |= WAY_FLAG(SETSID);
    } else if (!strcmp(verb, "usevfork")) {
        attempt.flags |= 0x40;
    } else if (!strcmp(verb, "setpgroup")) {
        attempt.flags |= WAY_FLAG(SETPGROUP);
        note(WAY(spawnattr_setpgroup)(attributes, group_of(step->field[1])));
    } else if (!strcmp(verb, "setsigdef")) {
        set = signals_of(step);
        attempt.flags |= WAY_FLAG(SETSIGDEF);
        note(WAY(spawnattr_setsigdefault)(attributes, &set));
    } else if (!strcmp(verb, "setsigmask")) {
        set = signals_of(step);
        attempt.flags |= WAY_FLAG(SETSIGMASK);
        note(WAY(spawnattr_setsigmask)(attributes, &set));
    } else if (!strcmp(verb, "setschedparam")) {
        parameter.sched_priority = number_of(step, 1);
        attempt.flags |= WAY_FLAG(SETSCHEDPARAM);
        note(WAY(spawnattr_setschedparam)(attributes, &parameter));
    } else if (!strcmp(verb, "setscheduler")) {
        parameter.sched_priority = number_of(step, 2);
        attempt.flags |= WAY_FLAG(SETSCHEDULER);
        note(WAY(spawnattr_setschedpolicy)(attributes, policy_of(step->field[1])));
        note(WAY(spawnattr_setschedparam)(attributes, &parameter));
    } else {
        _Exit(98);
    }
}

static void copy_strings(char** list, const struct step* step) {
    memcpy(list, step->field + 1, (step->count - 1) * sizeof(*list));
    list[step->count - 1] = NULL;
}

/* The program, and how it is started. */
static void take_program(const struct step* step) {
    const char* verb = step->field[0] + 2;

    if (!strcmp(verb, "path")) {
        attempt.path = step->field[1];
    } else if (!strcmp(verb, "file")) {
        attempt.path = step->field[1];
        attempt.search = 1;
    } else if (!strcmp(verb, "argv")) {
        attempt.has_argv = 1;
        copy_strings(attempt.argv, step);
    } else if (!strcmp(verb, "env")) {
        copy_strings(attempt.envp, step);
    } else if (!strcmp(verb, "in_thread")) {
        attempt.in_thread = 1;
    } else {
        _Exit(98);
    }
}

static void* start(void* unused) {
    const way_actions* actions = attempt.uses_actions ? &attempt.actions : NULL;
    const way_attributes* attributes = attempt.uses_attributes ? &attempt.attributes : NULL;

    (void)unused;
    start_begins();
    errno = 0; /* which glibc's error may be, if it tries nothing */
    attempt.error = (attempt.search ? WAY_SPAWNP : WAY_SPAWN)(
        &attempt.pid, attempt.path, actions, attributes, attempt.argv, attempt.envp);
    start_has_ended();
    return NULL;
}

static int descriptors_in_use(void) {
    int fd, sum = 0;

    for (fd = 0; fd < FIRST_OWN_DESCRIPTOR + 10; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            sum = sum * 31 + fd + 1;
    return sum;
}

/* The bytes that the reporter has sent, two digits each. */
static void say_report(FILE* out) {
    static unsigned char report[98304];
    ssize_t size = recv(MEETING_DESCRIPTOR, report, sizeof(report), MSG_DONTWAIT);
    ssize_t i;

    fprintf(out, ",\"report\":%s", size > 0 ? "\"" : "null");
    for (i = 0; i < size; i++)
        fprintf(out, "%02x", report[i]);
    if (size > 0)
        putc('"', out);
}

static void say_end_of_child(FILE* out) {
    int status;

    if (waitpid(attempt.pid, &status, 0) != attempt.pid)
        fprintf(out, ",\"end\":\"waitpid: %d\"", errno);
    else if (WIFSIGNALED(status))
        fprintf(out, ",\"end\":\"signal %d\"", WTERMSIG(status));
    else
        fprintf(out, ",\"end\":\"exit %d\"", WEXITSTATUS(status));
}

/* A failed start leaves nothing; the child of make_helper() is no such thing. */
static void say_leftovers(FILE* out) {
    siginfo_t info;

    fprintf(out, ",\"pid set\":%s", attempt.pid != -77 ? "true" : "false");
    if (!helper_group)
        fprintf(out, ",\"children\":%s",
                waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) || errno == ECHILD ? "false"
                                                                                       : "true");
    fprintf(out, ",\"SIGCHLD\":%s", children_ended() ? "true" : "false");
}

/* As in a parent that has not started anything yet: what stays open shows. */
static int forget_device(void) {
#ifdef WAY_KSPAWN
    char name[64], target[64];
    int fd;

    for (fd = 0; fd < FIRST_OWN_DESCRIPTOR + 20; fd++) {
        ssize_t size;

        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        size = readlink(name, target, sizeof(target) - 1);
        target[size < 0 ? 0 : size] = '\0';
        if (!strcmp(target, "/dev/kspawn"))
            close(fd);
    }
#endif
    return 0;
}

static void run_specification(struct step* steps, int count) {
    static char scratch[16384];
    FILE* out = fdopen(RESULT_DESCRIPTOR, "w");
    int i, before, mask_changed;
    sigset_t mask_before, mask_after;
    pthread_t thread;

    if (make_scratch()) {
        fprintf(out, "{\"trouble\":\"no scratch directory: %s\"}\n", strerror(errno));
        exit(0);
    }
    umask(022);
    watch_children();
    attempt.pid = -77;
    WAY(spawn_file_actions_init)(&attempt.actions);
    WAY(spawnattr_init)(&attempt.attributes);
    fprintf(out, "{\"set up\":[");
    for (i = 0; i < count; i++)
        if (!strcmp(steps[i].field[0], "p:unused"))
            fprintf(out, "%s%d", i ? "," : "", forget_device());
        else if (steps[i].field[0][0] == 'p')
            fprintf(out, "%s%d", i ? "," : "", take_parent_step(&steps[i]));
    fprintf(out, "]");
    for (i = 0; i < count; i++) {
        if (steps[i].field[0][0] == 'a')
            take_attribute(&steps[i]);
        else if (steps[i].field[0][0] == 'f')
            take_action(&steps[i]);
        else if (steps[i].field[0][0] == 'x')
            take_program(&steps[i]);
    }
    if (attempt.uses_attributes)
        note(WAY(spawnattr_setflags)(&attempt.attributes, attempt.flags));

    before = descriptors_in_use();
    sigprocmask(SIG_SETMASK, NULL, &mask_before);
    if (attempt.add_error) {
        attempt.error = attempt.add_error;
    } else if (attempt.in_thread) {
        pthread_create(&thread, NULL, start, NULL);
        pthread_join(thread, NULL);
    } else {
        start(NULL);
    }
    sigprocmask(SIG_SETMASK, NULL, &mask_after);
    mask_changed = memcmp(&mask_before, &mask_after, 8) != 0;

    fprintf(out, ",\"error\":%d", attempt.error);
    if (attempt.error)
        say_leftovers(out);
    else
        say_end_of_child(out);
    say_what_was_watched(out, attempt.error ? 0 : attempt.pid);
    say_report(out);
    fprintf(out, ",\"parent's descriptors changed\":%s",
            before != descriptors_in_use() ? "true" : "false");
    fprintf(out, ",\"parent's mask changed\":%s", mask_changed ? "true" : "false");
    describe_scratch(scratch, sizeof(scratch));
    fprintf(out, ",\"files\":\"%s\"}\n", scratch);
    fflush(out);
    if (helper_group)
        kill(helper_group, SIGKILL);
    _Exit(0);
}

/* Take a line apart, in its place. */
static int split(char* line, struct step* steps) {
    int count = 0;

    while (*line && *line != '\n') {
        char* end = strchr(line, '\036');
        struct step* step = &steps[count];

        if (!end || count == MAX_STEPS)
            _Exit(98);
        *end = '\0';
        step->count = 0;
        for (char* field = line;;) {
            char* next = strchr(field, '\037');

            if (step->count == MAX_FIELDS - 1)
                _Exit(98);
            step->field[step->count++] = field;
            if (!next)
                break;
            *next = '\0';
            field = next + 1;
        }
        count++;
        line = end + 1;
    }
    return count;
}

/* Where the reporter sends to; named for its parent. */
static int open_meeting(pid_t parent) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, REPORTER_SOCKET, (int)parent);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (bind(fd, (struct sockaddr*)&address, offsetof(struct sockaddr_un, sun_path) + 1 + length))
        return -1;
    dup3(fd, MEETING_DESCRIPTOR, O_CLOEXEC);
    close(fd);
    return 0;
}

static void close_all_but(int a, int b) {
    int fd;

    for (fd = 3; fd < FIRST_OWN_DESCRIPTOR; fd++)
        if (fd != a && fd != b)
            close(fd);
}

static void become_parent(int result, struct step* steps, int count) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    dup3(result, RESULT_DESCRIPTOR, O_CLOEXEC);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    close_all_but(-1, -1);
    if (open_meeting(getpid()))
        _Exit(97);
    run_specification(steps, count);
}

/* Forward the parent's line to the engine, if it comes in time. */
static void forward(int from, pid_t parent) {
    static char buffer[262144];
    size_t size = 0;
    struct pollfd entry = {.fd = from, .events = POLLIN};
    ssize_t n = 1;
    int status, complete;

    while (size < sizeof(buffer) && poll(&entry, 1, PARENT_SECONDS * 1000) > 0 &&
           (n = read(from, buffer + size, sizeof(buffer) - size)) > 0) {
        size += n;
        if (buffer[size - 1] == '\n')
            break;
    }
    complete = size && buffer[size - 1] == '\n';
    if (!complete && n > 0) /* it has not closed its end either */
        kill(parent, SIGKILL);
    waitpid(parent, &status, 0);
    if (complete)
        fwrite(buffer, 1, size, stdout);
    else
        printf("{\"parent\":\"ended with status %d%s\",\"error\":-1,\"set up\":[]}\n", status,
               n > 0 ? ", as it hung" : "");
    fflush(stdout);
}

/*
 * The library's descriptor is the lowest that is free when it is first opened;
 * the specifications have the low ones for themselves.
 */
static void open_device_high_up(void) {
#ifdef WAY_KSPAWN
    int fd;

    for (fd = 3; fd < FIRST_OWN_DESCRIPTOR + 10; fd++)
        dup2(0, fd);
    kspawn_available();
    for (fd = 3; fd < FIRST_OWN_DESCRIPTOR + 10; fd++)
        close(fd);
#endif
}

static void settle(void) {
    const struct rlimit files = {1024, 4096};
    struct {
        void* handler;
        unsigned long flags;
        void* restorer;
        unsigned long mask;
    } action;
    int signal;

    memset(&action, 0, sizeof(action));
    /* All of them: whoever started us may have set the two that libc hides. */
    for (signal = 1; signal <= 64; signal++)
        syscall(SYS_rt_sigaction, signal, &action, NULL, 8);
    setrlimit(RLIMIT_NOFILE, &files);
    setsid();
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        perror("starter: unshare");
        exit(97);
    }
    open_device_high_up();
}

int main(void) {
    static struct step steps[MAX_STEPS];
    char* line = NULL;
    size_t room = 0;

    settle();
    while (getline(&line, &room, stdin) > 0) {
        int result[2];
        int count = split(line, steps);
        pid_t parent;

        if (pipe2(result, O_CLOEXEC))
            return 97;
        parent = fork();
        if (parent < 0)
            return 97;
        if (parent == 0)
            become_parent(result[1], steps, count);
        close(result[1]);
        forward(result[0], parent);
        close(result[0]);
        umount2(SCRATCH, MNT_DETACH);
    }
    return 0;
}
