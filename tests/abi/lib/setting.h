/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of the kernel that take a setting: cgroups, tracing, sysctls, debugfs. */
#ifndef KSPAWN_ABI_SETTING_H
#define KSPAWN_ABI_SETTING_H

/* Write @text to the file, in one call; -1 with errno. */
int put(const char *path, const char *text);

/* The same to @file in @directory. */
int put_in(const char *directory, const char *file, const char *text);

/*
 * Tell qemu/vm, in the kernel's log, that traces of allocations that fail are
 * wanted from here on; -1 with errno.
 */
int announce_failing_allocations(void);

#endif /* KSPAWN_ABI_SETTING_H */
