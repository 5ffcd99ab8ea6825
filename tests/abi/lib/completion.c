// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "completion.h"
#include "scratch.h"

#define PATIENCE_MS	60000

int completion_open(int device, __u32 capacity, __u32 flags)
{
	struct kspawn_completion options = {
		.size = sizeof(options),
		.flags = flags,
		.capacity = capacity,
	};

	return ioctl(device, KSPAWN_IOC_COMPLETION, &options);
}

void completion_use(struct spawn *s, int completion, __u64 cookie)
{
	s->args.flags |= KSPAWN_ASYNC;
	s->args.completion = completion;
	s->args.cookie = cookie;
}

bool completion_ready(int completion, int limit_ms)
{
	struct pollfd poller = { .fd = completion, .events = POLLIN };

	int ready;

	/* The end of a child interrupts it; then it waits from the start. */
	do {
		ready = poll(&poller, 1, limit_ms);
	} while (ready < 0 && errno == EINTR);
	return ready == 1 && poller.revents & POLLIN;
}

bool completion_next(int completion, struct kspawn_event *event)
{
	return completion_ready(completion, PATIENCE_MS) &&
	       read(completion, event, sizeof(*event)) == sizeof(*event);
}

void completion_tiny(struct spawn *s, int completion, __u64 cookie, bool fails)
{
	spawn_init(s, scratch_tiny);
	if (fails)
		spawn_dup2(s, 99, 98);
	completion_use(s, completion, cookie);
}

void completion_hold(struct spawn *s, int completion, __u64 cookie)
{
	spawn_init(s, scratch_tiny);
	spawn_hold(s);
	completion_use(s, completion, cookie);
}
