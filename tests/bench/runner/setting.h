/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The circumstances of a start: the state that the caller is in, and what it asks for. */
#ifndef BENCH_SETTING_H
#define BENCH_SETTING_H

#include "way.h"

struct setting {
    struct bench_request request; /* of tiny; of the checker with another path */
    const char* checker;
    int fails; /* the error number that every start ends with, 0 if it succeeds */
    int exit;  /* the exit status of the program then; that of the checker is BENCH_CHILD_OK */
    /* The checker is asked for no file actions: those of the setting fail, or wait. */
    bool actions_are_special;
    const volatile uint64_t* time; /* that `first` leaves; NULL if it is not asked */
    unsigned long spawners;        /* threads that start at once; 0: this one, by itself */
    bool stall;                    /* a thread on another CPU counts meanwhile */
    bool locks;                    /* contended locks are counted */
    const char* held[2];           /* FIFOs that the child waits for; NULL if it does not */
    unsigned long resident;        /* MiB, as below */
};

/*
 * Puts this process into the state that `text` describes, a list such as
 * "descriptors=20000,cloexec=100", and makes the request that goes with it:
 *
 *   descriptors  how many are open
 *   cloexec      how many percent of those beyond 0, 1 and 2 are close-on-exec
 *   resident     MiB of memory touched in 4 KiB pages, besides the runner's own
 *   mappings     memory mappings besides the runner's own
 *   actions      file actions in the request, of several kinds
 *   dups         that many more, each a dup2() of a pipe's end to a descriptor of its own
 *   closefrom    1: and a closefrom(3), after which only 0, 1 and 2 are open
 *   attributes   1: SETSIGDEF, SETSIGMASK and SETPGROUP in the request
 *   arguments    KiB of argument and environment strings, half each
 *   strings      argument strings of 64 bytes, besides those
 *   words        argument strings of 8 bytes, besides those
 *   path         directories in PATH; the program has no slash, and is searched for
 *   found        in which of them it is, from 1
 *   missing      1: the program is not there
 *   bad_action   1: the last file action fails (EBADF)
 *   late         1: exec fails late: the program's interpreter is not there
 *   first        1: the program is one that says when it executed its first instruction
 *   dynamic      1: the program is /bin/true, with its dynamic loader and libc
 *   threads      threads of the process, all but this one idle
 *   spawners     threads that start programs at once
 *   stall        1: a thread on another CPU does nothing but count
 *   locks        1: contended locks are counted (tracefs)
 *   tool         1: the program is one that writes a line to its standard output
 *   pipeline     1: the program is started as all stages of a pipeline
 *   held         1: the child is held before exec, and the memory that this takes is seen
 *
 * Neither `dups` nor `closefrom` goes together with `actions`.
 *
 * `directory` has the programs tiny, first, late, writer and checker, and can be written to.  Ends
 * the process with a message if that cannot be done.
 */
void setting_set(struct setting* setting, const char* text, const char* directory);

#endif
