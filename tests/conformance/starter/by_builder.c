// SPDX-License-Identifier: LGPL-2.1-or-later
#include "by_builder.h"

#include <kspawn/builder.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The child is created with the file actions: they say which close-on-exec descriptors
 * of the caller it is to have.
 */
static int spawn(pid_t* pid, const char* file, const char* search,
                 const kspawn_spawn_file_actions_t* actions, const kspawn_spawnattr_t* attributes,
                 char* const argv[], char* const envp[]) {
    int builder;
    int error = kspawn_builder_create_np(&builder, NULL, actions, attributes);

    if (error)
        return error;
    error = kspawn_builder_start_np(builder, pid, NULL, file, search, NULL, NULL, argv, envp);
    close(builder);
    return error;
}

int by_builder_spawn(pid_t* pid, const char* path, const kspawn_spawn_file_actions_t* actions,
                     const kspawn_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
    return spawn(pid, path, NULL, actions, attributes, argv, envp);
}

int by_builder_spawnp(pid_t* pid, const char* file, const kspawn_spawn_file_actions_t* actions,
                      const kspawn_spawnattr_t* attributes, char* const argv[],
                      char* const envp[]) {
    const char* path = getenv("PATH");

    return spawn(pid, file, path ? path : "/bin:/usr/bin", actions, attributes, argv, envp);
}
