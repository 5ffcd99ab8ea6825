/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Totals of the whole system: the module's requests and users, and open files. */
#ifndef KSPAWN_FAULTS_HELD_H
#define KSPAWN_FAULTS_HELD_H

#include "../abi/lib/fixture.h"

/*
 * The kernel counts open files by CPU, and tells the sum only as exactly as this.
 * A file that is lost with one fault in two is seen.
 */
#define FILES_EXACT	64

struct held {
	long in_flight;
	long references;
	long files;
};

static inline void take_held(struct held *h)
{
	h->in_flight = totals_number(TOTALS_IN_FLIGHT);
	h->references = totals_number(TOTALS_REFERENCES);
	h->files = totals_number("/proc/sys/fs/file-nr");
}

/* Files are put down by workers, and may take a moment. */
static inline void expect_held(struct __test_metadata *_metadata, const struct held *before)
{
	unsigned long long end = own_clock_ms() + 10000;
	struct held after;

	do {
		take_held(&after);
		if (before->in_flight == after.in_flight &&
		    before->references == after.references &&
		    before->files + FILES_EXACT >= after.files)
			return;
		own_sleep_ms(50);
	} while (own_clock_ms() < end);
	EXPECT_EQ(before->in_flight, after.in_flight);
	EXPECT_EQ(before->references, after.references);
	EXPECT_GE(before->files + FILES_EXACT, after.files);
}

#endif /* KSPAWN_FAULTS_HELD_H */
