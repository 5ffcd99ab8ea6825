/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules that were built for the kernel that runs. */
#ifndef KSPAWN_ABI_MODULE_H
#define KSPAWN_ABI_MODULE_H

#define MODULE_PATH	4096

/* The file of module @name, by KSPAWN_BUILD; -1 without that. */
int module_file(char path[MODULE_PATH], const char *name);

/* As insmod and rmmod (which does not wait) do; -1 with errno. */
int module_insert(const char *file);
int module_remove(const char *name);

/*
 * Insert a module of the kernel's own, which guests do not have at the usual place, by its
 * path below kernel/ without .ko.  It may be there already, or not exist.
 */
void module_insert_stock(const char *path);

#endif /* KSPAWN_ABI_MODULE_H */
