// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "completion.h"
#include "own.h"

void outcome_of_failure(const struct spawn *s, struct outcome *o)
{
	*o = (struct outcome){ .error = errno, .step = s->result.step };
}

void outcome_of_event(const struct kspawn_event *event, struct outcome *o)
{
	*o = (struct outcome){ .error = event->error, .step = event->step };
	if (event->error)
		return;
	o->pid = event->pid;
	o->status = own_wait(event->pid);
}

/* Another child of ours may have the number by now: only the pidfd is this one. */
static void go_on_waiting(const struct spawn *s, struct outcome *o)
{
	siginfo_t info;
	int err;

	do {
		err = waitid(P_PIDFD, s->result.pidfd, &info, WEXITED | __WALL);
	} while (err && errno == EINTR);
	if (err)
		return;
	o->pid = s->result.pid;
	o->error = 0;
	o->step = KSPAWN_STEP_NONE;
	o->status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
}

static void start_and_wait(int device, struct spawn *s, struct outcome *o)
{
	pid_t pid;

	s->args.flags |= KSPAWN_WAIT | KSPAWN_PIDFD;
	pid = spawn_start(device, s);
	if (pid > 0) {
		*o = (struct outcome){ .pid = pid, .status = s->result.status };
		return;
	}
	outcome_of_failure(s, o);
	if (o->error == EINTR && o->step == KSPAWN_STEP_WAIT)
		go_on_waiting(s, o);
}

static void start_asynchronous(int device, struct spawn *s, int completion, struct outcome *o)
{
	static __u64 last;
	__u64 cookie = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	struct kspawn_event event;
	pid_t pid;

	completion_use(s, completion, cookie);
	pid = spawn_start(device, s);
	if (pid < 0)
		outcome_of_failure(s, o);
	else if (!completion_next(completion, &event) || event.cookie != cookie || event.pid != pid)
		*o = (struct outcome){ .pid = pid, .status = -1 };
	else
		outcome_of_event(&event, o);
}

void call_make(int device, struct spawn *s, enum call how, int completion, struct outcome *o)
{
	s->result.pidfd = -1;
	if (how == CALL_ASYNC) {
		start_asynchronous(device, s, completion, o);
	} else if (how == CALL_WAIT) {
		start_and_wait(device, s, o);
	} else {
		pid_t pid = spawn_start(device, s);

		if (pid < 0)
			outcome_of_failure(s, o);
		else
			*o = (struct outcome){ .pid = pid, .status = own_wait(pid) };
	}
	/* The pattern that the result is filled with is negative, too. */
	if (s->result.pidfd >= 0)
		close(s->result.pidfd);
}
