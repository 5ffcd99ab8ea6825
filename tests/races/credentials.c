/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The credential race, as an attack.  A process of root starts a program, and the
 * child, which has a file action to do, waits at the gate.  Meanwhile privileges
 * are dropped, and a thread that has none any more writes another path over the
 * one that is to be executed.  Then the gate opens: whose program runs, and as
 * whom?
 *
 *   credentials WAY           one thread calls setuid(), which is to drop all
 *   credentials WAY --thread  a thread drops itself alone, by the bare system call,
 *                             as file servers do
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scene.h"

struct shared {
    _Atomic int go;        /* the child is at the gate */
    _Atomic int rewritten; /* by one who is nobody */
    _Atomic int released;  /* the gate is open */
    _Atomic int returned;  /* setuid() has */
    int drop_alone;
};

static struct shared* shared;

/* What an administrator has configured, say; in memory that all threads can write. */
static char path[SCENE_PATH];

static uid_t who_am_i(void) {
    uid_t real, effective, saved;
    if (syscall(SYS_getresuid, &real, &effective, &saved) < 0)
        scene_fail("getresuid");
    return real == effective && effective == saved ? real : 0;
}

static void* drop(void* argument) {
    (void)argument;
    while (!atomic_load(&shared->go))
        scene_sleep();
    if (setuid(SCENE_NOBODY) < 0)
        scene_fail("setuid");
    atomic_store(&shared->returned, 1);
    return NULL;
}

static void* attack(void* argument) {
    const struct scene* scene = argument;
    while (!atomic_load(&shared->go))
        scene_sleep();
    if (shared->drop_alone && syscall(SYS_setresuid, SCENE_NOBODY, SCENE_NOBODY, SCENE_NOBODY) < 0)
        scene_fail("setresuid");
    while (who_am_i() != SCENE_NOBODY)
        scene_sleep();
    if (!atomic_load(&shared->released)) {
        strcpy(path, scene->attacker);
        atomic_store(&shared->rewritten, 1);
    }
    return NULL;
}

static void play(struct scene* scene, void* argument) {
    (void)argument;
    strcpy(path, scene->intended);
    char* argv[] = {path, NULL};
    char* envp[] = {NULL};
    const struct bench_action action = {
        .operation = BENCH_OPEN, .fd = STDIN_FILENO, .path = scene->gate, .oflag = O_RDONLY};
    const struct bench_request request = {
        .path = path, .argv = argv, .envp = envp, .actions = &action, .action_count = 1};
    if (scene->way->begin && scene->way->begin(&request) != 0)
        scene_fail("%s: begin", scene->way_name);
    pthread_t attacker, dropper;
    if (pthread_create(&attacker, NULL, attack, scene) != 0 ||
        (!shared->drop_alone && pthread_create(&dropper, NULL, drop, NULL) != 0))
        scene_fail("pthread_create");
    const int status = scene_start(scene, &request);
    if (status != 0)
        scene_fail("the program has ended with status %#x", (unsigned)status);
    pthread_join(attacker, NULL);
    if (!shared->drop_alone)
        pthread_join(dropper, NULL);
}

int main(int argc, char** argv) {
    static struct scene scene;
    scene_open(&scene, argc, argv);
    if (geteuid() != 0)
        scene_fail("only root has something to lose");
    shared = scene_share(sizeof(*shared));
    shared->drop_alone = argc > 2 && strcmp(argv[2], "--thread") == 0;
    scene_play(&scene, play, NULL);
    scene_await_gate(&scene);
    atomic_store(&shared->go, 1);
    const bool rewritten = scene_await(&scene, &shared->rewritten, 0);
    const bool returned = atomic_load(&shared->returned);
    atomic_store(&shared->released, 1);
    scene_open_gate(&scene);
    const struct words words = scene_words(&scene);
    scene_close(&scene);
    const bool happened = strcmp(words.program, "attacker") == 0 && words.euid == 0;
    scene_report(&scene, shared->drop_alone ? "credentials-thread" : "credentials", happened,
                 "\"ran\":\"%s\",\"uid\":%d,\"euid\":%d,\"path_rewritten\":%s,"
                 "\"setuid_returned\":%s",
                 words.program, words.uid, words.euid, rewritten ? "true" : "false",
                 returned ? "true" : "false");
    return 0;
}
