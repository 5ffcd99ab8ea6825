/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Events that the probes tell the front end, one record of the ring buffer each.
 * Times are of CLOCK_MONOTONIC, in ns; pids of the initial namespace.
 */
#ifndef KSPAWN_TRACE_EVENTS_H
#define KSPAWN_TRACE_EVENTS_H

#include <linux/types.h>

#define TRACE_COMM_LENGTH 16
#define TRACE_PROGRAM_LENGTH 256
#define TRACE_NAME_LENGTH 128
#define TRACE_GROUPS 32
#define TRACE_PATH_PARTS 8
#define TRACE_PATH_PART 64

/*
 * The kinds, in the order in which everybody lists them.  Each is a pair of files in
 * kinds/: NAME.bpf.c has its probes, NAME.cpp makes findings of what they tell.
 */
#define TRACE_EACH_KIND(KIND) KIND(windows) KIND(creds) KIND(signals) KIND(fds) KIND(stalls)

enum trace_record {
    TRACE_WINDOW = 1,
    TRACE_RETURN,
    TRACE_CREDS,
    TRACE_SIGNAL,
    TRACE_DESCRIPTOR,
    TRACE_MARKED,
    TRACE_LOCK,
};

enum trace_way {
    TRACE_WAY_NONE,
    TRACE_WAY_VFORK,
    TRACE_WAY_CLONE_VM_VFORK,
    TRACE_WAY_CLONE_VM,
    TRACE_WAY_KSPAWN,
    TRACE_WAY_FORK,
};

enum trace_outcome {
    TRACE_OPEN,
    TRACE_EXEC,
    TRACE_EXIT,
};

/* Operations on memory that are counted. */
enum trace_memory {
    TRACE_MMAP,
    TRACE_MUNMAP,
    TRACE_MPROTECT,
    TRACE_MREMAP,
    TRACE_PROCESS_VM_WRITEV,
    TRACE_REMOTE,
    TRACE_MEMORY_OPERATIONS,
};

struct trace_task {
    __u32 pid;
    __u32 tid;
    char comm[TRACE_COMM_LENGTH];
};

/* A window; the value of the map, and the start of its record. */
struct trace_window {
    __u64 id;
    __u64 start;
    __u64 end;         /* 0: the child still has the memory */
    __u64 mm;          /* address of the shared memory; of fork, 0 */
    __u64 files;       /* address of the caller's descriptor table */
    __u64 caller_task; /* address */
    __u64 child_task;  /* address */
    __u64 ip;          /* where the child was to start */
    __u64 orig_ax;     /* and in which system call */
    struct trace_task caller;
    struct trace_task child;
    __u32 way;
    __u32 threads;
    __u32 sharers;
    __u32 user_code;
    __u32 memory[TRACE_MEMORY_OPERATIONS]; /* while open: as it was at the start */
    __u32 waits;                           /* whether a probe tells how long the caller does */
    __u32 reserved;
};

struct trace_window_record {
    __u32 record;
    __u32 outcome;
    struct trace_window window;
    char program[TRACE_PROGRAM_LENGTH];
};

/* The caller came back from clone(). */
struct trace_return_record {
    __u32 record;
    __u32 reserved;
    __u64 window;
    __u64 blocked;
};

struct trace_credentials {
    __u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
    __u32 securebits;
    __u32 no_new_privs;
    __u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
    __s32 session_keyring, process_keyring, thread_keyring;
    __u32 group_count;
    __u32 groups[TRACE_GROUPS];
    __u64 group_hash; /* of all, however many */
    char label[TRACE_NAME_LENGTH];
};

struct trace_creds_record {
    __u32 record;
    __u32 by_child;
    __u64 window;
    __u64 time;
    __u64 opened;
    __u32 way;
    __u32 reserved;
    struct trace_task who;
    struct trace_task child;
    struct trace_credentials before;
    struct trace_credentials after;
    struct trace_credentials other;
};

struct trace_signal_record {
    __u32 record;
    __u32 way;
    __u64 window;
    __u64 time;
    __u64 handler;
    struct trace_task child;
    struct trace_task caller;
    __s32 signal;
    __s32 code;
    __u32 sender;
    __u32 reserved;
};

/* A descriptor that reached a program. */
struct trace_descriptor_record {
    __u32 record;
    __u32 way;
    __u64 window;
    __u64 time;   /* of exec */
    __u64 start;  /* of the window */
    __u64 opened; /* when, and with the table and the number it says which */
    __u64 files;
    __u64 marked; /* when it became close-on-exec; 0: not yet */
    struct trace_task opener;
    struct trace_task caller;
    struct trace_task child;
    __s32 fd;
    __u32 reserved;
    __u32 magic; /* of its file system */
    __u32 depth; /* of the file below its root; more than TRACE_PATH_PARTS: the rest is left out */
    char path[TRACE_PATH_PARTS][TRACE_PATH_PART]; /* from the file upwards */
    char program[TRACE_PROGRAM_LENGTH];
};

/* A descriptor that had reached a program was marked close-on-exec. */
struct trace_marked_record {
    __u32 record;
    __s32 fd;
    __u64 files;
    __u64 opened;
    __u64 marked;
};

struct trace_lock_record {
    __u32 record;
    __u32 way;
    __u64 window;
    __u64 time;
    __u64 wait;
    __u64 lock;
    __u32 which; /* TRACE_LOCK_* */
    __u32 role;  /* TRACE_ROLE_* */
    struct trace_task waiter;
    struct trace_task holder; /* pid 0: not known */
};

enum trace_lock_name {
    TRACE_LOCK_OTHER,
    TRACE_LOCK_MMAP,
    TRACE_LOCK_FILES,
    TRACE_LOCK_SIGNALS,
    TRACE_LOCK_CRED_GUARD,
    TRACE_LOCK_EXEC_UPDATE,
    TRACE_LOCK_PAGE_TABLE,
};

enum trace_role {
    TRACE_ROLE_CALLER,
    TRACE_ROLE_CHILD,
    TRACE_ROLE_THREAD,
};

/*
 * Key of a descriptor that was opened without close-on-exec: a value of the map of
 * notes.  And, with `files` 0, of its file: the first in the list of its
 * descriptors, and when the last was added.
 */
struct trace_note_key {
    __u64 file;  /* address */
    __u64 files; /* address of the descriptor table */
    __u64 fd;
};

struct trace_note {
    __u64 born; /* when the first of the file was noted; another: of an older file */
    __u64 opened;
    __u64 marked;     /* close-on-exec */
    __u64 reached;    /* a program */
    __u64 next_files; /* 0: it is the last */
    __u64 next_fd;
    struct trace_task opener;
};

/* Events that were not told, because there was no room. */
struct trace_losses {
    __u64 ring;
    __u64 maps;
};

#endif /* KSPAWN_TRACE_EVENTS_H */
