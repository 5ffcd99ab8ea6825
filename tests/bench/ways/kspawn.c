/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kspawn_spawn() of libkspawn. */
#include <kspawn/spawn.h>

#define SPAWN(name) kspawn_##name
#define SPAWN_FLAG(name) KSPAWN_##name
#define SPAWN_NAME "kspawn"
#define SPAWN_WAY bench_way_kspawn
#include "spawn_h.h"
