/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to start a program that are put to the test: those of tests/bench/ways,
 * under the names that people know them by. */
#ifndef RACES_WAYS_H
#define RACES_WAYS_H

#include "way.h"

struct race_way {
    const char* name;
    const struct bench_way* way;
};

/* vfork, glibc, thread, pipe, kspawn, kspawn-named, kspawn-async, kspawn-wait; in a
 * program of musl: musl.  NULL if there is none of this name. */
const struct bench_way* race_way(const char* name);

/* kspawn with KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP: nothing is inherited that is not named. */
extern const struct bench_way race_way_kspawn_named;

/* The same by the two other calls of the kernel, without the library. */
extern const struct bench_way race_way_kspawn_async;
extern const struct bench_way race_way_kspawn_wait;

#endif
