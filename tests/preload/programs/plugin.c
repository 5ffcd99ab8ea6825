// SPDX-License-Identifier: LGPL-2.1-or-later
/* A plugin that is opened with dlopen(), and starts programs or makes objects. */
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

int plugin_run_exit(int status);
int plugin_fill(posix_spawn_file_actions_t* actions, int from, int to);
int plugin_destroy(posix_spawn_file_actions_t* actions);

int plugin_run_exit(int status) {
    char command[] = "exit 0 ";
    char* argv[] = {"sh", "-c", command, NULL};
    pid_t pid;
    int result;

    command[5] = (char)('0' + status % 10);
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ))
        return -1;
    if (waitpid(pid, &result, 0) != pid)
        return -1;
    return WEXITSTATUS(result);
}

int plugin_fill(posix_spawn_file_actions_t* actions, int from, int to) {
    int error = posix_spawn_file_actions_init(actions);

    return error ? error : posix_spawn_file_actions_adddup2(actions, from, to);
}

int plugin_destroy(posix_spawn_file_actions_t* actions) {
    return posix_spawn_file_actions_destroy(actions);
}
