/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs ways for the driver, in a process that has nothing else in it.  Small as
 * it is, it is compiled for each libc whose posix_spawn() is to be measured.
 *
 *   runner SCENE DIRECTORY
 *
 * It takes one command per line and answers each with one line, or with
 * "error: ..." and its end:
 *
 *   way NAME   the way to use from now on, which is checked: it must start the
 *              witness in the right state.  Answers "ready"
 *   run N      start tiny N times, one after the other, waiting for the end of
 *              each.  Answers "TOTAL BLOCKED": nanoseconds for all of it, and how
 *              many of them the caller was inside start()
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "fail.h"
#include "scene.h"

enum { WARM_UP = 3 };

struct times {
    unsigned long long total;
    unsigned long long blocked;
};

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

static unsigned long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (unsigned long long)time.tv_sec * 1000000000 + (unsigned long long)time.tv_nsec;
}

static const struct bench_way* find(const char* name) {
    static const struct bench_way* const ways[] = {
#define BENCH_WAY(id) &bench_way_##id,
#include "ways.h"
#undef BENCH_WAY
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (strcmp(ways[i]->name, name) == 0)
            return ways[i];
    fail(0, "no way named %s", name);
}

static const char* what_the_witness_found(int status) {
    if (!WIFEXITED(status))
        return "it was killed";
    switch (WEXITSTATUS(status)) {
#define CASE(name, words)                                                                          \
    case BENCH_WITNESS_##name:                                                                     \
        return words;
        BENCH_WITNESS_FINDS(CASE)
#undef CASE
    default:
        return "it did not run";
    }
}

static void check(const struct bench_way* way, const struct scene* scene) {
    struct bench_request request = scene->request;
    request.path = scene->witness;
    int status = -1;
    struct bench_child child;
    int error = way->begin ? way->begin(&request) : 0;
    if (!error)
        error = way->start(&request, &child);
    if (!error)
        error = way->finish(&child, &status);
    if (error)
        fail(error, "%s does not start the witness", way->name);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != BENCH_CHILD_OK)
        fail(0, "%s starts the witness wrongly: %s (status %#x)", way->name,
             what_the_witness_found(status), (unsigned)status);
    if (way->end)
        way->end();
}

static void judge(const struct bench_way* way, const struct scene* scene, int error, int status) {
    const int exited = !error && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const bool right =
        scene->missing ? error == ENOENT || exited == BENCH_EXEC_FAILED : exited == BENCH_CHILD_OK;
    if (!right)
        fail(error, "%s, expected to %s: status %#x", way->name,
             scene->missing ? "fail" : "succeed", (unsigned)status);
}

static struct times run(const struct bench_way* way, const struct scene* scene,
                        unsigned long count) {
    struct times times = {0, 0};
    const unsigned long long begin = now();
    for (unsigned long i = 0; i < count; i++) {
        struct bench_child child = {0};
        int status = 0;
        const unsigned long long before = now();
        int error = way->start(&scene->request, &child);
        times.blocked += now() - before;
        if (!error)
            error = way->finish(&child, &status);
        judge(way, scene, error, status);
    }
    if (way->settle)
        way->settle();
    times.total = now() - begin;
    return times;
}

static const struct bench_way* begin(const char* name, const struct scene* scene) {
    const struct bench_way* way = find(name);
    check(way, scene);
    const int error = way->begin ? way->begin(&scene->request) : 0;
    if (error)
        fail(error, "%s cannot begin", way->name);
    (void)run(way, scene, WARM_UP);
    return way;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fputs("usage: runner SCENE DIRECTORY\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct scene scene;
    scene_set(&scene, argv[1], argv[2]);

    const struct bench_way* way = NULL;
    char line[256];
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "way ", 4) == 0) {
            if (way && way->end)
                way->end();
            way = begin(line + 4, &scene);
            puts("ready");
        } else if (way && strncmp(line, "run ", 4) == 0) {
            const struct times times = run(way, &scene, strtoul(line + 4, NULL, 10));
            printf("%llu %llu\n", times.total, times.blocked);
        } else {
            fail(0, "what is '%s'?", line);
        }
    }
    if (way && way->end)
        way->end();
    return 0;
}
