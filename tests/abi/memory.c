// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every pointer of a request: unreadable, read-only, at the edge of a mapping. */
#define SPAWN_BOTH_WAYS
#include "lib/fixture.h"

#include <sys/ioctl.h>

#define PAGE	4096UL

/* Addresses that nobody may read through. */
static const __u64 bad_addresses[] = {
	1,				/* the first page */
	0xfff,
	0x00007fffffffffff,		/* the last byte of user space, unmapped */
	0x0000800000000000,		/* not canonical */
	0xffff800000000000,		/* the kernel's half */
	0xffffffff81000000,		/* its text */
	0xffffffffff600000,		/* vsyscall */
	0xffffffffffffffff,
	0xfffffffffffffff8,
};

struct edge {
	char *page;		/* two pages; the second is PROT_NONE */
	char *end;		/* of the readable one */
};

static void make_edge(struct __test_metadata *_metadata, struct edge *e)
{
	e->page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, e->page);
	ASSERT_EQ(0, mprotect(e->page + PAGE, PAGE, PROT_NONE));
	e->end = e->page + PAGE;
}

/* @string at the end of the page, its NUL the last byte that can be read. */
static char *last_string(struct edge *e, const char *string)
{
	char *at = e->end - strlen(string) - 1;

	memcpy(at, string, strlen(string) + 1);
	return at;
}

/* The same without the NUL: reading on leads into the other page. */
static char *cut_string(struct edge *e, const char *string)
{
	char *at = e->end - strlen(string);

	memcpy(at, string, strlen(string));
	return at;
}

static void expect_each_bad(struct __test_metadata *_metadata, int device, struct spawn *s,
			    __u64 *pointer, __u32 index)
{
	__u64 good = *pointer;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad_addresses); i++) {
		*pointer = bad_addresses[i];
		expect_request_failure(_metadata, device, s, EFAULT, index);
	}
	*pointer = good;
}

TEST_F(spawn, args)
{
	struct before before;
	DEFINE_SPAWN(s, scratch_tiny);
	struct edge e;
	size_t size;
	pid_t pid;

	make_edge(_metadata, &e);
	before_call(&before);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_SPAWN, NULL));
	EXPECT_EQ(EFAULT, errno);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad_addresses); i++) {
		EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_SPAWN, bad_addresses[i]));
		EXPECT_EQ(EFAULT, errno);
	}
	/* Cut off anywhere, the size itself too. */
	for (size = 1; size < sizeof(s.args); size++) {
		memcpy(e.end - size, &s.args, size);
		EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_SPAWN, e.end - size));
		EXPECT_EQ(EFAULT, errno);
	}
	/* A larger one whose tail cannot be looked at. */
	memcpy(e.end - sizeof(s.args), &s.args, sizeof(s.args));
	((struct kspawn_args *)(e.end - sizeof(s.args)))->size = sizeof(s.args) + 8;
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_SPAWN, e.end - sizeof(s.args)));
	EXPECT_EQ(EFAULT, errno);
	expect_nothing_left(_metadata, &before);

	/* Whole, but at the edge, and nowhere aligned. */
	memcpy(e.end - sizeof(s.args), &s.args, sizeof(s.args));
	pid = ioctl(self->device, KSPAWN_IOC_SPAWN, e.end - sizeof(s.args));
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, own_wait(pid));
	memcpy(e.page + 1, &s.args, sizeof(s.args));
	pid = ioctl(self->device, KSPAWN_IOC_SPAWN, e.page + 1);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, own_wait(pid));
}

TEST_F(spawn, path)
{
	DEFINE_SPAWN(s, NULL);
	struct edge e;

	make_edge(_metadata, &e);
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_PATH);
	expect_each_bad(_metadata, self->device, &s, &s.args.path, KSPAWN_ARG_PATH);
	s.args.path = spawn_pointer(cut_string(&e, scratch_tiny));
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_PATH);
	s.args.path = spawn_pointer(e.end);
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_PATH);
	s.args.path = spawn_pointer(last_string(&e, scratch_tiny));
	expect_exit(_metadata, self->device, &s, 0);
	/* Longer than the first piece of what is copied. */
	memset(e.page, '/', PAGE);
	s.args.path = spawn_pointer(e.page + 1);
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_PATH);
}

TEST_F(spawn, search)
{
	DEFINE_SPAWN(s, "tiny");
	struct edge e;

	make_edge(_metadata, &e);
	s.args.search = spawn_pointer(scratch_directory);
	expect_exit(_metadata, self->device, &s, 0);
	expect_each_bad(_metadata, self->device, &s, &s.args.search, KSPAWN_ARG_SEARCH);
	s.args.search = spawn_pointer(cut_string(&e, scratch_directory));
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_SEARCH);
	s.args.search = spawn_pointer(last_string(&e, scratch_directory));
	expect_exit(_metadata, self->device, &s, 0);
}

static void expect_bad_lists(struct __test_metadata *_metadata, int device, struct spawn *s,
			     __u64 *list, __u32 index)
{
	const char **strings;
	__u64 good = *list;
	struct edge e, other;

	make_edge(_metadata, &e);
	make_edge(_metadata, &other);
	expect_each_bad(_metadata, device, s, list, index);

	/* Without its null pointer the list runs into the other page. */
	strings = (const char **)e.end - 3;
	for (unsigned int i = 0; i < 3; i++)
		strings[i] = "x";
	*list = spawn_pointer(strings);
	expect_request_failure(_metadata, device, s, EFAULT, index);
	*list = spawn_pointer(e.end);
	expect_request_failure(_metadata, device, s, EFAULT, index);
	/* A pointer that is there by half. */
	*list = spawn_pointer(e.end - 4);
	expect_request_failure(_metadata, device, s, EFAULT, index);

	/* One string of a good list. */
	strings[2] = NULL;
	*list = spawn_pointer(strings);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad_addresses); i++) {
		strings[1] = (const char *)bad_addresses[i];
		expect_request_failure(_metadata, device, s, EFAULT, index);
	}
	strings[1] = cut_string(&other, "cut off");
	expect_request_failure(_metadata, device, s, EFAULT, index);
	strings[1] = last_string(&other, "whole");
	expect_exit(_metadata, device, s, 0);
	/* At an odd address, as user space may have it. */
	memcpy(other.page + 3, strings, 3 * sizeof(*strings));
	*list = spawn_pointer(other.page + 3);
	expect_exit(_metadata, device, s, 0);
	*list = good;
}

TEST_F(spawn, argument_list)
{
	DEFINE_SPAWN(s, scratch_tiny);

	expect_bad_lists(_metadata, self->device, &s, &s.args.argv, KSPAWN_ARG_ARGV);
}

TEST_F(spawn, environment)
{
	DEFINE_SPAWN(s, scratch_tiny);

	expect_bad_lists(_metadata, self->device, &s, &s.args.envp, KSPAWN_ARG_ENVP);
}

/* Each list with a fault of another kind: it is the first one's that is told. */
TEST_F(spawn, both_lists)
{
	static const char * const none[] = { "x", (const char *)8, NULL };
	static const char *longer[2];
	DEFINE_SPAWN(s, scratch_tiny);

	longer[0] = spawn_string(SPAWN_STRING_MAX + 1, 'x');
	ASSERT_NE(NULL, longer[0]);
	s.args.argv = spawn_pointer(none);
	s.args.envp = spawn_pointer(longer);
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_ARGV);
	s.args.argv = spawn_pointer(longer);
	s.args.envp = spawn_pointer(none);
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ARGV);
	/* The actions may have been run by then; the child is gone with them. */
	spawn_open(&s, 9, "made", O_WRONLY | O_CREAT, 0600);
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ARGV);
}

TEST_F(spawn, actions)
{
	struct kspawn_action *at;
	DEFINE_SPAWN(s, scratch_tiny);
	struct edge e;

	make_edge(_metadata, &e);
	spawn_dup2(&s, 0, 9);
	spawn_dup2(&s, 0, 10);
	expect_each_bad(_metadata, self->device, &s, &s.args.actions, KSPAWN_ARG_ACTIONS);
	/* One of the two is there. */
	at = (struct kspawn_action *)e.end - 1;
	*at = s.actions[0];
	s.args.actions = spawn_pointer(at);
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_ACTIONS);
	/* If that is wrong, it comes first. */
	at->op = UINT32_MAX;
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	/* One and a half. */
	memcpy(e.end - 72, s.actions, 72);
	s.args.actions = spawn_pointer(e.end - 72);
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_ACTIONS);
	memcpy(e.end - 96, s.actions, 96);
	s.args.actions = spawn_pointer(e.end - 96);
	expect_exit(_metadata, self->device, &s, 0);
	memcpy(e.page + 7, s.actions, 96);
	s.args.actions = spawn_pointer(e.page + 7);
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, paths_of_actions)
{
	static const __u32 ops[] = { KSPAWN_ACTION_OPEN, KSPAWN_ACTION_CHDIR };
	unsigned int i, op;
	struct spawn s;
	struct edge e;

	make_edge(_metadata, &e);
	for (op = 0; op < ARRAY_SIZE(ops); op++) {
		spawn_init(&s, scratch_tiny);
		spawn_close(&s, 9);
		spawn_action(&s, ops[op])->path = 0;
		expect_failure(_metadata, self->device, &s, EFAULT, KSPAWN_STEP_ACTION, 1);
		for (i = 0; i < ARRAY_SIZE(bad_addresses); i++) {
			s.actions[1].path = bad_addresses[i];
			expect_failure(_metadata, self->device, &s, EFAULT, KSPAWN_STEP_ACTION, 1);
		}
		s.actions[1].path = spawn_pointer(cut_string(&e, "/"));
		expect_failure(_metadata, self->device, &s, EFAULT, KSPAWN_STEP_ACTION, 1);
		s.actions[1].path = spawn_pointer(last_string(&e, "/"));
		expect_exit(_metadata, self->device, &s, 0);
	}
}

/* Memory that cannot be written is found before there is a child. */
TEST_F(spawn, result)
{
	struct before before;
	DEFINE_SPAWN(s, scratch_tiny);
	struct edge e;
	size_t size;
	pid_t pid;

	make_edge(_metadata, &e);
	s.args.flags = KSPAWN_PIDFD;
	before_call(&before);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad_addresses); i++) {
		s.args.result = bad_addresses[i];
		expect_errno(_metadata, self->device, &s, EFAULT);
	}
	for (size = 0; size < sizeof(s.result); size++) {
		s.args.result = spawn_pointer(e.end - size);
		expect_errno(_metadata, self->device, &s, EFAULT);
	}
	/* A result as large as a later caller's, of which we know a part. */
	s.args.result = spawn_pointer(e.end - sizeof(s.result));
	s.args.result_size = sizeof(s.result) + 8;
	expect_errno(_metadata, self->device, &s, EFAULT);
	s.args.result_size = sizeof(s.result);
	/* Read-only. */
	ASSERT_EQ(0, mprotect(e.page, PAGE, PROT_READ));
	expect_errno(_metadata, self->device, &s, EFAULT);
	expect_nothing_left(_metadata, &before);

	ASSERT_EQ(0, mprotect(e.page, PAGE, PROT_READ | PROT_WRITE));
	s.args.flags = 0;
	pid = spawn_start(self->device, &s);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_EQ(pid, ((struct kspawn_result *)(e.end - sizeof(s.result)))->pid);
}

/* All that is only read may be in memory that is read-only. */
TEST_F(spawn, read_only_request)
{
	struct spawn *s;
	struct report r;
	pid_t pid;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, s);
	report_init(_metadata, s, &r);
	spawn_dup2(s, 0, 9);
	spawn_open(s, 10, "/dev/null", O_RDONLY, 0);
	spawn_env(s, "A=b");
	spawn_without_result(s);
	ASSERT_EQ(0, mprotect(s, sizeof(*s), PROT_READ));
	pid = ioctl(self->device, KSPAWN_IOC_SPAWN, &s->args);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1 2 9 10");
}

/* A request that is not in memory yet: pages of a file, read when needed. */
TEST_F(spawn, request_in_a_mapped_file)
{
	struct spawn *s;
	struct spawn copy;
	pid_t pid;
	int fd = assert_fd(_metadata, open("request", O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	ASSERT_EQ(0, ftruncate(fd, sizeof(*s)));
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, s);
	spawn_init(s, scratch_tiny);
	spawn_dup2(s, 0, 9);
	ASSERT_EQ(0, msync(s, sizeof(*s), MS_SYNC));
	ASSERT_EQ(0, madvise(s, sizeof(*s), MADV_DONTNEED));
	pid = ioctl(self->device, KSPAWN_IOC_SPAWN, &s->args);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_EQ(pid, s->result.pid);

	/* And one whose file has been cut short: SIGBUS for us, EFAULT there. */
	copy = *s;
	copy.args.result = spawn_pointer(&copy.result);
	ASSERT_EQ(0, ftruncate(fd, 0));
	expect_request_failure(_metadata, self->device, &copy, EFAULT, KSPAWN_ARG_ACTIONS);
}

TEST_HARNESS_MAIN
