// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"
#include "completion.h"
#include "own.h"
#include "scratch.h"

/* Descriptors that more than one word of the table holds. */
#define HIGH_FIRST	70
#define HIGH_LAST	900

static char long_string[5000];
static const char *long_list[64];
static int cgroup = -1;
static int directory = -1;
static int completion = -1;
static char terminal[64];

static void tiny(struct spawn *s)
{
	spawn_init(s, scratch_tiny, "tiny");
}

/* Most of the table. */
static void dense_set_up(void)
{
	int fd;

	for (fd = HIGH_FIRST; fd < HIGH_FIRST + 100; fd++)
		dup2(0, fd);
}

/* A small part of it. */
static void high_set_up(void)
{
	dense_set_up();
	dup2(0, HIGH_LAST);
}

static void search(struct spawn *s)
{
	static char list[2 * SCRATCH_PATH];

	spawn_init(s, "tiny");
	snprintf(list, sizeof(list), "/no/such/directory:%.64s", scratch_directory);
	s->args.search = spawn_pointer(list);
}

/* Longer than what a request has room for without more memory. */
static void long_search(struct spawn *s)
{
	static char list[6000];
	unsigned int i;

	if (!*list) {
		for (i = 0; i < 5000; i += 20)
			memcpy(list + i, "/no/such/directory/:", 20);
		snprintf(list + i, sizeof(list) - i, "%s", scratch_directory);
	}
	spawn_init(s, "tiny");
	s->args.search = spawn_pointer(list);
}

static void lists_set_up(void)
{
	memset(long_string, 'x', sizeof(long_string) - 1);
	for (unsigned int i = 0; i < 63; i++)
		long_list[i] = i % 8 ? "a short one" : long_string;
}

static void lists(struct spawn *s)
{
	tiny(s);
	s->args.argv = spawn_pointer(long_list);
	s->args.envp = spawn_pointer(long_list);
}

/* The request is copied if others can change it. */
static void shared_set_up(void)
{
	if (own_start_idle_thread())
		abort();
}

static void shared_lists_set_up(void)
{
	shared_set_up();
	lists_set_up();
}

static void pidfd(struct spawn *s)
{
	tiny(s);
	s->args.flags = KSPAWN_PIDFD;
}

static void script_set_up(void)
{
	char text[2 * SCRATCH_PATH];
	int n = snprintf(text, sizeof(text), "#!%s x\n", scratch_tiny);

	unlink("run-me");
	if (scratch_file("run-me", text, n, 0755))
		abort();
}

static void script(struct spawn *s)
{
	spawn_init(s, "./run-me");
}

static void action_open(struct spawn *s)
{
	tiny(s);
	spawn_open(s, 1, "/dev/null", O_WRONLY, 0);
	spawn_open(s, 300, "/", O_PATH, 0);
}

static void action_create(struct spawn *s)
{
	tiny(s);
	unlink("created");
	spawn_open(s, 9, "created", O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static void action_close(struct spawn *s)
{
	tiny(s);
	spawn_close(s, 0);
	spawn_close(s, 77);
}

/* More than a request has room for. */
static void many_actions(struct spawn *s)
{
	static struct kspawn_action actions[200];

	for (unsigned int i = 0; i < 200; i++) {
		actions[i].op = i % 2 ? KSPAWN_ACTION_CLOSE : KSPAWN_ACTION_DUP2;
		actions[i].fd = i % 2 ? 9 : 0;
		actions[i].newfd = i % 2 ? 0 : 9;
	}
	tiny(s);
	spawn_set_actions(s, actions, 200);
}

static void action_dup2(struct spawn *s)
{
	tiny(s);
	spawn_dup2(s, 0, 9);
	spawn_dup2(s, 0, 0);
	spawn_dup2(s, 9, 700);
}

static void action_chdir(struct spawn *s)
{
	tiny(s);
	spawn_chdir(s, "/proc/self");
	spawn_chdir(s, "/");
}

static void action_fchdir(struct spawn *s)
{
	tiny(s);
	spawn_open(s, 9, "/", O_RDONLY | O_DIRECTORY, 0);
	spawn_fchdir(s, 9);
}

static void action_closefrom(struct spawn *s)
{
	tiny(s);
	spawn_closefrom(s, 1);
}

static int terminal_master;

static void terminal_set_up(void)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), number, unlock = 0;

	if (fd < 0 || ioctl(fd, TIOCSPTLCK, &unlock) || ioctl(fd, TIOCGPTN, &number))
		abort();
	terminal_master = fd;
	snprintf(terminal, sizeof(terminal), "/dev/pts/%d", number);
}

static void action_tcsetpgrp(struct spawn *s)
{
	pid_t session;

	/* A child that failed has it until its end, for which the call does not wait. */
	while (!ioctl(terminal_master, TIOCGSID, &session))
		own_sleep_ms(1);
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_SETSID;
	spawn_open(s, 9, terminal, O_RDWR, 0);
	spawn_tcsetpgrp(s, 9);
}

static void action_inherit(struct spawn *s)
{
	tiny(s);
	spawn_action(s, KSPAWN_ACTION_INHERIT)->fd = HIGH_LAST;
}

static void action_close_range(struct spawn *s)
{
	struct kspawn_action *action;

	tiny(s);
	action = spawn_action(s, KSPAWN_ACTION_CLOSE_RANGE);
	action->fd = 1;
	action->newfd = HIGH_LAST;
}

/* Where the numbers of the caller's ends go. */
static int ends[3];

static void action_pipe(struct spawn *s)
{
	tiny(s);
	spawn_pipe(s, 1, O_WRONLY, O_NONBLOCK, &ends[0]);
	spawn_pipe(s, 300, O_RDONLY, 0, &ends[1]);
}

static void action_socketpair(struct spawn *s)
{
	tiny(s);
	spawn_socketpair(s, 1, SOCK_STREAM, 0, &ends[0]);
}

static void action_memfd(struct spawn *s)
{
	static const char bytes[10000];

	tiny(s);
	spawn_memfd(s, 9, bytes, sizeof(bytes), 0);
}

/* Each in a different state when the start fails. */
static void bad_made(struct spawn *s)
{
	tiny(s);
	spawn_pipe(s, 1, O_WRONLY, 0, &ends[0]);
	spawn_memfd(s, 9, "x", 1, 0);
	spawn_dup2(s, HIGH_LAST + 1, 98);
	spawn_socketpair(s, 2, SOCK_STREAM, 0, &ends[1]);
	spawn_pipe(s, 1, O_WRONLY, 0, &ends[2]);
}

/* Numbers, data of less than a page and of more, and none. */
static void action_state(struct spawn *s)
{
	static gid_t groups[2048];
	static unsigned long mask = 1;

	tiny(s);
	spawn_state(s, KSPAWN_ACTION_UMASK, 077, 0, 0);
	spawn_state(s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 0);
	spawn_state(s, KSPAWN_ACTION_NO_NEW_PRIVS, 0, 0, 0);
	spawn_state_data(s, KSPAWN_ACTION_AFFINITY, &mask, sizeof(mask));
	spawn_state_data(s, KSPAWN_ACTION_GROUPS, groups, sizeof(groups));
	spawn_state(s, KSPAWN_ACTION_PDEATHSIG, SIGTERM, 0, 0);
}

static void action_places(struct spawn *s)
{
	tiny(s);
	spawn_state(s, KSPAWN_ACTION_UNSHARE, CLONE_NEWNS | CLONE_NEWUTS, 0, 0);
	spawn_chroot(s, AT_FDCWD, "/");
}

static void action_close_except(struct spawn *s)
{
	static const int kept[] = { 1, 2, HIGH_LAST };

	tiny(s);
	spawn_close_except(s, 1, INT_MAX, kept, 3);
}

static void directory_set_up(void)
{
	directory = open(scratch_directory, O_PATH | O_CLOEXEC);
	if (directory < 0)
		abort();
}

/* Paths that begin elsewhere, and what openat2() alone can do. */
static void dirfd_of_all(struct spawn *s)
{
	spawn_init(s, "tiny");
	s->args.dirfd = directory;
	spawn_open(s, 9, "child", O_RDONLY, 0);
	s->actions[0].dirfd = directory;
	s->actions[0].resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	spawn_chdir(s, ".");
	s->actions[1].dirfd = directory;
}

static void empty_path(struct spawn *s)
{
	spawn_init(s, "");
	s->args.flags = KSPAWN_EMPTY_PATH;
	s->args.dirfd = directory;
}

static void program_set_up(void)
{
	directory = open(scratch_tiny, O_PATH | O_CLOEXEC);
	if (directory < 0)
		abort();
}

static void named(struct spawn *s)
{
	static char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d/tiny", directory);
	spawn_init(s, name);
	spawn_chdir(s, "/");
}

static void wait_in_call(struct spawn *s)
{
	tiny(s);
	s->args.flags = KSPAWN_WAIT;
}

static void completion_set_up(void)
{
	struct kspawn_completion options = { .size = sizeof(options), .capacity = 1 };
	int device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);

	completion = ioctl(device, KSPAWN_IOC_COMPLETION, &options);
	close(device);
	if (completion < 0)
		abort();
}

/* Capacity 1: a place that is lost is missed by the next start. */
static void asynchronous(struct spawn *s)
{
	tiny(s);
	completion_use(s, completion, 1);
	s->args.flags |= KSPAWN_PIDFD;
	spawn_open(s, 9, "/dev/null", O_RDONLY, 0);
}

static void attribute_ids(struct spawn *s)
{
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_RESETIDS;
}

static void ids_set_up(void)
{
	if (setresgid(0, 1000, 0) || setresuid(0, 1000, 0))
		abort();
}

static void attribute_group(struct spawn *s)
{
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_SETPGROUP;
}

static void attribute_session(struct spawn *s)
{
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_SETSID;
}

static void attribute_signals(struct spawn *s)
{
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_SETSIGDEF | KSPAWN_ATTR_SETSIGIGN |
			     KSPAWN_ATTR_SETSIGMASK;
	s->args.sigdefault = ~0ULL;
	s->args.sigignore = spawn_signal_bit(SIGUSR1);
	s->args.sigmask = spawn_signal_bit(SIGUSR2);
}

static void attribute_parameter(struct spawn *s)
{
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_SETSCHEDPARAM;
}

static void attribute_scheduler(struct spawn *s)
{
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_SETSCHEDULER;
	s->args.sched_policy = SCHED_BATCH;
}

static void cgroup_set_up(void)
{
	mkdir("/sys/fs/cgroup/kspawn-faults", 0755);
	cgroup = open("/sys/fs/cgroup/kspawn-faults", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		abort();
}

static void attribute_cgroup(struct spawn *s)
{
	tiny(s);
	spawn_setcgroup(s, cgroup);
}

static void attribute_cloexec(struct spawn *s)
{
	tiny(s);
	s->args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_dup2(s, HIGH_LAST, 0);
}

/* The start alone; round.c has what comes before. */
static void built(struct spawn *s)
{
	tiny(s);
	spawn_open(s, 300, "/", O_PATH, 0);
}

/* The one in the middle. */
static void in_batch(struct spawn *s)
{
	tiny(s);
	s->args.flags = KSPAWN_WAIT | KSPAWN_PIDFD;
	spawn_open(s, 9, "/dev/null", O_RDONLY, 0);
}

static void bad_in_batch(struct spawn *s)
{
	in_batch(s);
	spawn_dup2(s, HIGH_LAST + 1, 98);
}

/* In a file system that does not remember what is not there. */
static void not_found(struct spawn *s)
{
	static char path[2 * SCRATCH_PATH];

	snprintf(path, sizeof(path), "%.64s/no-such-program", scratch_directory);
	spawn_init(s, path);
}

static void not_found_by_child(struct spawn *s)
{
	spawn_init(s, "no-such-program");
	s->args.search = spawn_pointer("/no/such/directory:/usr/bin");
	spawn_chdir(s, "/");
}

static void no_program(struct spawn *s)
{
	spawn_init(s, "./empty");
}

static void empty_set_up(void)
{
	unlink("empty");
	if (scratch_file("empty", "\n", 1, 0755))
		abort();
}

static void bad_action(struct spawn *s)
{
	tiny(s);
	spawn_open(s, 9, "/dev/null", O_RDONLY, 0);
	spawn_open(s, 10, "/no/such/file", O_RDONLY, 0);
}

static void bad_wait(struct spawn *s)
{
	tiny(s);
	s->args.flags = KSPAWN_WAIT | KSPAWN_PIDFD;
	spawn_dup2(s, HIGH_LAST + 1, 98);
}

static void bad_asynchronous(struct spawn *s)
{
	tiny(s);
	completion_use(s, completion, 1);
	spawn_dup2(s, HIGH_LAST + 1, 98);
}

static void bad_attribute(struct spawn *s)
{
	tiny(s);
	spawn_setpgroup(s, 1);
}

static void bad_cgroup(struct spawn *s)
{
	tiny(s);
	spawn_setcgroup(s, 0);
}

static void bad_request(struct spawn *s)
{
	tiny(s);
	s->args.envp = 8;
}

/*
 * The errors of execve() after a fault: E2BIG when it has no page for a string,
 * ENOEXEC when it has no memory for the program's headers.
 */
#define EXEC	{ E2BIG, ENOEXEC }

const struct fault_case fault_cases[] = {
	{ "plain", NULL, tiny, 0, 0, EXEC },
	{ "search", NULL, search, 0, 0, EXEC },
	{ "long_search", NULL, long_search, 0, 0, EXEC },
	{ "long_lists", lists_set_up, lists, 0, 0, EXEC },
	{ "shared", shared_set_up, tiny, 0, 0, EXEC },
	{ "long_shared_lists", shared_lists_set_up, lists, 0, 0, EXEC },
	{ "pidfd", NULL, pidfd, 0, 0, EXEC },
	{ "script", script_set_up, script, 0, 0, EXEC },
	{ "many_descriptors", high_set_up, tiny, 0, 0, EXEC },
	{ "dense_descriptors", dense_set_up, tiny, 0, 0, EXEC },
	{ "open", NULL, action_open, 0, 0, EXEC },
	{ "create", NULL, action_create, 0, 0, { E2BIG, ENOEXEC, ENOSPC } },
	{ "close", NULL, action_close, 0, 0, EXEC },
	{ "many_actions", NULL, many_actions, 0, 0, EXEC },
	{ "dup2", NULL, action_dup2, 0, 0, EXEC },
	{ "chdir", NULL, action_chdir, 0, 0, EXEC },
	{ "fchdir", NULL, action_fchdir, 0, 0, EXEC },
	{ "closefrom", NULL, action_closefrom, 0, 0, EXEC },
	{ "inherit", high_set_up, action_inherit, 0, 0, EXEC },
	{ "close_range", high_set_up, action_close_range, 0, 0, EXEC },
	/* Without memory there are, to pipe(), too many files. */
	{ "pipe", NULL, action_pipe, 0, 0, { E2BIG, ENOEXEC, ENFILE } },
	{ "socketpair", NULL, action_socketpair, 0, 0, { E2BIG, ENOEXEC, ENFILE, ENOBUFS } },
	{ "memfd", NULL, action_memfd, 0, 0, { E2BIG, ENOEXEC, ENFILE, ENOSPC } },
	/* Without memory for it, there is no new CPU mask, no list, and no namespace. */
	{ "state", NULL, action_state, 0, 0, EXEC },
	{ "places", NULL, action_places, 0, 0, { E2BIG, ENOEXEC, ENOSPC } },
	{ "close_except", high_set_up, action_close_except, 0, 0, EXEC },
	{ "dirfd", directory_set_up, dirfd_of_all, 0, 0, EXEC },
	{ "empty_path", program_set_up, empty_path, 0, 0, EXEC },
	/* Without memory for its inode, an entry of /proc is not there. */
	{ "named", directory_set_up, named, 0, 0, { E2BIG, ENOEXEC, ENOENT } },
	{ "wait", NULL, wait_in_call, 0, 0, EXEC },
	{ "asynchronous", completion_set_up, asynchronous, 0, 0, EXEC },
	{ "tcsetpgrp", terminal_set_up, action_tcsetpgrp, 0, 0, EXEC },
	/* Without memory to count processes by, a set*id call says EAGAIN. */
	{ "resetids", ids_set_up, attribute_ids, 0, 0, { E2BIG, ENOEXEC, EAGAIN } },
	{ "setpgroup", NULL, attribute_group, 0, 0, EXEC },
	{ "setsid", NULL, attribute_session, 0, 0, EXEC },
	{ "setsig", NULL, attribute_signals, 0, 0, EXEC },
	{ "setschedparam", NULL, attribute_parameter, 0, 0, EXEC },
	{ "setscheduler", NULL, attribute_scheduler, 0, 0, EXEC },
	{ "setcgroup", cgroup_set_up, attribute_cgroup, 0, 0, EXEC },
	{ "cloexec_default", high_set_up, attribute_cloexec, 0, 0, EXEC },
	{ "builder", NULL, built, 0, 0, EXEC },
	/* Past exec's point of no return, too, there is an error to tell: EFAULT. */
	{ "batch", NULL, in_batch, 0, 0, { E2BIG, ENOEXEC, ENFILE, EFAULT } },
	{ "failing_batch", NULL, bad_in_batch, EBADF, KSPAWN_STEP_ACTION, { ENFILE } },
	{ "not_found", NULL, not_found, ENOENT, KSPAWN_STEP_EXEC, {} },
	{ "not_found_by_the_child", NULL, not_found_by_child, ENOENT, KSPAWN_STEP_EXEC, {} },
	{ "no_program", empty_set_up, no_program, ENOEXEC, KSPAWN_STEP_EXEC, { E2BIG } },
	{ "failing_action", NULL, bad_action, ENOENT, KSPAWN_STEP_ACTION, {} },
	{ "failing_made", NULL, bad_made, EBADF, KSPAWN_STEP_ACTION, { ENFILE, ENOSPC, ENOBUFS } },
	{ "failing_wait", NULL, bad_wait, EBADF, KSPAWN_STEP_ACTION, {} },
	{ "failing_asynchronous", completion_set_up, bad_asynchronous, EBADF, KSPAWN_STEP_ACTION,
	  {} },
	{ "failing_attribute", NULL, bad_attribute, EPERM, KSPAWN_STEP_ATTRIBUTE, {} },
	{ "failing_setcgroup", NULL, bad_cgroup, EBADF, KSPAWN_STEP_ATTRIBUTE, {} },
	{ "bad_request", NULL, bad_request, EFAULT, KSPAWN_STEP_COPY, {} },
	{ "bad_shared_request", shared_set_up, bad_request, EFAULT, KSPAWN_STEP_COPY, {} },
	{}
};

bool fault_case_is_built(const struct fault_case *c)
{
	return c->prepare == built;
}

bool fault_case_is_batch(const struct fault_case *c)
{
	return c->prepare == in_batch || c->prepare == bad_in_batch;
}

const struct fault_case *fault_case(const char *name)
{
	const struct fault_case *c;

	for (c = fault_cases; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
