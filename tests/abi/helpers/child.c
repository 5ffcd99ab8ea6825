// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The program that the tests start.  Linked statically, so that it needs no
 * file but itself.
 *
 *   child report FILE [STATUS]	write what it sees of itself to FILE
 *   child exit STATUS
 *   child cat			copy standard input to standard output
 *   child pause			wait for a signal
 *   child			report to $KSPAWN_REPORT, or to standard output
 *
 * It judges nothing: a report is what the kernel says, and lib/report reads it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define BAD_USE		120
#define BAD_REPORT	121

static char *text;
static size_t used, room;

static void need(size_t more)
{
	if (used + more <= room)
		return;
	room = 2 * (used + more);
	text = realloc(text, room);
	if (!text)
		_exit(BAD_REPORT);
}

static void put(const void *data, size_t size)
{
	need(size);
	memcpy(text + used, data, size);
	used += size;
}

static void section(const char *name, const void *data, size_t size)
{
	char head[64];

	put(head, snprintf(head, sizeof(head), "%s %zu\n", name, size));
	put(data, size);
	put("", 1);
}

#define section_printf(name, ...) do { \
	char line[PATH_MAX + 64]; \
	section(name, line, snprintf(line, sizeof(line), __VA_ARGS__)); \
} while (0)

static void section_file(const char *name, const char *path)
{
	static char *data;
	static size_t data_room;
	size_t size = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		section_printf(name, "errno %d", errno);
		return;
	}
	do {
		if (data_room - size < 4096) {
			data_room = data_room ? 2 * data_room : 65536;
			data = realloc(data, data_room);
			if (!data)
				_exit(BAD_REPORT);
		}
		n = read(fd, data + size, data_room - size - 1);
		if (n > 0)
			size += n;
	} while (n > 0);
	close(fd);
	section(name, data, size);
}

static void section_link(const char *name, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0)
		section_printf(name, "errno %d", errno);
	else
		section(name, target, n);
}

static size_t describe_fd(int fd, char *line, size_t size)
{
	char link[64], target[PATH_MAX];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	if (fstat(fd, &st))
		memset(&st, 0, sizeof(st));
	return snprintf(line, size, "%d %o %d %llu %llu %o %lld %s\n", fd,
			(unsigned int)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD),
			(unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
			(unsigned int)st.st_mode, (long long)lseek(fd, 0, SEEK_CUR), target);
}

static void report_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	char *lines = NULL;
	size_t size = 0, lines_room = 0;

	while (directory && (entry = readdir(directory))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || fd == dirfd(directory))
			continue;
		if (lines_room - size < PATH_MAX + 256) {
			lines_room = 2 * lines_room + 65536;
			lines = realloc(lines, lines_room);
			if (!lines)
				_exit(BAD_REPORT);
		}
		size += describe_fd(fd, lines + size, lines_room - size);
	}
	if (directory)
		closedir(directory);
	section("fds", lines ? lines : "", size);
	free(lines);
}

static void report_scheduling(void)
{
	struct sched_param param = { 0 };

	sched_getparam(0, &param);
	section_printf("scheduling", "policy %d priority %d nice %d ioprio %ld",
		       sched_getscheduler(0), param.sched_priority, getpriority(PRIO_PROCESS, 0),
		       syscall(SYS_ioprio_get, 1, 0));
}

static void report_timers(void)
{
	struct itimerval real = {}, virtual = {}, prof = {};
	stack_t stack = {};

	getitimer(ITIMER_REAL, &real);
	getitimer(ITIMER_VIRTUAL, &virtual);
	getitimer(ITIMER_PROF, &prof);
	sigaltstack(NULL, &stack);
	section_printf("timers", "real %d virtual %d prof %d alternate stack flags %d",
		       real.it_value.tv_sec || real.it_value.tv_usec,
		       virtual.it_value.tv_sec || virtual.it_value.tv_usec,
		       prof.it_value.tv_sec || prof.it_value.tv_usec, stack.ss_flags);
}

static void report_process_controls(void)
{
	int death = -1, reaper = -1;

	prctl(PR_GET_PDEATHSIG, &death);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	section_printf("prctl",
		       "pdeathsig %d subreaper %d dumpable %d keepcaps %d securebits %x no_new_privs %d timerslack %d thp_disable %d mce_kill %d io_flusher %d",
		       death, reaper, prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
		       (unsigned int)prctl(PR_GET_SECUREBITS),
		       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_TIMERSLACK),
		       prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0),
		       prctl(PR_MCE_KILL_GET, 0, 0, 0, 0),
		       prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
}

static void report_namespaces(void)
{
	static const char * const kinds[] = {
		"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts",
	};
	char all[1024], path[64], target[128];
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		size += snprintf(all + size, sizeof(all) - size, "%s ", target);
	}
	section("namespaces", all, size);
}

/* The state in which a new program finds the floating-point unit. */
static void report_fpu(void)
{
	unsigned short control;
	unsigned int mxcsr;

	__asm__("fnstcw %0" : "=m" (control));
	__asm__("stmxcsr %0" : "=m" (mxcsr));
	section_printf("fpu", "control %04x mxcsr %08x", control, mxcsr);
}

static void report_auxiliary(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);

	section_printf("secure", "%lu", getauxval(AT_SECURE));
	section_printf("execfn", "%s", name ? name : "");
	section_printf("auxids", "%lu %lu %lu %lu", getauxval(AT_UID), getauxval(AT_EUID),
		       getauxval(AT_GID), getauxval(AT_EGID));
}

static int write_out(int fd)
{
	size_t done = 0;

	while (done < used) {
		ssize_t n = write(fd, text + done, used - done);

		if (n <= 0)
			return BAD_REPORT;
		done += n;
	}
	return 0;
}

static int report(int argc, const char *path)
{
	static const char * const files[] = {
		"status", "stat", "cmdline", "environ", "limits", "cgroup", "comm",
		"oom_score_adj", "personality", "timerslack_ns", "coredump_filter",
		"loginuid", "sessionid", "uid_map", "gid_map", "timens_offsets",
	};
	struct rlimit limit;
	char from[64];
	unsigned int i;
	int fd = STDOUT_FILENO;

	section_printf("argc", "%d", argc);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(from, sizeof(from), "/proc/self/%s", files[i]);
		section_file(files[i], from);
	}
	section_file("lsm", "/proc/self/attr/current");
	section_link("cwd", "/proc/self/cwd");
	section_link("root", "/proc/self/root");
	section_link("exe", "/proc/self/exe");
	section_printf("ids", "pid %d tid %ld ppid %d pgrp %d sid %d", getpid(),
		       syscall(SYS_gettid), getppid(), getpgrp(), getsid(0));
	section_printf("keyring", "%ld",
		       syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	report_descriptors();
	report_scheduling();
	report_timers();
	report_process_controls();
	report_namespaces();
	report_fpu();
	report_auxiliary();
	section("end", "", 0);

	if (path) {
		/* A test may have left no room for one more descriptor. */
		if (!getrlimit(RLIMIT_NOFILE, &limit)) {
			limit.rlim_cur = limit.rlim_max;
			setrlimit(RLIMIT_NOFILE, &limit);
		}
		fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		if (fd < 0)
			return BAD_REPORT;
	}
	return write_out(fd);
}

static int copy_input(void)
{
	char block[65536];
	ssize_t n, m;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0) {
		ssize_t done = 0;

		while (done < n) {
			m = write(STDOUT_FILENO, block + done, n - done);
			if (m <= 0)
				return BAD_REPORT;
			done += m;
		}
	}
	return n < 0 ? BAD_REPORT : 0;
}

static void make_pipes(int count)
{
	int ends[2];

	while (count--)
		if (pipe2(ends, O_CLOEXEC))
			_exit(BAD_USE);
	if (write(STDOUT_FILENO, "r", 1) != 1)
		_exit(BAD_REPORT);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (argc > 2 && !strcmp(command, "report")) {
		int failure = report(argc, argv[2]);

		if (failure)
			return failure;
		return argc > 3 ? atoi(argv[3]) : 0;
	}
	if (argc == 3 && !strcmp(command, "exit"))
		return atoi(argv[2]);
	if (!strcmp(command, "cat"))
		return copy_input();
	if (argc == 3 && !strcmp(command, "pipes")) {
		make_pipes(atoi(argv[2]));
		command = "pause";
	}
	if (!strcmp(command, "pause"))
		for (;;)
			pause();
	if (argc <= 1)
		return report(argc, getenv("KSPAWN_REPORT"));
	return BAD_USE;
}
