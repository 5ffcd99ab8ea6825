// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "completion.h"
#include "inject.h"
#include "own.h"
#include "round.h"
#include "scratch.h"

/* The event has the outcome, as if the call had said it. */
static void take_event(const struct spawn *s, struct round *round)
{
	struct kspawn_event event;
	bool told = completion_next(s->args.completion, &event);

	/* A read that was made to fail has left it there. */
	if (!told)
		told = completion_next(s->args.completion, &event);
	if (!told || event.pid != round->pid) {
		round->error = EIO;
		return;
	}
	if (!event.error)
		return;
	round->pid = -1;
	round->error = event.error;
	round->result.pid = 0;
	round->result.pidfd = -1;
	round->result.error = event.error;
	round->result.step = event.step;
	round->result.index = event.index;
}

/* Requests that create a builder's child, and change it. */
static void plain_prepare(struct spawn *s)
{
	spawn_init(s, NULL);
	s->args.dirfd = 0;
	s->args.argv = 0;
	s->args.envp = 0;
}

static void creation_prepare(struct spawn *s)
{
	plain_prepare(s);
	spawn_dup2(s, 0, 9);
}

static void change_prepare(struct spawn *s)
{
	plain_prepare(s);
	spawn_open(s, 10, "/dev/null", O_RDONLY, 0);
	spawn_pass(s, 0, 11, 0);
	spawn_chdir(s, "/");
}

/* A call that fails for want of memory leaves the child, and is made again if @again. */
static int operate(const struct fault_case *c, int builder, unsigned long command,
		   struct spawn *s, bool again)
{
	int ret = ioctl(builder, command, &s->args);

	if (ret < 0 && again && round_may_show_as(c, errno))
		ret = ioctl(builder, command, &s->args);
	return ret;
}

/* In place of spawn_start(): the result is that of the last call. */
static pid_t build(int device, const struct fault_case *c, struct spawn *s, bool again)
{
	struct spawn creation, change;
	int builder, error;
	pid_t pid = -1;

	creation_prepare(&creation);
	change_prepare(&change);
	builder = ioctl(device, KSPAWN_IOC_BUILDER, &creation.args);
	s->result = creation.result;
	if (builder < 0)
		return -1;
	if (operate(c, builder, KSPAWN_IOC_APPLY, &change, again))
		s->result = change.result;
	else
		pid = operate(c, builder, KSPAWN_IOC_START, s, again);
	error = errno;
	close(builder);
	errno = error;
	return pid;
}

/* The same: one of three, which all run or none; the result is that of the one that fails. */
static pid_t start_in_batch(int device, struct spawn *s)
{
	struct spawn others[2];
	struct spawn *all[3] = { &others[0], s, &others[1] };
	__u64 addresses[3];
	pid_t pid = -1;
	__u32 failed = sizeof(all) / sizeof(*all);
	struct kspawn_batch batch = {
		.size = sizeof(batch),
		.flags = KSPAWN_BATCH_FLAGS_ALL,
		.starts = spawn_pointer(addresses),
		.count = sizeof(all) / sizeof(*all),
		.failed = spawn_pointer(&failed),
	};

	for (__u32 i = 0; i < batch.count; i++) {
		if (all[i] != s)
			spawn_init(all[i], scratch_tiny);
		all[i]->args.flags = all[i] == s ? s->args.flags : s->args.flags & KSPAWN_WAIT;
		addresses[i] = spawn_pointer(&all[i]->args);
	}
	/* Also where there is no memory for the result. */
	s->args.pid = spawn_pointer(&pid);
	if (ioctl(device, KSPAWN_IOC_BATCH, &batch) == (int)batch.count)
		return pid;
	/* No memory for the batch itself: it is about none of them. */
	if (failed == batch.count)
		s->result = (struct kspawn_result){
			.pidfd = -1, .error = errno, .step = KSPAWN_STEP_COPY
		};
	else
		s->result = all[failed]->result;
	return -1;
}

static pid_t make_call(int device, const struct fault_case *c, struct spawn *s, bool again)
{
	if (fault_case_is_built(c))
		return build(device, c, s, again);
	return fault_case_is_batch(c) ? start_in_batch(device, s) : spawn_start(device, s);
}

/* Close the descriptors that a start has made for its caller. */
static void close_ends(const struct spawn *s)
{
	for (__u32 i = 0; i < s->args.action_count; i++) {
		const struct kspawn_action *action = &s->actions[i];

		if (s->args.actions == spawn_pointer(s->actions) &&
		    (action->op == KSPAWN_ACTION_PIPE || action->op == KSPAWN_ACTION_SOCKETPAIR))
			close(*(int *)(unsigned long)action->path);
	}
}

void round_run(int device, const struct fault_case *c, int fail_nth, unsigned int nth,
	       struct round *round, int *left)
{
	int descriptors, sigchld;
	struct spawn s;

	c->prepare(&s);
	descriptors = own_descriptor_count();
	sigchld = own_sigchld_count();
	if (fail_nth >= 0)
		inject_set(fail_nth, nth);
	errno = 0;
	round->pid = make_call(device, c, &s, fail_nth >= 0);
	round->error = round->pid < 0 ? errno : 0;
	if (fail_nth >= 0) {
		*left = inject_left(fail_nth);
		inject_set(fail_nth, 0);
	}
	round->result = s.result;
	if (round->pid > 0 && s.result.pidfd >= 0)
		close(s.result.pidfd);
	if (round->pid > 0)
		close_ends(&s);
	if (round->pid > 0 && s.args.flags & KSPAWN_ASYNC)
		take_event(&s, round);
	round->status = 0;
	if (round->pid > 0)
		round->status = s.args.flags & KSPAWN_WAIT ? s.result.status :
							     own_wait(round->pid);
	round->descriptors = own_descriptor_count() - descriptors;
	round->clean = own_no_child() && !round->descriptors &&
		       (round->pid > 0 || sigchld == own_sigchld_count());
}

bool round_may_show_as(const struct fault_case *c, int error)
{
	if (error == ENOMEM || (c->error && error == c->error))
		return true;
	for (unsigned int i = 0; i < CASE_ERRORS; i++)
		if (c->others[i] && c->others[i] == error)
			return true;
	return false;
}
