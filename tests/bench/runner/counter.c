/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "counter.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "answer.h"
#include "clock.h"
#include "median.h"

enum { KEPT = 4096, IDLE = 50 };

static _Atomic uint64_t longest; /* cycles */
static uint64_t kept[KEPT];
static volatile uint64_t counted;

static uint64_t cycles(void) {
    return __builtin_ia32_rdtsc();
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        fail(errno, "CPU %d", cpu);
}

static void* count(void* unused) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pin(1);
    uint64_t last = cycles();
    for (;;) {
        const uint64_t now = cycles();
        counted++;
        if (now - last > atomic_load_explicit(&longest, memory_order_relaxed))
            atomic_store_explicit(&longest, now - last, memory_order_relaxed);
        last = now;
    }
    return unused;
}

void counter_begin(void) {
    pthread_t thread;
    pin(0);
    const int error = pthread_create(&thread, NULL, count, NULL);
    if (error)
        fail(error, "the thread that counts");
}

void counter_reset(void) {
    atomic_store(&longest, 0);
}

void counter_note(unsigned long i) {
    kept[i % KEPT] = atomic_load(&longest);
}

static double cycles_per_nanosecond(void) {
    const struct timespec wait = {.tv_nsec = 20000000};
    const uint64_t cycles_before = cycles();
    const uint64_t before = clock_now();
    nanosleep(&wait, NULL);
    return (double)(cycles() - cycles_before) / (double)(clock_now() - before);
}

void counter_answer(unsigned long count, unsigned long long total) {
    const unsigned long have = count < KEPT ? count : KEPT;
    const double rate = cycles_per_nanosecond();
    extra("gap", (double)median(kept, have) / rate);
    extra("longest_gap", (double)kept[have - 1] / rate);
    const unsigned long long each = total / count;
    const struct timespec wait = {.tv_sec = (time_t)(each / 1000000000),
                                  .tv_nsec = (long)(each % 1000000000)};
    for (unsigned long i = 0; i < IDLE; i++) {
        counter_reset();
        nanosleep(&wait, NULL);
        counter_note(i);
    }
    extra("idle_gap", (double)median(kept, IDLE) / rate);
}
