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

#include "request.h"

/* __assign_str() has lost its second argument between the kernels we know. */
#define KSPAWN_ASSIGN_STR(to, from)					\
	strscpy(__get_str(to), from, strlen(from) + 1)

TRACE_DEFINE_ENUM(KSPAWN_ACTION_OPEN);
TRACE_DEFINE_ENUM(KSPAWN_ACTION_CLOSE);
TRACE_DEFINE_ENUM(KSPAWN_ACTION_DUP2);
TRACE_DEFINE_ENUM(KSPAWN_ACTION_CHDIR);
TRACE_DEFINE_ENUM(KSPAWN_ACTION_FCHDIR);
TRACE_DEFINE_ENUM(KSPAWN_ACTION_CLOSEFROM);
TRACE_DEFINE_ENUM(KSPAWN_ACTION_TCSETPGRP);

TRACE_DEFINE_ENUM(KSPAWN_STEP_NONE);
TRACE_DEFINE_ENUM(KSPAWN_STEP_POLICY);
TRACE_DEFINE_ENUM(KSPAWN_STEP_COPY);
TRACE_DEFINE_ENUM(KSPAWN_STEP_DESCRIPTORS);
TRACE_DEFINE_ENUM(KSPAWN_STEP_CLONE);
TRACE_DEFINE_ENUM(KSPAWN_STEP_ATTRIBUTE);
TRACE_DEFINE_ENUM(KSPAWN_STEP_ACTION);
TRACE_DEFINE_ENUM(KSPAWN_STEP_PIDFD);
TRACE_DEFINE_ENUM(KSPAWN_STEP_EXEC);

/*
 * A request has been copied and checked, but for its lists.  The path, here and
 * below, is the one that was asked for: where exec reads it from the caller's
 * memory, only sched_process_exec and audit tell what it has found there.
 */
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
		__field(u32, op)
		__field(int, fd)
		__field(int, newfd)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = request->id;
		__entry->index = index;
		__entry->op = action->op;
		__entry->fd = action->fd;
		__entry->newfd = action->newfd;
		__entry->error = error;
	),
	TP_printk("id=%llx index=%u op=%s fd=%d newfd=%d error=%d",
		  __entry->id, __entry->index,
		  __print_symbolic(__entry->op,
			{ KSPAWN_ACTION_OPEN,		"open" },
			{ KSPAWN_ACTION_CLOSE,		"close" },
			{ KSPAWN_ACTION_DUP2,		"dup2" },
			{ KSPAWN_ACTION_CHDIR,		"chdir" },
			{ KSPAWN_ACTION_FCHDIR,		"fchdir" },
			{ KSPAWN_ACTION_CLOSEFROM,	"closefrom" },
			{ KSPAWN_ACTION_TCSETPGRP,	"tcsetpgrp" }),
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
			{ KSPAWN_STEP_EXEC,		"exec" }),
		  __entry->index)
);

#endif /* KSPAWN_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
