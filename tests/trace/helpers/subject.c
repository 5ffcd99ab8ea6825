// SPDX-License-Identifier: LGPL-2.1-or-later
// Does the things that the tracer must see: each argument is a behaviour, shown in this order.
#include <err.h>
#include <fcntl.h>
#include <kspawn/spawn.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

extern char** environ;

static char* const no_arguments[] = {"true", NULL};
static const char* program = "/bin/true";

static void reap(pid_t pid) {
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        err(2, "child");
}

static void fail_with(int error) {
    if (error != 0)
        errx(2, "spawn: %s", strerror(error));
}

static void pause_ms(long ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void in_thread(void* (*function)(void*)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, NULL) != 0)
        errx(2, "pthread_create");
    pthread_join(thread, NULL);
}

// windows

static int execute(void* unused) {
    (void)unused;
    execve(program, no_arguments, environ);
    _exit(127);
}

static int end(void* unused) {
    (void)unused;
    return 0;
}

static void in_vfork(int (*run)(void*)) {
    const pid_t pid = vfork();
    if (pid == 0)
        _exit(run(NULL));
    reap(pid);
}

static void in_fork(int (*run)(void*)) {
    const pid_t pid = fork();
    if (pid == 0)
        _exit(run(NULL));
    reap(pid);
}

static void in_clone_vm(int (*run)(void*)) {
    static char stack[65536] __attribute__((aligned(16)));
    reap(clone(run, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL));
}

static void do_vfork(void) {
    in_vfork(execute);
}

static void do_vfork_exit(void) {
    in_vfork(end);
}

static void* vfork_once(void* unused) {
    do_vfork();
    return unused;
}

// Each by a thread of its own, one after the other: as many callers as windows.
static void do_vfork_in_threads(void) {
    for (int i = 0; i < 5; i++)
        in_thread(vfork_once);
}

static void do_fork(void) {
    in_fork(execute);
}

static void do_clone_vm(void) {
    in_clone_vm(execute);
}

static void do_posix_spawn(void) {
    pid_t pid;
    fail_with(posix_spawn(&pid, program, NULL, NULL, no_arguments, environ));
    reap(pid);
}

static void do_kspawn(void) {
    pid_t pid;
    fail_with(kspawn_spawn(&pid, program, NULL, NULL, no_arguments, environ));
    reap(pid);
}

static void* nothing(void* unused) {
    return unused;
}

static void do_threads(void) {
    for (int i = 0; i < 5; i++)
        in_thread(nothing);
}

// The tracer is our parent; while it is stopped its buffer fills.
static void do_flood(void) {
    kill(getppid(), SIGSTOP);
    for (int i = 0; i < 100; i++)
        do_vfork_exit();
    kill(getppid(), SIGCONT);
}

// creds: the child is held in its window by a FIFO that nobody writes to yet.

static const char fifo[] = "/tmp/subject-fifo";

static void make_fifo(void) {
    unlink(fifo);
    if (mkfifo(fifo, 0666) != 0 || chmod(fifo, 0666) != 0)
        err(2, "mkfifo");
}

static void open_gate(void) {
    close(open(fifo, O_WRONLY | O_CLOEXEC));
}

static void (*act)(void);

static void* act_and_open(void* unused) {
    pause_ms(300);
    act();
    open_gate();
    return unused;
}

// Lets a thread act while the child of a posix_spawn() is held.
static void meanwhile(void (*what)(void)) {
    pthread_t thread;
    make_fifo();
    act = what;
    if (pthread_create(&thread, NULL, act_and_open, NULL) != 0)
        errx(2, "pthread_create");
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 9, fifo, O_RDONLY, 0);
    fail_with(posix_spawn(&pid, program, &actions, NULL, no_arguments, environ));
    reap(pid);
    posix_spawn_file_actions_destroy(&actions);
    pthread_join(thread, NULL);
}

static void drop_nothing(void) {
    if (syscall(SYS_setresuid, 0, 0, 0) != 0)
        err(2, "setresuid");
}

// Each by a system call of its own, and of this thread only.
static void change_all(void) {
    const gid_t group = 100;
    if (syscall(SYS_setresgid, 50, 50, 50) != 0)
        err(2, "setresgid");
    if (syscall(SYS_setgroups, 1, &group) != 0)
        err(2, "setgroups");
    if (prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0) != 0)
        err(2, "PR_CAPBSET_DROP");
    if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0) != 0)
        err(2, "PR_SET_SECUREBITS");
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
        err(2, "KEYCTL_JOIN_SESSION_KEYRING");
    // Alone it is no change of credentials; the next that is has it.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 1) < 0)
        err(2, "KEYCTL_GET_KEYRING_ID");
}

static void do_changes(void) {
    meanwhile(change_all);
}

static volatile long target;

static void write_by_process_vm(void) {
    long value = 1;
    const struct iovec from = {&value, sizeof(value)};
    const struct iovec to = {(void*)&target, sizeof(target)};
    if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != sizeof(value) || target != 1)
        err(2, "process_vm_writev");
}

static void write_by_proc_mem(void) {
    const long value = 2;
    const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (memory < 0 || pwrite(memory, &value, sizeof(value), (off_t)(long)&target) < 0 ||
        target != 2)
        err(2, "/proc/self/mem");
    close(memory);
}

// By a debugger, which is another process.
static void write_by_ptrace(void) {
    const pid_t tid = (pid_t)syscall(SYS_gettid);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    const pid_t debugger = fork();
    if (debugger == 0) {
        if (ptrace(PTRACE_ATTACH, tid, NULL, NULL) != 0 || waitpid(tid, NULL, __WALL) != tid ||
            ptrace(PTRACE_POKEDATA, tid, &target, 3) != 0 ||
            ptrace(PTRACE_DETACH, tid, NULL, NULL) != 0)
            _exit(1);
        _exit(0);
    }
    reap(debugger);
    if (target != 3)
        errx(2, "ptrace");
}

static void remap(void) {
    void* memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, 4096, PROT_READ | PROT_WRITE) != 0)
        err(2, "mmap");
}

static void do_writes(void) {
    meanwhile(write_by_process_vm);
    meanwhile(write_by_proc_mem);
    meanwhile(write_by_ptrace);
    meanwhile(remap);
}

static void do_drop_nothing(void) {
    meanwhile(drop_nothing);
}

static void* drop_now(void* unused) {
    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY);
    return unused;
}

static void do_drop_alone(void) {
    in_thread(drop_now);
    do_posix_spawn();
}

static int drop_and_execute(void* unused) {
    drop_now(unused);
    return execute(unused);
}

static void do_drop_in_child(void) {
    in_vfork(drop_and_execute);
}

// signals

static void on_signal(int number) {
    (void)number;
}

static int get_signal(void* unused) {
    (void)unused;
    return kill(getpid(), SIGUSR1);
}

static void do_handler(void) {
    signal(SIGUSR1, on_signal);
    in_vfork(get_signal);
}

static void do_handler_elsewhere(void) {
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    in_fork(get_signal);
    signal(SIGUSR1, SIG_IGN);
    in_vfork(get_signal);
    do_kspawn();
}

// fds: in a process with another thread that opens

static int opened = -1;
static const char* file = "/etc/passwd";

static void* open_file(void* flags) {
    opened = open(file, O_RDONLY | (flags ? O_CLOEXEC : 0));
    return NULL;
}

static void* open_closed_on_exec(void* unused) {
    (void)unused;
    return open_file("yes");
}

static void do_inherited(void) {
    in_thread(open_file);
    do_posix_spawn();
    close(opened);
}

// One defect, and many programs that have the descriptor; then another's.
static void do_inherited_often(void) {
    for (int round = 0; round < 2; round++) {
        in_thread(open_file);
        for (int i = 0; i < 5; i++)
            do_posix_spawn();
        close(opened);
        file = "/etc/group";
    }
    file = "/etc/passwd";
}

static void do_inherited_kspawn(void) {
    in_thread(open_file);
    do_kspawn();
    close(opened);
}

static void do_cloexec(void) {
    in_thread(open_closed_on_exec);
    do_posix_spawn();
    close(opened);
    in_thread(open_file);
    fcntl(opened, F_SETFD, FD_CLOEXEC);
    do_posix_spawn();
    close(opened);
}

static void do_named(void) {
    posix_spawn_file_actions_t actions;
    pid_t pid;
    in_thread(open_file);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, opened, 0);
    fail_with(posix_spawn(&pid, program, &actions, NULL, no_arguments, environ));
    reap(pid);
    posix_spawn_file_actions_destroy(&actions);
    close(opened);
}

static void do_named_kspawn(void) {
    kspawn_spawn_file_actions_t actions;
    pid_t pid;
    in_thread(open_file);
    kspawn_spawn_file_actions_init(&actions);
    kspawn_spawn_file_actions_adddup2(&actions, opened, opened);
    fail_with(kspawn_spawn(&pid, program, &actions, NULL, no_arguments, environ));
    reap(pid);
    kspawn_spawn_file_actions_destroy(&actions);
    close(opened);
}

static void do_own_descriptor(void) {
    open_file(NULL);
    do_posix_spawn();
    close(opened);
}

static void do_old_descriptor(void) {
    in_thread(open_file);
    pause_ms(1500);
    do_posix_spawn();
    close(opened);
}

// While a child is held that has the descriptor, its number comes to mean another file.
static void reopen(void) {
    if (fcntl(opened, F_SETFD, FD_CLOEXEC) != 0 || close(opened) != 0)
        err(2, "close");
    if (open("/etc/group", O_RDONLY) != opened)
        errx(2, "the number is not free");
}

static void do_reopened(void) {
    in_thread(open_file);
    meanwhile(reopen);
    close(opened);
}

// Where the file was that another thread has opened and closed, there may now be another.
static void do_file_in_its_place(void) {
    for (int i = 0; i < 20; i++) {
        in_thread(open_file);
        close(opened);
        const int own = open("/etc/group", O_RDONLY | O_CLOEXEC);
        if (own != opened || fcntl(own, F_SETFD, 0) != 0)
            err(2, "open");
        do_posix_spawn();
        close(own);
    }
}

static int duplicate = -1;
enum { CHOSEN = 40 };

static void* duplicate_file(void* unused) {
    open_file("close on exec");
    duplicate = dup(opened);
    if (duplicate < 0 || dup2(opened, CHOSEN) != CHOSEN)
        err(2, "dup");
    return unused;
}

// Close-on-exec is of a descriptor, not of the file.
static void do_duplicated(void) {
    in_thread(duplicate_file);
    do_posix_spawn();
    fcntl(duplicate, F_SETFD, FD_CLOEXEC);
    close(duplicate);
    close(CHOSEN);
    // One that was opened there again, and nobody has.
    in_thread(duplicate_file);
    fcntl(duplicate, F_SETFD, FD_CLOEXEC);
    fcntl(CHOSEN, F_SETFD, FD_CLOEXEC);
    do_posix_spawn();
    close(duplicate);
    close(CHOSEN);
    close(opened);
}

static void wait_long(void) {
    pause_ms(6000);
}

static void do_held_long(void) {
    in_thread(open_file);
    meanwhile(wait_long);
    close(opened);
}

static void* open_many(void* unused) {
    for (int i = 0; i < 100; i++) {
        open_file(NULL);
        fcntl(opened, F_SETFD, FD_CLOEXEC);
    }
    return unused;
}

static void do_many_descriptors(void) {
    in_thread(open_many);
    do_posix_spawn();
}

// stalls

static int wait_and_execute(void* unused) {
    pause_ms(300);
    return execute(unused);
}

static void do_slow(void) {
    in_vfork(wait_and_execute);
}

static void do_slow_clone_vm(void) {
    in_clone_vm(wait_and_execute);
}

static atomic_int enough;

static void* map_and_unmap(void* unused) {
    while (!atomic_load(&enough)) {
        const size_t size = 64 * 4096;
        void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory != MAP_FAILED)
            munmap(memory, size);
    }
    return unused;
}

// Threads that contend for the memory while a child shares it.
static void do_contention(void) {
    enum { count = 4 };
    pthread_t threads[count];
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, map_and_unmap, NULL) != 0)
            errx(2, "pthread_create");
    }
    for (int i = 0; i < 3; i++)
        do_slow();
    atomic_store(&enough, 1);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

// others

// Names by which one could forge lines of a report, from now on.
static void do_forge(void) {
    static const char target[] = "/bin/true";
    program = "/tmp/subject\n\033[2Jprogram";
    file = "/tmp/subject\n\033[2Jfile";
    unlink(program);
    if (symlink(target, program) != 0 || close(open(file, O_CREAT | O_WRONLY, 0600)) != 0)
        err(2, "forge");
    if (prctl(PR_SET_NAME, "\nlie\033[1m\302\233\\ 2J") != 0)
        err(2, "PR_SET_NAME");
}

static void do_nobody(void) {
    if (setresuid(NOBODY, NOBODY, NOBODY) != 0)
        err(2, "setresuid");
}

static void do_wait(void) {
    pause_ms(500);
}

// Until it is killed.
static void do_forever(void) {
    for (;;) {
        do_vfork();
        pause_ms(20);
    }
}

static const struct behaviour {
    const char* name;
    void (*show)(void);
} behaviours[] = {
    {"vfork", do_vfork},
    {"vfork-exit", do_vfork_exit},
    {"vfork-in-threads", do_vfork_in_threads},
    {"fork", do_fork},
    {"clone-vm", do_clone_vm},
    {"posix-spawn", do_posix_spawn},
    {"kspawn", do_kspawn},
    {"threads", do_threads},
    {"flood", do_flood},
    {"drop-nothing", do_drop_nothing},
    {"drop-alone", do_drop_alone},
    {"changes", do_changes},
    {"writes", do_writes},
    {"drop-in-child", do_drop_in_child},
    {"handler", do_handler},
    {"handler-elsewhere", do_handler_elsewhere},
    {"inherited", do_inherited},
    {"inherited-often", do_inherited_often},
    {"inherited-kspawn", do_inherited_kspawn},
    {"cloexec", do_cloexec},
    {"named", do_named},
    {"named-kspawn", do_named_kspawn},
    {"own-descriptor", do_own_descriptor},
    {"old-descriptor", do_old_descriptor},
    {"reopened", do_reopened},
    {"file-in-its-place", do_file_in_its_place},
    {"duplicated", do_duplicated},
    {"held-long", do_held_long},
    {"many-descriptors", do_many_descriptors},
    {"slow", do_slow},
    {"slow-clone-vm", do_slow_clone_vm},
    {"contention", do_contention},
    {"forge", do_forge},
    {"nobody", do_nobody},
    {"wait", do_wait},
    {"forever", do_forever},
};

static void* wait_for_the_end(void* unused) {
    for (;;)
        pause();
    return unused;
}

int main(int argc, char* argv[]) {
    // Descriptors are only of interest in a process with threads.
    pthread_t idle;
    if (pthread_create(&idle, NULL, wait_for_the_end, NULL) != 0)
        errx(2, "pthread_create");
    for (int i = 1; i < argc; i++) {
        const struct behaviour* found = NULL;
        for (size_t j = 0; j < sizeof(behaviours) / sizeof(behaviours[0]); j++) {
            if (strcmp(behaviours[j].name, argv[i]) == 0)
                found = &behaviours[j];
        }
        if (found == NULL)
            errx(2, "no behaviour %s", argv[i]);
        found->show();
    }
    return 0;
}
