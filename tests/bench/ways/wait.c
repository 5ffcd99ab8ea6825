/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/wait.h>

#include "way.h"

int bench_wait(struct bench_child* child, int* status) {
    while (waitpid(child->pid, status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}
