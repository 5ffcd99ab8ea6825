/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agreement between the runner and the programs that it starts.
 *
 * tiny and checker are started with the same arguments.  The first after argv[0]
 * tells the checker what to find, as BENCH_EXPECT_FORMAT: descriptors open, bytes
 * of arguments and of the environment with their NULs (without argv[0] and this
 * one), file actions, whether there are attributes, whether a pipe leads to or from it.
 */
#ifndef BENCH_EXPECT_H
#define BENCH_EXPECT_H

/* The output of writer. */
#define BENCH_LINE "a line of output\n"

/* Exit status of tiny, and of a checker that has found all as expected. */
#define BENCH_CHILD_OK 42

#define BENCH_EXPECT_FORMAT                                                                        \
    "fds=%d,arguments=%zu,environment=%zu,actions=%zu,attributes=%d,piped=%d"

/* The file actions use these descriptors, over and over (see setting.c). */
#define BENCH_FD_OPENED 10
#define BENCH_FD_COPIED 11
#define BENCH_FD_LAST 12

/* The attributes set these. */
#define BENCH_SIGNAL_DEFAULT SIGPIPE /* ignored by the runner */
#define BENCH_SIGNAL_MASKED SIGUSR1

/* Other exit statuses of the checker. */
#define BENCH_CHECKER_FINDS(FIND)                                                                  \
    FIND(ARGUMENTS, "arguments")                                                                   \
    FIND(ENVIRONMENT, "environment")                                                               \
    FIND(DESCRIPTORS, "open descriptors")                                                          \
    FIND(PIPES, "the file actions' pipes")                                                         \
    FIND(STAGES, "the pipes between the programs")                                                 \
    FIND(FILES, "the file actions' files")                                                         \
    FIND(DIRECTORY, "working directory")                                                           \
    FIND(MASK, "signal mask")                                                                      \
    FIND(DISPOSITION, "disposition of SIGPIPE")                                                    \
    FIND(GROUP, "process group")

enum bench_checker_finds {
    BENCH_CHECKER_BEFORE = 49,
#define BENCH_CHECKER_ENUM(name, words) BENCH_CHECKER_##name,
    BENCH_CHECKER_FINDS(BENCH_CHECKER_ENUM)
#undef BENCH_CHECKER_ENUM
};

#endif
