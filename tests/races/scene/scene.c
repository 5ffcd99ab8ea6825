/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "proc.h"

/* Seconds: more than any scene takes, even on a kernel that checks everything. */
enum { TIME_LIMIT = 300 };

static pid_t director;
static const struct scene* running;

_Noreturn void scene_fail(const char* format, ...) {
    const int error = errno;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (%s)\n", strerror(error));
    va_end(arguments);
    if (getpid() == director)
        exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

static void clean_up(void) {
    if (getpid() != director || !running)
        return;
    if (running->cast > 0)
        kill(-running->cast, SIGKILL);
    unlink(running->intended);
    unlink(running->attacker);
    unlink(running->gate);
    char secret[SCENE_PATH + 16];
    snprintf(secret, sizeof(secret), "%s/secret", running->directory);
    unlink(secret);
    rmdir(running->directory);
}

static void late(int signal) {
    (void)signal;
    static const char words[] = "the scene takes too long\n";
    if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
        _exit(EXIT_FAILURE);
    if (running && running->cast > 0)
        kill(-running->cast, SIGKILL);
    _exit(EXIT_FAILURE);
}

static void copy(const char* from, const char* to, mode_t mode) {
    const int source = open(from, O_RDONLY | O_CLOEXEC);
    const int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (source < 0 || target < 0)
        scene_fail("%s to %s", from, to);
    char part[65536];
    ssize_t count;
    while ((count = read(source, part, sizeof(part))) > 0)
        if (write(target, part, (size_t)count) != count)
            scene_fail("write %s", to);
    if (count < 0 || fchmod(target, mode) < 0)
        scene_fail("%s to %s", from, to);
    close(source);
    close(target);
}

static void find_witness(char* path, size_t size) {
    const ssize_t length = readlink("/proc/self/exe", path, size - 16);
    if (length < 0)
        scene_fail("/proc/self/exe");
    path[length] = 0;
    char* slash = strrchr(path, '/');
    if (slash)
        strcpy(slash + 1, "witness");
}

void scene_open(struct scene* scene, int argc, char** argv) {
    director = getpid();
    *scene = (struct scene){0};
    errno = EINVAL;
    if (argc < 2)
        scene_fail("usage: %s WAY", program_invocation_short_name);
    scene->way_name = argv[1];
    scene->way = race_way(argv[1]);
    if (!scene->way)
        scene_fail("no way to start programs is called %s here", argv[1]);
    const char* temporary = getenv("TMPDIR");
    snprintf(scene->directory, sizeof(scene->directory), "%.200s/kspawn-race-XXXXXX",
             temporary ? temporary : "/tmp");
    if (!mkdtemp(scene->directory) || chmod(scene->directory, 0755) < 0)
        scene_fail("%s", scene->directory);
    snprintf(scene->intended, SCENE_PATH, "%.230s/intended", scene->directory);
    snprintf(scene->attacker, SCENE_PATH, "%.230s/attacker", scene->directory);
    snprintf(scene->gate, SCENE_PATH, "%.230s/gate", scene->directory);
    running = scene;
    atexit(clean_up);
    signal(SIGALRM, late);
    alarm(TIME_LIMIT);
    char witness[4096];
    find_witness(witness, sizeof(witness));
    copy(witness, scene->intended, 0755);
    copy(witness, scene->attacker, 0755);
    if (geteuid() == 0 && chown(scene->attacker, SCENE_NOBODY, SCENE_NOBODY) < 0)
        scene_fail("chown %s", scene->attacker);
    if (mkfifo(scene->gate, 0600) < 0)
        scene_fail("mkfifo %s", scene->gate);
}

void* scene_share(size_t size) {
    void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        scene_fail("mmap");
    return memory;
}

void scene_play(struct scene* scene, void (*play)(struct scene*, void*), void* argument) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        scene_fail("pipe2");
    scene->cast = fork();
    if (scene->cast < 0)
        scene_fail("fork");
    if (scene->cast == 0) {
        if (setpgid(0, 0) < 0 || dup2(ends[1], STDOUT_FILENO) < 0)
            scene_fail("the cast cannot begin");
        close(ends[0]);
        close(ends[1]);
        play(scene, argument);
        _exit(EXIT_SUCCESS);
    }
    setpgid(scene->cast, scene->cast); /* whoever is first */
    close(ends[1]);
    scene->words = ends[0];
}

void scene_check(const struct scene* scene) {
    errno = 0;
    if (waitpid(scene->cast, NULL, WNOHANG) != 0)
        scene_fail("the cast has ended before its time");
}

void scene_await_gate(const struct scene* scene) {
    while (!proc_child_opens_fifo(scene->cast)) {
        scene_check(scene);
        scene_sleep();
    }
}

void scene_open_gate(const struct scene* scene) {
    const int fd = open(scene->gate, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        scene_fail("%s", scene->gate);
    close(fd);
}

bool scene_await(const struct scene* scene, const _Atomic int* flag, pid_t tid) {
    struct proc_rest rest = {0};
    while (!atomic_load(flag)) {
        scene_check(scene);
        if (proc_rests(&rest, scene->cast, tid))
            return atomic_load(flag);
        scene_sleep();
    }
    return true;
}

struct words scene_words(const struct scene* scene) {
    char line[256] = "";
    size_t length = 0;
    ssize_t count;
    while (length < sizeof(line) - 1 && !strchr(line, '\n') &&
           (count = read(scene->words, line + length, sizeof(line) - 1 - length)) > 0)
        length += (size_t)count;
    struct words words;
    errno = 0;
    if (sscanf(line, "%63s %d %d %15s", words.program, &words.uid, &words.euid, words.secret) != 4)
        scene_fail("the program that was started has said: \"%s\"", line);
    return words;
}

void scene_close(struct scene* scene) {
    int status = 0;
    if (waitpid(scene->cast, &status, 0) != scene->cast)
        scene_fail("waitpid");
    scene->played_by = scene->cast;
    scene->cast = 0;
    errno = 0;
    if (status != 0)
        scene_fail("the cast has ended with status %#x", status);
    close(scene->words);
}

int scene_start(const struct scene* scene, const struct bench_request* request) {
    struct bench_child child = {0};
    int status = 0;
    errno = scene->way->start(request, &child);
    if (errno)
        scene_fail("%s: start", scene->way_name);
    errno = scene->way->finish(&child, &status);
    if (errno)
        scene_fail("%s: the wait for the program", scene->way_name);
    return status;
}

void scene_sleep(void) {
    const struct timespec moment = {.tv_nsec = 1000000};
    nanosleep(&moment, NULL);
}

pid_t scene_tid(void) {
    return (pid_t)syscall(SYS_gettid);
}

const char* scene_libc(void) {
#ifdef __GLIBC__
    static char name[64];
    snprintf(name, sizeof(name), "glibc %s", gnu_get_libc_version());
    return name;
#else
    return RACES_MUSL;
#endif
}

void scene_report(const struct scene* scene, const char* hazard, bool happened,
                  const char* evidence, ...) {
    printf("{\"hazard\":\"%s\",\"way\":\"%s\",\"libc\":\"%s\",\"cast\":%d,\"happened\":%s,"
           "\"evidence\":{",
           hazard, scene->way_name, scene_libc(), scene->played_by, happened ? "true" : "false");
    va_list arguments;
    va_start(arguments, evidence);
    vprintf(evidence, arguments);
    va_end(arguments);
    puts("}}");
}
