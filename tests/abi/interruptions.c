// SPDX-License-Identifier: LGPL-2.1-or-later
/* Signals that come faster than a large request can be copied. */
#include "lib/fixture.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#define LIMIT_MS	30000

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
	(void)signal;
	ticks++;
}

static void every_millisecond(struct __test_metadata *_metadata)
{
	struct sigaction action = { .sa_handler = tick };
	struct itimerval timer = { { .tv_usec = 1000 }, { .tv_usec = 1000 } };

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
}

TEST_F(spawn, many_arguments)
{
	const size_t count = 16, size = 100 << 10;
	const char *list[17] = {};
	unsigned long long begun;
	struct rlimit limit;
	struct spawn s;
	size_t i;

	ASSERT_EQ(0, getrlimit(RLIMIT_STACK, &limit));
	limit.rlim_cur = 8 << 20;
	ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &limit));
	for (i = 0; i < count; i++) {
		list[i] = spawn_string(size, 'a');
		ASSERT_NE(NULL, list[i]);
	}
	every_millisecond(_metadata);
	begun = own_clock_ms();
	for (i = 0; i < 5; i++) {
		spawn_init(&s, scratch_tiny);
		s.args.argv = spawn_pointer(list);
		expect_exit(_metadata, self->device, &s, 0);
	}
	EXPECT_LT(own_clock_ms() - begun, LIMIT_MS);
	EXPECT_LT(0, ticks);
}

TEST_F(spawn, many_actions)
{
	const unsigned int count = KSPAWN_ACTIONS_MAX;
	struct kspawn_action *actions = calloc(count, sizeof(*actions));
	unsigned long long begun;
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_NE(NULL, actions);
	for (unsigned int i = 0; i < count; i++) {
		actions[i].op = KSPAWN_ACTION_CLOSE;
		actions[i].fd = 50 + i % 100;
	}
	every_millisecond(_metadata);
	begun = own_clock_ms();
	spawn_set_actions(&s, actions, count);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_LT(own_clock_ms() - begun, LIMIT_MS);
	free(actions);
}

/* No file is made twice because the caller was interrupted. */
TEST_F(spawn, exclusive_creation)
{
	unsigned int i, rounds = scratch_scale(200);

	every_millisecond(_metadata);
	for (i = 0; i < rounds; i++) {
		DEFINE_SPAWN(s, scratch_tiny);
		char name[32];

		snprintf(name, sizeof(name), "new%u", i);
		spawn_open(&s, 9, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		expect_exit(_metadata, self->device, &s, 0);
	}
}

/* So many that the copy of the descriptors, and its end, take long. */
#define MANY_DESCRIPTORS	200000

/**
 * struct caller - a process whose second thread starts programs
 * @device:  of the module
 * @rounds:  how many
 * @usual:   microseconds that an undisturbed start takes; 0: not known yet
 * @done:    whether it has ended
 * @strange: starts that failed
 * @error:   errno of the last of them
 */
struct caller {
	int device;
	unsigned int rounds;
	unsigned int usual;
	bool done;
	unsigned int strange;
	int error;
};

static unsigned long long clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

static void *start_again_and_again(void *argument)
{
	struct caller *caller = argument;
	unsigned long long begun = clock_us();

	for (unsigned int i = 0; i < caller->rounds; i++) {
		DEFINE_SPAWN(s, scratch_tiny);
		pid_t pid;

		pid = spawn_start(caller->device, &s);
		if (pid > 0) {
			waitpid(pid, NULL, 0);
		} else {
			caller->strange++;
			caller->error = errno;
		}
		if (!i)
			__atomic_store_n(&caller->usual, clock_us() - begun, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&caller->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void be_the_caller(struct caller *caller)
{
	struct rlimit limit = { MANY_DESCRIPTORS, MANY_DESCRIPTORS };
	pthread_t thread;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		_exit(2);
	for (fd = 100; fd < MANY_DESCRIPTORS; fd++)
		dup2(0, fd);
	/* It is this thread that takes the signals. */
	if (pthread_create(&thread, NULL, start_again_and_again, caller) ||
	    pthread_join(thread, NULL))
		_exit(3);
	_exit(0);
}

/*
 * Stopped before there is a child, and continued before the call has ended: it
 * is made again, whatever has become of the reason.
 */
TEST_F(spawn, stopped_and_continued_within_the_call)
{
	const char *spawns = "/sys/class/misc/kspawn/stats/spawns";
	struct caller *caller = mmap(NULL, sizeof(*caller), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int round;
	pid_t pid;

	need_root(_metadata);
	ASSERT_NE(MAP_FAILED, caller);
	caller->device = self->device;
	caller->rounds = 1 + scratch_scale(60);
	pid = assert_fork(_metadata);
	if (!pid)
		be_the_caller(caller);
	while (!__atomic_load_n(&caller->usual, __ATOMIC_ACQUIRE))
		own_sleep_ms(1);
	for (round = 0; !__atomic_load_n(&caller->done, __ATOMIC_ACQUIRE); round++) {
		long before = totals_number(spawns);

		while (totals_number(spawns) == before &&
		       !__atomic_load_n(&caller->done, __ATOMIC_ACQUIRE))
			;
		ASSERT_EQ(0, kill(pid, SIGSTOP));
		usleep(caller->usual * (round % 16) / 16);
		ASSERT_EQ(0, kill(pid, SIGCONT));
	}
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_EQ(0, caller->strange)
		TH_LOG("%s (%d)", strerrorname_np(caller->error), caller->error);
	EXPECT_LT(0, round);
	TH_LOG("usually %u us, %u rounds", caller->usual, round);
}

TEST_HARNESS_MAIN
