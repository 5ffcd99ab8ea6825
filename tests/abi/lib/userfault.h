/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page faults that are ours to answer: what reads a page stops there until we do. */
#ifndef USERFAULT_H
#define USERFAULT_H

#include <stddef.h>

/* Returns a userfaultfd for faults of the kernel too, or -1 with errno. */
int userfault_open(void);

/*
 * Drop what the page holds, so that the next access faults.  Returns 0, or -1 with
 * errno.
 */
int userfault_watch(int uffd, void *page, size_t size);

/* Wait for a fault, a minute at most.  Returns 0, or -1. */
int userfault_wait(int uffd);

/* Let the page hold what is at @content, and go on.  Returns 0, or -1 with errno. */
int userfault_answer(int uffd, void *page, const void *content, size_t size);

#endif /* USERFAULT_H */
