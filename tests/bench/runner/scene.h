/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The circumstances of a start: the state that the caller is in, and what it asks for. */
#ifndef BENCH_SCENE_H
#define BENCH_SCENE_H

#include "way.h"

struct scene {
    struct bench_request request; /* of tiny; of the witness with another path */
    const char* tiny;
    const char* witness;
    bool missing; /* the program is not there: every start fails with ENOENT */
};

/*
 * Puts this process into the state that `text` describes, a list such as
 * "descriptors=20000,cloexec=100", and makes the request that goes with it:
 *
 *   descriptors  how many are open
 *   cloexec      how many percent of those beyond 0, 1 and 2 are close-on-exec
 *   resident     MiB of memory touched in 4 KiB pages, besides the runner's own
 *   mappings     memory mappings besides the runner's own
 *   actions      file actions in the request
 *   attributes   1: SETSIGDEF, SETSIGMASK and SETPGROUP in the request
 *   arguments    KiB of argument strings
 *   missing      1: the program is not there
 *
 * `directory` has the programs tiny and witness.  Ends the process with a message
 * if that cannot be done.
 */
void scene_set(struct scene* scene, const char* text, const char* directory);

#endif
