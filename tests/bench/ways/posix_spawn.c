/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* posix_spawn() of the libc that this is compiled for. */
#include <spawn.h>

#define SPAWN(name) posix_##name
#define SPAWN_FLAG(name) POSIX_##name
#define SPAWN_PREPARE() 0
#define SPAWN_NAME "posix_spawn"
#define SPAWN_WAY bench_way_posix_spawn
#include "spawn_h.h"
