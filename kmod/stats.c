// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include "stats.h"
#include "uapi/kspawn.h"

struct counters {
	u64 value[KSPAWN_STAT_COUNT];
};

static DEFINE_PER_CPU(struct counters, counters);

/* Bits of a request's id that tell the CPU it was made on. */
#define ID_CPU_BITS	16

/**
 * kspawn_stats_add() - count one
 * @stat: of what
 */
void kspawn_stats_add(enum kspawn_stat stat)
{
	this_cpu_inc(counters.value[stat]);
}

/**
 * kspawn_stats_fail() - count a failed request
 * @step: KSPAWN_STEP_* that failed; an interrupted wait, WAIT, is no failure of
 *        the start, and not counted
 */
void kspawn_stats_fail(u32 step)
{
	BUILD_BUG_ON(KSPAWN_STAT_FAIL_EXEC - KSPAWN_STAT_FAIL_POLICY !=
		     KSPAWN_STEP_EXEC - KSPAWN_STEP_POLICY);

	if (step >= KSPAWN_STEP_POLICY && step <= KSPAWN_STEP_EXEC)
		kspawn_stats_add(KSPAWN_STAT_FAIL_POLICY + step -
				 KSPAWN_STEP_POLICY);
	else if (step == KSPAWN_STEP_BUILDER)
		kspawn_stats_add(KSPAWN_STAT_FAIL_BUILDER);
	else if (step == KSPAWN_STEP_BATCH)
		kspawn_stats_add(KSPAWN_STAT_FAIL_BATCH);
}

/**
 * kspawn_stats_begin() - count a new request
 * @kind: KSPAWN_STAT_SPAWNS, or what else it is
 *
 * Return: a number that no other request has.
 */
u64 kspawn_stats_begin(enum kspawn_stat kind)
{
	unsigned int cpu = get_cpu();
	u64 count = this_cpu_inc_return(counters.value[KSPAWN_STAT_REQUESTS]);

	put_cpu();
	kspawn_stats_add(kind);
	return count << ID_CPU_BITS | cpu;
}

static u64 sum(enum kspawn_stat stat)
{
	u64 total = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		total += READ_ONCE(per_cpu(counters, cpu).value[stat]);
	return total;
}

struct stat_attribute {
	struct device_attribute device;
	enum kspawn_stat stat;
};

static ssize_t stat_show(struct device *device, struct device_attribute *attr,
			 char *buf)
{
	struct stat_attribute *stat =
		container_of(attr, struct stat_attribute, device);

	return sysfs_emit(buf, "%llu\n", sum(stat->stat));
}

static ssize_t in_flight_show(struct device *device,
			      struct device_attribute *attr, char *buf)
{
	/* In this order one that ends meanwhile is counted, not a negative. */
	u64 ended = sum(KSPAWN_STAT_ENDED);

	return sysfs_emit(buf, "%llu\n", sum(KSPAWN_STAT_REQUESTS) - ended);
}
static DEVICE_ATTR_RO(in_flight);

#define STAT(_name, _stat)						\
	(&((struct stat_attribute []) { {				\
		.device = __ATTR(_name, 0444, stat_show, NULL),		\
		.stat = KSPAWN_STAT_##_stat,				\
	} })->device.attr)

static struct attribute *stats_attributes[] = {
	&dev_attr_in_flight.attr,
	STAT(spawns, SPAWNS),
	STAT(builders, BUILDERS),
	STAT(applies, APPLIES),
	STAT(starts, STARTS),
	STAT(batches, BATCHES),
	STAT(restarted, RESTARTED),
	STAT(clones, CLONES),
	STAT(killed, KILLED),
	STAT(closed, CLOSED),
	STAT(fail_policy, FAIL_POLICY),
	STAT(fail_copy, FAIL_COPY),
	STAT(fail_descriptors, FAIL_DESCRIPTORS),
	STAT(fail_clone, FAIL_CLONE),
	STAT(fail_attribute, FAIL_ATTRIBUTE),
	STAT(fail_action, FAIL_ACTION),
	STAT(fail_pidfd, FAIL_PIDFD),
	STAT(fail_exec, FAIL_EXEC),
	STAT(fail_lookup, FAIL_LOOKUP),
	STAT(fail_builder, FAIL_BUILDER),
	STAT(fail_batch, FAIL_BATCH),
	NULL,
};

static const struct attribute_group stats_group = {
	.name = "stats",
	.attrs = stats_attributes,
};

/* For the device: its counters. */
const struct attribute_group *kspawn_stats_groups[] = {
	&stats_group,
	NULL,
};
