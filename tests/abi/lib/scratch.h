/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory for one run of a test program, in /tmp, with copies of the
 * helpers that every user may execute.  Made before main() where the module
 * is there, removed with all that is in it at exit.
 */
#ifndef KSPAWN_ABI_SCRATCH_H
#define KSPAWN_ABI_SCRATCH_H

#define SCRATCH_PATH 64	/* room for any path here, with a short name below it */

extern char scratch_directory[];	/* "" if there is no module to test */
extern char scratch_child[];		/* tests/kit/child; mode 0755 */
extern char scratch_tiny[];		/* helpers/tiny; mode 0755 */

/* A new directory inside it, mode 0777, made the working directory. */
int scratch_enter(char *path, unsigned int size);

/* Where helper @name is, beside the test; -1 if that is too long. */
int scratch_helper(const char *name, char *path, unsigned int size);

/* Copy the child helper to @path with @mode; -1 with errno. */
int scratch_copy_child(const char *path, unsigned int mode);

/* A file of @size bytes of @data with @mode, whatever the umask is. */
int scratch_file(const char *path, const void *data, unsigned long size, unsigned int mode);

/* A program that the kernel finds bad only after it has given up the old one. */
int scratch_doomed(const char *path);

/* KSPAWN_TEST_SCALE percent of @rounds, at least 1. */
unsigned int scratch_scale(unsigned int rounds);

/* The number in environment variable @name; without it, as above. */
unsigned int scratch_count(const char *name, unsigned int rounds);

#endif /* KSPAWN_ABI_SCRATCH_H */
