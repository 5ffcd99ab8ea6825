/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user of the library in strict C99, without any C++ about it. */
#include <kspawn/spawn.h>

#include <stdio.h>
#include <string.h>

static int fail(const char* what, int error) {
    fprintf(stderr, "%s: %d\n", what, error);
    return 1;
}

int main(void) {
    kspawn_spawn_file_actions_t actions;
    char name[] = "sh";
    char* argv[] = {name, NULL};
    char* envp[] = {NULL};
    struct kspawn_support support;
    pid_t pid;
    int error;

    error = kspawn_query(&support, sizeof(support));
    if (error != 0)
        return fail("kspawn_query", error);
    error = kspawn_spawn_file_actions_init(&actions);
    if (error == 0)
        error = kspawn_spawn_file_actions_addclose(&actions, 30);
    if (error == 0)
        error = kspawn_spawn_file_actions_addchdir(&actions, "/no/such/directory");
    if (error != 0)
        return fail("file actions", error);
    error = kspawn_spawn(&pid, "/bin/sh", &actions, NULL, argv, envp);
    kspawn_spawn_file_actions_destroy(&actions);
    if (error == 0)
        return fail("kspawn_spawn", error);
    puts(kspawn_strfailure());
    return 0;
}
