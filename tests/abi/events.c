// SPDX-License-Identifier: LGPL-2.1-or-later
/* The tracepoints: they tell of each stage, with the ids that belong to it. */
#include "lib/fixture.h"

#include <sched.h>
#include <sys/mount.h>

#define TRACING "/sys/kernel/tracing"

static char instance[128];

static void instance_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", instance, name);
}

/* A buffer of our own, in which nothing but our events is. */
static bool events_on(void)
{
	char path[256];

	if (access(TRACING "/events", F_OK))
		mount("none", TRACING, "tracefs", 0, NULL);
	snprintf(instance, sizeof(instance), TRACING "/instances/kspawn-test-%d", getpid());
	if (mkdir(instance, 0700))
		return false;
	instance_path(path, sizeof(path), "events/kspawn/enable");
	return !put(path, "1");
}

/* The lines of the buffer since the last call, oldest first. */
static char *events_read(void)
{
	static char text[65536];
	char path[256];
	size_t used = 0;
	ssize_t n;
	int fd;

	instance_path(path, sizeof(path), "trace");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += n;
	close(fd);
	text[used] = '\0';
	put(path, "");
	return text;
}

static void events_off(void)
{
	char path[256];

	instance_path(path, sizeof(path), "events/kspawn/enable");
	put(path, "0");
	rmdir(instance);
}

/* Where event @name of request @id is in @text; what follows "id=ID ", or null. */
static const char *event(const char *text, const char *name, const char *id)
{
	char start[128];
	const char *at;

	snprintf(start, sizeof(start), "kspawn_%s: id=%s ", name, id);
	at = strstr(text, start);
	return at ? at + strlen(start) : NULL;
}

static bool says(const char *text, const char *name, const char *id, const char *expected)
{
	const char *at = event(text, name, id);

	return at && !strncmp(at, expected, strlen(expected));
}

/* The id in the first event of this name. */
static void first_id(const char *text, const char *name, char *id, size_t size)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "kspawn_%s: id=", name);
	at = strstr(text, start);
	at = at ? at + strlen(start) : "";
	snprintf(id, size, "%.*s", (int)strcspn(at, " "), at);
}

#define NO_EVENTS "no tracefs that may be written to: run this as root in a guest"

TEST_F(spawn, stages_of_a_success)
{
	char expected[256], id[32];
	DEFINE_SPAWN(s, scratch_tiny);
	char *text;
	pid_t pid;

	if (geteuid() || !events_on())
		SKIP(return, NO_EVENTS);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
	spawn_dup2(&s, 9, 10);
	spawn_close(&s, 9);
	pid = expect_start(_metadata, self->device, &s);
	EXPECT_EQ(0, own_wait(pid));
	text = events_read();
	events_off();
	ASSERT_NE(NULL, text);
	first_id(text, "begin", id, sizeof(id));
	EXPECT_STRNE("0", id);
	snprintf(expected, sizeof(expected), "path=%s flags=0x0 attr_flags=0x80 actions=3",
		 scratch_tiny);
	EXPECT_TRUE(says(text, "begin", id, expected));
	snprintf(expected, sizeof(expected), "pid=%d caller=%d error=0", pid, getpid());
	EXPECT_TRUE(says(text, "clone", id, expected));
	EXPECT_TRUE(says(text, "action", id, "index=0 op=open fd=9 newfd=0 error=0"));
	EXPECT_NE(NULL, strstr(text, "index=1 op=dup2 fd=9 newfd=10 error=0"));
	EXPECT_NE(NULL, strstr(text, "index=2 op=close fd=9 newfd=0 error=0"));
	snprintf(expected, sizeof(expected), "path=%s error=0", scratch_tiny);
	EXPECT_TRUE(says(text, "exec", id, expected));
	snprintf(expected, sizeof(expected), "pid=%d error=0 step=none index=0", pid);
	EXPECT_TRUE(says(text, "end", id, expected))
		TH_LOG("%s", text);
}

TEST_F(spawn, failing_action)
{
	DEFINE_SPAWN(s, scratch_tiny);
	char id[32];
	char *text;

	if (geteuid() || !events_on())
		SKIP(return, NO_EVENTS);
	spawn_close(&s, 9);
	spawn_open(&s, 9, "/no/such/file", O_RDONLY, 0);
	spawn_close(&s, 9);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 1);
	text = events_read();
	events_off();
	ASSERT_NE(NULL, text);
	first_id(text, "begin", id, sizeof(id));
	EXPECT_NE(NULL, strstr(text, "index=1 op=open fd=9 newfd=0 error=-2"));
	EXPECT_EQ(NULL, strstr(text, "index=2"));
	EXPECT_EQ(NULL, event(text, "exec", id));
	EXPECT_TRUE(says(text, "end", id, "pid=0 error=-2 step=action index=1"))
		TH_LOG("%s", text);
}

TEST_F(spawn, failing_exec_and_search)
{
	DEFINE_SPAWN(s, "/no/such/program");
	char id[32];
	char *text;

	if (geteuid() || !events_on())
		SKIP(return, NO_EVENTS);
	/* Without a child there is no clone to tell of. */
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	text = events_read();
	ASSERT_NE(NULL, text);
	first_id(text, "begin", id, sizeof(id));
	EXPECT_EQ(NULL, event(text, "clone", id));
	EXPECT_TRUE(says(text, "end", id, "pid=0 error=-2 step=exec index=0"))
		TH_LOG("%s", text);

	/* The one that is executed, and is no program. */
	ASSERT_EQ(0, scratch_file("text", "no program", 10, 0755));
	spawn_init(&s, "text");
	s.args.search = spawn_pointer("/nowhere:.");
	expect_failure(_metadata, self->device, &s, ENOEXEC, KSPAWN_STEP_EXEC, 0);
	text = events_read();
	events_off();
	ASSERT_NE(NULL, text);
	first_id(text, "begin", id, sizeof(id));
	EXPECT_TRUE(says(text, "exec", id, "path=./text error=-8"))
		TH_LOG("%s", text);
	EXPECT_TRUE(says(text, "end", id, "pid=0 error=-8 step=exec index=0"));
}

/* A request that is refused while it is copied has no id yet, but an end. */
TEST_F(spawn, refused_requests)
{
	DEFINE_SPAWN(s, scratch_tiny);
	char *text;

	if (geteuid() || !events_on())
		SKIP(return, NO_EVENTS);
	s.args.attr_flags = 0x40;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	text = events_read();
	events_off();
	ASSERT_NE(NULL, text);
	EXPECT_EQ(NULL, strstr(text, "kspawn_begin"));
	EXPECT_TRUE(says(text, "end", "0", "pid=0 error=-22 step=copy index=6"))
		TH_LOG("%s", text);
}

/* Requests at the same time have different ids. */
TEST_F(spawn, ids_differ)
{
	char first[32], second[32];
	DEFINE_SPAWN(s, scratch_tiny);
	char *text, *rest;

	if (geteuid() || !events_on())
		SKIP(return, NO_EVENTS);
	expect_exit(_metadata, self->device, &s, 0);
	expect_exit(_metadata, self->device, &s, 0);
	text = events_read();
	events_off();
	ASSERT_NE(NULL, text);
	first_id(text, "begin", first, sizeof(first));
	rest = strstr(text, "kspawn_begin");
	ASSERT_NE(NULL, rest);
	first_id(rest + 1, "begin", second, sizeof(second));
	EXPECT_STRNE("", second);
	EXPECT_STRNE(first, second);
}

/* The last id of @count starts on a CPU, or 0; *met: whether one of them had @other. */
static unsigned long long last_id(int device, int cpu, int count, unsigned long long other,
				  bool *met)
{
	static const char begin[] = "kspawn_begin: id=";
	unsigned long long id = 0;
	cpu_set_t cpus;
	DEFINE_SPAWN(s, "/no/such/program");
	char *at;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		return 0;
	while (count--)
		spawn_start(device, &s);
	for (at = events_read(); at && (at = strstr(at, begin)); ) {
		at += strlen(begin);
		id = strtoull(at, NULL, 16);
		*met |= id == other;
	}
	return id;
}

/* Each CPU counts for itself: one catches up with the other. */
TEST_F(spawn, ids_of_two_cpus_differ)
{
	unsigned long long ids[2], high;
	bool met = false;
	int low;

	if (geteuid() || !events_on())
		SKIP(return, NO_EVENTS);
	ids[0] = last_id(self->device, 0, 1, 0, &met);
	ids[1] = last_id(self->device, 1, 1, 0, &met);
	if (!ids[1]) {
		events_off();
		SKIP(return, "needs two CPUs");
	}
	EXPECT_LT(0, ids[0]);
	EXPECT_NE(ids[0], ids[1]);
	low = ids[0] > ids[1];
	high = ids[!low];
	while (ids[low] && ids[low] < high && !met)
		ids[low] = last_id(self->device, low, 100, high, &met);
	events_off();
	EXPECT_LE(high, ids[low]);
	EXPECT_FALSE(met);
}

TEST_HARNESS_MAIN
