// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every allocation of a start fails in turn: the first, the second, and so on
 * until a start comes through with none left to fail; those of the caller,
 * and those of the child before it is a program.  Each start either fails with
 * an error that says so and leaves nothing, or succeeds all the same.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "held.h"
#include "inject.h"
#include "round.h"

/* More allocations than any of these starts makes. */
#define FAULTS_MAX	5000

#define NEEDS_FAULTS	"this kernel injects no faults: run this with --kernel debug"

FIXTURE_VARIANT(spawn)
{
	const char *name;
};

FIXTURE_VARIANT_ADD(spawn, plain) { .name = "plain" };
FIXTURE_VARIANT_ADD(spawn, search) { .name = "search" };
FIXTURE_VARIANT_ADD(spawn, long_search) { .name = "long_search" };
FIXTURE_VARIANT_ADD(spawn, long_lists) { .name = "long_lists" };
FIXTURE_VARIANT_ADD(spawn, shared) { .name = "shared" };
FIXTURE_VARIANT_ADD(spawn, long_shared_lists) { .name = "long_shared_lists" };
FIXTURE_VARIANT_ADD(spawn, pidfd) { .name = "pidfd" };
FIXTURE_VARIANT_ADD(spawn, script) { .name = "script" };
FIXTURE_VARIANT_ADD(spawn, many_descriptors) { .name = "many_descriptors" };
FIXTURE_VARIANT_ADD(spawn, dense_descriptors) { .name = "dense_descriptors" };
FIXTURE_VARIANT_ADD(spawn, open) { .name = "open" };
FIXTURE_VARIANT_ADD(spawn, create) { .name = "create" };
FIXTURE_VARIANT_ADD(spawn, close) { .name = "close" };
FIXTURE_VARIANT_ADD(spawn, many_actions) { .name = "many_actions" };
FIXTURE_VARIANT_ADD(spawn, dup2) { .name = "dup2" };
FIXTURE_VARIANT_ADD(spawn, chdir) { .name = "chdir" };
FIXTURE_VARIANT_ADD(spawn, fchdir) { .name = "fchdir" };
FIXTURE_VARIANT_ADD(spawn, closefrom) { .name = "closefrom" };
FIXTURE_VARIANT_ADD(spawn, inherit) { .name = "inherit" };
FIXTURE_VARIANT_ADD(spawn, close_range) { .name = "close_range" };
FIXTURE_VARIANT_ADD(spawn, pipe) { .name = "pipe" };
FIXTURE_VARIANT_ADD(spawn, socketpair) { .name = "socketpair" };
FIXTURE_VARIANT_ADD(spawn, memfd) { .name = "memfd" };
FIXTURE_VARIANT_ADD(spawn, failing_made) { .name = "failing_made" };
FIXTURE_VARIANT_ADD(spawn, state) { .name = "state" };
FIXTURE_VARIANT_ADD(spawn, places) { .name = "places" };
FIXTURE_VARIANT_ADD(spawn, close_except) { .name = "close_except" };
FIXTURE_VARIANT_ADD(spawn, dirfd) { .name = "dirfd" };
FIXTURE_VARIANT_ADD(spawn, empty_path) { .name = "empty_path" };
FIXTURE_VARIANT_ADD(spawn, named) { .name = "named" };
FIXTURE_VARIANT_ADD(spawn, wait) { .name = "wait" };
FIXTURE_VARIANT_ADD(spawn, asynchronous) { .name = "asynchronous" };
FIXTURE_VARIANT_ADD(spawn, tcsetpgrp) { .name = "tcsetpgrp" };
FIXTURE_VARIANT_ADD(spawn, resetids) { .name = "resetids" };
FIXTURE_VARIANT_ADD(spawn, setpgroup) { .name = "setpgroup" };
FIXTURE_VARIANT_ADD(spawn, setsid) { .name = "setsid" };
FIXTURE_VARIANT_ADD(spawn, setsig) { .name = "setsig" };
FIXTURE_VARIANT_ADD(spawn, setschedparam) { .name = "setschedparam" };
FIXTURE_VARIANT_ADD(spawn, setscheduler) { .name = "setscheduler" };
FIXTURE_VARIANT_ADD(spawn, setcgroup) { .name = "setcgroup" };
FIXTURE_VARIANT_ADD(spawn, cloexec_default) { .name = "cloexec_default" };
FIXTURE_VARIANT_ADD(spawn, builder) { .name = "builder" };
FIXTURE_VARIANT_ADD(spawn, batch) { .name = "batch" };
FIXTURE_VARIANT_ADD(spawn, failing_batch) { .name = "failing_batch" };
FIXTURE_VARIANT_ADD(spawn, not_found) { .name = "not_found" };
FIXTURE_VARIANT_ADD(spawn, not_found_by_the_child) { .name = "not_found_by_the_child" };
FIXTURE_VARIANT_ADD(spawn, no_program) { .name = "no_program" };
FIXTURE_VARIANT_ADD(spawn, failing_action) { .name = "failing_action" };
FIXTURE_VARIANT_ADD(spawn, failing_wait) { .name = "failing_wait" };
FIXTURE_VARIANT_ADD(spawn, failing_asynchronous) { .name = "failing_asynchronous" };
FIXTURE_VARIANT_ADD(spawn, failing_attribute) { .name = "failing_attribute" };
FIXTURE_VARIANT_ADD(spawn, failing_setcgroup) { .name = "failing_setcgroup" };
FIXTURE_VARIANT_ADD(spawn, bad_request) { .name = "bad_request" };
FIXTURE_VARIANT_ADD(spawn, bad_shared_request) { .name = "bad_shared_request" };

static void expect_round(struct __test_metadata *_metadata, const struct fault_case *c,
			 const struct round *r, bool fault, bool in_child, unsigned int nth)
{
	bool good = r->clean;

	if (r->pid > 0) {
		/* Past exec's point of no return there is only a signal left. */
		bool killed = in_child && fault && WIFSIGNALED(r->status) &&
			      (WTERMSIG(r->status) == SIGSEGV || WTERMSIG(r->status) == SIGKILL);

		good = good && !c->error && !r->result.error && r->result.pid == r->pid &&
		       r->result.step == KSPAWN_STEP_NONE && (!r->status || killed);
	} else {
		good = good && r->result.error == r->error && !r->result.pid &&
		       r->result.pidfd == -1 && r->result.step != KSPAWN_STEP_NONE;
		if (fault)
			good = good && round_may_show_as(c, r->error);
		else
			good = good && r->error == c->error && r->result.step == c->step;
	}
	EXPECT_TRUE(good)
		TH_LOG("%s %u: pid %d, %s, step %u, index %u, wait status %#x%s",
		       fault ? "fault" : "no fault", nth, r->pid, strerrorname_np(r->error),
		       r->result.step, r->result.index, r->status,
		       r->clean ? "" : "; something is left");
}

TEST_F(spawn, in_the_caller)
{
	const struct fault_case *c = fault_case(variant->name);
	struct round round;
	unsigned int nth;
	struct held held;
	int fd, left = 0;

	if (!inject_prepare())
		SKIP(return, NEEDS_FAULTS);
	ASSERT_NE(NULL, c);
	fd = inject_open(getpid());
	ASSERT_LE(0, fd);
	if (c->set_up)
		c->set_up();
	/* Twice: the first fills caches. */
	round_run(self->device, c, -1, 0, &round, NULL);
	round_run(self->device, c, -1, 0, &round, NULL);
	expect_round(_metadata, c, &round, false, false, 0);
	take_held(&held);
	for (nth = 1; nth < FAULTS_MAX; nth++) {
		round_run(self->device, c, fd, nth, &round, &left);
		expect_round(_metadata, c, &round, !left, false, nth);
		if (left)
			break;
	}
	EXPECT_LT(1, nth);
	EXPECT_GT(FAULTS_MAX, nth);
	expect_held(_metadata, &held);
	TH_LOG("%s: %u faults in the caller", c->name, nth - 1);
}

#define OPTIONS (PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | \
		 PTRACE_O_EXITKILL)

/* A tracer and its caller, whose children it meets at their first moment. */
struct traced {
	pid_t caller;
	struct round *round;	/* shared with the caller */
	int fail_nth;		/* of the child; -1: there is none, or it has executed */
	pid_t child;		/* of the last round; 0: it had none */
	int left;
};

static void run_for_tracer(int device, const struct fault_case *c, struct round *round, int go)
{
	char byte;

	if (read(go, &byte, 1) != 0)
		_exit(97);
	if (c->set_up)
		c->set_up();
	for (;;) {
		/* Not delivered; tells the tracer that a round is over. */
		raise(SIGUSR1);
		round_run(device, c, -1, 0, round, NULL);
	}
}

/* The child's allocations are over: it is a program, or it ends. */
static void disarm(struct traced *t)
{
	if (t->fail_nth < 0)
		return;
	t->left = inject_left(t->fail_nth);
	inject_set(t->fail_nth, 0);
	close(t->fail_nth);
	t->fail_nth = -1;
}

/* One that is killed meanwhile, as others of its batch are, is not there to go on. */
static int go_on(pid_t pid, int signal)
{
	return ptrace(PTRACE_CONT, pid, 0, signal) && errno != ESRCH ? -1 : 0;
}

static int see_child(struct traced *t, pid_t pid, int status, unsigned int nth)
{
	switch (status >> 16) {
	case PTRACE_EVENT_STOP:
		if (!t->child) {
			t->child = pid;
			t->fail_nth = inject_open(pid);
			if (t->fail_nth < 0 || inject_set(t->fail_nth, nth))
				return -1;
		}
		break;
	case PTRACE_EVENT_EXEC:
	case PTRACE_EVENT_EXIT:
		if (pid == t->child)
			disarm(t);
		break;
	default:
		return go_on(pid, WSTOPSIG(status));
	}
	return go_on(pid, 0);
}

/*
 * One start, whose child's @nth allocation fails; 0: none.  The caller may have its
 * answer while a child that has failed is still at its end: it waits for that.
 */
static bool run_traced(struct traced *t, unsigned int nth)
{
	bool over = false;
	int status;
	pid_t pid;

	t->child = 0;
	t->left = nth;
	t->fail_nth = -1;
	ptrace(PTRACE_CONT, t->caller, 0, 0);
	while (!over || t->fail_nth >= 0) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 || (pid == t->caller && !WIFSTOPPED(status)))
			return false;
		if (pid == t->caller && !(status >> 16) && WSTOPSIG(status) == SIGUSR1)
			over = true;
		else if (pid == t->caller)
			ptrace(PTRACE_CONT, pid, 0, status >> 16 ? 0 : WSTOPSIG(status));
		else if (WIFSTOPPED(status) && see_child(t, pid, status, nth))
			return false;
		else if (!WIFSTOPPED(status) && pid == t->child)
			disarm(t);
	}
	return true;
}

TEST_F(spawn, in_the_child)
{
	const struct fault_case *c = fault_case(variant->name);
	struct traced t = { .fail_nth = -1 };
	int go[2], status;
	unsigned int nth;
	struct held held;
	pid_t pid;

	if (!inject_prepare())
		SKIP(return, NEEDS_FAULTS);
	ASSERT_NE(NULL, c);
	t.round = mmap(NULL, sizeof(*t.round), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, t.round);
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	t.caller = assert_fork(_metadata);
	if (!t.caller) {
		close(go[1]);
		run_for_tracer(self->device, c, t.round, go[0]);
	}
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, t.caller, 0, OPTIONS));
	close(go[0]);
	close(go[1]);

	/* To the first SIGUSR1, then twice without a fault. */
	ASSERT_EQ(t.caller, waitpid(t.caller, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_TRUE(run_traced(&t, 0));
	ASSERT_TRUE(run_traced(&t, 0));
	expect_round(_metadata, c, t.round, false, true, 0);
	take_held(&held);
	for (nth = 1; t.child && nth < FAULTS_MAX; nth++) {
		ASSERT_TRUE(run_traced(&t, nth));
		expect_round(_metadata, c, t.round, !t.left, true, nth);
		if (t.left)
			break;
	}
	EXPECT_GT(FAULTS_MAX, nth);
	expect_held(_metadata, &held);
	kill(t.caller, SIGKILL);
	/* Its end is a stop, too. */
	while ((pid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, pid, 0, 0);
	TH_LOG("%s: %u faults in the child", c->name, nth - 1);
}

TEST_HARNESS_MAIN
