/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several starts in one call, for files with tests. */
#ifndef KSPAWN_ABI_BATCHES_H
#define KSPAWN_ABI_BATCHES_H

#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define BATCH_STARTS	6
#define UNTOLD		0xa5a5a5a5U

/* It points into itself, as struct spawn does. */
struct batch {
	struct kspawn_batch args;
	__u64 addresses[BATCH_STARTS];
	struct spawn starts[BATCH_STARTS];
	__u32 failed;
};

/* A batch of @count starts of helpers/tiny. */
static inline void batch_init(struct batch *b, unsigned int count, __u32 flags)
{
	unsigned int i;

	*b = (struct batch) {
		.args = {
			.size = sizeof(b->args),
			.flags = flags,
			.starts = spawn_pointer(b->addresses),
			.count = count,
			.failed = spawn_pointer(&b->failed),
		},
		.failed = UNTOLD,
	};
	for (i = 0; i < BATCH_STARTS; i++) {
		spawn_init(&b->starts[i], scratch_tiny, "tiny");
		b->addresses[i] = spawn_pointer(&b->starts[i].args);
	}
}

/* Each start has these flags. */
static inline void batch_flags(struct batch *b, __u32 flags)
{
	for (int i = 0; i < BATCH_STARTS; i++)
		b->starts[i].args.flags = flags;
}

/* Start @place runs "sh -c @command". */
static inline void batch_shell(struct batch *b, int place, const char *command)
{
	__u32 flags = b->starts[place].args.flags;

	spawn_init(&b->starts[place], "/bin/sh", "sh", "-c", command);
	b->starts[place].args.flags = flags;
}

/* The ioctl: how many children there are, or -1 with errno. */
static inline int batch_start(int device, struct batch *b)
{
	for (int i = 0; i < BATCH_STARTS; i++)
		memset(&b->starts[i].result, 0xa5, sizeof(b->starts[i].result));
	b->failed = UNTOLD;
	return ioctl(device, KSPAWN_IOC_BATCH, &b->args);
}

/* All are started; they are still to be waited for. */
static inline void expect_all_started(struct __test_metadata *_metadata, int device,
				      struct batch *b)
{
	int count = b->args.count;

	ASSERT_EQ(count, batch_start(device, b))
		TH_LOG("%m, start %u", b->failed);
	EXPECT_EQ(UNTOLD, b->failed);
	for (int i = 0; i < count; i++) {
		EXPECT_LT(0, b->starts[i].result.pid);
		EXPECT_EQ(0, b->starts[i].result.error);
		EXPECT_EQ(KSPAWN_STEP_NONE, b->starts[i].result.step);
		EXPECT_EQ(0, b->starts[i].result.index);
	}
}

/* The same; each exits with 0. */
static inline void expect_all_exit(struct __test_metadata *_metadata, int device, struct batch *b)
{
	expect_all_started(_metadata, device, b);
	for (__u32 i = 0; i < b->args.count; i++)
		EXPECT_EQ(0, own_wait(b->starts[i].result.pid));
}

static inline void expect_start_failed(struct __test_metadata *_metadata, const struct batch *b,
				       int place, int error, __u32 step, __u32 index)
{
	const struct kspawn_result *result = &b->starts[place].result;

	EXPECT_EQ(error, result->error)
		TH_LOG("start %d: %s", place, strerrorname_np(result->error));
	EXPECT_EQ(step, result->step)
		TH_LOG("start %d", place);
	EXPECT_EQ(index, result->index)
		TH_LOG("start %d", place);
	EXPECT_EQ(0, result->pid);
	EXPECT_EQ(-1, result->pidfd);
}

static inline void expect_given_up(struct __test_metadata *_metadata, const struct batch *b,
				   int place)
{
	expect_start_failed(_metadata, b, place, ECANCELED, KSPAWN_STEP_BATCH,
			    KSPAWN_BATCH_ALL_OR_NONE);
}

/* The call fails because of @place, and leaves nothing. */
static inline void expect_batch_failed(struct __test_metadata *_metadata, int device,
				       struct batch *b, int place, int error, __u32 step,
				       __u32 index)
{
	struct before before;

	before_call(&before);
	EXPECT_EQ(-1, batch_start(device, b));
	EXPECT_EQ(error, errno)
		TH_LOG("%s, expected %s", strerrorname_np(errno), strerrorname_np(error));
	EXPECT_EQ(place, (int)b->failed);
	expect_start_failed(_metadata, b, place, error, step, index);
	expect_nothing_left(_metadata, &before);
}

/* Whether a program of leaving_files() has. */
static inline bool has_run(int place)
{
	char name[16];

	snprintf(name, sizeof(name), "ran%d", place);
	return !access(name, F_OK);
}

/* Three programs that leave a file each, as the first thing that they do. */
static inline void leaving_files(struct batch *b, __u32 flags)
{
	batch_init(b, 3, flags);
	batch_shell(b, 0, ": > ran0");
	batch_shell(b, 1, ": > ran1");
	batch_shell(b, 2, ": > ran2");
}

static inline void expect_none_ran(struct __test_metadata *_metadata)
{
	for (int i = 0; i < 3; i++) {
		EXPECT_FALSE(has_run(i))
			TH_LOG("program %d ran", i);
	}
}

#endif /* KSPAWN_ABI_BATCHES_H */
