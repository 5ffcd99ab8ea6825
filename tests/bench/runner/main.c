/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs ways for the driver, in a process that has nothing else in it.  Small as
 * it is, it is compiled for each libc whose posix_spawn() is to be measured.
 *
 *   runner SETTING DIRECTORY
 *
 * It takes one command per line and answers each with one line, or with
 * "error: ..." and its end:
 *
 *   way NAME   the way to use from now on, which is checked: it must start the
 *              checker in the right state.  Answers "ready"
 *   run N      start tiny N times, waiting for the end of each.  Answers NAME=VALUE words:
 *              total, nanoseconds of one start, and blocked, how many of them the caller
 *              was inside start(), each the median of all N; mean, that of the total; and
 *              those that the setting asks for besides
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answer.h"
#include "counter.h"
#include "expect.h"
#include "held.h"
#include "locks.h"
#include "series.h"

enum { WARM_UP = 3 };

static char extras[512];
static size_t extras_length;

void extra(const char* name, double value) {
    char text[64];
    const int length = snprintf(text, sizeof(text), " %s=%.9g", name, value);
    if (extras_length + (size_t)length >= sizeof(extras))
        fail(0, "no room for %s", name);
    memcpy(extras + extras_length, text, (size_t)length + 1);
    extras_length += (size_t)length;
}

void fail(int error, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("error: ", stdout);
    vprintf(format, arguments);
    if (error)
        printf(": %s", strerror(error));
    va_end(arguments);
    putchar('\n');
    exit(1);
}

static const struct bench_way* find(const char* name) {
    static const struct {
        const char* name;
        const struct bench_way* code;
    } ways[] = {
#define BENCH_WAY(name, code, ...) {#name, &bench_way_##code},
#include "ways.h"
#undef BENCH_WAY
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (strcmp(ways[i].name, name) == 0)
            return ways[i].code;
    fail(0, "no way named %s", name);
}

static const char* what_the_checker_found(int status) {
    if (!WIFEXITED(status))
        return "it was killed";
    switch (WEXITSTATUS(status)) {
#define CASE(name, words)                                                                          \
    case BENCH_CHECKER_##name:                                                                     \
        return words;
        BENCH_CHECKER_FINDS(CASE)
#undef CASE
    default:
        return "it did not run";
    }
}

static void check(const struct bench_way* way, const struct setting* setting) {
    struct bench_request request = setting->request;
    request.path = setting->checker;
    if (setting->actions_are_special)
        request.action_count = 0;
    int status = -1;
    struct bench_child child;
    int error = way->begin ? way->begin(&request) : 0;
    if (!error)
        error = way->start(&request, &child);
    if (!error)
        error = way->finish(&child, &status);
    if (error)
        fail(error, "%s does not start the checker", way->name);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != BENCH_CHILD_OK)
        fail(0, "%s starts the checker wrongly: %s (status %#x)", way->name,
             what_the_checker_found(status), (unsigned)status);
    if (way->end)
        way->end();
}

static struct times run(const struct bench_way* way, const struct setting* setting,
                        unsigned long count) {
    struct times times;
    extras[extras_length = 0] = '\0';
    if (setting->locks)
        locks_begin();
    if (setting->held[0])
        times = held_run(way, setting, count);
    else if (setting->spawners)
        times = spawners_run(way, setting, count);
    else
        times = series_run(way, setting, count);
    if (setting->locks)
        locks_answer(count);
    if (setting->stall)
        counter_answer(count, times.total);
    return times;
}

static const struct bench_way* begin(const char* name, const struct setting* setting) {
    const struct bench_way* way = find(name);
    check(way, setting);
    const int error = way->begin ? way->begin(&setting->request) : 0;
    if (error)
        fail(error, "%s cannot begin", way->name);
    if (!setting->held[0])
        (void)series_run(way, setting, WARM_UP);
    return way;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fputs("usage: runner SETTING DIRECTORY\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct setting setting;
    setting_set(&setting, argv[1], argv[2]);

    if (setting.stall)
        counter_begin();

    const struct bench_way* way = NULL;
    char line[256];
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "way ", 4) == 0) {
            if (way && way->end)
                way->end();
            way = begin(line + 4, &setting);
            puts("ready");
        } else if (way && strncmp(line, "run ", 4) == 0) {
            const struct times times = run(way, &setting, strtoul(line + 4, NULL, 10));
            printf("total=%" PRIu64 " blocked=%" PRIu64 " mean=%" PRIu64 "%s\n", times.total,
                   times.blocked, times.mean, extras);
        } else {
            fail(0, "what is '%s'?", line);
        }
    }
    if (way && way->end)
        way->end();
    return 0;
}
