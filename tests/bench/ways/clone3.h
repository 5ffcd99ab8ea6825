/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clone3() of a child that shares memory and runs a function on a stack of its
 * own, for which no libc has a wrapper. */
#ifndef BENCH_CLONE3_H
#define BENCH_CLONE3_H

#include <linux/sched.h>
#include <sys/syscall.h>

/* Returns the child's process ID or a negative error number.  `run` must not return. */
static inline long clone3_call(struct clone_args* args, void (*run)(void*), void* argument) {
    long result = SYS_clone3;
    register void (*entry)(void*) __asm__("r8") = run;
    register void* parameter __asm__("r9") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r9, %%rdi\n\t"
                     "call *%%r8\n\t"
                     "ud2\n"
                     "1:"
                     : "+a"(result)
                     : "D"(args), "S"(sizeof(*args)), "r"(entry), "r"(parameter)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

#endif
