/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The common parts of the reproducers.  Each is two processes: the subject, whose
 * threads start a program and do what must not be done meanwhile, and the
 * observer, which watches the subject from outside, through /proc, and brings the
 * moment about: it holds the child before exec for as long as is needed.
 *
 * Whatever fails ends the program with a message: a race that could not be
 * brought about is no evidence.
 */
#ifndef RACES_TRIAL_H
#define RACES_TRIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ways.h"

/* Nobody, to whom the subject drops. */
enum { TRIAL_NOBODY = 65534 };

enum { TRIAL_PATH = 256 };

struct trial {
    const char* way_name;
    const struct bench_way* way;
    char directory[TRIAL_PATH];
    char intended[TRIAL_PATH]; /* the target, under this name */
    char attacker[TRIAL_PATH]; /* the target again, nobody's */
    char hold[TRIAL_PATH];     /* a FIFO: who opens it for reading waits for the observer */
    pid_t subject;             /* 0: there is none */
    pid_t last_subject;        /* which it was, when it has ended */
    int words;                 /* what the subject and its programs write on standard output */
};

_Noreturn void trial_fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the way from argv[1]; makes a directory in $TMPDIR that is gone at exit. */
void trial_open(struct trial* trial, int argc, char** argv);

/* Zeroed memory that observer and subject share. */
void* trial_share(size_t size);

/* Starts the subject: a process group of its own, with run() to do, then to exit. */
void trial_run(struct trial* trial, void (*run)(struct trial*, void*), void* argument);

/* Ends the trial if the subject has ended. */
void trial_check(const struct trial* trial);

/* Waits until a child of the subject is held; lets it go on. */
void trial_await_hold(const struct trial* trial);
void trial_release(const struct trial* trial);

/* Waits until *flag is set (true), or until proc_rests() says that thread `tid` of the
 * subject, or all of them if it is 0, will not run any more (false). */
bool trial_await(const struct trial* trial, const _Atomic int* flag, pid_t tid);

/* The words that the target wrote.  Ends the trial if it wrote nothing. */
struct words {
    char program[64];
    int uid;
    int euid;
    char secret[16];
};
struct words trial_words(const struct trial* trial);

/* Waits for the subject, which must have gone well. */
void trial_close(struct trial* trial);

/* In the subject: what the way needs before its first start. */
void trial_begin(const struct trial* trial, const struct bench_request* request);

/* In the subject: what it and its programs write goes nowhere from here on. */
void trial_silence(void);

/* In the subject: one start and the wait for its end; returns the wait status. */
int trial_start(const struct trial* trial, const struct bench_request* request);

void trial_sleep(void);
pid_t trial_tid(void);

/* Which libc this is. */
const char* trial_libc(void);

/*
 * Prints the outcome of the trial, at the end, as one line with a JSON object, in which is
 * the subject's process ID.  `evidence` is a format of printf(), for the members of the
 * object "evidence" in it.
 */
void trial_report(const struct trial* trial, const char* hazard, bool happened,
                  const char* evidence, ...) __attribute__((format(printf, 4, 5)));

#endif
