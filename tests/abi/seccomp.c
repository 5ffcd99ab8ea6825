// SPDX-License-Identifier: LGPL-2.1-or-later
/* A caller under seccomp gains nothing: it is refused. */
#include "lib/batches.h"
#include "lib/userfault.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int install_filter(unsigned int flags, const struct sock_filter *code, unsigned short length)
{
	struct sock_fprog program = { .len = length, .filter = (struct sock_filter *)code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int allow_everything(unsigned int flags)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return install_filter(flags, code, ARRAY_SIZE(code));
}

TEST_F(spawn, refused_under_a_filter)
{
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, allow_everything(0));
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_POLICY, 0);
	/* It says so of a bad request as well, as long as that can be told. */
	spawn_init(&s, "/no/such/program");
	spawn_dup2(&s, 99, 98);
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_POLICY, 0);
}

/* A filter that guards execve() is not gone around. */
TEST_F(spawn, batch_is_refused_under_a_filter)
{
	struct batch b;

	batch_init(&b, 2, 0);
	ASSERT_EQ(0, allow_everything(0));
	expect_batch_failed(_metadata, self->device, &b, 0, EPERM, KSPAWN_STEP_POLICY, 0);
}

TEST_F(spawn, refused_where_execve_is)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	char * const arguments[] = { scratch_tiny, NULL };
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, install_filter(0, code, ARRAY_SIZE(code)));
	EXPECT_EQ(-1, execve(scratch_tiny, arguments, arguments + 1));
	EXPECT_EQ(EACCES, errno);
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_POLICY, 0);
}

/* Asking what the module can do starts nothing. */
TEST_F(spawn, info_is_allowed)
{
	struct kspawn_info info = { .size = sizeof(info) };

	ASSERT_EQ(0, allow_everything(0));
	EXPECT_EQ(0, ioctl(self->device, KSPAWN_IOC_INFO, &info));
}

TEST_F(spawn, strict_mode_ends_the_caller)
{
	pid_t pid = assert_fork(_metadata);

	if (!pid) {
		struct rlimit limit = { 0, 0 };
		DEFINE_SPAWN(s, scratch_tiny);

		setrlimit(RLIMIT_CORE, &limit);
		spawn_open(&s, 1, "started", O_WRONLY | O_CREAT, 0600);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			_exit(1);
		spawn_start(self->device, &s);
		syscall(SYS_exit, 0);
	}
	EXPECT_EQ(SIGKILL, own_wait(pid));
	EXPECT_EQ(-1, access("started", F_OK));
}

struct other {
	int device;
	int go;
	char *page;
	pid_t pid;
	int error;
	__u32 step;
};

static void *start_when_told(void *argument)
{
	struct other *o = argument;
	DEFINE_SPAWN(s, scratch_tiny);

	while (!__atomic_load_n(&o->go, __ATOMIC_ACQUIRE))
		own_sleep_ms(1);
	o->pid = spawn_start(o->device, &s);
	o->error = errno;
	o->step = s.result.step;
	return NULL;
}

/* seccomp is each thread's own: the calling one counts. */
TEST_F(spawn, filter_of_another_thread)
{
	struct other o = { .device = self->device };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, start_when_told, &o));
	ASSERT_EQ(0, allow_everything(0));
	__atomic_store_n(&o.go, 1, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_LT(0, o.pid);
	EXPECT_EQ(0, own_wait(o.pid));
}

TEST_F(spawn, filter_for_all_threads)
{
	struct other o = { .device = self->device };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, start_when_told, &o));
	ASSERT_EQ(0, allow_everything(SECCOMP_FILTER_FLAG_TSYNC));
	__atomic_store_n(&o.go, 1, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-1, o.pid);
	EXPECT_EQ(EPERM, o.error);
	EXPECT_EQ(KSPAWN_STEP_POLICY, o.step);
}

/*
 * The filter comes while the child is being made: either the child was there
 * before, or the call is refused.
 */
static void *filter_all_threads(void *go)
{
	while (!__atomic_load_n((int *)go, __ATOMIC_ACQUIRE))
		;
	allow_everything(SECCOMP_FILTER_FLAG_TSYNC);
	return NULL;
}

TEST_F(spawn, filter_that_comes_meanwhile)
{
	unsigned int i, rounds = scratch_scale(200);

	for (i = 0; i < rounds; i++) {
		int status;
		pid_t pid = assert_fork(_metadata);

		if (!pid) {
			pthread_t thread;
			DEFINE_SPAWN(s, scratch_tiny);
			int go = 0, n;

			if (pthread_create(&thread, NULL, filter_all_threads, &go))
				_exit(1);
			__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
			for (n = 0; n < 1000; n++) {
				pid = spawn_start(self->device, &s);
				if (pid < 0)
					break;
				if (own_wait(pid))
					_exit(2);
			}
			_exit(pid < 0 && errno == EPERM && s.result.step == KSPAWN_STEP_POLICY &&
			      own_no_child() ? 0 : 3);
		}
		status = own_wait(pid);
		EXPECT_EQ(0, status);
		if (status)
			break;
	}
}

/* The call waits in the copying of its path, after the caller has been looked at. */
static void *start_from_page(void *argument)
{
	struct other *o = argument;
	struct spawn s;

	spawn_init(&s, o->page);
	o->pid = spawn_start(o->device, &s);
	o->error = errno;
	o->step = s.result.step;
	return NULL;
}

TEST_F(spawn, filter_before_the_child)
{
	struct other o = { .device = self->device };
	size_t size = sysconf(_SC_PAGESIZE);
	char *content = calloc(1, size);
	int uffd = userfault_open();
	pthread_t thread;

	if (uffd < 0)
		SKIP(return, "no userfaultfd for faults of the kernel: %m");
	o.page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, o.page);
	snprintf(content, size, "%s", scratch_tiny);
	ASSERT_EQ(0, userfault_watch(uffd, o.page, size));
	ASSERT_EQ(0, pthread_create(&thread, NULL, start_from_page, &o));
	ASSERT_EQ(0, userfault_wait(uffd));
	ASSERT_EQ(0, allow_everything(SECCOMP_FILTER_FLAG_TSYNC));
	ASSERT_EQ(0, userfault_answer(uffd, o.page, content, size));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-1, o.pid);
	EXPECT_EQ(EPERM, o.error);
	EXPECT_EQ(KSPAWN_STEP_POLICY, o.step);
	EXPECT_TRUE(own_no_child());
	free(content);
}

TEST_HARNESS_MAIN
