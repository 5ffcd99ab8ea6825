// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "completion.h"
#include "dispatch.h"

#define LOOK_MS		50
#define PATIENCE_S	60

static void hand_over(struct dispatch *d, const struct kspawn_event *event)
{
	__u64 user = event->cookie;

	pthread_mutex_lock(&d->lock);
	if (user >= (__u64)d->users || !d->waits[user] || d->has_event[user]) {
		d->wrong++;
	} else {
		d->events[user] = *event;
		d->has_event[user] = true;
	}
	pthread_cond_broadcast(&d->told);
	pthread_mutex_unlock(&d->lock);
}

/* All of them poll; one of them gets it. */
static void *read_events(void *argument)
{
	struct dispatch *d = argument;
	struct kspawn_event events[2];

	while (!__atomic_load_n(&d->stop, __ATOMIC_RELAXED)) {
		ssize_t size, i;

		if (!completion_ready(d->completion, LOOK_MS))
			continue;
		size = read(d->completion, events, sizeof(events));
		for (i = 0; i < size / (ssize_t)sizeof(*events); i++)
			hand_over(d, &events[i]);
	}
	return NULL;
}

int dispatch_begin(struct dispatch *d, int device, int users)
{
	int i, err;

	memset(d, 0, sizeof(*d));
	d->users = users;
	d->completion = users <= DISPATCH_USERS ? completion_open(device, users, O_NONBLOCK) : -1;
	if (d->completion < 0)
		return errno;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->told, NULL);
	for (i = 0; i < DISPATCH_READERS; i++) {
		err = pthread_create(&d->readers[i], NULL, read_events, d);
		if (err)
			return err;
	}
	return 0;
}

/* False if it does not come. */
static bool take_event(struct dispatch *d, int user, struct kspawn_event *event)
{
	struct timespec end;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&d->lock);
	while (!d->has_event[user] && !err)
		err = pthread_cond_timedwait(&d->told, &d->lock, &end);
	*event = d->events[user];
	d->waits[user] = d->has_event[user] = false;
	pthread_mutex_unlock(&d->lock);
	return !err;
}

void dispatch_make(struct dispatch *d, int device, struct spawn *s, int user, struct outcome *o)
{
	struct kspawn_event event;
	pid_t pid;

	completion_use(s, d->completion, user);
	pthread_mutex_lock(&d->lock);
	d->waits[user] = true;
	pthread_mutex_unlock(&d->lock);
	pid = spawn_start(device, s);
	if (pid < 0) {
		outcome_of_failure(s, o);
		return;
	}
	if (!take_event(d, user, &event) || event.pid != pid)
		*o = (struct outcome){ .pid = pid, .status = -1 };
	else
		outcome_of_event(&event, o);
	if (s->result.pidfd >= 0)
		close(s->result.pidfd);
}

void dispatch_end(struct dispatch *d)
{
	int i;

	__atomic_store_n(&d->stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < DISPATCH_READERS; i++)
		pthread_join(d->readers[i], NULL);
	pthread_cond_destroy(&d->told);
	pthread_mutex_destroy(&d->lock);
	close(d->completion);
}
