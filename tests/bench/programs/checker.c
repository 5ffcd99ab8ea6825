/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Started once by every way before the way is measured: sees for itself whether
 * it was started as the request says.
 */
#include "expect.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* PWD is not counted: a shell on the way adds it. */
static size_t bytes(char** strings) {
    size_t sum = 0;
    for (; *strings; strings++)
        if (strncmp(*strings, "PWD=", 4) != 0)
            sum += strlen(*strings) + 1;
    return sum;
}

static int count_descriptors(void) {
    DIR* directory = opendir("/proc/self/fd");
    if (!directory)
        return -1;
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 3; /* ".", "..", and the directory itself */
}

static bool is_pipe(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

static bool is_null(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

static bool is_open(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0;
}

/* The state after the first `count` of the actions that setting.c repeats. */
static int check_actions(size_t count) {
    for (int fd = 0; fd < 3; fd++)
        if (count > (size_t)fd && !is_pipe(fd))
            return BENCH_CHECKER_PIPES;
    const size_t step = count % 8; /* of the round that was not finished */
    const bool opened = step == 4 || step == 5;
    if (count > 3 && is_open(BENCH_FD_OPENED) != opened)
        return BENCH_CHECKER_FILES;
    if (count >= 5 && !is_null(BENCH_FD_COPIED))
        return BENCH_CHECKER_FILES;
    if (count >= 8 && !is_null(BENCH_FD_LAST))
        return BENCH_CHECKER_FILES;
    char directory[4096];
    if (count >= 7 && (!getcwd(directory, sizeof(directory)) || strcmp(directory, "/") != 0))
        return BENCH_CHECKER_DIRECTORY;
    return 0;
}

static int check_attributes(bool set) {
    sigset_t mask;
    if (sigprocmask(SIG_BLOCK, NULL, &mask) != 0)
        return BENCH_CHECKER_MASK;
    for (int signal = 1; signal < SIGRTMIN; signal++)
        if (sigismember(&mask, signal) == 1 && !(set && signal == BENCH_SIGNAL_MASKED))
            return BENCH_CHECKER_MASK;
    if ((sigismember(&mask, BENCH_SIGNAL_MASKED) == 1) != set)
        return BENCH_CHECKER_MASK;
    struct sigaction action;
    if (sigaction(BENCH_SIGNAL_DEFAULT, NULL, &action) != 0 ||
        action.sa_handler != (set ? SIG_DFL : SIG_IGN))
        return BENCH_CHECKER_DISPOSITION;
    if ((getpgrp() == getpid()) != set)
        return BENCH_CHECKER_GROUP;
    return 0;
}

int main(int argc, char** argv, char** envp) {
    int fds;
    int attributes;
    int piped;
    size_t arguments;
    size_t environment;
    size_t actions;
    if (argc < 2 || sscanf(argv[1], BENCH_EXPECT_FORMAT, &fds, &arguments, &environment, &actions,
                           &attributes, &piped) != 6)
        return BENCH_CHECKER_ARGUMENTS;
    if (bytes(argv + 2) != arguments)
        return BENCH_CHECKER_ARGUMENTS;
    if (bytes(envp) != environment)
        return BENCH_CHECKER_ENVIRONMENT;
    if (count_descriptors() != fds)
        return BENCH_CHECKER_DESCRIPTORS;
    if (piped && !is_pipe(STDIN_FILENO) && !is_pipe(STDOUT_FILENO))
        return BENCH_CHECKER_STAGES;
    int found = check_actions(actions);
    if (!found)
        found = check_attributes(attributes != 0);
    return found ? found : BENCH_CHILD_OK;
}
