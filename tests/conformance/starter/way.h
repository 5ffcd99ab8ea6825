/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <spawn.h> of each that is compared, under one name: WAY(spawnattr_init) is
 * kspawn_spawnattr_init() or posix_spawnattr_init().
 */
#ifndef KSPAWN_CONFORMANCE_WAY_H
#define KSPAWN_CONFORMANCE_WAY_H

#ifdef WAY_KSPAWN
#include <kspawn/spawn.h>
#define WAY(name) kspawn_##name
#define WAY_FLAG(name) KSPAWN_SPAWN_##name
#define WAY_ADDCHDIR kspawn_spawn_file_actions_addchdir
#define WAY_ADDFCHDIR kspawn_spawn_file_actions_addfchdir
typedef kspawn_spawnattr_t way_attributes;
typedef kspawn_spawn_file_actions_t way_actions;
#ifdef WAY_BUILDER
#include "by_builder.h"
#define WAY_SPAWN by_builder_spawn
#define WAY_SPAWNP by_builder_spawnp
#else
#define WAY_SPAWN kspawn_spawn
#define WAY_SPAWNP kspawn_spawnp
#endif
#else
#include <spawn.h>
#define WAY(name) posix_##name
#define WAY_FLAG(name) POSIX_SPAWN_##name
#define WAY_ADDCHDIR posix_spawn_file_actions_addchdir_np
#define WAY_ADDFCHDIR posix_spawn_file_actions_addfchdir_np
#define WAY_SPAWN posix_spawn
#define WAY_SPAWNP posix_spawnp
typedef posix_spawnattr_t way_attributes;
typedef posix_spawn_file_actions_t way_actions;
#endif

#ifdef WAY_MUSL
/* musl 1.2.3 has neither function; the engine does not ask it for them. */
#define WAY_CLOSEFROM(actions, fd) (-1)
#define WAY_TCSETPGRP(actions, fd) (-1)
#else
#define WAY_CLOSEFROM(actions, fd) WAY(spawn_file_actions_addclosefrom_np)(actions, fd)
#define WAY_TCSETPGRP(actions, fd) WAY(spawn_file_actions_addtcsetpgrp_np)(actions, fd)
#endif

#endif
