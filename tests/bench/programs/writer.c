/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The smallest tool: it writes a line. */
#include <asm/unistd.h>

#include "expect.h"

_Noreturn void _start(void);

static long call(long number, long a, long b, long c) {
    long result = number;
    __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

void _start(void) {
    static const char line[] = BENCH_LINE;
    call(__NR_write, 1, (long)line, sizeof(line) - 1);
    for (;;)
        call(__NR_exit_group, BENCH_CHILD_OK, 0, 0);
}
