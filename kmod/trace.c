// SPDX-License-Identifier: GPL-2.0-only
#include <linux/build_bug.h>
#include <linux/stddef.h>

#include "request.h"

/* ebpf/kinds/fds.bpf.c reads the descriptor of an action by its place. */
static_assert(offsetof(struct kspawn_file_action, fd) == sizeof(void *));

#define CREATE_TRACE_POINTS
#include "trace.h"
