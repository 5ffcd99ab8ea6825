// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "tracer.h"

pid_t tracer_hold_child(pid_t caller)
{
	unsigned long child = 0;
	pid_t stopped = 0;

	/* The child's stop may be seen before its parent's event. */
	while (!child || (pid_t)child != stopped) {
		int status, signal = 0;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0 || (pid == caller && !WIFSTOPPED(status)))
			return -1;
		if (!WIFSTOPPED(status))
			continue;
		switch (status >> 16) {
		case PTRACE_EVENT_VFORK:
		case PTRACE_EVENT_FORK:
			ptrace(PTRACE_GETEVENTMSG, pid, 0, &child);
			break;
		case PTRACE_EVENT_STOP:
			/* A thread's birth has an event as well; ours is a process. */
			if (pid != caller) {
				stopped = pid;
				continue;
			}
			break;
		case 0:
			signal = WSTOPSIG(status);
		}
		ptrace(PTRACE_CONT, pid, 0, signal);
	}
	return stopped;
}

bool tracer_wait_event(pid_t pid, int event)
{
	int status;

	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		if (status >> 16 == event)
			return true;
		ptrace(PTRACE_CONT, pid, 0, status >> 16 ? 0 : WSTOPSIG(status));
	}
	return false;
}
