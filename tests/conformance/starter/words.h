/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of the system's constants in a specification. */
#ifndef KSPAWN_CONFORMANCE_WORDS_H
#define KSPAWN_CONFORMANCE_WORDS_H

/* "rdwr|creat" of open(2) flags; dies on a word that is none. */
int open_flags(const char* words);
/* "nofile", "core", ... */
int limit_of(const char* word);
/* "other", "fifo", "rr", "batch", "idle" */
int policy_of(const char* word);

#endif
