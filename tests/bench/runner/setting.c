/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "setting.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "answer.h"
#include "expect.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
    STANDARD_DESCRIPTORS = 3,
    FIRST_PIPE = 100, /* out of the file actions' way */
    FIRST_DUP = 200,  /* and this out of the pipes' */
    ARGUMENT_SIZE = 64,
    WORD_SIZE = 8,
    PAGE = 4096,
    IDLE_STACK = 65536,
    NEVER_OPEN = 99, /* a descriptor */
};

/* See setting.h. */
#define PARAMETERS(PARAMETER)                                                                      \
    PARAMETER(descriptors)                                                                         \
    PARAMETER(cloexec)                                                                             \
    PARAMETER(resident)                                                                            \
    PARAMETER(mappings)                                                                            \
    PARAMETER(actions)                                                                             \
    PARAMETER(dups)                                                                                \
    PARAMETER(closefrom)                                                                           \
    PARAMETER(attributes)                                                                          \
    PARAMETER(arguments)                                                                           \
    PARAMETER(strings)                                                                             \
    PARAMETER(words)                                                                               \
    PARAMETER(path)                                                                                \
    PARAMETER(found)                                                                               \
    PARAMETER(missing)                                                                             \
    PARAMETER(bad_action)                                                                          \
    PARAMETER(late)                                                                                \
    PARAMETER(first)                                                                               \
    PARAMETER(dynamic)                                                                             \
    PARAMETER(threads)                                                                             \
    PARAMETER(spawners)                                                                            \
    PARAMETER(stall)                                                                               \
    PARAMETER(locks)                                                                               \
    PARAMETER(tool)                                                                                \
    PARAMETER(pipeline)                                                                            \
    PARAMETER(held)

struct parameters {
#define PARAMETER(name) unsigned long name;
    PARAMETERS(PARAMETER)
#undef PARAMETER
};

/* The environment that a login makes. */
static char* const login[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "USER=root",
    "LOGNAME=root",
    "SHELL=/bin/sh",
    "LANG=C.UTF-8",
    NULL,
};

static void* allocate(size_t count, size_t size) {
    void* memory = calloc(count, size);
    if (!memory)
        fail(errno, "calloc");
    return memory;
}

static char* joined(const char* directory, const char* name) {
    const size_t size = strlen(directory) + strlen(name) + 2;
    char* path = allocate(1, size);
    snprintf(path, size, "%s/%s", directory, name);
    return path;
}

static void parse(struct parameters* to, const char* text) {
    const struct {
        const char* name;
        unsigned long* value;
    } known[] = {
#define PARAMETER(name) {#name, &to->name},
        PARAMETERS(PARAMETER)
#undef PARAMETER
    };
    char* copy = strdup(text);
    for (char* item = strtok(copy, ","); item; item = strtok(NULL, ",")) {
        char* value = strchr(item, '=');
        size_t i = 0;
        if (value)
            *value++ = '\0';
        while (i < sizeof(known) / sizeof(*known) && strcmp(known[i].name, item) != 0)
            i++;
        char* end = value;
        if (value && i < sizeof(known) / sizeof(*known))
            *known[i].value = strtoul(value, &end, 10);
        if (!value || end == value || *end)
            fail(0, "setting %s: %s", text, item);
    }
    free(copy);
}

static void allow_descriptors(const struct parameters* parameters) {
    const unsigned long count = parameters->descriptors + parameters->dups;
    const struct rlimit limit = {count + 1000, count + 1000};
    if (count > 500 && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail(errno, "RLIMIT_NOFILE");
}

/* From a low number up, so that the table is filled as a program's would be. */
static void open_descriptors(unsigned long count, unsigned long cloexec) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        fail(errno, "/dev/null");
    for (unsigned long i = 0; i + STANDARD_DESCRIPTORS < count; i++) {
        /* Spread: of 100 in a row, `cloexec` are close-on-exec. */
        const bool on = (i + 1) * cloexec / 100 > i * cloexec / 100;
        if (fcntl(null, on ? F_DUPFD_CLOEXEC : F_DUPFD, STANDARD_DESCRIPTORS) < 0)
            fail(errno, "descriptor %lu", i);
    }
    close(null);
}

static unsigned long inherited(const struct parameters* parameters) {
    if (parameters->closefrom)
        return STANDARD_DESCRIPTORS;
    if (parameters->descriptors <= STANDARD_DESCRIPTORS)
        return STANDARD_DESCRIPTORS + parameters->dups;
    const unsigned long others = parameters->descriptors - STANDARD_DESCRIPTORS;
    return parameters->descriptors - others * parameters->cloexec / 100 + parameters->dups;
}

/* `reserve`: as most programs have it, so that the kernel accounts for a copy. */
static void touch_memory(unsigned long mebibytes, bool reserve) {
    if (!mebibytes)
        return;
    const size_t size = mebibytes << 20;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (reserve ? 0 : MAP_NORESERVE);
    void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE) != 0 ||
        madvise(memory, size, MADV_POPULATE_WRITE) != 0)
        fail(errno, "%lu MiB of memory", mebibytes);
}

/* Neighbours of different protection cannot be merged. */
static void make_mappings(unsigned long count) {
    for (unsigned long i = 0; i < count; i++)
        if (mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            fail(errno, "mapping %lu", i);
}

static void make_pipe(int ends[2]) {
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0)
        fail(errno, "pipe2");
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, FIRST_PIPE);
        close(low[i]);
        if (ends[i] < 0)
            fail(errno, "pipe");
    }
}

/* The ends of three pipes that a child has as 0, 1 and 2. */
static void make_pipes(int pipes[3]) {
    for (int i = 0; i < 3; i++) {
        int ends[2];
        make_pipe(ends);
        pipes[i] = ends[i > 0];
    }
}

/* The actions of a start of a filter, with some more; repeated if there are more than 8. */
static const struct bench_action* make_actions(size_t count) {
    if (!count)
        return NULL;
    int pipes[3];
    make_pipes(pipes);
    const struct bench_action round[] = {
        {.operation = BENCH_DUP2, .fd = pipes[0], .newfd = 0},
        {.operation = BENCH_DUP2, .fd = pipes[1], .newfd = 1},
        {.operation = BENCH_DUP2, .fd = pipes[2], .newfd = 2},
        {.operation = BENCH_OPEN, .fd = BENCH_FD_OPENED, .path = "/dev/null", .oflag = O_RDWR},
        {.operation = BENCH_DUP2, .fd = BENCH_FD_OPENED, .newfd = BENCH_FD_COPIED},
        {.operation = BENCH_CLOSE, .fd = BENCH_FD_OPENED},
        {.operation = BENCH_CHDIR, .path = "/"},
        {.operation = BENCH_OPEN, .fd = BENCH_FD_LAST, .path = "/dev/null", .oflag = O_RDONLY},
    };
    struct bench_action* actions = allocate(count, sizeof(*actions));
    for (size_t i = 0; i < count; i++)
        actions[i] = round[i % (sizeof(round) / sizeof(*round))];
    return actions;
}

/* dup2() of three sources to as many descriptors as are wanted, and closefrom(3). */
static const struct bench_action* make_uniform_actions(size_t dups, bool closefrom) {
    int pipes[3];
    make_pipes(pipes);
    struct bench_action* actions = allocate(dups + 1, sizeof(*actions));
    for (size_t i = 0; i < dups; i++)
        actions[i] = (struct bench_action){
            .operation = BENCH_DUP2, .fd = pipes[i % 3], .newfd = FIRST_DUP + (int)i};
    if (closefrom)
        actions[dups] =
            (struct bench_action){.operation = BENCH_CLOSEFROM, .fd = STANDARD_DESCRIPTORS};
    return actions;
}

/* How many of BENCH_FD_* are open at the end. */
static int opened_by_actions(size_t count) {
    const size_t step = count % 8;
    return (step == 4 || step == 5) + (count >= 5) + (count >= 8);
}

static char* make_string(size_t size, const char* prefix, size_t number) {
    char* string = allocate(1, size);
    const int length = snprintf(string, size, prefix, (unsigned)number);
    memset(string + length, 'a' + (int)(number % 26), size - 1 - (size_t)length);
    return string;
}

static char** make_environment(size_t count) {
    const size_t usual = sizeof(login) / sizeof(*login) - 1;
    char** environment = allocate(usual + count + 1, sizeof(*environment));
    memcpy(environment, login, usual * sizeof(*environment));
    for (size_t i = 0; i < count; i++)
        environment[usual + i] = make_string(ARGUMENT_SIZE, "VARIABLE_%08u=", i);
    return environment;
}

static char** make_arguments(const struct parameters* parameters, char* const* environment,
                             char* clock, size_t actions) {
    const size_t count = parameters->arguments * 1024 / ARGUMENT_SIZE / 2 + parameters->strings;
    size_t environment_size = 0;
    for (char* const* variable = environment; *variable; variable++)
        environment_size += strlen(*variable) + 1;

    const size_t words = parameters->words;
    char** arguments = allocate(count + words + 4, sizeof(*arguments));
    char expectation[256];
    snprintf(expectation, sizeof(expectation), BENCH_EXPECT_FORMAT,
             (int)inherited(parameters) + opened_by_actions(actions),
             count * ARGUMENT_SIZE + words * WORD_SIZE + (clock ? strlen(clock) + 1 : 0),
             environment_size, actions, parameters->attributes != 0, parameters->pipeline != 0);
    arguments[0] = "bench-child";
    arguments[1] = strdup(expectation);
    for (size_t i = 0; i < count; i++)
        arguments[i + 2] = make_string(ARGUMENT_SIZE, "", i);
    for (size_t i = 0; i < words; i++)
        arguments[count + i + 2] = make_string(WORD_SIZE, "", i);
    arguments[count + words + 2] = clock;
    return arguments;
}

static const volatile uint64_t* map_clock(const char* path) {
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) != 0)
        fail(errno, "%s", path);
    void* time = mmap(NULL, sizeof(uint64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (time == MAP_FAILED)
        fail(errno, "%s", path);
    close(fd);
    return time;
}

static void link_into(const char* to, const char* from, const char* name) {
    char* old = joined(from, name);
    char* new = joined(to, name);
    if (link(old, new) != 0 && errno != EEXIST)
        fail(errno, "%s", new);
    free(old);
    free(new);
}

/* Directories that are empty, but for one. */
static void make_path(const struct parameters* parameters, const char* directory) {
    char* list = NULL;
    size_t size;
    FILE* out = open_memstream(&list, &size);
    for (unsigned long i = 1; out && i <= parameters->path; i++) {
        char name[32];
        snprintf(name, sizeof(name), "path-%lu", i);
        char* path = joined(directory, name);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            fail(errno, "%s", path);
        if (i == parameters->found) {
            link_into(path, directory, "tiny");
            link_into(path, directory, "checker");
        }
        fprintf(out, "%s%s", i > 1 ? ":" : "", path);
        free(path);
    }
    if (!out || fclose(out) != 0 || setenv("PATH", list, 1) != 0)
        fail(errno, "PATH");
    free(list);
}

static const char* make_fifo(const char* directory, const char* name) {
    const char* path = joined(directory, name);
    if (mkfifo(path, 0600) != 0 && errno != EEXIST)
        fail(errno, "%s", path);
    return path;
}

/* A dup2() of a descriptor that is not open, or two opens that wait. */
static void make_special_actions(struct setting* setting, bool held, const char* directory) {
    struct bench_action* actions = allocate(2, sizeof(*actions));
    setting->actions_are_special = true;
    setting->request.actions = actions;
    if (!held) {
        actions[0] = (struct bench_action){.operation = BENCH_DUP2, .fd = NEVER_OPEN, .newfd = 0};
        setting->request.action_count = 1;
        return;
    }
    for (int i = 0; i < 2; i++) {
        setting->held[i] = make_fifo(directory, i ? "fifo-2" : "fifo-1");
        actions[i] = (struct bench_action){
            .operation = BENCH_OPEN, .fd = i, .path = setting->held[i], .oflag = O_RDONLY};
    }
    setting->request.action_count = 2;
}

static void* idle(void* unused) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (;;)
        pause();
    return unused;
}

static void make_threads(unsigned long count) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, IDLE_STACK);
    for (unsigned long i = 1; i < count; i++) {
        pthread_t thread;
        const int error = pthread_create(&thread, &attributes, idle, NULL);
        if (error)
            fail(error, "thread %lu", i);
    }
    pthread_attr_destroy(&attributes);
}

void setting_set(struct setting* setting, const char* text, const char* directory) {
    struct parameters parameters = {.cloexec = 100};
    parse(&parameters, text);
    signal(BENCH_SIGNAL_DEFAULT, SIG_IGN);
    /* Descriptors and signals that our caller has leaked or blocked are no part of a setting. */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_close_range, STANDARD_DESCRIPTORS, ~0U, 0);
    allow_descriptors(&parameters);
    open_descriptors(parameters.descriptors, parameters.cloexec);
    touch_memory(parameters.resident, parameters.held != 0);
    make_mappings(parameters.mappings);
    make_threads(parameters.threads);

    char* clock = parameters.first ? joined(directory, "clock") : NULL;
    const char* const program = parameters.missing ? "missing"
                                : parameters.late  ? "late"
                                : parameters.first ? "first"
                                : parameters.tool  ? "writer"
                                                   : "tiny";
    char** environment = make_environment(parameters.arguments * 1024 / ARGUMENT_SIZE / 2);
    const char* const path = parameters.path      ? program
                             : parameters.dynamic ? "/bin/true"
                                                  : joined(directory, program);
    *setting = (struct setting){
        .checker = parameters.path ? "checker" : joined(directory, "checker"),
        .fails = parameters.bad_action                   ? EBADF
                 : parameters.missing || parameters.late ? ENOENT
                                                         : 0,
        .exit = parameters.dynamic ? EXIT_SUCCESS : BENCH_CHILD_OK,
        .time = clock ? map_clock(clock) : NULL,
        .spawners = parameters.spawners,
        .stall = parameters.stall != 0,
        .locks = parameters.locks != 0,
        .resident = parameters.resident,
    };
    setting->request = (struct bench_request){
        .path = path,
        .search = parameters.path != 0,
        .argv = make_arguments(&parameters, environment, clock, parameters.actions),
        .envp = environment,
        .actions = make_actions(parameters.actions),
        .action_count = parameters.actions,
        .attributes = parameters.attributes != 0,
        .sigdefault = 1ULL << (BENCH_SIGNAL_DEFAULT - 1),
        .sigmask = 1ULL << (BENCH_SIGNAL_MASKED - 1),
    };
    if (parameters.path)
        make_path(&parameters, directory);
    if (parameters.dups || parameters.closefrom) {
        if (parameters.actions)
            fail(0, "setting %s: actions besides dups or closefrom", text);
        setting->request.actions = make_uniform_actions(parameters.dups, parameters.closefrom != 0);
        setting->request.action_count = parameters.dups + (parameters.closefrom != 0);
    }
    if (parameters.bad_action || parameters.held)
        make_special_actions(setting, parameters.held != 0, directory);
}
