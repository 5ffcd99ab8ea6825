// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The copying of a request is stopped in its midst, by a page fault that is
 * ours to answer (userfaultfd), and all that has been read by then is
 * destroyed.  Were any of it read again, the outcome would show.
 *
 * The places stand in the order in which the module reads them.
 */
#include "lib/fixture.h"
#include "lib/userfault.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define PAGE	4096UL

enum place {
	ARGS, PATH, SEARCH, ACTIONS, ACTION_PATH, ARGV, ARGUMENT, ENVP, VARIABLE,
	PLACES
};

static const char * const names[] = {
	"args", "path", "search", "actions", "action's path", "argv", "argument", "envp",
	"variable",
};

/* Each place on a page of its own, with a copy of what it holds. */
struct pages {
	char *at[PLACES];
	char content[PLACES][PAGE];
};

struct trap {
	struct pages *pages;
	enum place place;	/* where the reading stops */
	bool unmap;		/* what was read before is unmapped, or overwritten */
	int uffd;
	int faults;
	pthread_t thread;
};

static void destroy(struct trap *t, enum place place)
{
	if (t->unmap)
		munmap(t->pages->at[place], PAGE);
	else
		memset(t->pages->at[place], 0xff, PAGE);
}

static void *answer(void *argument)
{
	struct trap *t = argument;
	unsigned int place;

	if (userfault_wait(t->uffd))
		return NULL;
	for (place = 0; place < t->place; place++)
		destroy(t, place);
	t->faults++;
	userfault_answer(t->uffd, t->pages->at[t->place], t->pages->content[t->place], PAGE);
	return NULL;
}

static void set_trap(struct __test_metadata *_metadata, struct trap *t)
{
	ASSERT_EQ(0, userfault_watch(t->uffd, t->pages->at[t->place], PAGE));
	ASSERT_EQ(0, pthread_create(&t->thread, NULL, answer, t));
}

static struct pages *make_pages(struct __test_metadata *_metadata)
{
	struct pages *pages = calloc(1, sizeof(*pages));

	ASSERT_NE(NULL, pages);
	for (int i = 0; i < PLACES; i++) {
		pages->at[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, pages->at[i]);
	}
	return pages;
}

/* A request that is spread over the pages; @r and @result are not on them. */
static void lay_out(struct pages *p, struct report *r, struct kspawn_result *result)
{
	struct kspawn_args *args = (struct kspawn_args *)p->at[ARGS];
	struct kspawn_action *actions = (struct kspawn_action *)p->at[ACTIONS];
	const char **argv = (const char **)p->at[ARGV];
	const char **envp = (const char **)p->at[ENVP];

	snprintf(p->at[PATH], PAGE, "child");
	snprintf(p->at[SEARCH], PAGE, "/nowhere:%s", scratch_directory);
	argv[0] = "child";
	argv[1] = "report";
	argv[2] = r->path;
	argv[3] = "0";
	argv[4] = p->at[ARGUMENT];
	snprintf(p->at[ARGUMENT], PAGE, "the argument");
	envp[0] = "FIRST=1";
	envp[1] = p->at[VARIABLE];
	snprintf(p->at[VARIABLE], PAGE, "SECOND=2");
	actions[0].op = KSPAWN_ACTION_DUP2;
	actions[0].fd = 0;
	actions[0].newfd = 20;
	actions[1].op = KSPAWN_ACTION_OPEN;
	actions[1].fd = 21;
	actions[1].dirfd = AT_FDCWD;
	actions[1].path = spawn_pointer(p->at[ACTION_PATH]);
	snprintf(p->at[ACTION_PATH], PAGE, "/dev/zero");
	args->size = sizeof(*args);
	args->flags = KSPAWN_PIDFD;
	args->dirfd = AT_FDCWD;
	args->path = spawn_pointer(p->at[PATH]);
	args->search = spawn_pointer(p->at[SEARCH]);
	args->argv = spawn_pointer(p->at[ARGV]);
	args->envp = spawn_pointer(p->at[ENVP]);
	args->actions = spawn_pointer(p->at[ACTIONS]);
	args->action_count = 2;
	args->action_size = sizeof(*actions);
	args->attr_flags = KSPAWN_ATTR_SETSIGMASK;
	args->sigmask = 0x1000;
	args->result = spawn_pointer(result);
	args->result_size = sizeof(*result);
	for (int i = 0; i < PLACES; i++)
		memcpy(p->content[i], p->at[i], PAGE);
}

TEST_F(spawn, nothing_is_read_twice)
{
	struct kspawn_result result;
	struct trap trap = {};
	struct report_fd seen;
	struct report r;
	int place, unmap;
	pid_t pid;

	trap.uffd = userfault_open();
	if (trap.uffd < 0)
		SKIP(return, "no userfaultfd for faults of the kernel: %m");
	for (place = ARGS; place < PLACES; place++) {
		for (unmap = 0; unmap <= 1; unmap++) {
			ASSERT_EQ(0, report_prepare(&r));
			trap.pages = make_pages(_metadata);
			trap.place = place;
			trap.unmap = unmap;
			trap.faults = 0;
			lay_out(trap.pages, &r, &result);
			set_trap(_metadata, &trap);
			pid = ioctl(self->device, KSPAWN_IOC_SPAWN, trap.pages->at[ARGS]);
			EXPECT_LT(0, pid)
				TH_LOG("stopped at the %s: %s", names[place],
				       strerrorname_np(errno));
			ASSERT_EQ(0, pthread_join(trap.thread, NULL));
			EXPECT_EQ(1, trap.faults);
			if (pid < 0)
				continue;
			EXPECT_EQ(pid, result.pid);
			EXPECT_EQ(0, close(result.pidfd));
			EXPECT_EQ(0, own_wait(pid));
			ASSERT_EQ(0, report_load(&r));
			EXPECT_EQ(5, report_argc(&r));
			EXPECT_STREQ("the argument", report_arg(&r, 4));
			EXPECT_STREQ("FIRST=1", report_env(&r, 0));
			EXPECT_STREQ("SECOND=2", report_env(&r, 1));
			EXPECT_EQ(NULL, report_env(&r, 2));
			EXPECT_EQ(0x1000, report_status_hex(&r, "SigBlk"));
			expect_fds(_metadata, &r, "0 1 2 20 21");
			ASSERT_TRUE(report_fd(&r, 21, &seen));
			EXPECT_STREQ("/dev/zero", seen.target);
		}
	}
}

/*
 * The caller is killed while its request is copied: it dies at once, though
 * the fault is never answered, and there never was a child.
 */
TEST_F(spawn, killed_while_copying)
{
	unsigned long long start;
	int place;

	for (place = ARGS; place < PLACES; place++) {
		int status, ready[2];
		pid_t pid;
		char c;

		ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
		pid = assert_fork(_metadata);
		if (!pid) {
			struct kspawn_result result;
			struct trap trap = { .place = place };
			struct report r;

			trap.uffd = userfault_open();
			if (trap.uffd < 0)
				_exit(KSFT_SKIP);
			if (report_prepare(&r))
				_exit(1);
			trap.pages = make_pages(_metadata);
			lay_out(trap.pages, &r, &result);
			if (userfault_watch(trap.uffd, trap.pages->at[place], PAGE) ||
			    write(ready[1], "", 1) != 1)
				_exit(2);
			ioctl(self->device, KSPAWN_IOC_SPAWN, trap.pages->at[ARGS]);
			_exit(3);
		}
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1) {
			status = own_wait(pid);
			if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
				SKIP(return, "no userfaultfd for faults of the kernel");
			ASSERT_EQ(0, status);
		}
		close(ready[0]);
		own_sleep_ms(100);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		start = own_clock_ms();
		status = own_wait(pid);
		EXPECT_TRUE(WIFSIGNALED(status))
			TH_LOG("at the %s: wait status %#x", names[place], status);
		EXPECT_GT(10000, own_clock_ms() - start);
	}
}

TEST_HARNESS_MAIN
