/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program that is started.  It says who it is, as whom it runs and whether it
 * has inherited the secret: on standard output, if it has one, and by its exit
 * status.
 *
 *   target [INODE]      INODE: that of the secret
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

/* The first descriptor above the standard ones that is this file; -1: none. */
static int inherited(ino_t inode) {
    for (int fd = STDERR_FILENO + 1; fd < TARGET_DESCRIPTORS; fd++) {
        struct stat found;
        if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_ino == inode)
            return fd;
    }
    return -1;
}

int main(int argc, char** argv) {
    char path[4096] = "";
    if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
        return TARGET_BLIND;
    const char* slash = strrchr(path, '/');
    char text[8] = "-";
    int status = TARGET_CLEAN;
    if (argc > 1) {
        const int fd = inherited(strtoul(argv[1], NULL, 10));
        if (fd >= 0) {
            status = TARGET_LEAKED;
            if (pread(fd, text, sizeof(text) - 1, 0) < 1)
                return TARGET_BLIND;
        }
    }
    dprintf(STDOUT_FILENO, "%s %d %d %s\n", slash ? slash + 1 : path, (int)getuid(), (int)geteuid(),
            text);
    return status;
}
