/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The report of tests/kit/child on itself: it copies what the kernel tells it into a
 * file, section by section, and the reading of it is done here.
 */
#ifndef KSPAWN_ABI_REPORT_H
#define KSPAWN_ABI_REPORT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct report {
	char path[PATH_MAX];	/* of the file; absolute */
	char *data;
	size_t size;
};

/* One of the child's descriptors. */
struct report_fd {
	unsigned int flags;	/* F_GETFL's */
	bool cloexec;
	unsigned long long dev;
	unsigned long long ino;
	unsigned int mode;
	long long pos;
	char target[PATH_MAX];	/* readlink() of /proc/self/fd/N */
};

/* Make the empty file, writable to all, in the working directory. */
int report_prepare(struct report *r);

/*
 * Read what the child wrote, in the place of what was read before.  -1 if that is
 * nothing, or no whole report.
 */
int report_load(struct report *r);

/* A section, with a NUL after its @size bytes (which may be null). */
const char *report_section(const struct report *r, const char *name, size_t *size);

/* Field @name of /proc/self/status, from its first non-blank; "" if absent. */
const char *report_status(const struct report *r, const char *name);
unsigned long long report_status_hex(const struct report *r, const char *name);
/* The numbers after @name, such as the four after "Uid".  How many there were. */
int report_status_ids(const struct report *r, const char *name, unsigned int ids[4]);

/* Field @number of /proc/self/stat, as proc(5) counts them: from 4 on. */
long long report_stat(const struct report *r, int number);

/* Descriptors that were open when the child's program started. */
int report_fd_count(const struct report *r);
bool report_fd(const struct report *r, int fd, struct report_fd *out);
/* "0 1 2 7": convenient to compare and to read in a failure. */
const char *report_fd_list(const struct report *r);

/* Argument or environment string @n of the child; null if there are fewer. */
const char *report_arg(const struct report *r, int n);
int report_argc(const struct report *r);
const char *report_env(const struct report *r, int n);

#endif /* KSPAWN_ABI_REPORT_H */
