/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * posix_spawn() and posix_spawnp() as they are written on a builder.
 */
#ifndef KSPAWN_CONFORMANCE_BY_BUILDER_H
#define KSPAWN_CONFORMANCE_BY_BUILDER_H

#include <kspawn/spawn.h>

int by_builder_spawn(pid_t* pid, const char* path, const kspawn_spawn_file_actions_t* actions,
                     const kspawn_spawnattr_t* attributes, char* const argv[], char* const envp[]);
int by_builder_spawnp(pid_t* pid, const char* file, const kspawn_spawn_file_actions_t* actions,
                      const kspawn_spawnattr_t* attributes, char* const argv[], char* const envp[]);

#endif
