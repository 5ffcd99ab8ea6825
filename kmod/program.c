// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "audit.h"
#include "kernel_symbols.h"
#include "lookup.h"
#include "program.h"
#include "request.h"
#include "signals.h"
#include "trace.h"

/* Past the point of no return there is no way back to the caller's memory. */
static bool is_committed(const struct kspawn_request *request)
{
	return current->mm != request->mm;
}

static int execve_in_place(const struct kspawn_request *request)
{
	struct pt_regs regs = {
		.di = request->args.path,
		.si = request->args.argv,
		.dx = request->args.envp,
	};

	return kspawn_kernel.__x64_sys_execve(&regs);
}

static int execute(struct kspawn_request *request, const char *path)
{
	int err;

	if (!*path)
		return -ENOENT;
	kspawn_audit_begin(__NR_execve, 0, 0, 0, 0);
	do {
		err = request->in_place ?
			execve_in_place(request) :
			kspawn_kernel.kernel_execve(path, request->argv,
						    request->envp);
	} while (!is_committed(request) && kspawn_interrupted(request, err));
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
	int length = end - directory;

	*search = *end ? end + 1 : NULL;
	if (length >= PATH_MAX)
		return false;
	return snprintf(request->candidate, request->candidate_size,
			"%.*s%s%s", length, directory, length ? "/" : "",
			request->path) < request->candidate_size;
}

/*
 * Try each candidate until one is there; with @run, until one executes.
 * Leaves request->search at the first that is worth a try.
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
			err = kspawn_look_up(request->candidate);
		} while (run && kspawn_interrupted(request, err));
		if (!err) {
			if (!run) {
				request->search = here;
				return 0;
			}
			err = execute(request, request->candidate);
		}
		if (!try_next(err) || is_committed(request))
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
 * credentials, working directory and no descriptor that the caller has not.
 */
static bool lookup_is_settled(const struct kspawn_request *request)
{
	const struct cred *cred = current_cred();
	u32 i;

	if (kspawn_has_attribute(request, KSPAWN_ATTR_RESETIDS) &&
	    (!uid_eq(cred->uid, cred->euid) ||
	     !uid_eq(cred->uid, cred->fsuid) ||
	     !gid_eq(cred->gid, cred->egid) ||
	     !gid_eq(cred->gid, cred->fsgid)))
		return false;
	for (i = 0; i < request->args.action_count; i++) {
		switch (request->actions[i].op) {
		case KSPAWN_ACTION_CLOSE:
		case KSPAWN_ACTION_CLOSEFROM:
		case KSPAWN_ACTION_TCSETPGRP:
			continue;
		}
		return false;
	}
	return true;
}

/**
 * kspawn_find_program() - look the program up before there is a child
 * @request: the request; runs in the caller
 *
 * A program that is not there costs no child where no action can change what
 * the child would find.
 *
 * Return: 0 if it was found or only the child can tell, or a negative errno.
 */
int kspawn_find_program(struct kspawn_request *request)
{
	if (!lookup_is_settled(request))
		return 0;
	return request->search ? search(request, false) : kspawn_look_up(request->path);
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
 * kspawn_execute() - execute the program
 * @request: the request; runs in the child
 *
 * Return: 0 if the child is now that program, or a negative errno, with the
 * failure in the outcome.  If the error came after the point of no return, the
 * caller has gone on, and the outcome is not touched: the kernel has sent the
 * child a SIGSEGV to die of.
 */
int kspawn_execute(struct kspawn_request *request)
{
	int err;

	err = check_process_limit();
	if (!err)
		err = request->search ? search(request, true) :
					execute(request, request->path);
	if (err && !is_committed(request))
		kspawn_fail(&request->outcome, KSPAWN_STEP_EXEC, 0, err);
	return err;
}
