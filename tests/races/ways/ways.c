/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ways.h"

#include <string.h>

static const struct race_way ways[] = {
#ifdef __GLIBC__
    {"vfork", &bench_way_vfork},
    {"glibc", &bench_way_posix_spawn},
    {"thread", &bench_way_thread},
    {"pipe", &bench_way_error_pipe},
    {"kspawn", &bench_way_kspawn},
    {"kspawn-named", &race_way_kspawn_named},
    {"kspawn-async", &race_way_kspawn_async},
    {"kspawn-wait", &race_way_kspawn_wait},
#else
    {"musl", &bench_way_posix_spawn},
#endif
};

const struct bench_way* race_way(const char* name) {
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (strcmp(ways[i].name, name) == 0)
            return ways[i].way;
    return NULL;
}
