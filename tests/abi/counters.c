// SPDX-License-Identifier: LGPL-2.1-or-later
/* The counters in sysfs: each failure is counted where it belongs, once. */
#include "lib/fixture.h"
#include "lib/userfault.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

static const char * const names[] = {
	"spawns", "restarted", "clones", "killed", "fail_policy", "fail_copy", "fail_descriptors",
	"fail_clone", "fail_attribute", "fail_action", "fail_pidfd", "fail_exec",
	"fail_lookup", "fail_builder", "builders", "applies", "starts", "closed", "batches",
	"fail_batch", "in_flight",
};

#define COUNTERS ARRAY_SIZE(names)

static void read_all(struct __test_metadata *_metadata, long long values[COUNTERS])
{
	char path[128], text[32];

	for (unsigned int i = 0; i < COUNTERS; i++) {
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/sys/class/misc/kspawn/stats/%s", names[i]);
		fd = assert_fd(_metadata, open(path, O_RDONLY | O_CLOEXEC));
		n = read(fd, text, sizeof(text) - 1);
		ASSERT_LT(0, n);
		text[n] = '\0';
		values[i] = strtoll(text, NULL, 10);
		close(fd);
	}
}

/*
 * The changes since @before, as "spawns+1 clones+1".  A child's last
 * instructions may come after its parent has reaped it: in_flight gets time.
 */
static const char *changes(struct __test_metadata *_metadata, const long long *before)
{
	static char text[512];
	long long now[COUNTERS];
	size_t used = 0;

	for (unsigned int i = 0; i < 500; i++) {
		read_all(_metadata, now);
		if (now[COUNTERS - 1] == before[COUNTERS - 1])
			break;
		own_sleep_ms(10);
	}
	text[0] = '\0';
	for (unsigned int i = 0; i < COUNTERS; i++)
		if (now[i] != before[i])
			used += snprintf(text + used, sizeof(text) - used, "%s%s%+lld",
					 used ? " " : "", names[i], now[i] - before[i]);
	return text;
}

TEST_F(spawn, readable_by_all)
{
	long long values[COUNTERS];

	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	read_all(_metadata, values);
}

TEST_F(spawn, success)
{
	long long before[COUNTERS];
	DEFINE_SPAWN(s, scratch_tiny);

	read_all(_metadata, before);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_STREQ("spawns+1 clones+1", changes(_metadata, before));
	spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
	s.args.flags = KSPAWN_PIDFD;
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_STREQ("spawns+2 clones+2", changes(_metadata, before));
}

/* Refused without a child: that is what makes it cheap. */
TEST_F(spawn, no_child_for_what_cannot_be_found)
{
	long long before[COUNTERS];
	DEFINE_SPAWN(s, "/no/such/program");

	read_all(_metadata, before);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_STREQ("spawns+1 fail_exec+1 fail_lookup+1", changes(_metadata, before));

	read_all(_metadata, before);
	spawn_init(&s, self->directory);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	EXPECT_STREQ("spawns+1 fail_exec+1 fail_lookup+1", changes(_metadata, before));

	read_all(_metadata, before);
	spawn_init(&s, "nothing");
	s.args.search = spawn_pointer("/bin:/usr/bin:");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_STREQ("spawns+1 fail_exec+1 fail_lookup+1", changes(_metadata, before));

	/* These actions and attributes cannot help to find it. */
	read_all(_metadata, before);
	spawn_init(&s, "/no/such/program");
	spawn_dup2(&s, 1, 2);
	spawn_close(&s, 0);
	spawn_closefrom(&s, 3);
	s.args.attr_flags = KSPAWN_ATTR_SETSID | KSPAWN_ATTR_SETSIGMASK | KSPAWN_ATTR_RESETIDS;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_STREQ("spawns+1 fail_exec+1 fail_lookup+1", changes(_metadata, before));
}

static void expect_no_child(struct __test_metadata *_metadata, int device, const char *path)
{
	long long before[COUNTERS];
	struct spawn s;

	read_all(_metadata, before);
	spawn_init(&s, path);
	expect_failure(_metadata, device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	EXPECT_STREQ("spawns+1 fail_exec+1 fail_lookup+1", changes(_metadata, before))
		TH_LOG("%s", path);
}

TEST_F(spawn, no_child_for_what_may_not_be_executed)
{
	need_own_mounts(_metadata);
	ASSERT_EQ(0, mkdir("there", 0755));
	ASSERT_EQ(0, mount("none", "there", "tmpfs", MS_NOEXEC, NULL));
	ASSERT_EQ(0, scratch_copy_child("there/prog", 0755));
	ASSERT_EQ(0, mkdir("closed", 0700));
	ASSERT_EQ(0, scratch_copy_child("closed/prog", 0755));
	ASSERT_EQ(0, scratch_copy_child("not-for-all", 0750));
	/* Their names are cached then. */
	ASSERT_EQ(0, access("closed/prog", X_OK));
	ASSERT_EQ(0, own_drop_privileges());
	expect_no_child(_metadata, self->device, "there/prog");
	expect_no_child(_metadata, self->device, "closed/prog");
	expect_no_child(_metadata, self->device, "not-for-all");
	expect_no_child(_metadata, self->device, "there");
}

TEST_F(spawn, a_child_where_an_action_may_help)
{
	long long before[COUNTERS];
	struct spawn s;

	for (int i = 0; i < 3; i++) {
		read_all(_metadata, before);
		spawn_init(&s, "no/such/program");
		switch (i) {
		case 0:
			spawn_chdir(&s, "/");
			break;
		case 1:
			spawn_open(&s, 9, "/", O_RDONLY, 0);
			break;
		case 2:
			spawn_open(&s, 9, "/", O_RDONLY, 0);
			spawn_fchdir(&s, 9);
			break;
		}
		expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
		EXPECT_STREQ("spawns+1 clones+1 fail_exec+1", changes(_metadata, before));
	}
}

TEST_F(spawn, failures_by_step)
{
	struct rlimit limit = { .rlim_cur = 4, .rlim_max = 64 };
	long long before[COUNTERS];
	DEFINE_SPAWN(s, scratch_tiny);

	read_all(_metadata, before);
	spawn_dup2(&s, 99, 98);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	EXPECT_STREQ("spawns+1 clones+1 fail_action+1", changes(_metadata, before));

	read_all(_metadata, before);
	spawn_init(&s, scratch_tiny);
	spawn_setpgroup(&s, -1);
	expect_attribute_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ATTR_SETPGROUP);
	EXPECT_STREQ("spawns+1 clones+1 fail_attribute+1", changes(_metadata, before));

	/* An unreadable request does not count as a spawn. */
	read_all(_metadata, before);
	spawn_init(&s, scratch_tiny);
	s.args.flags = 0x100;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
	EXPECT_STREQ("fail_copy+1", changes(_metadata, before));

	read_all(_metadata, before);
	spawn_init(&s, NULL);
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_PATH);
	EXPECT_STREQ("spawns+1 fail_copy+1", changes(_metadata, before));

	/* EMFILE is found before there is a child. */
	ASSERT_EQ(3, self->device);
	read_all(_metadata, before);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	spawn_init(&s, scratch_tiny);
	s.args.flags = KSPAWN_PIDFD;
	expect_errno(_metadata, self->device, &s, EMFILE);
	limit.rlim_cur = 64;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_STREQ("spawns+1 fail_pidfd+1", changes(_metadata, before));
}

TEST_F(spawn, failure_of_clone)
{
	struct rlimit limit = { .rlim_cur = 1, .rlim_max = 1 };
	long long before[COUNTERS];
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	ASSERT_EQ(0, own_drop_privileges());
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	read_all(_metadata, before);
	expect_failure(_metadata, self->device, &s, EAGAIN, KSPAWN_STEP_CLONE, 0);
	EXPECT_STREQ("spawns+1 fail_clone+1", changes(_metadata, before));
}

TEST_F(spawn, failure_by_policy)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = 1, .filter = &code };
	long long before[COUNTERS];
	DEFINE_SPAWN(s, scratch_tiny);

	read_all(_metadata, before);
	ASSERT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_EQ(0, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_POLICY, 0);
	EXPECT_STREQ("fail_policy+1", changes(_metadata, before));
}

#define PAGE	4096

struct interruption {
	int uffd;
	void *page;
	const void *content;
	size_t size;
	pthread_t caller;
	bool done;
};

static int handled;

static void note_signal(int signal)
{
	(void)signal;
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static void *interrupt(void *argument)
{
	struct interruption *i = argument;

	i->done = !userfault_wait(i->uffd) && !pthread_kill(i->caller, SIGUSR1) &&
		  !userfault_answer(i->uffd, i->page, i->content, i->size);
	return NULL;
}

/* Signals wait until the call is over; then the handler runs. */
TEST_F(spawn, a_signal_restarts_no_call)
{
	struct sigaction action = { .sa_handler = note_signal };
	static char content[PAGE];
	struct interruption i = { .size = PAGE, .content = content };
	long long before[COUNTERS];
	pthread_t thread;
	struct spawn s;

	i.uffd = userfault_open();
	if (i.uffd < 0)
		SKIP(return, "no userfaultfd for faults of the kernel: %m");
	i.page = mmap(NULL, i.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, i.page);
	ASSERT_GT(PAGE, snprintf(content, PAGE, "%s", scratch_tiny));
	i.caller = pthread_self();
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));

	read_all(_metadata, before);
	spawn_init(&s, i.page);
	ASSERT_EQ(0, userfault_watch(i.uffd, i.page, i.size));
	ASSERT_EQ(0, pthread_create(&thread, NULL, interrupt, &i));
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_TRUE(i.done);
	EXPECT_EQ(1, __atomic_load_n(&handled, __ATOMIC_RELAXED));
	EXPECT_STREQ("spawns+1 clones+1", changes(_metadata, before));
}

/* A wait that a signal ends is no failure of any step that is counted. */
TEST_F(spawn, wait_that_is_ended)
{
	struct sigaction action = { .sa_handler = note_signal };
	struct itimerval timer = { .it_value = { .tv_usec = 100000 } };
	long long before[COUNTERS];
	DEFINE_SPAWN(s, scratch_child, "child", "pause");

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	read_all(_metadata, before);
	s.args.flags = KSPAWN_WAIT;
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	EXPECT_EQ(-1, spawn_start(self->device, &s));
	EXPECT_EQ(KSPAWN_STEP_WAIT, s.result.step);
	ASSERT_LT(0, s.result.pid);
	EXPECT_STREQ("spawns+1 clones+1", changes(_metadata, before));
	expect_killed(_metadata, s.result.pid);
}

TEST_F(spawn, killed_child)
{
	long long before[COUNTERS];
	pid_t caller, child;
	DEFINE_SPAWN(s, scratch_tiny);

	read_all(_metadata, before);
	spawn_hold(&s);
	caller = assert_fork(_metadata);
	if (!caller)
		_exit(own_wait(spawn_start(self->device, &s)) != SIGKILL);
	child = assert_sleeping_child(_metadata, caller);
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(0, own_wait(caller));
	EXPECT_STREQ("spawns+1 clones+1 killed+1", changes(_metadata, before));
}

TEST_HARNESS_MAIN
