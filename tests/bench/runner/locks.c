/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

#define TRACING "/sys/kernel/tracing/"

/* Tasks that wait at the same time. */
enum { WAITERS = 256 };

struct waiter {
    long task;
    double since; /* seconds */
};

static struct waiter waiters[WAITERS];

static void put(const char* name, const char* value) {
    char path[128];
    snprintf(path, sizeof(path), TRACING "%s", name);
    const int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file < 0 || write(file, value, strlen(value)) < 0)
        fail(errno, "%s", path);
    close(file);
}

/* tiny has its own name from exec on; what it waits for as it ends is part of it. */
static void watch(const char* event, const char* enable) {
    char name[64];
    snprintf(name, sizeof(name), "events/lock/%s/filter", event);
    put(name, "comm ~ \"runner*\" || comm ~ \"tiny*\"");
    snprintf(name, sizeof(name), "events/lock/%s/enable", event);
    put(name, enable);
}

void locks_begin(void) {
    put("tracing_on", "0");
    put("trace", "");
    put("buffer_size_kb", "32768");
    put("options/stacktrace", "1");
    put("options/sym-addr", "1");
    watch("contention_begin", "1");
    watch("contention_end", "1");
    put("tracing_on", "1");
}

/* Where the module's text is. */
static void find_module(uintptr_t* from, uintptr_t* to) {
    char line[512];
    *from = *to = 0;
    FILE* file = fopen("/proc/modules", "re");
    while (file && fgets(line, sizeof(line), file)) {
        unsigned long size;
        unsigned long address;
        if (sscanf(line, "kspawn %lu %*s %*s %*s %lx", &size, &address) == 2) {
            *from = address;
            *to = address + size;
        }
    }
    if (!file)
        fail(errno, "/proc/modules");
    fclose(file);
}

/* Functions that a lock is taken with. */
static bool is_primitive(const char* function) {
    static const char* const words[] = {"lock", "down_", "mutex", "rwsem", "contention", "trace_"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strstr(function, words[i]))
            return true;
    return false;
}

static struct waiter* find(long task) {
    for (size_t i = 0; i < WAITERS; i++)
        if (waiters[i].task == task)
            return &waiters[i];
    return NULL;
}

void locks_answer(unsigned long count) {
    uintptr_t from;
    uintptr_t to;
    put("tracing_on", "0");
    watch("contention_begin", "0");
    watch("contention_end", "0");
    find_module(&from, &to);
    memset(waiters, 0, sizeof(waiters));
    FILE* trace = fopen(TRACING "trace", "re");
    if (!trace)
        fail(errno, "the trace");

    unsigned long waits = 0;
    unsigned long ours = 0;
    double seconds = 0;
    bool in_stack = false; /* of a wait's begin, above whoever takes the lock */
    char line[512];
    while (fgets(line, sizeof(line), trace)) {
        char function[256];
        unsigned long address;
        if (sscanf(line, " => %255s <%lx>", function, &address) == 2) {
            if (!in_stack)
                continue;
            const bool module = address >= from && address < to;
            ours += module;
            in_stack = !module && is_primitive(function);
            continue;
        }
        long task;
        double when;
        const char* name = strchr(line, '-');
        const char* cpu = strchr(line, '[');
        if (!name || !cpu || sscanf(name, "-%ld", &task) != 1 ||
            sscanf(cpu, "[%*d] %*s %lf:", &when) != 1)
            continue;
        if (strstr(line, "contention_begin:")) {
            struct waiter* waiter = find(0);
            waits++;
            in_stack = true;
            if (waiter)
                *waiter = (struct waiter){task, when};
        } else if (strstr(line, "contention_end:")) {
            struct waiter* waiter = find(task);
            in_stack = false;
            if (waiter) {
                seconds += when - waiter->since;
                waiter->task = 0;
            }
        }
    }
    fclose(trace);
    put("trace", "");
    extra("waits", (double)waits / (double)count);
    extra("wait", seconds * 1e9 / (double)count);
    extra("ours", (double)ours / (double)count);
}
