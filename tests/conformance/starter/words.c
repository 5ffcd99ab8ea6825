// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "words.h"

struct word {
    const char* name;
    int value;
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static int look_up(const struct word* words, size_t count, const char* name, size_t size) {
    size_t i;

    for (i = 0; i < count; i++)
        if (strlen(words[i].name) == size && !memcmp(words[i].name, name, size))
            return words[i].value;
    fprintf(stderr, "starter: no such word: %.*s\n", (int)size, name);
    _Exit(98);
}

int open_flags(const char* name) {
    static const struct word words[] = {
        {"rdonly", O_RDONLY},       {"wronly", O_WRONLY},
        {"rdwr", O_RDWR},           {"creat", O_CREAT},
        {"excl", O_EXCL},           {"trunc", O_TRUNC},
        {"append", O_APPEND},       {"cloexec", O_CLOEXEC},
        {"directory", O_DIRECTORY}, {"nofollow", O_NOFOLLOW},
        {"nonblock", O_NONBLOCK},   {"noctty", O_NOCTTY},
        {"path", O_PATH},           {"tmpfile", O_TMPFILE},
        {"sync", O_SYNC},           {"dsync", O_DSYNC},
        {"noatime", O_NOATIME},     {"direct", O_DIRECT},
        {"async", O_ASYNC},         {"bad", 3},
    };
    int flags = 0;
    size_t size;

    for (;; name += size + 1) {
        size = strcspn(name, "|");
        flags |= look_up(words, ARRAY_SIZE(words), name, size);
        if (!name[size])
            return flags;
    }
}

int limit_of(const char* name) {
    static const struct word words[] = {
        {"nofile", RLIMIT_NOFILE},
        {"core", RLIMIT_CORE},
        {"fsize", RLIMIT_FSIZE},
        {"cpu", RLIMIT_CPU},
        {"as", RLIMIT_AS},
        {"stack", RLIMIT_STACK},
        {"nproc", RLIMIT_NPROC},
        {"memlock", RLIMIT_MEMLOCK},
        {"nice", RLIMIT_NICE},
        {"rtprio", RLIMIT_RTPRIO},
        {"sigpending", RLIMIT_SIGPENDING},
        {"msgqueue", RLIMIT_MSGQUEUE},
        {"locks", RLIMIT_LOCKS},
        {"data", RLIMIT_DATA},
    };

    return look_up(words, ARRAY_SIZE(words), name, strlen(name));
}

int policy_of(const char* name) {
    static const struct word words[] = {
        {"other", SCHED_OTHER}, {"fifo", SCHED_FIFO}, {"rr", SCHED_RR},
        {"batch", SCHED_BATCH}, {"idle", SCHED_IDLE},
    };

    return look_up(words, ARRAY_SIZE(words), name, strlen(name));
}
