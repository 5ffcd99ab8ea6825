// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every function that the module calls for a start, and that can fail, fails in
 * turn: at its first call, its second, and so on, in each kind of start.  Each
 * start either fails with an error that says so and leaves nothing, or succeeds
 * where the failure does not matter.
 */
#include <sys/mman.h>

#include "held.h"
#include "override.h"
#include "round.h"

/* More calls of one function than any of these starts makes. */
#define CALLS_MAX	2000

/* One call in this many fails, beyond the first ones, where there are many. */
#define FIRST_CALLS	20
#define LATER_CALLS	37

#define NEEDS_MODULE	"needs root and build/module/RELEASE/faults: run this with tests/run"

FIXTURE_VARIANT(spawn)
{
	const char *name;
	bool interrupted;
};

FIXTURE_VARIANT_ADD(spawn, kernel_clone) { .name = "kernel_clone" };
FIXTURE_VARIANT_ADD(spawn, kernel_execve) { .name = "kernel_execve" };
FIXTURE_VARIANT_ADD(spawn, execveat) { .name = "__x64_sys_execveat" };
FIXTURE_VARIANT_ADD(spawn, openat2) { .name = "__x64_sys_openat2" };
FIXTURE_VARIANT_ADD(spawn, mm_alloc) { .name = "mm_alloc" };
FIXTURE_VARIANT_ADD(spawn, exec_state) { .name = "task_exec_state_copy" };
FIXTURE_VARIANT_ADD(spawn, access_remote_vm) { .name = "access_remote_vm" };
FIXTURE_VARIANT_ADD(spawn, vm_mmap) { .name = "vm_mmap" };
FIXTURE_VARIANT_ADD(spawn, user_path_at) { .name = "user_path_at" };
FIXTURE_VARIANT_ADD(spawn, kmalloc) { .name = "__kmalloc_cache_noprof" };
FIXTURE_VARIANT_ADD(spawn, kmalloc_of_any_size) { .name = "__kmalloc_noprof" };
FIXTURE_VARIANT_ADD(spawn, down_write_killable) { .name = "down_write_killable" };
FIXTURE_VARIANT_ADD(spawn, replace_fd) { .name = "replace_fd" };
FIXTURE_VARIANT_ADD(spawn, receive_fd_replace) { .name = "receive_fd_replace" };
FIXTURE_VARIANT_ADD(spawn, create_pipe_files) { .name = "create_pipe_files" };
FIXTURE_VARIANT_ADD(spawn, file_in_memory) { .name = "memfd_alloc_file" };
FIXTURE_VARIANT_ADD(spawn, sock_create) { .name = "sock_create" };
FIXTURE_VARIANT_ADD(spawn, socketpair_hook) { .name = "security_socket_socketpair" };
FIXTURE_VARIANT_ADD(spawn, vfs_iter_write) { .name = "vfs_iter_write" };
FIXTURE_VARIANT_ADD(spawn, close_range) { .name = "__x64_sys_close_range" };
FIXTURE_VARIANT_ADD(spawn, sched_setscheduler) { .name = "sched_setscheduler" };
FIXTURE_VARIANT_ADD(spawn, setsid) { .name = "ksys_setsid" };
FIXTURE_VARIANT_ADD(spawn, setpgid) { .name = "__x64_sys_setpgid" };
FIXTURE_VARIANT_ADD(spawn, setresuid) { .name = "__x64_sys_setresuid" };
FIXTURE_VARIANT_ADD(spawn, setresgid) { .name = "__x64_sys_setresgid" };
FIXTURE_VARIANT_ADD(spawn, file_of_a_pidfd) { .name = "pidfs_alloc_file" };
FIXTURE_VARIANT_ADD(spawn, kmem_cache_alloc) { .name = "kmem_cache_alloc_noprof" };
FIXTURE_VARIANT_ADD(spawn, kvmalloc) { .name = "__kvmalloc_node_noprof" };
FIXTURE_VARIANT_ADD(spawn, copy_from_user) { .name = "_copy_from_user" };
FIXTURE_VARIANT_ADD(spawn, copy_to_user) { .name = "_copy_to_user" };
FIXTURE_VARIANT_ADD(spawn, strncpy_from_user) { .name = "strncpy_from_user" };
FIXTURE_VARIANT_ADD(spawn, strnlen_user) { .name = "strnlen_user" };
FIXTURE_VARIANT_ADD(spawn, get_unused_fd_flags) { .name = "get_unused_fd_flags" };
FIXTURE_VARIANT_ADD(spawn, filp_open) { .name = "filp_open" };
FIXTURE_VARIANT_ADD(spawn, kern_path) { .name = "kern_path" };
FIXTURE_VARIANT_ADD(spawn, inode_permission) { .name = "inode_permission" };
FIXTURE_VARIANT_ADD(spawn, d_lookup) { .name = "d_lookup" };
FIXTURE_VARIANT_ADD(spawn, lookup_one_len_unlocked) { .name = "lookup_one_len_unlocked" };
FIXTURE_VARIANT_ADD(spawn, fget_raw) { .name = "fget_raw" };
FIXTURE_VARIANT_ADD(spawn, fget) { .name = "fget" };
FIXTURE_VARIANT_ADD(spawn, close_fd) { .name = "close_fd" };
FIXTURE_VARIANT_ADD(spawn, security_file_ioctl) { .name = "security_file_ioctl" };
FIXTURE_VARIANT_ADD(spawn, tty_check_change) { .name = "tty_check_change" };

/*
 * User space never sees the code that asks for a restart, whatever has become of
 * the reason; and no child restarts its caller's call.
 */
FIXTURE_VARIANT_ADD(spawn, interrupted_clone) { .name = "kernel_clone", .interrupted = true };
FIXTURE_VARIANT_ADD(spawn, interrupted_kern_path) { .name = "kern_path", .interrupted = true };
FIXTURE_VARIANT_ADD(spawn, interrupted_execve) { .name = "kernel_execve", .interrupted = true };
FIXTURE_VARIANT_ADD(spawn, interrupted_execveat) { .name = "__x64_sys_execveat", .interrupted = true };
FIXTURE_VARIANT_ADD(spawn, interrupted_openat2) { .name = "__x64_sys_openat2", .interrupted = true };
FIXTURE_VARIANT_ADD(spawn, interrupted_filp_open) { .name = "filp_open", .interrupted = true };

static bool may_show_as(const struct faulty_function *f, int error)
{
	for (unsigned int i = 0; i < FUNCTION_ERRORS && f->errors[i]; i++)
		if (f->errors[i] == error)
			return true;
	return false;
}

static bool is_good(const struct fault_case *c, const struct faulty_function *f,
		    const struct round *r, bool fault)
{
	bool told, as_without = r->error == c->error;
	bool unknown_pidfd;

	if (r->pid > 0)
		told = !r->result.error && r->result.pid == r->pid &&
		       r->result.step == KSPAWN_STEP_NONE;
	else
		told = r->result.error == r->error && !r->result.pid &&
		       r->result.step != KSPAWN_STEP_NONE;
	/* Its number is in a result that could not be written. */
	unknown_pidfd = r->pid > 0 && fault && f->unreported && r->descriptors == 1;
	if (!(r->clean || unknown_pidfd) || r->status || !(told || (fault && f->unreported)))
		return false;
	if (!fault)
		return as_without;
	/* One of a batch that has failed already gives the others up, at whatever they are. */
	if (fault_case_is_batch(c) && c->error && as_without)
		return true;
	return (r->error && may_show_as(f, r->error)) || (f->harmless && as_without);
}

/* The sums of all cases; shared with them. */
struct seen {
	int faults;
	int wrong;
};

static void note(struct seen *seen, const struct fault_case *c, const struct faulty_function *f,
		 const struct round *r, bool fault, unsigned int nth, const char *caller)
{
	seen->faults += fault;
	if (is_good(c, f, r, fault))
		return;
	seen->wrong++;
	printf("# %s: %s call %u of %s %s: pid %d, %s, step %u, index %u, wait status %#x%s\n",
	       c->name, fault ? "failing" : "no failing", nth, f->names[0], caller, r->pid,
	       strerrorname_np(r->error), r->result.step, r->result.index, r->status,
	       r->clean ? "" : "; something is left");
	fflush(stdout);
}

/* In a process of its own: some cases change whose it is, or what it has open. */
static void run_case(int device, int fd, const struct fault_case *c,
		     const struct faulty_function *f, struct seen *seen)
{
	char caller[128];
	struct round round;
	unsigned int nth;
	bool failed = true;

	if (c->set_up)
		c->set_up();
	/* Twice: the first fills caches. */
	round_run(device, c, -1, 0, &round, NULL);
	round_run(device, c, -1, 0, &round, NULL);
	note(seen, c, f, &round, false, 0, "");
	for (nth = 1; failed && nth < CALLS_MAX; nth += nth < FIRST_CALLS ? 1 : LATER_CALLS) {
		if (override_set(fd, nth, f->value))
			_exit(1);
		round_run(device, c, -1, 0, &round, NULL);
		if (override_calls(fd, &failed, caller) < 0)
			_exit(1);
		note(seen, c, f, &round, failed, nth, caller);
	}
	override_set(fd, 0, 0);
	_exit(failed);
}

TEST_F(spawn, fails)
{
	const struct faulty_function *f = faulty_function(variant->name, variant->interrupted);
	const struct fault_case *c;
	struct seen *seen;
	struct held held;
	pid_t pid;
	int fd;

	if (geteuid() || override_prepare())
		SKIP(return, NEEDS_MODULE);
	ASSERT_NE(NULL, f);
	if (override_choose(f))
		SKIP(return, "this kernel has no such function, or no probes on it");
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, seen);
	fd = override_open();
	ASSERT_LE(0, fd);
	take_held(&held);
	for (c = fault_cases; c->name; c++) {
		pid = assert_fork(_metadata);
		if (!pid)
			run_case(self->device, fd, c, f, seen);
		EXPECT_EQ(0, own_wait(pid))
			TH_LOG("%s", c->name);
	}
	override_end();
	EXPECT_EQ(0, seen->wrong);
	EXPECT_LT(0, seen->faults);
	expect_held(_metadata, &held);
	TH_LOG("%s: %d times", f->names[0], seen->faults);
	close(fd);
}

TEST_HARNESS_MAIN
