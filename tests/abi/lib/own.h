/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Remains of a spawn in the process that called it: children,
 * SIGCHLD, descriptors.
 */
#ifndef KSPAWN_ABI_OWN_H
#define KSPAWN_ABI_OWN_H

#include <stdbool.h>
#include <sys/types.h>

/* Count SIGCHLD from now on, in a handler with SA_RESTART. */
int own_watch_sigchld(void);
int own_sigchld_count(void);
bool own_sigchld_pending(void);

/* Open descriptors of this process; -1 with errno. */
int own_descriptor_count(void);

/* Allow this process @count of them; -1 with errno. */
int own_allow_descriptors(unsigned int count);

/*
 * Duplicate descriptor 0 to each number from @first to @last, none of which is open,
 * with F_DUPFD or F_DUPFD_CLOEXEC; -1 if one of them cannot be had.
 */
int own_duplicate(int first, int last, int how);

/* Whether waitpid(-1, __WALL) says that there is no child of any kind. */
bool own_no_child(void);

/* Wait for @pid with __WALL; its wait status, or -1 with errno. */
int own_wait(pid_t pid);

/* The same; the status by which it exits, or -1. */
int own_wait_exit(pid_t pid);

/* Wait until @pid is in state @state of /proc/PID/stat; false after 20 s. */
bool own_wait_state(pid_t pid, char state);
/* A child of @process, as /proc has it; 0 if there is none within 20 s. */
pid_t own_wait_child_of(pid_t process);
/* The parent of @pid, or 0. */
pid_t own_parent_of(pid_t pid);
/* Sleep; not cut short by signals. */
void own_sleep_ms(unsigned int ms);
/* A clock in milliseconds that only grows. */
unsigned long long own_clock_ms(void);

/*
 * Start a thread that does nothing but share the caller's memory; 0, or an
 * errno.  A request of such a caller is copied; of one that is alone in its
 * memory, exec reads the lists itself.
 */
int own_start_idle_thread(void);

/*
 * Drop from root to an ordinary user for good, with no supplementary groups
 * and no capabilities.
 */
#define OWN_USER	65432
#define OWN_GROUP	65433
int own_drop_privileges(void);

/* Whether execve() takes these arguments for helpers/tiny, as a child of fork() finds. */
bool own_execve_takes(const char **list);

#endif /* KSPAWN_ABI_OWN_H */
