/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints at the stages of a spawn.  The id ties those of one request
 * together: begin and end come from the caller, the others from the child.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kspawn

#if !defined(KSPAWN_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KSPAWN_TRACE_H

#include <linux/tracepoint.h>

#include "operations.h"
#include "request.h"

/* __assign_str() has lost its second argument between the kernels we know. */
#define KSPAWN_ASSIGN_STR(to, from)					\
	strscpy(__get_str(to), from, strlen(from) + 1)

/* A request has been copied and checked, but for its lists. */
TRACE_EVENT(kspawn_begin,
	TP_PROTO(const struct kspawn_request *request),
	TP_ARGS(request),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, flags)
		__field(u32, attr_flags)
		__field(u32, actions)
		__string(path, request->path)
	),
	TP_fast_assign(
		__entry->id = request->id;
		__entry->flags = request->args.flags;
		__entry->attr_flags = request->args.attr_flags;
		__entry->actions = request->args.action_count;
		KSPAWN_ASSIGN_STR(path, request->path);
	),
	TP_printk("id=%llx path=%s flags=%#x attr_flags=%#x actions=%u",
		  __entry->id, __get_str(path), __entry->flags,
		  __entry->attr_flags, __entry->actions)
);

/* The child runs (pid, in the initial namespace), or could not be created. */
TRACE_EVENT(kspawn_clone,
	TP_PROTO(const struct kspawn_request *request, pid_t pid, int error),
	TP_ARGS(request, pid, error),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(pid_t, pid)
		__field(pid_t, caller)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = request->id;
		__entry->pid = pid;
		__entry->caller = pid_nr(request->caller);
		__entry->error = error;
	),
	TP_printk("id=%llx pid=%d caller=%d error=%d",
		  __entry->id, __entry->pid, __entry->caller, __entry->error)
);

/* A file action has been run. */
TRACE_EVENT(kspawn_action,
	TP_PROTO(const struct kspawn_request *request, u32 index,
		 const struct kspawn_file_action *action, int error),
	TP_ARGS(request, index, action, error),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, index)
		__string(op, action->operation->name)
		__field(int, fd)
		__field(int, newfd)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = request->id;
		__entry->index = index;
		KSPAWN_ASSIGN_STR(op, action->operation->name);
		__entry->fd = action->fd;
		__entry->newfd = action->newfd;
		__entry->error = error;
	),
	TP_printk("id=%llx index=%u op=%s fd=%d newfd=%d error=%d",
		  __entry->id, __entry->index,
		  __get_str(op),
		  __entry->fd, __entry->newfd, __entry->error)
);

/* A program has been executed, or one candidate of a search was refused. */
TRACE_EVENT(kspawn_exec,
	TP_PROTO(const struct kspawn_request *request, const char *path,
		 int error),
	TP_ARGS(request, path, error),
	TP_STRUCT__entry(
		__field(u64, id)
		__string(path, path)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = request->id;
		KSPAWN_ASSIGN_STR(path, path);
		__entry->error = error;
	),
	TP_printk("id=%llx path=%s error=%d",
		  __entry->id, __get_str(path), __entry->error)
);

/*
 * The caller goes on: with a child (pid, as it sees it), or with an error.
 * Without an id the request was refused before kspawn_begin.
 */
TRACE_EVENT(kspawn_end,
	TP_PROTO(u64 id, int ret, const struct kspawn_outcome *outcome),
	TP_ARGS(id, ret, outcome),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(pid_t, pid)
		__field(int, error)
		__field(u32, step)
		__field(u32, index)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->pid = max(ret, 0);
		__entry->error = outcome->error;
		__entry->step = outcome->step;
		__entry->index = outcome->index;
	),
	TP_printk("id=%llx pid=%d error=%d step=%s index=%u",
		  __entry->id, __entry->pid, __entry->error,
		  __print_symbolic(__entry->step,
			{ KSPAWN_STEP_NONE,		"none" },
			{ KSPAWN_STEP_POLICY,		"policy" },
			{ KSPAWN_STEP_COPY,		"copy" },
			{ KSPAWN_STEP_DESCRIPTORS,	"descriptors" },
			{ KSPAWN_STEP_CLONE,		"clone" },
			{ KSPAWN_STEP_ATTRIBUTE,	"attribute" },
			{ KSPAWN_STEP_ACTION,		"action" },
			{ KSPAWN_STEP_PIDFD,		"pidfd" },
			{ KSPAWN_STEP_EXEC,		"exec" },
			{ KSPAWN_STEP_WAIT,		"wait" },
			{ KSPAWN_STEP_BUILDER,		"builder" },
			{ KSPAWN_STEP_BATCH,		"batch" }),
		  __entry->index)
);

#endif /* KSPAWN_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
