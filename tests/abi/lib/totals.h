/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts of all that a stress test may have left behind in the whole system. */
#ifndef KSPAWN_ABI_TOTALS_H
#define KSPAWN_ABI_TOTALS_H

#include <stdbool.h>

#define TOTALS_CACHES	11

/**
 * struct totals - counted at one moment
 * @objects:     in use in each slab cache of totals_caches; -1: not told
 * @descriptors: of this process
 * @processes:   and threads, the kernel's too
 * @in_flight:   requests that the module has not freed
 * @references:  to the module
 * @memory:      KiB that are not available
 */
struct totals {
	long objects[TOTALS_CACHES];
	int descriptors;
	int processes;
	long in_flight;
	long references;
	long memory;
};

extern const char *const totals_caches[TOTALS_CACHES];

/* The number that @path begins with, or -1. */
long totals_number(const char *path);

/*
 * Wait until that number is @value: a child's last steps may come after its parent
 * has seen it end.  False after @limit_ms.
 */
bool totals_settle(const char *path, long value, unsigned int limit_ms);

/* Requests that the module has not freed, and what refers to it. */
#define TOTALS_IN_FLIGHT	"/sys/class/misc/kspawn/stats/in_flight"
#define TOTALS_REFERENCES	"/sys/module/kspawn/refcnt"
/* Until what has ended is gone. */
#define TOTALS_SETTLE_MS	20000

/**
 * struct idle - what must be as it was when nothing is under way any more
 * @in_flight:   requests
 * @references:  to the module
 * @descriptors: of this process
 */
struct idle {
	long in_flight;
	long references;
	int descriptors;
};

void idle_take(struct idle *idle);

/* Objects in use in a slab cache, or -1; with them all that CPUs keep for later. */
long totals_objects(const char *cache);
/*
 * The same, counted until there are no more than @most of them, for 10 s at most: what is
 * kept for later comes and goes, what is lost stays.
 */
long totals_objects_within(const char *cache, long most);
/* KiB that are not available; likewise read until they are no more than @most. */
long totals_memory_within(long most);

/* Count; takes more than a second, in which what has ended is freed. */
void totals_take(struct totals *t);

#endif /* KSPAWN_ABI_TOTALS_H */
