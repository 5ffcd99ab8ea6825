// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Threads fork and start programs all the time while another reads what its children
 * write, until the end of file.  That comes when the one child ends, though whatever
 * the others have forked lives on: nobody but the child ever had its end.
 *
 * The same by pipe(), fcntl() and fork() is shown beside it: a process that was forked
 * between two of these keeps the end.
 */
#include "lib/fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define THREADS		2
/* Processes that each thread keeps. */
#define KEPT		4
#define ROUNDS		600
#define LIBC_ROUNDS	150
#define ROUNDS_A_TURN	4
/* An end of file that has not come by then never does. */
#define KERNEL_MS	60000
#define LIBC_MS		300

struct crowd {
	int device;
	bool over;
	/* Held for writing while what was forked is replaced, for reading in a round. */
	pthread_rwlock_t lock;
	unsigned long turns; /* how often it was held for writing */
	unsigned long forks;
	pthread_t threads[THREADS];
};

static pid_t start_keeper(int device)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");

	return spawn_start(device, &s);
}

static void *keep_forking(void *argument)
{
	struct crowd *crowd = argument;
	pid_t pids[KEPT];
	int count = 0, i;

	while (!__atomic_load_n(&crowd->over, __ATOMIC_ACQUIRE)) {
		for (i = 0; i < KEPT; i++) {
			/* One of them is a program. */
			pids[i] = i ? fork() : start_keeper(crowd->device);
			if (!pids[i])
				for (;;)
					pause();
			if (pids[i] > 0)
				count++;
		}
		pthread_rwlock_wrlock(&crowd->lock);
		for (i = 0; i < KEPT; i++) {
			if (pids[i] <= 0)
				continue;
			kill(pids[i], SIGKILL);
			own_wait(pids[i]);
		}
		__atomic_add_fetch(&crowd->turns, 1, __ATOMIC_RELEASE);
		pthread_rwlock_unlock(&crowd->lock);
	}
	__atomic_add_fetch(&crowd->forks, count, __ATOMIC_RELAXED);
	return NULL;
}

static void gather(struct __test_metadata *_metadata, struct crowd *crowd, int device)
{
	*crowd = (struct crowd){ .device = device };
	ASSERT_EQ(0, pthread_rwlock_init(&crowd->lock, NULL));
	for (int i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&crowd->threads[i], NULL, keep_forking, crowd));
}

static void disperse(struct crowd *crowd)
{
	__atomic_store_n(&crowd->over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++)
		pthread_join(crowd->threads[i], NULL);
}

/*
 * The lock prefers readers: with one CPU, threads that fork all the time would seldom let
 * one in.  So the threads that fork get a turn after some rounds.
 */
static void give_turn(struct crowd *crowd, unsigned int round)
{
	unsigned long turns = __atomic_load_n(&crowd->turns, __ATOMIC_ACQUIRE);

	while (round % ROUNDS_A_TURN == 0 &&
	       __atomic_load_n(&crowd->turns, __ATOMIC_ACQUIRE) == turns)
		own_sleep_ms(1);
}

/* Whether the end of file comes, and nothing else. */
static bool ends(int fd, int limit_ms)
{
	unsigned long long end = own_clock_ms() + limit_ms;
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	unsigned long long now = own_clock_ms();
	char byte;
	int ready;

	do {
		ready = poll(&entry, 1, now < end ? (int)(end - now) : 0);
		now = own_clock_ms();
	} while (ready < 0 && errno == EINTR);
	return ready == 1 && !read(fd, &byte, 1);
}

TEST_F(spawn, nobody_else_has_the_childs_end)
{
	unsigned int rounds = scratch_scale(ROUNDS), leaks = 0, failures = 0, i;
	struct crowd crowd;

	gather(_metadata, &crowd, self->device);
	for (i = 0; i < rounds; i++) {
		DEFINE_SPAWN(s, scratch_tiny);
		int end = -1;
		pid_t pid;

		if (i % 4)
			spawn_pipe(&s, 1, O_WRONLY, 0, &end);
		else
			spawn_socketpair(&s, 1, SOCK_STREAM, 0, &end);
		pthread_rwlock_rdlock(&crowd.lock);
		pid = spawn_start(self->device, &s);
		failures += pid < 0 || end < 0 || own_wait(pid);
		leaks += end >= 0 && !ends(end, KERNEL_MS);
		pthread_rwlock_unlock(&crowd.lock);
		close(end);
		give_turn(&crowd, i);
	}
	disperse(&crowd);
	TH_LOG("%u starts beside %lu forks", rounds, crowd.forks);
	EXPECT_LT(0, crowd.forks);
	EXPECT_EQ(0, failures);
	EXPECT_EQ(0, leaks);
}

/* A careful program does this where there is no pipe2(). */
static pid_t start_by_libc(int *end)
{
	int pair[2];
	pid_t pid;

	if (pipe(pair))
		return -1;
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	fcntl(pair[1], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (!pid) {
		dup2(pair[1], 1);
		execl(scratch_tiny, "tiny", NULL);
		_exit(127);
	}
	close(pair[1]);
	*end = pair[0];
	return pid;
}

/* How many leak is chance; that each start works is not. */
TEST_F(spawn, libc_is_measured)
{
	unsigned int rounds = scratch_scale(LIBC_ROUNDS), leaks = 0, failures = 0, i;
	struct crowd crowd;

	gather(_metadata, &crowd, self->device);
	for (i = 0; i < rounds; i++) {
		int end = -1;
		pid_t pid;

		pthread_rwlock_rdlock(&crowd.lock);
		pid = start_by_libc(&end);
		failures += pid < 0 || own_wait(pid);
		leaks += !ends(end, LIBC_MS);
		pthread_rwlock_unlock(&crowd.lock);
		close(end);
		give_turn(&crowd, i);
	}
	disperse(&crowd);
	TH_LOG("by libc %u of %u ends leaked beside %lu forks", leaks, rounds, crowd.forks);
	EXPECT_EQ(0, failures);
}

TEST_HARNESS_MAIN
