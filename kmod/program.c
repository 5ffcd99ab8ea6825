// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uidgid.h>

#include "audit.h"
#include "kernel_symbols.h"
#include "lookup.h"
#include "memory.h"
#include "operations.h"
#include "program.h"
#include "request.h"
#include "signals.h"
#include "trace.h"

/*
 * From exec_mmap() on the child has the program's memory; an error before that,
 * even past exec's point_of_no_return, still ends as a failed start.
 */
static bool is_committed(const struct kspawn_request *request)
{
	return current->mm && current->mm != request->own_mm;
}

/* Whether this exec must be told where its path begins. */
static bool is_elsewhere(const struct kspawn_request *request, const char *path)
{
	return kspawn_request_has_flag(request, KSPAWN_EMPTY_PATH) ||
	       (request->args.dirfd != AT_FDCWD && *path != '/');
}

/*
 * Larger lists are copied by exec itself, from memory of the child's own: only
 * there does the OOM killer see them, and the stack that they are copied to.
 */
#define LISTS_PLACED_MAX	ARG_MAX

/* A TOMOYO policy can have conditions on arguments, and looks before we do. */
static bool needs_real_lists(const struct kspawn_request *request)
{
	if (request->lists.size > LISTS_PLACED_MAX)
		return true;
#ifdef CONFIG_SECURITY_TOMOYO
	if (READ_ONCE(*kspawn_kernel.tomoyo_policy_loaded))
		return true;
#endif
	return request->lists.refused;
}

static int execute_here(struct kspawn_request *request, const char *path)
{
	static const char * const argv[] = { "", NULL };
	static const char * const envp[] = { NULL };
	int err;

	kspawn_lists_begin(request);
	err = kspawn_kernel.kernel_execve(path, argv, envp);
	kspawn_lists_end(request, err);
	return err;
}

/* As execveat() does it, whose arguments are in memory of the child's own. */
static int execute_elsewhere(struct kspawn_request *request, const char *path,
			     bool real_lists)
{
	static const struct kspawn_piece none = { .bytes = "", .size = 1 };
	static const struct kspawn_lists one_empty = {
		.first = (struct kspawn_piece *)&none, .size = 1, .argc = 1,
	};
	const struct kspawn_lists *lists = real_lists ? &request->lists :
							&one_empty;
	struct pt_regs regs = {
		.di = request->args.dirfd,
		.r8 = kspawn_request_has_flag(request, KSPAWN_EMPTY_PATH) ?
			AT_EMPTY_PATH : 0,
	};
	size_t size;
	int err;

	regs.si = kspawn_memory_string(request, path);
	if (IS_ERR_VALUE(regs.si))
		return regs.si;
	err = kspawn_lists_to_user(request, lists, &regs.dx, &regs.r10, &size);
	if (err)
		return err;
	if (!real_lists)
		kspawn_lists_begin(request);
	err = kspawn_kernel.__x64_sys_execveat(&regs);
	if (!real_lists)
		kspawn_lists_end(request, err);
	/* After success there is nothing left to unmap. */
	if (!is_committed(request))
		vm_munmap(regs.dx, size);
	return err;
}

static int execute_once(struct kspawn_request *request, const char *path)
{
	int err;

	if (!needs_real_lists(request)) {
		err = is_elsewhere(request, path) ?
			execute_elsewhere(request, path, false) :
			execute_here(request, path);
		if (!request->lists.refused || is_committed(request))
			return err;
	}
	return execute_elsewhere(request, path, true);
}

/*
 * Whether to look again: a path may have led through /proc/self/exe, which a child
 * without memory does not have.  It has now, or @err is why not.
 */
static bool lacked_exe_file(struct kspawn_request *request, const char *path,
			    int *err)
{
	if (*err != -ENOENT || current->mm || !request->exe_file ||
	    kspawn_lookup_is_absent(path))
		return false;
	*err = kspawn_memory_make(request);
	return !*err;
}

static int execute(struct kspawn_request *request, const char *path)
{
	int err;

	if (!*path && !kspawn_request_has_flag(request, KSPAWN_EMPTY_PATH))
		return -ENOENT;
	kspawn_audit_begin(__NR_execve, 0, 0, 0, 0);
	do {
		err = execute_once(request, path);
	} while (!is_committed(request) &&
		 (kspawn_signals_interrupted(request, err) ||
		  lacked_exe_file(request, path, &err)));
	/* If it has succeeded, the return to user mode ends the record. */
	if (err)
		kspawn_audit_end(err);
	trace_kspawn_exec(request, path, err);
	return err;
}

/*
 * Whether the search goes on after this error, as in glibc's execvp(): the
 * program is not there, or the directory is out of reach.
 */
static bool try_next(int err)
{
	switch (err) {
	case -EACCES:
	case -ENOENT:
	case -ENOTDIR:
	case -ESTALE:
	case -ENODEV:
	case -ETIMEDOUT:
		return true;
	}
	return false;
}

/*
 * Write the path that the directory at *@search stands for to @candidate, and
 * move *@search behind it; NULL after the last.  Returns false if that path is
 * too long.
 */
static bool next_candidate(struct kspawn_request *request, const char **search)
{
	const char *directory = *search;
	const char *end = strchrnul(directory, ':');
	size_t length = end - directory;
	size_t name = strlen(request->path) + 1;
	char *to = request->candidate;

	*search = *end ? end + 1 : NULL;
	if (length + !!length + name > request->candidate_size)
		return false;
	memcpy(to, directory, length);
	if (length)
		to[length++] = '/';
	memcpy(to + length, request->path, name);
	return true;
}

/*
 * Whether a program is there; 0 also if only the child can tell, unless this is
 * the child.
 */
static int look_up(struct kspawn_request *request, const char *path, bool run)
{
	int err;

	if (!run && request->makes_fd)
		return kspawn_lookup_is_absent(path) ? -ENOENT : 0;
	err = kspawn_lookup(path);
	if (run && lacked_exe_file(request, path, &err))
		err = kspawn_lookup(path);
	return err;
}

/*
 * Try each candidate until one is there; with @run, until one executes.
 * Leaves request->search at the first that is worth a try, and says so in
 * request->found, for the child.
 */
static int search(struct kspawn_request *request, bool run)
{
	const char *next = request->search;
	int err = -ENOENT;

	if (!*request->path)
		return -ENOENT;
	if (strlen(request->path) > NAME_MAX)
		return -ENAMETOOLONG;

	while (next) {
		const char *here = next;

		if (!next_candidate(request, &next))
			continue;
		do {
			err = run && request->found ? 0 :
				look_up(request, request->candidate, run);
		} while (run && kspawn_signals_interrupted(request, err));
		request->found = !err && !run;
		if (!err) {
			if (!run) {
				request->search = here;
				return 0;
			}
			err = execute(request, request->candidate);
		}
		if (!try_next(err) || (run && is_committed(request)))
			return err;
		if (err == -EACCES)
			request->denied = true;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return request->denied ? -EACCES : err;
}

/*
 * Whether the child would find what its caller finds: it has the caller's
 * credentials and working directory.  If it has a descriptor that the caller has
 * not, only what is the same for all processes counts, see look_up().
 */
static bool lookup_is_settled(struct kspawn_request *request)
{
	u32 traits, i;

	if (is_elsewhere(request, request->path))
		return false;
	if (kspawn_request_has_attr(request, KSPAWN_ATTR_RESETIDS) &&
	    kspawn_attributes_ids_differ())
		return false;
	for (i = 0; i < request->args.action_count; i++) {
		traits = request->actions[i].operation->traits;
		if (!(traits & KSPAWN_KEEPS_LOOKUP))
			return false;
		if (traits & KSPAWN_MAKES_FD)
			request->makes_fd = true;
	}
	return true;
}

/* Whether the caller has this descriptor open. */
static bool is_open(int fd)
{
	struct file *file = fget_raw(fd);

	if (!file)
		return false;
	fput(file);
	return true;
}

/* RESETIDS fails where the real ids have no numbers. */
static bool ids_are_mapped(void)
{
	return kuid_has_mapping(current_user_ns(), current_uid()) &&
	       kgid_has_mapping(current_user_ns(), current_gid());
}

/*
 * Attributes for which no start fails; RESETIDS as long as it changes nothing, see
 * lookup_is_settled(), and if ids_are_mapped().
 */
#define ATTRIBUTES_SUCCEED						\
	(KSPAWN_ATTR_SETSIGDEF | KSPAWN_ATTR_SETSIGIGN |		\
	 KSPAWN_ATTR_SETSIGMASK | KSPAWN_ATTR_SETSID |			\
	 KSPAWN_ATTR_RESETIDS | KSPAWN_ATTR_CLOEXEC_DEFAULT)

/*
 * Whether no attribute and no action would fail before the child comes to look
 * for its program, which is then what is told.  Asked only if that is not there.
 */
static bool child_would_come_to_it(const struct kspawn_request *request)
{
	bool closed = false;
	u32 i;

	if (kspawn_request_has_attr(request, ~ATTRIBUTES_SUCCEED))
		return false;
	if (kspawn_request_has_attr(request, KSPAWN_ATTR_RESETIDS) &&
	    !ids_are_mapped())
		return false;
	for (i = 0; i < request->args.action_count; i++) {
		const struct kspawn_file_action *action = &request->actions[i];
		u32 takes = action->operation->takes;

		if (action->fd < 0 || action->newfd < 0)
			return false;
		if (action->operation->traits & KSPAWN_NAMES_FD) {
			if (closed || !is_open(action->fd))
				return false;
		} else {
			/* It closes some, perhaps one that is named next. */
			closed = true;
			if (action->fd >= rlimit(RLIMIT_NOFILE))
				return false;
			if ((takes & KSPAWN_TAKES_NEWFD) &&
			    action->newfd < action->fd)
				return false;
		}
		if ((takes & KSPAWN_TAKES_NEWFD) &&
		    action->newfd >= rlimit(RLIMIT_NOFILE))
			return false;
	}
	return true;
}

/**
 * kspawn_program_find() - look the program up before there is a child
 * @request: the request; runs in the caller
 *
 * A program that is not there costs no child where no action can change what
 * the child would find.  Where system calls are audited, the look-up is left to
 * the child: an audit context keeps each name until the system call ends, and
 * the auditor is to see no names but those of the program.
 *
 * Return: 0 if it was found or only the child can tell, or a negative errno.
 */
int kspawn_program_find(struct kspawn_request *request)
{
	int err;

	if (kspawn_audit_is_on() || !lookup_is_settled(request))
		return 0;
	err = request->search ? search(request, false) :
				look_up(request, request->path, false);
	/* The child, which comes to what fails first, tells of that. */
	if (err && !kspawn_signals_is_restart(err) &&
	    !child_would_come_to_it(request))
		return 0;
	return err;
}

/*
 * execve() makes this check, kernel_execve() does not: a set*id call may have
 * gone over the limit on processes without an error.
 */
static int check_process_limit(void)
{
	if ((current->flags & PF_NPROC_EXCEEDED) &&
	    kspawn_kernel.is_rlimit_overlimit(current_ucounts(),
					      UCOUNT_RLIMIT_NPROC,
					      rlimit(RLIMIT_NPROC)))
		return -EAGAIN;
	current->flags &= ~PF_NPROC_EXCEEDED;
	return 0;
}

/**
 * kspawn_program_execute() - execute the program
 * @request: the request; runs in the child
 *
 * Return: 0 if the child is now that program, or a negative errno, with the
 * failure in the outcome.  If the error came after the point of no return, the
 * caller has gone on, and the outcome is not touched: the kernel has sent the
 * child a SIGSEGV to die of.
 */
int kspawn_program_execute(struct kspawn_request *request)
{
	int err;

	err = check_process_limit();
	if (!err)
		err = request->search ? search(request, true) :
					execute(request, request->path);
	if (err && !is_committed(request))
		kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_EXEC, 0,
				    err);
	return err;
}
