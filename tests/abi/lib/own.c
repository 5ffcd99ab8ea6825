// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "own.h"
#include "scratch.h"

static atomic_int sigchld_count;

static void count_sigchld(int signal)
{
	(void)signal;
	atomic_fetch_add(&sigchld_count, 1);
}

int own_watch_sigchld(void)
{
	struct sigaction action = { .sa_handler = count_sigchld, .sa_flags = SA_RESTART };

	return sigaction(SIGCHLD, &action, NULL);
}

int own_sigchld_count(void)
{
	return atomic_load(&sigchld_count);
}

bool own_sigchld_pending(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGCHLD);
}

int own_descriptor_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	if (!directory)
		return -1;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 3;	/* ".", ".." and the directory's own */
}

int own_allow_descriptors(unsigned int count)
{
	struct rlimit limit = { .rlim_cur = count, .rlim_max = count };

	return setrlimit(RLIMIT_NOFILE, &limit);
}

int own_duplicate(int first, int last, int how)
{
	int fd;

	for (fd = first; fd <= last; fd++)
		if (fcntl(0, how, fd) != fd)
			return -1;
	return 0;
}

bool own_no_child(void)
{
	int status;

	return waitpid(-1, &status, WNOHANG | __WALL) == -1 && errno == ECHILD;
}

int own_wait(pid_t pid)
{
	int status;
	pid_t got;

	do {
		got = waitpid(pid, &status, __WALL);
	} while (got < 0 && errno == EINTR);
	return got == pid ? status : -1;
}

int own_wait_exit(pid_t pid)
{
	int status = own_wait(pid);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

unsigned long long own_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

void own_sleep_ms(unsigned int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* The state of @pid and its parent; 0 and 0 if it is gone. */
static char state_of(pid_t pid, pid_t *parent)
{
	char path[64], line[512], *end;
	ssize_t n;
	int fd;

	*parent = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	end = strrchr(line, ')');
	if (!end || !end[1] || !end[2])
		return 0;
	*parent = strtol(end + 3, NULL, 10);
	return end[2];
}

bool own_wait_state(pid_t pid, char state)
{
	unsigned long long end = own_clock_ms() + 20000;
	pid_t parent;

	while (state_of(pid, &parent) != state) {
		if (own_clock_ms() > end)
			return false;
		own_sleep_ms(5);
	}
	return true;
}

/* Not task/N/children, which is a kernel's option. */
static pid_t child_of(pid_t process)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t child = 0, parent;

	while (proc && !child && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && state_of(pid, &parent) && parent == process)
			child = pid;
	}
	if (proc)
		closedir(proc);
	return child;
}

pid_t own_parent_of(pid_t pid)
{
	pid_t parent = 0;

	return state_of(pid, &parent) ? parent : 0;
}

pid_t own_wait_child_of(pid_t process)
{
	unsigned long long end = own_clock_ms() + 20000;
	pid_t child;

	while (!(child = child_of(process)) && own_clock_ms() < end)
		own_sleep_ms(5);
	return child;
}

static void *idle(void *argument)
{
	sigset_t all;

	/* The tests' own thread handles what they send. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (;;)
		pause();
	return argument;
}

int own_start_idle_thread(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, idle, NULL);

	return err ?: pthread_detach(thread);
}

int own_drop_privileges(void)
{
	if (setgroups(0, NULL) || setresgid(OWN_GROUP, OWN_GROUP, OWN_GROUP))
		return -1;
	return setresuid(OWN_USER, OWN_USER, OWN_USER);
}

bool own_execve_takes(const char **list)
{
	/* A program may start and die at once, its stack being full. */
	int status;
	pid_t pid = fork();

	if (!pid) {
		static char * const none[] = { NULL };

		execve(scratch_tiny, (char * const *)list, none);
		_exit(errno == E2BIG);
	}
	status = own_wait(pid);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 1;
}
