/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters, one file each in /sys/class/misc/kspawn/stats/.  They are kept by
 * CPU: two spawns share no cache line of ours.
 */
#ifndef KSPAWN_STATS_H
#define KSPAWN_STATS_H

#include <linux/sysfs.h>
#include <linux/types.h>

/**
 * enum kspawn_stat - what is counted; each has a file of its name, but for
 *                    REQUESTS and ENDED
 * @KSPAWN_STAT_REQUESTS:         requests that were copied or being copied
 * @KSPAWN_STAT_ENDED:            requests freed; in_flight is what is left
 * @KSPAWN_STAT_SPAWNS:           those of KSPAWN_IOC_SPAWN
 * @KSPAWN_STAT_BUILDERS:         those of KSPAWN_IOC_BUILDER
 * @KSPAWN_STAT_APPLIES:          those of KSPAWN_IOC_APPLY
 * @KSPAWN_STAT_STARTS:           those of KSPAWN_IOC_START
 * @KSPAWN_STAT_BATCHES:          calls of KSPAWN_IOC_BATCH, each of several SPAWNS
 * @KSPAWN_STAT_RESTARTED:        calls a signal ended, to be made again
 * @KSPAWN_STAT_CLONES:           children created
 * @KSPAWN_STAT_KILLED:           children killed before they were a program
 * @KSPAWN_STAT_CLOSED:           children whose builder was closed before that
 * @KSPAWN_STAT_FAIL_POLICY:      failures, by step, here and below
 * @KSPAWN_STAT_FAIL_COPY:        see KSPAWN_STEP_COPY
 * @KSPAWN_STAT_FAIL_DESCRIPTORS: see KSPAWN_STEP_DESCRIPTORS
 * @KSPAWN_STAT_FAIL_CLONE:       see KSPAWN_STEP_CLONE
 * @KSPAWN_STAT_FAIL_ATTRIBUTE:   see KSPAWN_STEP_ATTRIBUTE
 * @KSPAWN_STAT_FAIL_ACTION:      see KSPAWN_STEP_ACTION
 * @KSPAWN_STAT_FAIL_PIDFD:       see KSPAWN_STEP_PIDFD
 * @KSPAWN_STAT_FAIL_EXEC:        see KSPAWN_STEP_EXEC
 * @KSPAWN_STAT_FAIL_LOOKUP:      those of FAIL_EXEC that needed no child
 * @KSPAWN_STAT_FAIL_BUILDER:     see KSPAWN_STEP_BUILDER
 * @KSPAWN_STAT_FAIL_BATCH:       see KSPAWN_STEP_BATCH
 * @KSPAWN_STAT_COUNT:            how many there are
 */
enum kspawn_stat {
	KSPAWN_STAT_REQUESTS,
	KSPAWN_STAT_ENDED,
	KSPAWN_STAT_SPAWNS,
	KSPAWN_STAT_BUILDERS,
	KSPAWN_STAT_APPLIES,
	KSPAWN_STAT_STARTS,
	KSPAWN_STAT_BATCHES,
	KSPAWN_STAT_RESTARTED,
	KSPAWN_STAT_CLONES,
	KSPAWN_STAT_KILLED,
	KSPAWN_STAT_CLOSED,
	KSPAWN_STAT_FAIL_POLICY,
	KSPAWN_STAT_FAIL_COPY,
	KSPAWN_STAT_FAIL_DESCRIPTORS,
	KSPAWN_STAT_FAIL_CLONE,
	KSPAWN_STAT_FAIL_ATTRIBUTE,
	KSPAWN_STAT_FAIL_ACTION,
	KSPAWN_STAT_FAIL_PIDFD,
	KSPAWN_STAT_FAIL_EXEC,
	KSPAWN_STAT_FAIL_LOOKUP,
	KSPAWN_STAT_FAIL_BUILDER,
	KSPAWN_STAT_FAIL_BATCH,
	KSPAWN_STAT_COUNT,
};

extern const struct attribute_group *kspawn_stats_groups[];

void kspawn_stats_add(enum kspawn_stat stat);
void kspawn_stats_fail(u32 step);
u64 kspawn_stats_begin(enum kspawn_stat kind);

#endif /* KSPAWN_STATS_H */
