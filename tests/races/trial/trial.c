/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trial.h"

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

/* Seconds: more than any trial takes, even on a kernel that checks everything. */
enum { TIME_LIMIT = 300 };

static pid_t observer;
static const struct trial* running;

_Noreturn void trial_fail(const char* format, ...) {
    const int error = errno;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (%s)\n", strerror(error));
    va_end(arguments);
    if (getpid() == observer)
        exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

static void clean_up(void) {
    if (getpid() != observer || !running)
        return;
    if (running->subject > 0)
        kill(-running->subject, SIGKILL);
    unlink(running->intended);
    unlink(running->attacker);
    unlink(running->hold);
    char secret[TRIAL_PATH + 16];
    snprintf(secret, sizeof(secret), "%s/secret", running->directory);
    unlink(secret);
    rmdir(running->directory);
}

static void late(int signal) {
    (void)signal;
    static const char words[] = "the trial takes too long\n";
    if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
        _exit(EXIT_FAILURE);
    if (running && running->subject > 0)
        kill(-running->subject, SIGKILL);
    _exit(EXIT_FAILURE);
}

static void copy(const char* from, const char* to, mode_t mode) {
    const int source = open(from, O_RDONLY | O_CLOEXEC);
    const int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (source < 0 || target < 0)
        trial_fail("%s to %s", from, to);
    char part[65536];
    ssize_t count;
    while ((count = read(source, part, sizeof(part))) > 0)
        if (write(target, part, (size_t)count) != count)
            trial_fail("write %s", to);
    if (count < 0 || fchmod(target, mode) < 0)
        trial_fail("%s to %s", from, to);
    close(source);
    close(target);
}

static void find_target(char* path, size_t size) {
    const ssize_t length = readlink("/proc/self/exe", path, size - 16);
    if (length < 0)
        trial_fail("/proc/self/exe");
    path[length] = 0;
    char* slash = strrchr(path, '/');
    if (slash)
        strcpy(slash + 1, "target");
}

void trial_open(struct trial* trial, int argc, char** argv) {
    observer = getpid();
    *trial = (struct trial){0};
    errno = EINVAL;
    if (argc < 2)
        trial_fail("usage: %s WAY", program_invocation_short_name);
    trial->way_name = argv[1];
    trial->way = race_way(argv[1]);
    if (!trial->way)
        trial_fail("no way to start programs is called %s here", argv[1]);
    const char* temporary = getenv("TMPDIR");
    snprintf(trial->directory, sizeof(trial->directory), "%.200s/kspawn-race-XXXXXX",
             temporary ? temporary : "/tmp");
    if (!mkdtemp(trial->directory) || chmod(trial->directory, 0755) < 0)
        trial_fail("%s", trial->directory);
    snprintf(trial->intended, TRIAL_PATH, "%.230s/intended", trial->directory);
    snprintf(trial->attacker, TRIAL_PATH, "%.230s/attacker", trial->directory);
    snprintf(trial->hold, TRIAL_PATH, "%.230s/hold", trial->directory);
    running = trial;
    atexit(clean_up);
    signal(SIGALRM, late);
    alarm(TIME_LIMIT);
    char target[4096];
    find_target(target, sizeof(target));
    copy(target, trial->intended, 0755);
    copy(target, trial->attacker, 0755);
    if (geteuid() == 0 && chown(trial->attacker, TRIAL_NOBODY, TRIAL_NOBODY) < 0)
        trial_fail("chown %s", trial->attacker);
    if (mkfifo(trial->hold, 0600) < 0)
        trial_fail("mkfifo %s", trial->hold);
}

void* trial_share(size_t size) {
    void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        trial_fail("mmap");
    return memory;
}

void trial_run(struct trial* trial, void (*run)(struct trial*, void*), void* argument) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        trial_fail("pipe2");
    trial->subject = fork();
    if (trial->subject < 0)
        trial_fail("fork");
    if (trial->subject == 0) {
        if (setpgid(0, 0) < 0 || dup2(ends[1], STDOUT_FILENO) < 0)
            trial_fail("the subject cannot begin");
        close(ends[0]);
        close(ends[1]);
        run(trial, argument);
        _exit(EXIT_SUCCESS);
    }
    setpgid(trial->subject, trial->subject); /* whoever is first */
    close(ends[1]);
    trial->words = ends[0];
}

void trial_check(const struct trial* trial) {
    errno = 0;
    if (waitpid(trial->subject, NULL, WNOHANG) != 0)
        trial_fail("the subject has ended before its time");
}

void trial_await_hold(const struct trial* trial) {
    while (!proc_child_opens_fifo(trial->subject)) {
        trial_check(trial);
        trial_sleep();
    }
}

void trial_release(const struct trial* trial) {
    const int fd = open(trial->hold, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        trial_fail("%s", trial->hold);
    close(fd);
}

bool trial_await(const struct trial* trial, const _Atomic int* flag, pid_t tid) {
    struct proc_rest rest = {0};
    while (!atomic_load(flag)) {
        trial_check(trial);
        if (proc_rests(&rest, trial->subject, tid))
            return atomic_load(flag);
        trial_sleep();
    }
    return true;
}

struct words trial_words(const struct trial* trial) {
    char line[256] = "";
    size_t length = 0;
    ssize_t count;
    while (length < sizeof(line) - 1 && !strchr(line, '\n') &&
           (count = read(trial->words, line + length, sizeof(line) - 1 - length)) > 0)
        length += (size_t)count;
    struct words words;
    errno = 0;
    if (sscanf(line, "%63s %d %d %15s", words.program, &words.uid, &words.euid, words.secret) != 4)
        trial_fail("the program that was started has said: \"%s\"", line);
    return words;
}

void trial_close(struct trial* trial) {
    int status = 0;
    if (waitpid(trial->subject, &status, 0) != trial->subject)
        trial_fail("waitpid");
    trial->last_subject = trial->subject;
    trial->subject = 0;
    errno = 0;
    if (status != 0)
        trial_fail("the subject has ended with status %#x", status);
    close(trial->words);
}

void trial_begin(const struct trial* trial, const struct bench_request* request) {
    if (trial->way->begin && trial->way->begin(request) != 0)
        trial_fail("%s: begin", trial->way_name);
}

void trial_silence(void) {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        trial_fail("/dev/null");
    close(nowhere);
}

int trial_start(const struct trial* trial, const struct bench_request* request) {
    struct bench_child child = {0};
    int status = 0;
    errno = trial->way->start(request, &child);
    if (errno)
        trial_fail("%s: start", trial->way_name);
    errno = trial->way->finish(&child, &status);
    if (errno)
        trial_fail("%s: the wait for the program", trial->way_name);
    return status;
}

void trial_sleep(void) {
    const struct timespec moment = {.tv_nsec = 1000000};
    nanosleep(&moment, NULL);
}

pid_t trial_tid(void) {
    return (pid_t)syscall(SYS_gettid);
}

const char* trial_libc(void) {
#ifdef __GLIBC__
    static char name[64];
    snprintf(name, sizeof(name), "glibc %s", gnu_get_libc_version());
    return name;
#else
    return RACES_MUSL;
#endif
}

void trial_report(const struct trial* trial, const char* hazard, bool happened,
                  const char* evidence, ...) {
    printf("{\"hazard\":\"%s\",\"way\":\"%s\",\"libc\":\"%s\",\"subject\":%d,\"happened\":%s,"
           "\"evidence\":{",
           hazard, trial->way_name, trial_libc(), trial->last_subject, happened ? "true" : "false");
    va_list arguments;
    va_start(arguments, evidence);
    vprintf(evidence, arguments);
    va_end(arguments);
    puts("}}");
}
