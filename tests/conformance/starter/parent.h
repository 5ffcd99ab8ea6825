/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process for one specification: becomes the parent it tells of, and starts. */
#ifndef KSPAWN_CONFORMANCE_PARENT_H
#define KSPAWN_CONFORMANCE_PARENT_H

#define MAX_FIELDS 64

/* But for those that glibc (32, 33) or musl (32 to 34) keep for themselves. */
static const unsigned long all_signals = ~(7UL << 31);

/* One step of a specification: a verb and its operands. */
struct step {
    char* field[MAX_FIELDS];
    int count;
};

/* Field n of a step as a number. */
int number_of(const struct step* step, int n);

/* In parent.c: an empty file system at SCRATCH, with the files of each parent. */
int make_scratch(void);
/* The contents of SCRATCH in the end, as one line. */
void describe_scratch(char* text, int room);
/* In parent.c: take one step that is about the parent.  0, or an errno value. */
int take_parent_step(const struct step* step);
/* A process group besides our own that a child may join; 0 if there is none. */
extern int helper_group;

#endif
