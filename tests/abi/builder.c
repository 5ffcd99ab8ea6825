// SPDX-License-Identifier: LGPL-2.1-or-later
/* Builders: a child that is made what it is to be step by step, then started. */
#include "lib/builders.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "lib/passing.h"

/* From creation to the end of its program. */
TEST_F(spawn, life)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "42");
	struct idle before;
	pid_t pid, stored = -1;
	struct spawn make;
	int builder;

	idle_take(&before);
	plain_init(&make);
	make.args.pid = spawn_pointer(&stored);
	builder = call(self->device, KSPAWN_IOC_BUILDER, &make);
	ASSERT_LE(3, builder);
	pid = make.result.pid;
	ASSERT_LT(0, pid);
	EXPECT_EQ(pid, stored);
	EXPECT_EQ(-1, make.result.pidfd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(builder, F_GETFD));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	EXPECT_TRUE(own_no_child());
	EXPECT_EQ(POLLOUT, events_of(builder));

	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(pid, s.result.pid);
	EXPECT_EQ(0, s.result.error);
	EXPECT_EQ(KSPAWN_STEP_NONE, s.result.step);
	EXPECT_EQ(POLLHUP, events_of(builder));
	EXPECT_EQ(42 << 8, own_wait(pid));
	EXPECT_EQ(1, own_sigchld_count());
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ESRCH, KSPAWN_STEP_BUILDER, 0);
	plain_init(&make);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &make, ESRCH, KSPAWN_STEP_BUILDER, 0);
	close(builder);
	expect_idle(_metadata, &before);
}

/* Nobody's child, until it is closed; then nothing. */
TEST_F(spawn, closed_unstarted)
{
	struct idle before;
	int builder;
	pid_t pid;

	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	EXPECT_EQ(-1, waitpid(pid, NULL, WNOHANG | __WALL));
	EXPECT_EQ(ECHILD, errno);
	EXPECT_NE(getpid(), own_parent_of(pid));
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	EXPECT_TRUE(own_no_child());
	EXPECT_EQ(0, own_sigchld_count());
	EXPECT_FALSE(own_sigchld_pending());
	expect_idle(_metadata, &before);
}

/* Each operation is seen in /proc at once. */
TEST_F(spawn, takes_effect_at_once)
{
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, mkdir("below", 0777));
	plain_init(&s);
	spawn_chdir(&s, "/proc");
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	plain_init(&s);
	spawn_open(&s, 7, "/dev/zero", O_RDONLY, 0);
	spawn_dup2(&s, 7, 9);
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_TRUE(link_is(pid, "fd/7", "/dev/zero"));
	EXPECT_TRUE(link_is(pid, "fd/9", "/dev/zero"));
	plain_init(&s);
	spawn_close(&s, 7);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_TRUE(link_is(pid, "fd/7", NULL));
	EXPECT_TRUE(link_is(pid, "fd/9", "/dev/zero"));
	EXPECT_EQ(pid, getsid(pid));
	EXPECT_TRUE(link_is(pid, "fd/0", "/dev/null"));
	EXPECT_FALSE(link_is(pid, "exe", NULL));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The first that fails ends the call; those before it hold, and so does the child. */
TEST_F(spawn, failures_of_operations)
{
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_open(&s, 5, "/dev/zero", O_RDONLY, 0);
	spawn_dup2(&s, 99, 6);
	spawn_chdir(&s, "/proc");
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	EXPECT_TRUE(link_is(pid, "fd/5", "/dev/zero"));
	EXPECT_FALSE(link_is(pid, "cwd", "/proc"));
	plain_init(&s);
	spawn_open(&s, 5, "/no/such/file", O_RDONLY, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, ENOENT, KSPAWN_STEP_ACTION, 0);
	/* Even the open has changed nothing. */
	EXPECT_TRUE(link_is(pid, "fd/5", "/dev/zero"));
	plain_init(&s);
	spawn_setpgroup(&s, 1 << 30);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EPERM, KSPAWN_STEP_ATTRIBUTE,
		    KSPAWN_ATTR_SETPGROUP);
	plain_init(&s);
	spawn_setscheduler(&s, 77, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINVAL, KSPAWN_STEP_ATTRIBUTE,
		    KSPAWN_ATTR_SETSCHEDULER);
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* A builder whose creation fails leaves nothing. */
TEST_F(spawn, failure_of_creation)
{
	struct before before;
	struct spawn s;

	before_call(&before);
	plain_init(&s);
	spawn_open(&s, 5, "/dev/zero", O_RDONLY, 0);
	spawn_chdir(&s, "/no/such/directory");
	expect_call(_metadata, self->device, KSPAWN_IOC_BUILDER, &s, ENOENT, KSPAWN_STEP_ACTION, 1);
	expect_nothing_left(_metadata, &before);
}

/* A start that fails leaves the child, to be mended and tried again. */
TEST_F(spawn, failures_of_starts)
{
	static const char text[] = "no program";
	static const char script[] = "#!/no/such/interpreter\n";
	DEFINE_SPAWN(good, "program", "child", "exit", "6");
	DEFINE_SPAWN(s, "program");
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	ASSERT_EQ(0, scratch_file("program", text, sizeof(text) - 1, 0755));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ENOEXEC, KSPAWN_STEP_EXEC, 0);
	ASSERT_EQ(0, unlink("program"));
	ASSERT_EQ(0, scratch_file("program", script, sizeof(script) - 1, 0755));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	ASSERT_EQ(0, unlink("program"));
	ASSERT_EQ(0, scratch_file("program", text, sizeof(text) - 1, 0644));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	spawn_dup2(&s, 99, 98);
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	EXPECT_TRUE(own_no_child());
	ASSERT_EQ(0, unlink("program"));
	ASSERT_EQ(0, scratch_copy_child("program", 0755));
	EXPECT_EQ(pid, start(builder, &good));
	EXPECT_EQ(6 << 8, own_wait(pid));
	close(builder);
}

/* Creation, operations and start each say something, and all of it holds. */
TEST_F(spawn, program_finds_what_was_done)
{
	DEFINE_REPORT(s, r);
	struct spawn make;
	unsigned long mask = 1UL << (SIGUSR1 - 1);
	pid_t pid;
	int builder, fd = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));

	plain_init(&make);
	spawn_dup2(&make, fd, 20);
	builder = call(self->device, KSPAWN_IOC_BUILDER, &make);
	ASSERT_LE(3, builder);
	pid = make.result.pid;
	plain_init(&make);
	make.args.attr_flags = KSPAWN_ATTR_SETSIGMASK | KSPAWN_ATTR_SETPGROUP;
	make.args.sigmask = mask;
	ASSERT_EQ(0, apply(builder, &make));
	spawn_chdir(&s, "/");
	s.args.attr_flags = KSPAWN_ATTR_SETSIGIGN;
	s.args.sigignore = 1UL << (SIGHUP - 1);
	spawn_env(&s, "NAME=value");
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1 2 20");
	EXPECT_EQ(mask, report_status_hex(&r, "SigBlk"));
	EXPECT_TRUE(report_status_hex(&r, "SigIgn") & (1UL << (SIGHUP - 1)));
	EXPECT_STREQ("NAME=value", report_env(&r, 0));
	EXPECT_STREQ("child", report_arg(&r, 0));
	EXPECT_EQ(getpid(), report_stat(&r, 4));
	EXPECT_EQ(pid, report_stat(&r, 5));
	close(builder);
	close(fd);
}

/* No descriptor but what is named, however many its caller has. */
TEST_F(spawn, begins_with_what_is_named)
{
	DEFINE_REPORT(s, r);
	struct spawn make;
	int builder, bare;
	pid_t pid;

	plain_init(&make);
	make.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_dup2(&make, 0, 1);
	builder = call(self->device, KSPAWN_IOC_BUILDER, &make);
	ASSERT_LE(3, builder);
	pid = make.result.pid;
	EXPECT_TRUE(link_is(pid, "fd/1", "/dev/null"));
	EXPECT_TRUE(link_is(pid, "fd/2", NULL));
	plain_init(&make);
	make.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	bare = call(self->device, KSPAWN_IOC_BUILDER, &make);
	ASSERT_LE(3, bare);
	for (int i = 0; i < 10; i++) {
		char name[16];

		snprintf(name, sizeof(name), "fd/%d", i);
		EXPECT_TRUE(link_is(make.result.pid, name, NULL));
	}
	close(bare);
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1");
	close(builder);
}

/* A descriptor of whoever makes the call, as it is at that moment. */
TEST_F(spawn, passes_descriptors)
{
	struct spawn s;
	int builder, fd;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	fd = assert_fd(_metadata, open("/dev/full", O_RDWR | O_CLOEXEC));
	plain_init(&s);
	spawn_pass(&s, fd, 11, 0);
	spawn_pass(&s, fd, 12, O_CLOEXEC);
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_TRUE(link_is(pid, "fd/11", "/dev/full"));
	EXPECT_TRUE(link_is(pid, "fd/12", "/dev/full"));
	plain_init(&s);
	spawn_pass(&s, 97, 13, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	plain_init(&s);
	spawn_pass(&s, fd, -1, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	plain_init(&s);
	spawn_pass(&s, fd, 1 << 30, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	plain_init(&s);
	spawn_pass(&s, fd, 13, O_APPEND);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	/* The child could hold itself alive. */
	plain_init(&s);
	spawn_pass(&s, builder, 13, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	close(fd);
	{
		DEFINE_REPORT(report, r);

		EXPECT_EQ(pid, start(builder, &report));
		EXPECT_EQ(0, own_wait(pid));
		ASSERT_EQ(0, report_load(&r));
		expect_fds(_metadata, &r, "0 1 2 11");
	}
	close(builder);
}

/* It is open for no longer than the child has it. */
TEST_F(spawn, passed_descriptor_is_closed)
{
	struct pollfd entry = { .events = POLLIN };
	struct spawn s;
	int builder, ends[2];
	pid_t pid;

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	plain_init(&s);
	spawn_pass(&s, ends[1], 5, 0);
	builder = call(self->device, KSPAWN_IOC_BUILDER, &s);
	ASSERT_LE(3, builder);
	pid = s.result.pid;
	close(ends[1]);
	entry.fd = ends[0];
	EXPECT_EQ(0, poll(&entry, 1, 0));
	plain_init(&s);
	spawn_close(&s, 5);
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_EQ(1, poll(&entry, 1, 0));
	EXPECT_EQ(POLLHUP, entry.revents);
	expect_alive(_metadata, builder, pid);
	close(builder);
	close(ends[0]);
}

/* The same in one call. */
TEST_F(spawn, passes_descriptors_in_one_call)
{
	int fd = assert_fd(_metadata, open("/dev/full", O_RDWR | O_CLOEXEC));
	DEFINE_REPORT(s, r);

	spawn_close(&s, fd);
	spawn_pass(&s, fd, 2, 0);
	spawn_pass(&s, fd, 30, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 30");
	spawn_init(&s, scratch_tiny);
	spawn_pass(&s, 97, 2, 0);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	close(fd);
}

/* A pidfd when it is started, and only then. */
TEST_F(spawn, pidfd_of_a_start)
{
	DEFINE_SPAWN(s, "/no/such/program");
	struct pollfd entry = { .events = POLLIN };
	struct before before;
	int builder, stored = -1;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	before_call(&before);
	s.args.flags = KSPAWN_PIDFD;
	s.args.pidfd = spawn_pointer(&stored);
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_EQ(-1, stored);
	expect_nothing_left(_metadata, &before);
	s.args.path = spawn_pointer(scratch_tiny);
	EXPECT_EQ(pid, start(builder, &s));
	ASSERT_LE(3, stored);
	EXPECT_EQ(stored, s.result.pidfd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(stored, F_GETFD));
	entry.fd = stored;
	EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&entry, 1, 20000)));
	EXPECT_EQ(0, own_wait(pid));
	close(stored);
	close(builder);
}

/* The program is a descriptor of the child's. */
TEST_F(spawn, program_by_descriptor)
{
	DEFINE_SPAWN(s, "");
	int builder, fd;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	fd = assert_fd(_metadata, open(scratch_tiny, O_PATH | O_CLOEXEC));
	spawn_pass(&s, fd, 40, O_CLOEXEC);
	s.args.flags = KSPAWN_EMPTY_PATH;
	s.args.dirfd = 40;
	EXPECT_EQ(pid, start(builder, &s))
		TH_LOG("%m, step %u", s.result.step);
	EXPECT_EQ(0, own_wait(pid));
	close(fd);
	close(builder);
}

/* The program is searched for by the child, where it is by then. */
TEST_F(spawn, program_is_searched_for)
{
	DEFINE_SPAWN(s, "program", "child", "exit", "3");
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, mkdir("below", 0777));
	ASSERT_EQ(0, scratch_copy_child("below/program", 0755));
	s.args.search = spawn_pointer("/no/such:");
	spawn_chdir(&s, "below");
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(3 << 8, own_wait(pid));
	close(builder);
}

#define REFUSED(fd, command, change) do {						\
	struct spawn r;									\
	spawn_init(&r, scratch_tiny);							\
	if ((command) != KSPAWN_IOC_START)						\
		plain_init(&r);								\
	change;										\
	EXPECT_EQ(-1, call(fd, command, &r))						\
		TH_LOG(#command ": " #change);						\
	EXPECT_EQ(EINVAL, errno)							\
		TH_LOG(#command ": " #change);						\
	EXPECT_EQ(KSPAWN_STEP_COPY, r.result.step);					\
} while (0)

/* Fields that do not belong to a call are refused. */
TEST_F(spawn, refused)
{
	static const unsigned long plain[] = { KSPAWN_IOC_BUILDER, KSPAWN_IOC_APPLY };
	struct spawn s;
	int builder, number = 0;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	for (unsigned int i = 0; i < ARRAY_SIZE(plain); i++) {
		int fd = i ? builder : self->device;

		REFUSED(fd, plain[i], r.args.path = spawn_pointer(scratch_tiny));
		REFUSED(fd, plain[i], r.args.search = spawn_pointer("/bin"));
		REFUSED(fd, plain[i], r.args.argv = spawn_pointer(r.argv));
		REFUSED(fd, plain[i], r.args.envp = spawn_pointer(r.envp));
		REFUSED(fd, plain[i], r.args.dirfd = AT_FDCWD);
		REFUSED(fd, plain[i], r.args.flags = KSPAWN_PIDFD);
		REFUSED(fd, plain[i], r.args.attr_flags = 0x40);
	}
	for (unsigned int i = 0; i < 2; i++) {
		unsigned long command = i ? KSPAWN_IOC_START : KSPAWN_IOC_APPLY;

		REFUSED(builder, command, r.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT);
	}
	REFUSED(builder, KSPAWN_IOC_APPLY, r.args.pid = spawn_pointer(&number));
	REFUSED(builder, KSPAWN_IOC_START, r.args.flags = KSPAWN_WAIT);
	REFUSED(builder, KSPAWN_IOC_START, r.args.flags = KSPAWN_ASYNC);
	REFUSED(builder, KSPAWN_IOC_START, r.args.flags = 0x10);

	plain_init(&s);
	EXPECT_EQ(-1, call(self->device, KSPAWN_IOC_APPLY, &s));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, call(builder, KSPAWN_IOC_BUILDER, &s));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, call(builder, KSPAWN_IOC_SPAWN, &s));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, read(builder, &number, sizeof(number)));
	EXPECT_EQ(EINVAL, errno);
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* A signal that has a handler ends an operation that blocks, and not the child. */
TEST_F(spawn, signal_ends_an_operation)
{
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	alarm_in_ms(_metadata, 300);
	plain_init(&s);
	spawn_open(&s, 5, "/dev/zero", O_RDONLY, 0);
	spawn_hold(&s);
	spawn_chdir(&s, "/proc");
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINTR, KSPAWN_STEP_ACTION, 1);
	EXPECT_TRUE(link_is(pid, "fd/5", "/dev/zero"));
	EXPECT_TRUE(link_is(pid, "fd/9", NULL));
	EXPECT_FALSE(link_is(pid, "cwd", "/proc"));
	EXPECT_EQ(POLLOUT, events_of(builder));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* A child that is stopped has not begun: the call is as if it had not been made. */
TEST_F(spawn, signal_while_the_child_is_stopped)
{
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_TRUE(own_wait_state(pid, 'T'));
	alarm_in_ms(_metadata, 200);
	plain_init(&s);
	spawn_chdir(&s, "/proc");
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINTR, KSPAWN_STEP_BUILDER, 0);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	EXPECT_FALSE(link_is(pid, "cwd", "/proc"));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

static void *stop_soon(void *argument)
{
	own_sleep_ms(100);
	kill(*(pid_t *)argument, SIGSTOP);
	return NULL;
}

/* Nor does a child keep anybody that is stopped in an operation. */
TEST_F(spawn, signal_while_the_child_is_stopped_in_an_operation)
{
	pthread_t thread;
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_soon, &pid));
	alarm_in_ms(_metadata, 300);
	plain_init(&s);
	spawn_hold(&s);
	EXPECT_EQ(-1, apply(builder, &s));
	EXPECT_EQ(EINTR, errno);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(own_wait_state(pid, 'T'));
	ASSERT_EQ(0, kill(pid, SIGCONT));
	plain_init(&s);
	spawn_chdir(&s, "/proc");
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_TRUE(link_is(pid, "fd/9", NULL));
	/* The stop is told to nobody, nor that it has gone on. */
	EXPECT_EQ(-1, waitpid(pid, NULL, WNOHANG | WCONTINUED | WUNTRACED | __WALL));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The child of a builder that is being made: kthreadd's, of our program. */
static pid_t find_hidden_child(void)
{
	char own[PATH_MAX];
	struct dirent *entry;
	pid_t found = 0;
	ssize_t size;
	DIR *proc;

	size = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (size < 0)
		return 0;
	own[size] = '\0';
	for (int i = 0; i < 1000 && !found; i++) {
		proc = opendir("/proc");
		while (proc && !found && (entry = readdir(proc))) {
			pid_t pid = atoi(entry->d_name);

			if (pid > 2 && own_parent_of(pid) == 2 && link_is(pid, "exe", own))
				found = pid;
		}
		if (proc)
			closedir(proc);
		own_sleep_ms(10);
	}
	return found;
}

/* The child is killed while it is being made: there is no builder. */
TEST_F(spawn, killed_in_its_creation)
{
	struct idle before;
	pid_t caller, child;
	struct spawn s;

	need_root(_metadata);
	idle_take(&before);
	caller = assert_fork(_metadata);
	if (!caller) {
		plain_init(&s);
		spawn_hold(&s);
		_exit(call(self->device, KSPAWN_IOC_BUILDER, &s) >= 0 ? 1 :
		      errno != EINTR ? 2 : !own_no_child());
	}
	child = find_hidden_child();
	ASSERT_LT(0, child);
	ASSERT_TRUE(own_wait_state(child, 'S'));
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(0, own_wait(caller));
	EXPECT_TRUE(wait_gone(child));
	expect_idle(_metadata, &before);
}

/* Whoever waits for an operation is killed: the operation ends, the child does not. */
TEST_F(spawn, operator_is_killed)
{
	pid_t pid, operator;
	struct spawn s;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	operator = hold_elsewhere(_metadata, builder, pid);
	expect_killed(_metadata, operator);
	plain_init(&s);
	spawn_chdir(&s, "/proc");
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The last descriptor goes with its killed owner: so does the child, in its operation. */
TEST_F(spawn, last_operator_is_killed)
{
	pid_t pid, operator;
	struct idle before;
	int builder;

	need_root(_metadata);
	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	operator = hold_elsewhere(_metadata, builder, pid);
	close(builder);
	EXPECT_EQ(0, kill(pid, 0));
	expect_killed(_metadata, operator);
	EXPECT_TRUE(wait_gone(pid));
	expect_idle(_metadata, &before);
}

/* Calls of several threads are made one after the other. */
struct worker {
	pthread_t thread;
	int builder;
	int number;
	int wrong;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct spawn s;

	for (int i = 0; i < 30; i++) {
		plain_init(&s);
		spawn_dup2(&s, 0, 10 + worker->number);
		spawn_close(&s, 10 + worker->number);
		if (apply(worker->builder, &s))
			worker->wrong++;
	}
	return NULL;
}

TEST_F(spawn, several_threads)
{
	struct worker workers[6] = {};
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	for (int i = 0; i < 6; i++) {
		workers[i].builder = builder;
		workers[i].number = i;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (int i = 0; i < 6; i++) {
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
		EXPECT_EQ(0, workers[i].wrong);
	}
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* It is killed, stopped and continued as any process. */
TEST_F(spawn, signals_to_the_child)
{
	struct idle before;
	struct spawn s;
	int builder;
	pid_t pid;

	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_TRUE(own_wait_state(pid, 'T'));
	EXPECT_TRUE(own_no_child());
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	plain_init(&s);
	spawn_chdir(&s, "/proc");
	EXPECT_EQ(0, apply(builder, &s));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(wait_gone(pid));
	EXPECT_EQ(POLLHUP, events_of(builder));
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, ESRCH, KSPAWN_STEP_BUILDER, 0);
	EXPECT_EQ(0, own_sigchld_count());
	close(builder);
	expect_idle(_metadata, &before);
}

/* A signal that is pending comes to the program. */
TEST_F(spawn, signal_before_the_start)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, kill(pid, SIGTERM));
	own_sleep_ms(100);
	EXPECT_EQ(POLLOUT, events_of(builder));
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(SIGTERM, own_wait(pid));
	close(builder);
}

/* The process that made it has ended: nobody would be the program's parent. */
TEST_F(spawn, creator_has_ended)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int ends[2], builder;
	struct idle before;
	pid_t creator, pid;

	need_root(_metadata);
	idle_take(&before);
	ASSERT_EQ(0, passing_open(ends));
	creator = assert_fork(_metadata);
	if (!creator) {
		int made = assert_builder(_metadata, self->device, &pid);

		_exit(passing_send(ends[1], made));
	}
	builder = passing_receive(ends[0]);
	ASSERT_LE(3, builder);
	/* Nor would one be that has ended and has not been waited for. */
	ASSERT_TRUE(own_wait_state(creator, 'Z'));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ESRCH, KSPAWN_STEP_BUILDER, 0);
	ASSERT_EQ(0, own_wait(creator));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ESRCH, KSPAWN_STEP_BUILDER, 0);
	plain_init(&s);
	spawn_chdir(&s, "/");
	EXPECT_EQ(0, apply(builder, &s));
	close(builder);
	close(ends[0]);
	close(ends[1]);
	expect_idle(_metadata, &before);
}

/* Another process starts it: the child is that of the one that made it. */
TEST_F(spawn, started_by_another)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "5");
	int builder;
	pid_t pid, other;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	other = assert_fork(_metadata);
	if (!other)
		_exit(start(builder, &s) == pid && own_no_child() ? 0 : 1);
	EXPECT_EQ(0, own_wait(other));
	EXPECT_EQ(5 << 8, own_wait(pid));
	close(builder);
}

/* A thread that made it may be gone; the process is what counts. */
static void *make_builder(void *argument)
{
	struct spawn *s = argument;
	int device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);

	plain_init(s);
	s->result.pidfd = call(device, KSPAWN_IOC_BUILDER, s);
	s->args.cookie = s->result.pidfd;
	close(device);
	return NULL;
}

TEST_F(spawn, thread_that_made_it_has_ended)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "8");
	struct spawn make;
	pthread_t thread;
	pid_t pid;

	ASSERT_EQ(0, pthread_create(&thread, NULL, make_builder, &make));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	pid = make.result.pid;
	ASSERT_LT(0, pid);
	EXPECT_EQ(pid, start(make.args.cookie, &s));
	EXPECT_EQ(8 << 8, own_wait(pid));
	close(make.args.cookie);
}

static int without_privileges(int builder, int device)
{
	DEFINE_SPAWN(s, scratch_tiny);
	struct spawn make;
	int own;

	if (own_drop_privileges())
		return 1;
	/* The child that it made before has privileges that it has no more. */
	if (start(builder, &s) != -1 || errno != EPERM || s.result.step != KSPAWN_STEP_BUILDER)
		return 2;
	plain_init(&make);
	spawn_chdir(&make, "/");
	if (apply(builder, &make) != -1 || errno != EPERM)
		return 3;
	/* Dropping privileges makes a process undumpable, and its children after it. */
	plain_init(&make);
	own = call(device, KSPAWN_IOC_BUILDER, &make);
	if (own < 0)
		return 4;
	if (start(own, &s) != make.result.pid)
		return 5;
	return own_wait(make.result.pid) ? 6 : 0;
}

/* Its privileges are asked for at each call. */
TEST_F(spawn, privileges_are_dropped)
{
	pid_t caller, pid;
	int builder;

	need_root(_metadata);
	caller = assert_fork(_metadata);
	if (!caller) {
		builder = assert_builder(_metadata, self->device, &pid);
		_exit(without_privileges(builder, self->device));
	}
	EXPECT_EQ(0, own_wait(caller));
}

static int operate_as_user(int builder)
{
	struct spawn s;

	if (own_drop_privileges())
		return 1;
	prctl(PR_SET_DUMPABLE, 1);
	plain_init(&s);
	spawn_chdir(&s, "/");
	return apply(builder, &s) == -1 && errno == EPERM ? 0 : 2;
}

/* It is handed to a process of less privileges, to whom it is of no use. */
TEST_F(spawn, handed_to_another_user)
{
	pid_t other, pid;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	other = assert_fork(_metadata);
	if (!other)
		_exit(operate_as_user(builder));
	EXPECT_EQ(0, own_wait(other));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* A process that can have no more privileges cannot have them by a builder. */
TEST_F(spawn, no_new_privileges)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int builder, later;
	pid_t pid, caller = assert_fork(_metadata);
	struct spawn make;

	if (caller) {
		EXPECT_EQ(0, own_wait(caller));
		return;
	}
	builder = assert_builder(_metadata, self->device, &pid);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(1);
	if (start(builder, &s) != -1 || errno != EPERM)
		_exit(4);
	plain_init(&make);
	later = call(self->device, KSPAWN_IOC_BUILDER, &make);
	if (start(later, &s) != make.result.pid)
		_exit(2);
	_exit(own_wait(make.result.pid) ? 3 : 0);
}

/* A debugger may be attached while it waits; it sees the program begin. */
TEST_F(spawn, traced)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "9");
	struct spawn make;
	int builder, status;
	pid_t pid, starter;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXEC))
		TH_LOG("%m");
	plain_init(&make);
	spawn_chdir(&make, "/proc");
	EXPECT_EQ(0, apply(builder, &make));
	/* It is started when the program is let go on: by another than its debugger. */
	starter = assert_fork(_metadata);
	if (!starter)
		_exit(start(builder, &s) != pid);
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	EXPECT_EQ(SIGTRAP | PTRACE_EVENT_EXEC << 8, status >> 8);
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	EXPECT_EQ(0, own_wait(starter));
	EXPECT_EQ(9 << 8, own_wait(pid));
	close(builder);
}

/* Many at a time, half of them started, leave nothing. */
TEST_F(spawn, many)
{
	DEFINE_SPAWN(s, scratch_tiny);
	unsigned int rounds = scratch_scale(20);
	struct idle before;
	int builders[10];
	pid_t pids[10];

	idle_take(&before);
	for (unsigned int round = 0; round < rounds; round++) {
		for (int i = 0; i < 10; i++)
			builders[i] = assert_builder(_metadata, self->device, &pids[i]);
		for (int i = 0; i < 10; i += 2)
			EXPECT_EQ(pids[i], start(builders[i], &s));
		for (int i = 0; i < 10; i++)
			close(builders[i]);
		for (int i = 0; i < 10; i += 2)
			EXPECT_EQ(0, own_wait(pids[i]));
		for (int i = 1; i < 10; i += 2)
			EXPECT_TRUE(wait_gone(pids[i]));
	}
	EXPECT_TRUE(own_no_child());
	expect_idle(_metadata, &before);
}

static void *close_soon(void *argument)
{
	own_sleep_ms(1);
	close(*(int *)argument);
	return NULL;
}

/* A close that meets a start: a program, or nothing. */
TEST_F(spawn, closed_as_it_is_started)
{
	unsigned int rounds = scratch_scale(50);
	struct idle before;
	pthread_t thread;

	idle_take(&before);
	for (unsigned int i = 0; i < rounds; i++) {
		DEFINE_SPAWN(s, scratch_tiny);
		pid_t pid, started;
		int builder;

		builder = assert_builder(_metadata, self->device, &pid);
		ASSERT_EQ(0, pthread_create(&thread, NULL, close_soon, &builder));
		own_sleep_ms(1);
		started = start(builder, &s);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		if (started > 0) {
			EXPECT_EQ(pid, started);
			EXPECT_EQ(0, own_wait(pid));
		} else {
			EXPECT_EQ(EBADF, errno);
		}
		EXPECT_TRUE(wait_gone(pid));
	}
	EXPECT_TRUE(own_no_child());
	expect_idle(_metadata, &before);
}

TEST_HARNESS_MAIN
