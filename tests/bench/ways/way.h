/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The request that every way to start a program is given, and the functions that it has.
 *
 * A way is written as well as somebody who needs it would write it.  begin()
 * does all that can be done once for many starts (building a file actions object,
 * starting a pool), and is not measured.  Threads that start at once each have a
 * begin() and end() of their own: what a way keeps it keeps for each thread.
 */
#ifndef BENCH_WAY_H
#define BENCH_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit status of a child that could not execute its program. */
enum { BENCH_EXEC_FAILED = 127 };

/* Signals that the kernel has, from 1. */
enum { BENCH_SIGNALS = 64 };

enum bench_operation { BENCH_OPEN, BENCH_CLOSE, BENCH_DUP2, BENCH_CHDIR, BENCH_CLOSEFROM };

struct bench_action {
    enum bench_operation operation;
    int fd;           /* OPEN, CLOSE; source of DUP2; the first of CLOSEFROM */
    int newfd;        /* target of DUP2 */
    int oflag;        /* OPEN */
    const char* path; /* OPEN, CHDIR */
};

/* The same for every start of a setting. */
struct bench_request {
    const char* path;
    bool search; /* path has no slash: it is searched for in the PATH of the caller */
    char* const* argv;
    char* const* envp;
    const struct bench_action* actions;
    size_t action_count;
    bool attributes;     /* the two below, and a process group of its own */
    uint64_t sigdefault; /* bit N-1 is signal N, here and below */
    uint64_t sigmask;
};

/* One start, from start() to finish(). */
struct bench_child {
    pid_t pid;
    void* state; /* the way's own */
};

/*
 * start() and finish() return 0 or an error number.  A way that cannot tell the
 * caller that a program could not be executed lets the child exit with
 * BENCH_EXEC_FAILED.  A way whose caller does not wait for the outcome tells it
 * in finish().
 */
struct bench_way {
    const char* name;
    /* Once for a setting; not measured.  Optional. */
    int (*begin)(const struct bench_request* request);
    /* The time in here is the caller's blocked time. */
    int (*start)(const struct bench_request* request, struct bench_child* child);
    /* Waits for the end of the child. */
    int (*finish)(struct bench_child* child, int* status);
    /* At the end of a series, measured: waits for what start() left behind. */
    void (*settle)(void);
    /* Undoes begin().  Optional. */
    void (*end)(void);
};

/* finish() for a child that is waited for in the usual manner. */
int bench_wait(struct bench_child* child, int* status);

#define BENCH_WAY(name, code, ...) extern const struct bench_way bench_way_##code;
#include "ways.h"
#undef BENCH_WAY

#endif
