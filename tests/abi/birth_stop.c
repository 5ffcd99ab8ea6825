// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A child that a tracer holds where it is born, or where it ends, holds nothing
 * of its caller's, whatever becomes of that meanwhile.
 */
#include "lib/fixture.h"
#include "lib/tracer.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

/* The outcome that the calling thread met; shared with us. */
struct outcome {
	pid_t thread;
	pid_t pid;
	int error;
	__u32 step;
};

/**
 * struct held - a caller with two threads, the second of which starts a program
 * @caller:  its process
 * @child:   held
 * @lock:    a file that the caller is to lock; 0: none
 * @order:   a byte: the first thread executes another program; its end: it waits
 *           for the second one, and exits
 * @outcome: of the call
 */
struct held {
	pid_t caller;
	pid_t child;
	int lock;
	int order;
	struct outcome *outcome;
};

struct call {
	int device;
	int go;
	struct spawn *s;
	struct outcome *outcome;
};

static void *start(void *argument)
{
	struct call *call = argument;
	struct outcome *outcome = call->outcome;
	sigset_t all;
	char byte;

	/* A signal would stop it where its tracer expects nothing. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	__atomic_store_n(&outcome->thread, syscall(SYS_gettid), __ATOMIC_RELEASE);
	if (read(call->go, &byte, 1) < 0)
		return NULL;
	outcome->pid = spawn_start(call->device, call->s);
	outcome->error = errno;
	outcome->step = call->s->result.step;
	return NULL;
}

static void be_the_caller(struct call *call, int order, int lock)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pthread_t thread;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (lock && fcntl(lock, F_SETLK, &whole))
		_exit(2);
	if (pthread_create(&thread, NULL, start, call))
		_exit(1);
	if (read(order, &byte, 1) == 1)
		execl(scratch_child, "child", "pause", NULL);
	pthread_join(thread, NULL);
	_exit(0);
}

/* Have @s started by such a caller, and its child held where it is born. */
static void hold(struct __test_metadata *_metadata, int device, struct spawn *s, struct held *h,
		 long options)
{
	struct call call = { .device = device, .s = s };
	int go[2], order[2];

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(order, O_CLOEXEC));
	h->outcome = mmap(NULL, sizeof(*h->outcome), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, h->outcome);
	call.go = go[0];
	call.outcome = h->outcome;
	h->caller = assert_fork(_metadata);
	if (!h->caller) {
		close(go[1]);
		close(order[1]);
		be_the_caller(&call, order[0], h->lock);
	}
	close(go[0]);
	close(order[0]);
	h->order = order[1];
	while (!__atomic_load_n(&h->outcome->thread, __ATOMIC_ACQUIRE))
		own_sleep_ms(1);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, h->outcome->thread, 0, TRACER_OPTIONS | options))
		TH_LOG("%m");
	close(go[1]);
	h->child = tracer_hold_child(h->outcome->thread);
	ASSERT_LT(0, h->child);
}

/* Let the child go on, and the caller end by itself. */
static void let_go(struct __test_metadata *_metadata, struct held *h)
{
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, h->child, 0, 0));
	own_wait(h->outcome->thread);
	close(h->order);
	EXPECT_EQ(0, own_wait(h->caller));
}

/* The first thread has executed another program when this returns. */
static void have_it_execute(struct __test_metadata *_metadata, struct held *h)
{
	char path[64], name[32] = "";
	FILE *file;

	ASSERT_EQ(1, write(h->order, "x", 1));
	/* The other thread dies of it; it is ours to bury. */
	own_wait(h->outcome->thread);
	snprintf(path, sizeof(path), "/proc/%d/comm", h->caller);
	while (strcmp(name, "child\n")) {
		own_sleep_ms(5);
		file = fopen(path, "re");
		ASSERT_NE(NULL, file);
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
	}
}

TEST_F(spawn, has_nothing_of_its_caller)
{
	static const char secret[] = "of the caller";
	char line[256];
	char path[64], list[64] = "";
	struct dirent *entry;
	struct held h = {};
	DEFINE_SPAWN(s, scratch_tiny);
	DIR *directory;
	FILE *maps;

	ASSERT_EQ(20, fcntl(0, F_DUPFD_CLOEXEC, 20));
	hold(_metadata, self->device, &s, &h, 0);
	errno = 0;
	EXPECT_EQ(-1, ptrace(PTRACE_PEEKDATA, h.child, secret, 0));
	EXPECT_EQ(EIO, errno);
	snprintf(path, sizeof(path), "/proc/%d/maps", h.child);
	maps = fopen(path, "re");
	ASSERT_NE(NULL, maps);
	/* Where there is a vsyscall page, everybody has it. */
	while (fgets(line, sizeof(line), maps))
		EXPECT_NE(NULL, strstr(line, "[vsyscall]"))
			TH_LOG("%s", line);
	fclose(maps);
	snprintf(path, sizeof(path), "/proc/%d/fd", h.child);
	directory = opendir(path);
	ASSERT_NE(NULL, directory);
	while ((entry = readdir(directory))) {
		size_t used = strlen(list);

		if (entry->d_name[0] != '.')
			snprintf(list + used, sizeof(list) - used, " %.8s", entry->d_name);
	}
	closedir(directory);
	EXPECT_STREQ(" 0 1 2", list);
	let_go(_metadata, &h);
	EXPECT_EQ(h.child, h.outcome->pid);
}

static bool is_locked_by(int fd, pid_t pid)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return !fcntl(fd, F_GETLK, &lock) && lock.l_type == F_WRLCK && lock.l_pid == pid;
}

/* Record locks of a process survive its exec, if its descriptors are its own. */
TEST_F(spawn, locks_of_a_caller_that_executes)
{
	struct held h = { .lock = open("lock", O_RDWR | O_CREAT, 0600) };
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_LT(0, h.lock);
	hold(_metadata, self->device, &s, &h, 0);
	ASSERT_TRUE(is_locked_by(h.lock, h.caller));
	have_it_execute(_metadata, &h);
	EXPECT_TRUE(is_locked_by(h.lock, h.caller));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, h.child, 0, 0));
	own_sleep_ms(200);
	EXPECT_TRUE(is_locked_by(h.lock, h.caller));
	expect_killed(_metadata, h.caller);
	EXPECT_FALSE(is_locked_by(h.lock, h.caller));
}

/* Neither the child that failed nor its zombie stays with the new program. */
TEST_F(spawn, failed_child_of_a_caller_that_executes)
{
	struct held h = {};
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	spawn_dup2(&s, 99, 98);
	hold(_metadata, self->device, &s, &h, PTRACE_O_TRACEEXIT);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, h.child, 0, 0));
	ASSERT_TRUE(tracer_wait_event(h.child, PTRACE_EVENT_EXIT));
	ASSERT_EQ(1, write(h.order, "x", 1));
	/* The calling thread stops as it ends, too. */
	tracer_wait_event(h.outcome->thread, PTRACE_EVENT_EXIT);
	ptrace(PTRACE_CONT, h.outcome->thread, 0, 0);
	own_wait(h.outcome->thread);
	own_sleep_ms(300);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, h.child, 0, 0));
	EXPECT_EQ(127 << 8, own_wait(h.child));
	own_sleep_ms(100);
	EXPECT_NE(0, own_parent_of(h.caller));
	expect_killed(_metadata, h.caller);
	/* Children that it left would be ours now. */
	own_sleep_ms(100);
	EXPECT_TRUE(own_no_child());
}

static void nothing(int signal)
{
	(void)signal;
}

/* A tracer can let signals in; one that has a handler waits for the program. */
TEST_F(spawn, signal_with_a_handler)
{
	unsigned long long none = 0;
	struct held h = {};
	DEFINE_REPORT(s, r);
	int status;

	ASSERT_NE(SIG_ERR, signal(SIGUSR1, nothing));
	s.args.attr_flags = KSPAWN_ATTR_SETSIGMASK;
	s.args.sigmask = spawn_signal_bit(SIGUSR1) | spawn_signal_bit(SIGUSR2);
	hold(_metadata, self->device, &s, &h, 0);
	if (ptrace(PTRACE_SETSIGMASK, h.child, sizeof(none), &none)) {
		/* Later kernels refuse it for a child that is stopped there. */
		ASSERT_EQ(EPERM, errno);
		let_go(_metadata, &h);
		return;
	}
	ASSERT_EQ(0, kill(h.child, SIGUSR1));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, h.child, 0, 0));
	/* It is shown the signal, and has it delivered. */
	while (waitpid(h.child, &status, __WALL) == h.child && WIFSTOPPED(status) && status >> 16)
		ptrace(PTRACE_CONT, h.child, 0, 0);
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGUSR1, WSTOPSIG(status));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, h.child, 0, SIGUSR1));
	own_wait(h.outcome->thread);
	close(h.order);
	EXPECT_EQ(0, own_wait(h.caller));
	EXPECT_EQ(h.child, h.outcome->pid)
		TH_LOG("%s, step %u", strerrorname_np(h.outcome->error), h.outcome->step);
	/* Its parent has ended; the report says all that there is to know. */
	own_sleep_ms(1000);
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(s.args.sigmask, report_status_hex(&r, "SigBlk"));
	EXPECT_EQ(spawn_signal_bit(SIGUSR1),
		  report_status_hex(&r, "SigPnd") | report_status_hex(&r, "ShdPnd"));
}

/* One that ends it, with a core dump or without: its wait status tells. */
static void expect_ended_by(struct __test_metadata *_metadata, int device, int signal)
{
	struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };
	unsigned long long none = 0;
	struct held h = {};
	DEFINE_SPAWN(s, scratch_tiny);
	int status;

	setrlimit(RLIMIT_CORE, &core);
	hold(_metadata, device, &s, &h, 0);
	if (signal != SIGKILL &&
	    ptrace(PTRACE_SETSIGMASK, h.child, sizeof(none), &none)) {
		ASSERT_EQ(EPERM, errno);
		let_go(_metadata, &h);
		return;
	}
	ASSERT_EQ(0, kill(h.child, signal));
	ptrace(PTRACE_CONT, h.child, 0, 0);
	while (waitpid(h.child, &status, __WALL) == h.child && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, h.child, 0, status >> 16 ? 0 : WSTOPSIG(status));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(signal, WTERMSIG(status));
	own_wait(h.outcome->thread);
	close(h.order);
	EXPECT_EQ(0, own_wait(h.caller));
	EXPECT_EQ(h.child, h.outcome->pid)
		TH_LOG("%s, step %u", strerrorname_np(h.outcome->error), h.outcome->step);
}

TEST_F(spawn, signals_that_end_it)
{
	static const int signals[] = { SIGTERM, SIGQUIT, SIGSEGV, SIGKILL };

	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++)
		expect_ended_by(_metadata, self->device, signals[i]);
}

TEST_HARNESS_MAIN
