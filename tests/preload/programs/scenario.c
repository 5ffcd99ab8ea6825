// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that knows nothing of kspawn and behaves in one of the ways that are
 * hard on a preloaded library.  scenario NAME; the exit status is 0 if all went as
 * the program could expect.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t pid) {
    int status;

    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static int run_with(const posix_spawn_file_actions_t* actions, const posix_spawnattr_t* attr) {
    char* argv[] = {"true", NULL};
    pid_t pid;

    if (posix_spawn(&pid, "/bin/true", actions, attr, argv, environ))
        return 1;
    return wait_for(pid);
}

static int run(void) {
    return run_with(NULL, NULL);
}

static int early_result = -1;

/* Before main(), and before the constructors of most libraries. */
__attribute__((constructor(101))) static void early(void) {
    if (getenv("SCENARIO_EARLY"))
        early_result = run();
}

static int scenario_early(void) {
    return early_result;
}

/* The environment that main() was given, as make does it; environ may point to another. */
static char** given_environment;

static int scenario_environment(void) {
    char* argv[] = {"env", NULL};
    pid_t pid;

    if (posix_spawn(&pid, "/usr/bin/env", NULL, NULL, argv, given_environment))
        return 1;
    return wait_for(pid);
}

static int scenario_exit(void) {
    return run();
}

static int scenario_underscore_exit(void) {
    _exit(run());
}

static int scenario_quick_exit(void) {
    quick_exit(run());
}

static int scenario_nothing(void) {
    return 0;
}

static int scenario_not_found(void) {
    char* argv[] = {"x", NULL};
    pid_t pid = 4711;

    return posix_spawn(&pid, "/no/such/program", NULL, NULL, argv, environ) && pid == 4711 ? 0 : 1;
}

/* Exits with the error of a start; 0 if there was none. */
static int scenario_error(void) {
    char* argv[] = {"true", NULL};
    pid_t pid;
    int error = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);

    return error ? error : wait_for(pid);
}

/* A child of fork() is a process of its own. */
static int scenario_fork(void) {
    pid_t pid;

    if (run())
        return 1;
    pid = fork();
    if (pid == 0)
        exit(run() + run());
    return wait_for(pid);
}

/* A child of vfork() has our memory, and is gone with _exit(). */
static int scenario_vfork(void) {
    pid_t pid;

    if (run())
        return 1;
    pid = vfork();
    if (pid == 0)
        _exit(0);
    return wait_for(pid);
}

/* Children by all that is not posix_spawn(), and no start that is ours. */
static int scenario_forks_only(void) {
    char* argv[] = {"true", NULL};
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    if (wait_for(pid))
        return 1;
    pid = _Fork();
    if (pid == 0)
        _exit(execv("/bin/true", argv));
    if (wait_for(pid))
        return 2;
    pid = vfork();
    if (pid == 0) {
        execvpe("true", argv, environ);
        _exit(1);
    }
    return wait_for(pid);
}

static char clone_stack[65536] __attribute__((aligned(16)));

static int execute_true(void* argument) {
    char* argv[] = {"true", NULL};
    char** envp = argument;

    return execvpe("true", argv, envp);
}

static int scenario_clone(void) {
    return wait_for(clone(execute_true, clone_stack + sizeof(clone_stack),
                          CLONE_VM | CLONE_VFORK | SIGCHLD, environ));
}

/* As a shell does it: by calls that fail, until one does not return. */
static int scenario_exec(void) {
    execl("/no/such/directory/true", "true", NULL);
    execl("/bin", "true", NULL);
    execl("/bin/sh", "sh", "-c", "test \"$*\" = '1 2 3 4 5 6 7 8 9' && test $A = B", "sh", "1", "2",
          "3", "4", "5", "6", "7", "8", "9", NULL);
    return 1;
}

static int scenario_exec_env(void) {
    char* envp[] = {"A=B", NULL};

    execle("/bin/sh", "sh", "-c", "test \"$*\" = '1 2 3 4 5 6 7 8 9' && test $A = B", "sh", "1",
           "2", "3", "4", "5", "6", "7", "8", "9", NULL, envp);
    return 1;
}

static int scenario_start_and_exec(void) {
    return run() ? 1 : execlp("true", "true", NULL);
}

static int scenario_full_table(void) {
    if (run())
        return 1;
    while (open("/dev/null", O_RDONLY) >= 0) {
    }
    return 0;
}

/* Where its file was, is another. */
static int scenario_another_file(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (run() || null < 0)
        return 1;
    for (int fd = 3; fd < 100; ++fd)
        dup2(null, fd);
    return 0;
}

static int scenario_closes_all(void) {
    for (int i = 0; i < 3; ++i) {
        if (run())
            return 1;
        if (close_range(3, ~0U, 0))
            return 2;
    }
    return 0;
}

/* Its own files in all places where a library may have left one. */
static int scenario_takes_all(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (run())
        return 1;
    for (int fd = 3; fd < 100; ++fd) {
        if (fd != null && dup3(null, fd, O_CLOEXEC) != fd)
            return 2;
    }
    for (int i = 0; i < 2; ++i) {
        if (run())
            return 3;
    }
    for (int fd = 3; fd < 100; ++fd) {
        if (fcntl(fd, F_GETFD) != FD_CLOEXEC)
            return 4;
    }
    return 0;
}

/* The child inherits the limit, and gets as far as its dynamic linker. */
static int scenario_no_room(void) {
    struct rlimit limit = {3, 3};

    if (setrlimit(RLIMIT_NOFILE, &limit))
        return 2;
    return run() == 127 ? 0 : 1;
}

static int scenario_closed_stderr(void) {
    close(STDERR_FILENO);
    return run();
}

static int scenario_changes_directory(void) {
    if (run() || chdir("/"))
        return 1;
    return clearenv() || setenv("KSPAWN_STATS", "/nonsense", 1);
}

static int scenario_zeroed(void) {
    static posix_spawn_file_actions_t actions;
    static posix_spawnattr_t attr;

    return run_with(&actions, &attr);
}

/* An attributes object as a later libc may have it. */
static int scenario_unknown_attribute(void) {
    posix_spawnattr_t attr;

    posix_spawnattr_init(&attr);
    ((int*)&attr)[sizeof(attr) / sizeof(int) - 1] = 1;
    return run_with(NULL, &attr);
}

static int scenario_seccomp(void) {
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 2;
    return run();
}

static void* run_many(void* argument) {
    for (int i = 0; i < 10; ++i) {
        if (run())
            *(int*)argument = 1;
    }
    return NULL;
}

static int scenario_threads(void) {
    pthread_t threads[4];
    int failed[4] = {0};

    for (int i = 0; i < 4; ++i) {
        if (pthread_create(&threads[i], NULL, run_many, &failed[i]))
            return 2;
    }
    for (int i = 0; i < 4; ++i)
        pthread_join(threads[i], NULL);
    return failed[0] + failed[1] + failed[2] + failed[3];
}

#define SCENARIO(name)                                                                             \
    { #name, scenario_##name }

static const struct {
    const char* name;
    int (*function)(void);
} scenarios[] = {
    SCENARIO(early),          SCENARIO(environment),
    SCENARIO(exit),           SCENARIO(underscore_exit),
    SCENARIO(quick_exit),     SCENARIO(nothing),
    SCENARIO(not_found),      SCENARIO(error),
    SCENARIO(fork),           SCENARIO(vfork),
    SCENARIO(forks_only),     SCENARIO(clone),
    SCENARIO(exec),           SCENARIO(exec_env),
    SCENARIO(start_and_exec), SCENARIO(full_table),
    SCENARIO(another_file),   SCENARIO(closes_all),
    SCENARIO(takes_all),      SCENARIO(no_room),
    SCENARIO(closed_stderr),  SCENARIO(changes_directory),
    SCENARIO(zeroed),         SCENARIO(unknown_attribute),
    SCENARIO(seccomp),        SCENARIO(threads),
};

int main(int argc, char* argv[], char* envp[]) {
    given_environment = envp;
    for (size_t i = 0; argc == 2 && i < sizeof(scenarios) / sizeof(*scenarios); ++i) {
        if (!strcmp(argv[1], scenarios[i].name))
            return scenarios[i].function();
    }
    return 99;
}
