/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Looks, a millisecond or more apart, after which a sleeper sleeps for good. */
enum { LOOKS = 250 };

/* Empty if there is no such file, or no longer. */
static void read_file(char* text, size_t size, const char* path) {
    ssize_t length = -1;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        length = read(fd, text, size - 1);
        close(fd);
    }
    text[length > 0 ? length : 0] = 0;
}

static bool opens_fifo(long process) {
    char path[64], where[128];
    snprintf(path, sizeof(path), "/proc/%ld/wchan", process);
    read_file(where, sizeof(where), path);
    /* The one is part of the other where the compiler has thought so. */
    return strncmp(where, "wait_for_partner", 16) == 0 || strncmp(where, "fifo_open", 9) == 0;
}

/* For each thread of the process; stops when `look` says so. */
static bool any_thread(pid_t process, bool (*look)(pid_t process, long tid, void* data),
                       void* data) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", process);
    DIR* threads = opendir(path);
    bool found = false;
    struct dirent* entry;
    while (threads && !found && (entry = readdir(threads)))
        if (entry->d_name[0] != '.')
            found = look(process, strtol(entry->d_name, NULL, 10), data);
    if (threads)
        closedir(threads);
    return found;
}

static bool has_child_that_opens(pid_t process, long tid, void* data) {
    (void)data;
    char path[64], children[4096];
    snprintf(path, sizeof(path), "/proc/%d/task/%ld/children", process, tid);
    read_file(children, sizeof(children), path);
    char* end = children;
    for (;;) {
        char* begin = end;
        const long child = strtol(begin, &end, 10);
        if (end == begin)
            return false;
        if (opens_fifo(child))
            return true;
    }
}

bool proc_child_opens_fifo(pid_t process) {
    return any_thread(process, has_child_that_opens, NULL);
}

/* Adds up the switches; true (stop) if the thread does not sleep. */
static bool is_awake(pid_t process, long tid, void* data) {
    char path[64], status[4096];
    snprintf(path, sizeof(path), "/proc/%d/task/%ld/status", process, tid);
    read_file(status, sizeof(status), path);
    const char* state = strstr(status, "State:\t");
    const char* switches = strstr(status, "\nvoluntary_ctxt_switches:\t");
    if (!state || !switches || !strchr("SD", state[7]))
        return true;
    *(uint64_t*)data += strtoull(switches + 26, NULL, 10);
    return false;
}

bool proc_rests(struct proc_rest* rest, pid_t process, pid_t tid) {
    uint64_t switches = 0;
    const bool awake =
        tid ? is_awake(process, tid, &switches) : any_thread(process, is_awake, &switches);
    if (awake || switches != rest->switches)
        rest->looks = 0;
    rest->switches = switches;
    return ++rest->looks > LOOKS;
}
