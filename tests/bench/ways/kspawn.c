/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kspawn_spawn() of libkspawn, and through the kernel or not at all. */
#include <kspawn/spawn.h>

#define SPAWN(name) kspawn_##name
#define SPAWN_FLAG(name) KSPAWN_##name
#define SPAWN_PREPARE() kspawn_set_backend(KSPAWN_BACKEND_KERNEL)
#define SPAWN_NAME "kspawn"
#define SPAWN_WAY bench_way_kspawn
#include "spawn_h.h"
