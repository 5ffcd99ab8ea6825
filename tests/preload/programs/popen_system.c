// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that lives on popen() and system(), in threads, and knows nothing of
 * kspawn.  popen_system THREADS ROUNDS: 3 * THREADS * ROUNDS shells.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int rounds;

static void fail(const char* what) {
    fprintf(stderr, "popen_system: %s\n", what);
    exit(1);
}

static void read_one(int number) {
    char command[64], line[64], expected[64];
    FILE* stream;

    snprintf(command, sizeof(command), "echo number %d", number);
    snprintf(expected, sizeof(expected), "number %d\n", number);
    stream = popen(command, "r");
    if (!stream)
        fail("popen r");
    if (!fgets(line, sizeof(line), stream) || strcmp(line, expected))
        fail("what was read");
    if (pclose(stream) != 0)
        fail("pclose r");
}

static void write_one(int number) {
    char command[64];
    FILE* stream;

    snprintf(command, sizeof(command), "read n; exit $((n %% 200))");
    stream = popen(command, "we");
    if (!stream)
        fail("popen w");
    fprintf(stream, "%d\n", number);
    if (pclose(stream) != (number % 200) << 8)
        fail("pclose w");
}

static void* work(void* argument) {
    int base = *(int*)argument;

    for (int round = 0; round < rounds; ++round) {
        int number = base * 1000 + round;
        char command[64];

        read_one(number);
        write_one(number);
        snprintf(command, sizeof(command), "exit %d", number % 256);
        if (system(command) != (number % 256) << 8)
            fail("system");
    }
    return NULL;
}

int main(int argc, char* argv[]) {
    pthread_t threads[16];
    int numbers[16], count;

    if (argc != 3)
        return 2;
    count = atoi(argv[1]);
    rounds = atoi(argv[2]);
    if (count < 1 || count > 16)
        return 2;
    for (int i = 0; i < count; ++i) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, work, &numbers[i]))
            fail("pthread_create");
    }
    for (int i = 0; i < count; ++i)
        pthread_join(threads[i], NULL);
    if (waitpid(-1, NULL, WNOHANG) != -1)
        fail("a child is left");
    return 0;
}
