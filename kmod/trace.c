// SPDX-License-Identifier: GPL-2.0-only
#include <linux/build_bug.h>
#include <linux/stddef.h>

#include "request.h"

/* ebpf/kinds/fds.bpf.c reads the descriptor of an action by its place. */
static_assert(offsetof(struct kspawn_file_action, fd) == sizeof(void *));

#define CREATE_TRACE_POINTS
#include "trace.h"

/* On a kernel that can be preempted, that of the event, by its distance from the first member. */
static_assert(offsetof(struct trace_event_raw_kspawn_action, fd) -
	      offsetof(struct trace_event_raw_kspawn_action, id) == 16);
