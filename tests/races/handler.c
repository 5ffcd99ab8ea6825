/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler race.  While the child waits at the gate, the terminal changes its
 * size, as it were: SIGWINCH goes to the whole process group.  The process has a
 * handler, which writes memory.  Does it run in the child as well, and so twice?
 *
 *   handler WAY
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scene.h"

struct shared {
    _Atomic int in_cast;
    _Atomic int in_others;
    int calls; /* of the cast's ordinary memory, when all is over */
};

static struct shared* shared;
static pid_t cast;
/* Not shared but by mistake. */
static volatile sig_atomic_t calls;

static void handle(int signal) {
    (void)signal;
    calls++;
    atomic_fetch_add(syscall(SYS_getpid) == cast ? &shared->in_cast : &shared->in_others, 1);
}

static void play(struct scene* scene, void* argument) {
    (void)argument;
    cast = getpid();
    const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    if (sigaction(SIGWINCH, &action, NULL) < 0)
        scene_fail("sigaction");
    char* argv[] = {scene->intended, NULL};
    char* envp[] = {NULL};
    const struct bench_action gate = {
        .operation = BENCH_OPEN, .fd = STDIN_FILENO, .path = scene->gate, .oflag = O_RDONLY};
    const struct bench_request request = {
        .path = argv[0], .argv = argv, .envp = envp, .actions = &gate, .action_count = 1};
    if (scene->way->begin && scene->way->begin(&request) != 0)
        scene_fail("%s: begin", scene->way_name);
    const int status = scene_start(scene, &request);
    if (status != 0)
        scene_fail("the program has ended with status %#x", (unsigned)status);
    shared->calls = calls;
}

int main(int argc, char** argv) {
    static struct scene scene;
    scene_open(&scene, argc, argv);
    shared = scene_share(sizeof(*shared));
    scene_play(&scene, play, NULL);
    scene_await_gate(&scene);
    /* A child that is to handle it does so before it goes on, gate or no gate. */
    if (kill(-scene.cast, SIGWINCH) < 0)
        scene_fail("kill");
    scene_open_gate(&scene);
    const struct words words = scene_words(&scene);
    scene_close(&scene);
    if (strcmp(words.program, "intended") != 0)
        scene_fail("%s has run", words.program);
    const int in_cast = atomic_load(&shared->in_cast);
    const int in_child = atomic_load(&shared->in_others);
    /* Both must have left their mark on the memory if both are in the same. */
    if (in_cast != 1 || shared->calls != in_cast + in_child)
        scene_fail("%d calls in the caller, %d in the child, %d counted", in_cast, in_child,
                   shared->calls);
    scene_report(&scene, "handler", in_child > 0,
                 "\"calls_in_caller\":%d,\"calls_in_child\":%d,\"calls_counted_in_memory\":%d",
                 in_cast, in_child, shared->calls);
    return 0;
}
