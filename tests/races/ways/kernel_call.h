/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* KSPAWN_IOC_SPAWN as it is, without a library: what the ways that use it have in common. */
#ifndef RACES_KERNEL_CALL_H
#define RACES_KERNEL_CALL_H

#include "kspawn.h"
#include "way.h"

enum { KERNEL_CALL_ACTIONS = 8 };

/* It points into itself: use it where it was filled in. */
struct kernel_call {
    struct kspawn_args args;
    struct kspawn_result result;
    struct kspawn_action actions[KERNEL_CALL_ACTIONS];
};

/* Opens the device, once for all; 0 or an errno. */
int kernel_call_open(void);

/* The descriptor of the device. */
int kernel_call_device(void);

/* A request whose program inherits the standard descriptors and no others; 0 or an errno. */
int kernel_call_fill(struct kernel_call* call, const struct bench_request* request);

/* The call: 0 and the pid, or an errno.  The pid is also there after an interrupted wait. */
int kernel_call_start(struct kernel_call* call, pid_t* pid);

#endif
