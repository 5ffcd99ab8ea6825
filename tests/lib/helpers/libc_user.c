/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts itself in the ways in which one libc differs from another, and prints what
 * came of each: what the child had, or the error, its step and its index.
 */
#include <kspawn/spawn.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGHEST 600
#define P_PIDFD_OF_ANY_HEADER ((idtype_t)3)

static kspawn_spawn_file_actions_t actions;
static kspawn_spawnattr_t attributes;

/* The child: its descriptors, on its standard output. */
static int say_descriptors(void) {
    int fd;

    for (fd = 0; fd < HIGHEST; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    printf("\n");
    return 0;
}

static void start(const char* what, const char* path, int with_pidfd) {
    char name[] = "libc_user", option[] = "--descriptors";
    char *argv[] = {name, option, NULL}, *envp[] = {NULL};
    int error, pidfd = -1;
    pid_t pid = -1;
    siginfo_t ended;

    printf("%s:", what);
    fflush(stdout);
    if (with_pidfd)
        error = kspawn_pidfd_spawn(&pidfd, path, &actions, &attributes, argv, envp);
    else
        error = kspawn_spawn(&pid, path, &actions, &attributes, argv, envp);
    if (error) {
        const struct kspawn_failure* failure = kspawn_last_failure();

        printf(" error %d, step %u, index %u\n", error, failure->step, failure->index);
    } else if (with_pidfd) {
        if (waitid(P_PIDFD_OF_ANY_HEADER, pidfd, &ended, WEXITED))
            printf("no child\n");
        close(pidfd);
    } else {
        waitpid(pid, NULL, 0);
    }
    kspawn_spawn_file_actions_destroy(&actions);
    kspawn_spawn_file_actions_init(&actions);
    kspawn_spawnattr_setflags(&attributes, 0);
}

int main(int argc, char** argv) {
    const char* self = "/proc/self/exe";
    struct sched_param parameter;
    int fd, null;

    if (argc > 1 && !strcmp(argv[1], "--descriptors"))
        return say_descriptors();
    for (fd = 3; fd < HIGHEST; fd++)
        close(fd);
    null = open("/dev/null", O_RDWR);
    dup2(null, 30);
    dup2(null, 31);
    dup2(null, 500);
    close(null);
    kspawn_spawn_file_actions_init(&actions);
    kspawn_spawnattr_init(&attributes);

    start("plain", self, 0);
    start("pidfd", self, 1);
    kspawn_spawn_file_actions_addclosefrom_np(&actions, 31);
    start("closefrom", self, 0);
    kspawn_spawn_file_actions_addclose_range_np(&actions, 30, 31);
    start("close_range", self, 0);
    kspawn_spawn_file_actions_adddup2(&actions, 1, 1);
    kspawn_spawn_file_actions_addinherit_np(&actions, 30);
    kspawn_spawn_file_actions_addinherit_np(&actions, 40);
    kspawn_spawnattr_setflags(&attributes, KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    start("cloexec_default", self, 0);
    kspawn_spawn_file_actions_addclose(&actions, 30);
    kspawn_spawn_file_actions_addchdir(&actions, "/");
    start("chdir", self, 0);
    kspawn_spawn_file_actions_addclose(&actions, 31);
    kspawn_spawn_file_actions_addtcsetpgrp_np(&actions, 30);
    start("tcsetpgrp", self, 0);
    parameter.sched_priority = 0;
    kspawn_spawnattr_setschedpolicy(&attributes, SCHED_OTHER);
    kspawn_spawnattr_setschedparam(&attributes, &parameter);
    kspawn_spawnattr_setflags(&attributes, KSPAWN_SPAWN_SETSCHEDULER);
    start("scheduler", self, 0);
    start("missing", "/no/such/program", 0);
    kspawn_spawn_file_actions_addopen(&actions, 5, "/no/such/file", O_RDONLY, 0);
    start("open", self, 0);
    return 0;
}
