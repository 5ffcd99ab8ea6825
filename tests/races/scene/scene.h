/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the reproducers have in common.  Each is two processes: the cast, whose
 * threads start a program and do what must not be done meanwhile, and the
 * director, which watches the cast from outside, through /proc, and brings the
 * moment about: it holds the child before exec for as long as is needed.
 *
 * Whatever fails ends the program with a message: a race that could not be
 * brought about is no evidence.
 */
#ifndef RACES_SCENE_H
#define RACES_SCENE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ways.h"

/* Nobody, to whom the cast drops. */
enum { SCENE_NOBODY = 65534 };

enum { SCENE_PATH = 256 };

struct scene {
    const char* way_name;
    const struct bench_way* way;
    char directory[SCENE_PATH];
    char intended[SCENE_PATH]; /* the witness, under this name */
    char attacker[SCENE_PATH]; /* the witness again, nobody's */
    char gate[SCENE_PATH];     /* a FIFO: who opens it for reading waits for the director */
    pid_t cast;                /* 0: there is none */
    pid_t played_by;           /* which it was, when it has ended */
    int words;                 /* what the cast and its programs write on standard output */
};

_Noreturn void scene_fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the way from argv[1]; makes a directory in $TMPDIR that is gone at exit. */
void scene_open(struct scene* scene, int argc, char** argv);

/* Zeroed memory that director and cast share. */
void* scene_share(size_t size);

/* Starts the cast: a process group of its own, with play() to do, then to exit. */
void scene_play(struct scene* scene, void (*play)(struct scene*, void*), void* argument);

/* Ends the scene if the cast has ended. */
void scene_check(const struct scene* scene);

/* Waits until a child of the cast waits at the gate. */
void scene_await_gate(const struct scene* scene);
void scene_open_gate(const struct scene* scene);

/* Waits until *flag is set (true), or for good no thread of the cast runs any more,
 * or none but thread `tid` is asked about (false). */
bool scene_await(const struct scene* scene, const _Atomic int* flag, pid_t tid);

/* What the witness wrote.  Ends the scene if it wrote nothing. */
struct words {
    char program[64];
    int uid;
    int euid;
    char secret[16];
};
struct words scene_words(const struct scene* scene);

/* Waits for the cast, which must have gone well. */
void scene_close(struct scene* scene);

/* In the cast: one start and the wait for its end; returns the wait status. */
int scene_start(const struct scene* scene, const struct bench_request* request);

void scene_sleep(void);
pid_t scene_tid(void);

/* Which libc this is. */
const char* scene_libc(void);

/*
 * Says what has been seen, at the end: one JSON object, on one line, with the cast's
 * process ID.  `evidence` is what it has as its member of that name.
 */
void scene_report(const struct scene* scene, const char* hazard, bool happened,
                  const char* evidence, ...) __attribute__((format(printf, 4, 5)));

#endif
