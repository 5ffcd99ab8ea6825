/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for a word to change, among all who share the memory. */
#ifndef BENCH_FUTEX_H
#define BENCH_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "in_child.h"

/* `shared`: the kernel itself wakes us at a child's end, and does so for shared futexes. */
static inline void futex_wait_while(_Atomic int* word, int value, bool shared) {
    const int operation = shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE;
    while (atomic_load_explicit(word, memory_order_acquire) == value)
        in_child_call(SYS_futex, (long)word, operation, value, 0);
}

static inline void futex_set(_Atomic int* word, int value) {
    atomic_store_explicit(word, value, memory_order_release);
    in_child_call(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, INT_MAX, 0);
}

#endif
