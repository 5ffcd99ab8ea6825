// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The auditor's view of a spawn: rules on system calls see what the child
 * does in their place.  Without a daemon the records are in the kernel's log.
 */
#include "lib/builders.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define NEEDS_AUDIT	"needs root and a kernel that audits system calls"

static int send_request(int sock, __u16 type, const void *data, size_t size)
{
	struct {
		struct nlmsghdr head;
		char data[2048];
	} message = {
		.head = {
			.nlmsg_len = NLMSG_LENGTH(size),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
	};
	struct nlmsgerr *answer;

	memcpy(NLMSG_DATA(&message.head), data, size);
	if (send(sock, &message, message.head.nlmsg_len, 0) < 0)
		return -1;
	do {
		if (recv(sock, &message, sizeof(message), 0) <= 0)
			return -1;
	} while (message.head.nlmsg_type != NLMSG_ERROR);
	answer = NLMSG_DATA(&message.head);
	errno = -answer->error;
	return answer->error ? -1 : 0;
}

static int set_audit(int sock, bool enabled)
{
	struct audit_status status = { .mask = AUDIT_STATUS_ENABLED, .enabled = enabled };

	return send_request(sock, AUDIT_SET, &status, sizeof(status));
}

static int set_rule(int sock, __u16 type, int number)
{
	struct audit_rule_data rule = { .flags = AUDIT_FILTER_EXIT, .action = AUDIT_ALWAYS };

	rule.mask[AUDIT_WORD(number)] = AUDIT_BIT(number);
	return send_request(sock, type, &rule, sizeof(rule));
}

/* A rule may ask for the program: until exec it is this one. */
static const char *own_program(void)
{
	static char text[PATH_MAX + 16];
	char path[PATH_MAX] = {};

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return "no program";
	snprintf(text, sizeof(text), " exe=\"%s\"", path);
	return text;
}

/* Whether the log from where it is read has such a record of @pid. */
static bool audited_of(int log, int number, pid_t pid, bool success, const char *program)
{
	char line[4096], call[32], process[32];
	unsigned long long end = own_clock_ms() + 5000;
	bool found = false;

	snprintf(call, sizeof(call), " syscall=%d success=%s ", number, success ? "yes" : "no");
	snprintf(process, sizeof(process), " pid=%d ", pid);
	while (!found && own_clock_ms() < end) {
		ssize_t n = read(log, line, sizeof(line) - 1);

		if (n < 0 && errno == EAGAIN)
			own_sleep_ms(10);
		if (n <= 0)
			continue;
		line[n] = '\0';
		found = strstr(line, "audit: type=1300 ") && strstr(line, call) &&
			strstr(line, program) && (!pid || strstr(line, process));
	}
	return found;
}

static bool audited(int log, int number, pid_t pid, bool success)
{
	return audited_of(log, number, pid, success, " exe=");
}

/* In seconds; the records of one start are more than the log takes at once. */
static int set_log_interval(const char *seconds)
{
	int fd = open("/proc/sys/kernel/printk_ratelimit", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, seconds, 1);
	close(fd);
	return n == 1 ? 0 : -1;
}

static const int calls[] = {
	SYS_execve, SYS_openat, SYS_chdir, SYS_fchdir, SYS_setresuid, SYS_setresgid,
	SYS_pipe2, SYS_socketpair, SYS_memfd_create,
};

TEST_F(spawn, what_the_child_does)
{
	int sock, log, ends[2];
	struct spawn s;
	pid_t pid;

	if (geteuid())
		SKIP(return, NEEDS_AUDIT);
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (sock < 0 || set_audit(sock, true))
		SKIP(return, NEEDS_AUDIT);
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++)
		ASSERT_EQ(0, set_rule(sock, AUDIT_ADD_RULE, calls[i]));
	ASSERT_EQ(0, set_log_interval("0"));
	log = assert_fd(_metadata, open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));

	/* In the order of the log, which is that of the child's way. */
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	spawn_open(&s, 9, "/", O_RDONLY | O_DIRECTORY, 0);
	spawn_chdir(&s, "/tmp");
	spawn_fchdir(&s, 9);
	spawn_pipe(&s, 10, O_WRONLY, 0, &ends[0]);
	spawn_socketpair(&s, 11, SOCK_STREAM, 0, &ends[1]);
	spawn_memfd(&s, 12, "x", 1, 0);
	pid = assert_start(_metadata, self->device, &s);
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_TRUE(audited(log, SYS_setresgid, pid, true));
	EXPECT_TRUE(audited(log, SYS_setresuid, pid, true));
	EXPECT_TRUE(audited(log, SYS_openat, pid, true));
	EXPECT_TRUE(audited(log, SYS_chdir, pid, true));
	EXPECT_TRUE(audited(log, SYS_fchdir, pid, true));
	EXPECT_TRUE(audited(log, SYS_pipe2, pid, true));
	EXPECT_TRUE(audited(log, SYS_socketpair, pid, true));
	EXPECT_TRUE(audited(log, SYS_memfd_create, pid, true));
	EXPECT_TRUE(audited(log, SYS_execve, pid, true));

	/* A start that fails is told, too; whose pid it was nobody else knows. */
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "/no/such/file", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 0);
	EXPECT_TRUE(audited(log, SYS_openat, 0, false));

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++)
		EXPECT_EQ(0, set_rule(sock, AUDIT_DEL_RULE, calls[i]));
	EXPECT_EQ(0, set_audit(sock, false));
	EXPECT_EQ(0, set_log_interval("5"));
}

/* Rules on these calls, and the log from now on; -1 if there can be none. */
static int audit_begin(const int *numbers, unsigned int count, int *log)
{
	int sock = geteuid() ? -1 : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	if (sock < 0 || set_audit(sock, true))
		return -1;
	for (unsigned int i = 0; i < count; i++)
		if (set_rule(sock, AUDIT_ADD_RULE, numbers[i]))
			return -1;
	*log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*log < 0 || set_log_interval("0") || lseek(*log, 0, SEEK_END) < 0)
		return -1;
	return sock;
}

static void audit_end(struct __test_metadata *_metadata, int sock, const int *numbers,
		      unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		EXPECT_EQ(0, set_rule(sock, AUDIT_DEL_RULE, numbers[i]));
	EXPECT_EQ(0, set_audit(sock, false));
	EXPECT_EQ(0, set_log_interval("5"));
}

/* In the order of add_state(). */
static const int state_calls[] = {
	SYS_umask, SYS_prlimit64, SYS_prctl, SYS_setgroups, SYS_setpriority, SYS_sched_setaffinity,
	SYS_unshare, SYS_setns, SYS_ioprio_set, SYS_personality, SYS_set_mempolicy,
	SYS_sched_setattr, SYS_chroot, SYS_capset, SYS_setresgid, SYS_setresuid,
};

static void add_state(struct spawn *s, int namespace)
{
	static const unsigned long mask = 1;
	static const __u32 groups[] = { 7 }, all[6] = { 0xc0, 0xc0 };
	static const __u32 sched[12] = { 48 };

	spawn_state(s, KSPAWN_ACTION_UMASK, 022, 0, 0);
	spawn_state(s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 0);
	spawn_state(s, KSPAWN_ACTION_NO_NEW_PRIVS, 0, 0, 0);
	spawn_state_data(s, KSPAWN_ACTION_GROUPS, groups, sizeof(groups));
	spawn_state(s, KSPAWN_ACTION_PRIORITY, 1, 0, 0);
	spawn_state_data(s, KSPAWN_ACTION_AFFINITY, &mask, sizeof(mask));
	spawn_state(s, KSPAWN_ACTION_UNSHARE, CLONE_NEWUTS, 0, 0);
	spawn_state_fd(s, KSPAWN_ACTION_SETNS, namespace, CLONE_NEWUTS);
	spawn_state(s, KSPAWN_ACTION_IOPRIO, 3 << 13, 0, 0);
	spawn_state(s, KSPAWN_ACTION_PERSONALITY, 0, 0, 0);
	spawn_state_data(s, KSPAWN_ACTION_MEMPOLICY, NULL, 0);
	spawn_state_data(s, KSPAWN_ACTION_SCHEDULER, sched, sizeof(sched));
	spawn_chroot(s, AT_FDCWD, "/");
	spawn_state_data(s, KSPAWN_ACTION_CAPABILITIES, all, sizeof(all));
	spawn_state(s, KSPAWN_ACTION_RESGID, OWN_GROUP, OWN_GROUP, OWN_GROUP);
	spawn_state(s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
}

static void expect_state_audited(struct __test_metadata *_metadata, int log, pid_t pid)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(state_calls); i++)
		EXPECT_TRUE(audited(log, state_calls[i], pid, true))
			TH_LOG("system call %d", state_calls[i]);
}

TEST_F(spawn, state_of_the_child)
{
	int sock, log, namespace;
	struct spawn s;
	pid_t pid;

	sock = audit_begin(state_calls, ARRAY_SIZE(state_calls), &log);
	if (sock < 0)
		SKIP(return, NEEDS_AUDIT);
	namespace = assert_fd(_metadata, open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC));
	spawn_init(&s, scratch_tiny);
	add_state(&s, namespace);
	pid = assert_start(_metadata, self->device, &s);
	EXPECT_EQ(0, own_wait(pid));
	expect_state_audited(_metadata, log, pid);

	/* One that fails, too. */
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	spawn_chroot(&s, AT_FDCWD, "/");
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ACTION, 1);
	EXPECT_TRUE(audited(log, SYS_chroot, 0, false));
	audit_end(_metadata, sock, state_calls, ARRAY_SIZE(state_calls));
	close(namespace);
}

/* An auditor is told that the child of a builder does each operation, not the operator. */
TEST_F(spawn, state_of_a_builder)
{
	int sock, log, namespace, builder;
	struct spawn s;
	pid_t pid;

	sock = audit_begin(state_calls, ARRAY_SIZE(state_calls), &log);
	if (sock < 0)
		SKIP(return, NEEDS_AUDIT);
	namespace = assert_fd(_metadata, open("/proc/self/ns/uts", O_RDONLY));
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	add_state(&s, namespace);
	expect_applied(_metadata, builder, &s);
	expect_state_audited(_metadata, log, pid);
	audit_end(_metadata, sock, state_calls, ARRAY_SIZE(state_calls));
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	close(namespace);
}

/* A caller that the auditor knows: until its exec the child is the caller's program. */
TEST_F(spawn, program_of_the_child)
{
	pid_t *child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int sock, log;
	pid_t caller;

	ASSERT_NE(MAP_FAILED, child);
	if (geteuid())
		SKIP(return, NEEDS_AUDIT);
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (sock < 0 || set_audit(sock, true))
		SKIP(return, NEEDS_AUDIT);
	ASSERT_EQ(0, set_rule(sock, AUDIT_ADD_RULE, SYS_openat));
	ASSERT_EQ(0, set_log_interval("0"));
	log = assert_fd(_metadata, open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	caller = assert_fork(_metadata);
	if (!caller) {
		DEFINE_SPAWN(s, scratch_tiny);

		spawn_open(&s, 9, "/", O_RDONLY | O_DIRECTORY, 0);
		*child = spawn_start(self->device, &s);
		_exit(own_wait(*child) ? 1 : 0);
	}
	EXPECT_EQ(0, own_wait(caller));
	EXPECT_TRUE(audited_of(log, SYS_openat, *child, true, own_program()));
	EXPECT_EQ(0, set_rule(sock, AUDIT_DEL_RULE, SYS_openat));
	EXPECT_EQ(0, set_audit(sock, false));
	EXPECT_EQ(0, set_log_interval("5"));
}

/* Objects in use of the cache that names come from; -1: not told. */
static long names_in_use(void)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	char line[512];
	long active = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "names_cache %ld", &active) == 1)
			break;
	if (file)
		fclose(file);
	return active;
}

static bool is_debug_kernel(void)
{
	struct utsname name;

	return !uname(&name) && strstr(name.release, "debug");
}

#define DIRECTORIES	(KSPAWN_SEARCH_MAX / 2)

/* An audited search of as many directories as there may be, none of which is there. */
static void search_them_all(int device)
{
	char *list = malloc(KSPAWN_SEARCH_MAX);
	DEFINE_SPAWN(s, "no-such-program");

	/* Names that are looked up in full, not told from the cache. */
	for (int i = 0; list && i < DIRECTORIES; i++) {
		list[2 * i] = 'a' + i % 26;
		list[2 * i + 1] = i < DIRECTORIES - 1 ? ':' : '\0';
	}
	s.args.search = spawn_pointer(list);
	if (!list || spawn_start(device, &s) != -1 || errno != ENOENT ||
	    s.result.step != KSPAWN_STEP_EXEC)
		_exit(1);
	_exit(0);
}

/* The kernel keeps each name that an audited system call looks up until its end. */
TEST_F(spawn, search_takes_no_memory)
{
	long before = names_in_use(), most = 0;
	int sock, status;
	pid_t caller;

	if (geteuid() || before < 0)
		SKIP(return, NEEDS_AUDIT);
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (sock < 0 || set_audit(sock, true) ||
	    set_rule(sock, AUDIT_ADD_RULE, SYS_setresuid))
		SKIP(return, NEEDS_AUDIT);
	/* A process has an audit context only if it was made after that. */
	caller = assert_fork(_metadata);
	if (!caller)
		search_them_all(self->device);
	while (waitpid(caller, &status, WNOHANG) == 0) {
		long now = names_in_use() - before;

		most = now > most ? now : most;
		own_sleep_ms(5);
	}
	EXPECT_EQ(0, status);
	/* KASAN keeps what was freed for a while. */
	if (is_debug_kernel())
		TH_LOG("not looked at with KASAN: %ld names", most);
	else
		EXPECT_GT(1000, most)
			TH_LOG("%ld names", most);
	EXPECT_EQ(0, set_rule(sock, AUDIT_DEL_RULE, SYS_setresuid));
	EXPECT_EQ(0, set_audit(sock, false));
}

TEST_HARNESS_MAIN
