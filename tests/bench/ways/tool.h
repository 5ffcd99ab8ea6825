/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool call by hand: what its caller does beside the start.
 *
 * The program has an open working directory, /dev/null, two pipes and nothing else.  Its
 * output is collected, and its end awaited by a pidfd, for at most a minute.
 */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "way.h"

enum { TOOL_LIMIT_MS = 60000, TOOL_OUTPUT = 4096, TOOL_PIDFD = 3 };

struct tool {
    int directory;
    bool checks; /* the program is the checker, which writes nothing */
    int pidfd;
    int ours[2];   /* of standard output and error */
    int theirs[2]; /* closed once it has been started */
};

static inline int tool_begin(struct tool* tool, const struct bench_request* request) {
    const char* name = strrchr(request->path, '/');
    tool->checks = name && strcmp(name, "/checker") == 0;
    tool->directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return tool->directory < 0 ? errno : 0;
}

static inline int tool_make_pipes(struct tool* tool) {
    for (int i = 0; i < 2; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            return errno;
        tool->ours[i] = ends[0];
        tool->theirs[i] = ends[1];
    }
    return 0;
}

static inline void tool_close_theirs(const struct tool* tool) {
    close(tool->theirs[0]);
    close(tool->theirs[1]);
}

/* Whether that is what the program writes. */
static inline bool tool_is_right(const struct tool* tool, const char* out, size_t out_size,
                                 size_t err_size) {
    if (tool->checks)
        return out_size + err_size == 0;
    return err_size == 0 && out_size == sizeof(BENCH_LINE) - 1 &&
           memcmp(out, BENCH_LINE, out_size) == 0;
}

/* Reads both to their ends, then waits. */
static inline int tool_collect(struct tool* tool, int* status) {
    struct pollfd entries[2];
    char* data[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    int open = 2;
    for (int i = 0; i < 2; i++)
        entries[i] = (struct pollfd){.fd = tool->ours[i], .events = POLLIN};
    while (open > 0) {
        if (poll(entries, 2, TOOL_LIMIT_MS) <= 0)
            return ETIMEDOUT;
        for (int i = 0; i < 2; i++) {
            const short seen = entries[i].revents;
            if ((seen & POLLIN) != 0) {
                if (!data[i])
                    data[i] = malloc(TOOL_OUTPUT);
                const ssize_t got = read(tool->ours[i], data[i] + sizes[i], TOOL_OUTPUT - sizes[i]);
                if (got < 0)
                    return errno;
                sizes[i] += (size_t)got;
            }
            if ((seen & POLLHUP) != 0 && sizes[i] < TOOL_OUTPUT) {
                close(tool->ours[i]);
                entries[i].fd = -1;
                open--;
            }
        }
    }
    struct pollfd end = {.fd = tool->pidfd, .events = POLLIN};
    if (poll(&end, 1, TOOL_LIMIT_MS) != 1)
        return ETIMEDOUT;
    siginfo_t info;
    if (waitid((idtype_t)TOOL_PIDFD, (id_t)tool->pidfd, &info, WEXITED) != 0)
        return errno;
    close(tool->pidfd);
    *status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
    const bool right = tool_is_right(tool, data[0], sizes[0], sizes[1]);
    free(data[0]);
    free(data[1]);
    return right ? 0 : EPROTO;
}

#endif
