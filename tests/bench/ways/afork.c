/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * afork (Nicolas Williams; aspawn by Jiahao Xu): the child runs on a stack of its
 * own in the caller's memory while the caller runs on.  The kernel clears a word
 * when the child leaves that memory, by executing or dying; then the stack can be
 * used again, and the caller knows whether an error has been left for it.  The
 * child makes nothing but bare system calls and so needs no thread-local storage.
 */
#include "clone3.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "futex.h"

enum { STACK_SIZE = 8192, SLOTS = 16, IN_USE = 1 };

struct slot {
    _Alignas(64) char stack[STACK_SIZE];
    const struct bench_request* request;
    _Atomic int borrowed; /* 0 when the child is out of our memory */
    int error;
    bool taken; /* from start() to finish() */
};
static _Thread_local struct slot* slots;

static void run(void* argument) {
    struct slot* slot = argument;
    slot->error = in_child_exec(slot->request, NULL);
    in_child_exit();
}

static int begin(const struct bench_request* request) {
    (void)request;
    slots = aligned_alloc(_Alignof(struct slot), SLOTS * sizeof(*slots));
    if (!slots)
        return ENOMEM;
    memset(slots, 0, SLOTS * sizeof(*slots));
    return 0;
}

static void end(void) {
    free(slots);
}

static int start(const struct bench_request* request, struct bench_child* child) {
    struct slot* slot = slots;
    while (slot->taken)
        if (++slot == slots + SLOTS)
            return EAGAIN;
    slot->request = request;
    slot->error = 0;
    atomic_store_explicit(&slot->borrowed, IN_USE, memory_order_relaxed);
    struct clone_args args = {.flags = CLONE_VM | CLONE_CLEAR_SIGHAND | CLONE_CHILD_CLEARTID,
                              .exit_signal = SIGCHLD,
                              .child_tid = (uintptr_t)&slot->borrowed,
                              .stack = (uintptr_t)slot->stack,
                              .stack_size = STACK_SIZE};
    const long pid = clone3_call(&args, run, slot);
    if (pid < 0)
        return (int)-pid;
    slot->taken = true;
    child->pid = (pid_t)pid;
    child->state = slot;
    return 0;
}

static int finish(struct bench_child* child, int* status) {
    struct slot* slot = child->state;
    const int error = bench_wait(child, status);
    futex_wait_while(&slot->borrowed, IN_USE, true);
    slot->taken = false;
    return error ? error : slot->error;
}

const struct bench_way bench_way_afork = {
    .name = "afork", .begin = begin, .start = start, .finish = finish, .end = end};
