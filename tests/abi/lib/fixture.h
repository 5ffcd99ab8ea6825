/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ground of every test: the device, a directory of its own, and the two
 * ends a spawn may have.  Include it once, in the file with the tests.
 */
#ifndef KSPAWN_ABI_FIXTURE_H
#define KSPAWN_ABI_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"

#include "own.h"
#include "report.h"
#include "scratch.h"
#include "setting.h"
#include "spawn.h"
#include "totals.h"

/* Under emulation and with a kernel that checks itself, 30 s is not much. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

FIXTURE(spawn)
{
	int device;			/* close-on-exec */
	char directory[SCRATCH_PATH];	/* empty, the working directory */
};

/*
 * A file whose tests are about the memory that a caller shares, or does not share,
 * with a thread defines SPAWN_BOTH_WAYS, and each of its tests runs twice.
 */
#ifdef SPAWN_BOTH_WAYS
FIXTURE_VARIANT(spawn)
{
	bool shared;
};

FIXTURE_VARIANT_ADD(spawn, alone) { .shared = false };
FIXTURE_VARIANT_ADD(spawn, with_a_thread) { .shared = true };
#endif

FIXTURE_SETUP(spawn)
{
	int fd;

	if (access(KSPAWN_DEVICE, F_OK))
		SKIP(return, "no " KSPAWN_DEVICE ": run this in a guest, with qemu/vm");
	/* Exactly 0, 1 and 2 are inherited, whoever runs the tests. */
	do {
		fd = open("/dev/null", O_RDWR);
		ASSERT_LE(0, fd)
			TH_LOG("/dev/null: %m");
	} while (fd < 3);
	syscall(SYS_close_range, 3, ~0U, 0);
	self->device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device)
		TH_LOG("%s: %m", KSPAWN_DEVICE);
	ASSERT_EQ(0, scratch_enter(self->directory, sizeof(self->directory)));
	umask(022);
	ASSERT_EQ(0, own_watch_sigchld());
#ifdef SPAWN_BOTH_WAYS
	if (variant->shared)
		ASSERT_EQ(0, own_start_idle_thread());
#endif
}

/* No test may end with a child that it does not know of. */
FIXTURE_TEARDOWN(spawn)
{
	EXPECT_TRUE(own_no_child());
}

#define NEEDS_ROOT	"needs root: run this in a guest, with qemu/vm"

static inline void need_root(struct __test_metadata *_metadata)
{
	if (geteuid())
		SKIP(exit(KSFT_SKIP), NEEDS_ROOT);
}

/* Root, in a mount namespace of its own. */
static inline void need_own_mounts(struct __test_metadata *_metadata)
{
	if (geteuid() || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP(exit(KSFT_SKIP), NEEDS_ROOT);
}

/* A descriptor that must be had, above the standard ones. */
static inline int assert_fd(struct __test_metadata *_metadata, int fd)
{
	ASSERT_LE(3, fd);
	return fd;
}

/* The state before a call, to compare with the state after it. */
struct before {
	int descriptors;
	int sigchld;
};

static inline void before_call(struct before *b)
{
	b->descriptors = own_descriptor_count();
	b->sigchld = own_sigchld_count();
}

static inline void expect_nothing_left(struct __test_metadata *_metadata, const struct before *b)
{
	EXPECT_TRUE(own_no_child())
		TH_LOG("a failed spawn left a child");
	EXPECT_EQ(b->sigchld, own_sigchld_count())
		TH_LOG("a failed spawn sent SIGCHLD");
	EXPECT_FALSE(own_sigchld_pending())
		TH_LOG("a failed spawn sent SIGCHLD");
	EXPECT_EQ(b->descriptors, own_descriptor_count())
		TH_LOG("a failed spawn left a descriptor");
}

/*
 * The call fails with @error at @step, @index, says so in the result, and
 * leaves nothing.
 */
static inline void expect_failure(struct __test_metadata *_metadata, int device, struct spawn *s,
				  int error, __u32 step, __u32 index)
{
	struct before before;
	pid_t pid;
	int seen;

	before_call(&before);
	errno = 0;
	pid = spawn_start(device, s);
	seen = errno;
	EXPECT_EQ(-1, pid);
	if (pid > 0)
		own_wait(pid);
	EXPECT_EQ(error, seen)
		TH_LOG("errno is %s, expected %s", strerrorname_np(seen), strerrorname_np(error));
	if (s->args.result == spawn_pointer(&s->result)) {
		EXPECT_EQ(0, s->result.pid);
		EXPECT_EQ(-1, s->result.pidfd);
		EXPECT_EQ(error, s->result.error);
		EXPECT_EQ(step, s->result.step);
		EXPECT_EQ(index, s->result.index);
		EXPECT_EQ(0, s->result.status);
	}
	if (pid < 0)
		expect_nothing_left(_metadata, &before);
}

/* The same of a request that is refused as it is copied. */
static inline void expect_request_failure(struct __test_metadata *_metadata, int device,
					  struct spawn *s, int error, __u32 part)
{
	expect_failure(_metadata, device, s, error, KSPAWN_STEP_COPY, part);
}

/* The call fails, whatever else this process has meanwhile: children, signals. */
static inline void expect_errno(struct __test_metadata *_metadata, int device, struct spawn *s,
				int error)
{
	EXPECT_EQ(-1, spawn_start(device, s));
	EXPECT_EQ(error, errno);
}

static inline void expect_step(struct __test_metadata *_metadata, int device, struct spawn *s,
			       int error, __u32 step)
{
	expect_errno(_metadata, device, s, error);
	EXPECT_EQ(step, s->result.step);
}

/* As expect_failure(), of attribute @attr. */
static inline void expect_attribute_failure(struct __test_metadata *_metadata, int device,
					    struct spawn *s, int error, __u32 attr)
{
	expect_failure(_metadata, device, s, error, KSPAWN_STEP_ATTRIBUTE, attr);
}

/* The call succeeds and says so; the child is still to be waited for. */
static inline pid_t expect_start(struct __test_metadata *_metadata, int device, struct spawn *s)
{
	pid_t pid = spawn_start(device, s);

	EXPECT_LT(0, pid)
		TH_LOG("%s, step %u, index %u", strerrorname_np(errno), s->result.step,
		       s->result.index);
	if (pid > 0 && s->args.result == spawn_pointer(&s->result)) {
		EXPECT_EQ(pid, s->result.pid);
		EXPECT_EQ(0, s->result.error);
		EXPECT_EQ(KSPAWN_STEP_NONE, s->result.step);
		EXPECT_EQ(0, s->result.index);
		EXPECT_EQ(0, s->result.status);
		if (!(s->args.flags & KSPAWN_PIDFD))
			EXPECT_EQ(-1, s->result.pidfd);
	}
	return pid;
}

/* The same; the test ends if there is no child. */
static inline pid_t assert_start(struct __test_metadata *_metadata, int device, struct spawn *s)
{
	pid_t pid = expect_start(_metadata, device, s);

	ASSERT_LT(0, pid);
	return pid;
}

/* A process of the test's own; the test ends if there is none. */
static inline pid_t assert_fork(struct __test_metadata *_metadata)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	return pid;
}

/* The child of @caller, asleep in an action; the test ends if there is none. */
static inline pid_t assert_sleeping_child(struct __test_metadata *_metadata, pid_t caller)
{
	pid_t child = own_wait_child_of(caller);

	ASSERT_LT(0, child);
	ASSERT_TRUE(own_wait_state(child, 'S'));
	return child;
}

/* It runs until it is killed. */
static inline void expect_killed(struct __test_metadata *_metadata, pid_t pid)
{
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(SIGKILL, own_wait(pid));
}

/* The call succeeds, and the child exits with @status. */
static inline void expect_exit(struct __test_metadata *_metadata, int device, struct spawn *s,
			       int status)
{
	pid_t pid = expect_start(_metadata, device, s);
	int seen;

	if (pid < 0)
		return;
	seen = own_wait(pid);
	EXPECT_TRUE(WIFEXITED(seen))
		TH_LOG("wait status %#x", seen);
	EXPECT_EQ(status, WEXITSTATUS(seen));
}

static inline struct report new_report(struct __test_metadata *_metadata)
{
	struct report r;

	ASSERT_EQ(0, report_prepare(&r));
	return r;
}

/* A request for a report; more arguments, actions and attributes may follow. */
#define DEFINE_REPORT(s, r)				\
	struct report r = new_report(_metadata);	\
	DEFINE_SPAWN(s, scratch_child, "child", "report", r.path)

/* The same for those that there are already. */
#define report_init(_metadata, s, r) do {				\
	*(r) = new_report(_metadata);					\
	spawn_init(s, scratch_child, "child", "report", (r)->path);	\
} while (0)

/* Start it, wait for it, read it. */
static inline void expect_report(struct __test_metadata *_metadata, int device, struct spawn *s,
				 struct report *r)
{
	expect_exit(_metadata, device, s, 0);
	ASSERT_EQ(0, report_load(r))
		TH_LOG("%s: %m", r->path);
}

/* In the report of a child that is as its parent is, but for one thing. */
static inline void expect_fds(struct __test_metadata *_metadata, const struct report *r,
			      const char *list)
{
	EXPECT_STREQ(list, report_fd_list(r));
}

static inline void expect_report_fds(struct __test_metadata *_metadata, int device,
				     struct spawn *s, struct report *r, const char *list)
{
	expect_report(_metadata, device, s, r);
	expect_fds(_metadata, r, list);
}

/* All that was under way is over, and has left nothing. */
static inline void expect_idle(struct __test_metadata *_metadata, const struct idle *before)
{
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, before->references, TOTALS_SETTLE_MS))
		TH_LOG("%ld, was %ld", totals_number(TOTALS_REFERENCES), before->references);
	EXPECT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before->in_flight, TOTALS_SETTLE_MS))
		TH_LOG("%ld, was %ld", totals_number(TOTALS_IN_FLIGHT), before->in_flight);
	EXPECT_EQ(before->descriptors, own_descriptor_count());
}

/*
 * One object lost in fifty starts is seen, and a thousand in however many; what
 * CPUs keep for later is not.
 */
#define OBJECTS_LOST(starts)	(64 + ((starts) < 50000 ? (starts) / 50 : 1000))
#define MEMORY_LOST_KIB		(32 << 10)

static inline void expect_totals(struct __test_metadata *_metadata, const struct totals *before,
				 const struct totals *after, int starts)
{
	long memory_most = before->memory + MEMORY_LOST_KIB;
	long memory = after->memory;
	int i;

	EXPECT_EQ(before->descriptors, after->descriptors);
	EXPECT_EQ(before->in_flight, after->in_flight);
	EXPECT_EQ(before->references, after->references);
	/* Kernel threads come and go. */
	EXPECT_GE(before->processes + 8, after->processes);
	if (memory > memory_most)
		memory = totals_memory_within(memory_most);
	EXPECT_GE(memory_most, memory)
		TH_LOG("%ld KiB before, %ld after, %ld later", before->memory, after->memory,
		       memory);
	for (i = 0; i < TOTALS_CACHES; i++) {
		long most = before->objects[i] + OBJECTS_LOST(starts);
		long now = after->objects[i];

		if (now > most)
			now = totals_objects_within(totals_caches[i], most);
		EXPECT_GE(most, now)
			TH_LOG("%s: %ld objects before, %ld after, %ld later",
			       totals_caches[i], before->objects[i], after->objects[i], now);
	}
}

#endif /* KSPAWN_ABI_FIXTURE_H */
