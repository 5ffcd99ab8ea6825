// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Everything that a child has of its parent: the same program is started by
 * fork() and execve() and by a spawn, and must see the same of itself.
 */
#include "lib/fixture.h"

#include <linux/keyctl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

static const char * const sections[] = {
	"argc", "environ", "limits", "cgroup", "comm", "oom_score_adj", "personality",
	"timerslack_ns", "coredump_filter", "loginuid", "sessionid", "uid_map", "gid_map",
	"timens_offsets", "lsm", "cwd", "root", "exe", "keyring", "scheduling", "itimers",
	"prctl", "namespaces", "fpu", "secure", "execfn", "auxids",
};

/* Those of /proc/self/status that two starts of a program share. */
static const char * const states[] = {
	"Umask", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "Threads", "SigPnd",
	"ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
	"NoNewPrivs", "Seccomp", "Seccomp_filters", "Speculation_Store_Bypass",
	"SpeculationIndirectBranch", "Cpus_allowed", "Mems_allowed", "CoreDumping", "THP_enabled",
	"untag_mask", "VmLck", "VmPin",
};

/*
 * Fields of /proc/self/stat: parent, group, session, terminal and its group,
 * priority, nice, threads, exit signal, real-time priority, policy.
 */
static const int fields[] = { 4, 5, 6, 7, 8, 18, 19, 20, 38, 40, 41 };

static bool same_line(const char *a, const char *b)
{
	size_t length = strcspn(a, "\n");

	return length == strcspn(b, "\n") && !strncmp(a, b, length);
}

static void fork_report(struct __test_metadata *_metadata, struct report *r,
			const char * const *envp)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, report_prepare(r));
	pid = assert_fork(_metadata);
	if (!pid) {
		const char * const argv[] = { "child", "report", r->path, NULL };

		execve(scratch_child, (char * const *)argv, (char * const *)envp);
		_exit(126);
	}
	status = own_wait(pid);
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, report_load(r));
}

static void expect_same(struct __test_metadata *_metadata, int device)
{
	static const char * const envp[] = { "A=1", "B=2", NULL };
	struct report forked, spawned;
	struct spawn s;

	fork_report(_metadata, &forked, envp);
	report_init(_metadata, &s, &spawned);
	s.args.envp = spawn_pointer(envp);
	expect_report(_metadata, device, &s, &spawned);
	for (unsigned int i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t one = 0, other = 0;
		const char *a = report_section(&forked, sections[i], &one);
		const char *b = report_section(&spawned, sections[i], &other);

		ASSERT_NE(NULL, a);
		ASSERT_NE(NULL, b);
		EXPECT_TRUE(one == other && !memcmp(a, b, one))
			TH_LOG("%s: forked '%s', spawned '%s'", sections[i], a, b);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(states); i++) {
		const char *a = report_status(&forked, states[i]);
		const char *b = report_status(&spawned, states[i]);

		EXPECT_TRUE(same_line(a, b))
			TH_LOG("%s: forked %.40s, spawned %.40s", states[i], a, b);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		EXPECT_EQ(report_stat(&forked, fields[i]), report_stat(&spawned, fields[i]))
			TH_LOG("field %d of stat", fields[i]);
	}
	EXPECT_EQ(report_fd_count(&forked), report_fd_count(&spawned));
}

TEST_F(spawn, of_a_plain_process)
{
	expect_same(_metadata, self->device);
}

static void handler(int number)
{
	(void)number;
}

/* Everything that a process can set about itself without being root. */
TEST_F(spawn, of_an_unusual_process)
{
	struct rlimit limit = { .rlim_cur = 1 << 20, .rlim_max = 1 << 21 };
	struct itimerval timer = { .it_value.tv_sec = 1000 };
	char stack[MINSIGSTKSZ + 4096];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	unsigned int mxcsr;
	cpu_set_t cpus;
	sigset_t set;

	umask(0131);
	ASSERT_EQ(0, chdir("/usr"));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	ASSERT_EQ(0, setrlimit(RLIMIT_CORE, &limit));
	errno = 0;
	EXPECT_LE(0, nice(5));
	/* The best-effort class, level 6; kernels may be without block devices. */
	if (!access("/sys/block", F_OK))
		ASSERT_EQ(0, syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_PROF, &timer, NULL));
	ASSERT_EQ(0, sigaltstack(&alternate, NULL));
	ASSERT_NE(SIG_ERR, signal(SIGUSR1, handler));
	ASSERT_NE(SIG_ERR, signal(SIGHUP, SIG_IGN));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, raise(SIGUSR2));
	ASSERT_EQ(0, prctl(PR_SET_PDEATHSIG, SIGUSR1));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, prctl(PR_SET_TIMERSLACK, 123456));
	ASSERT_EQ(0, prctl(PR_SET_NAME, "another"));
	ASSERT_EQ(0, prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	ASSERT_EQ(0, prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 0));
	ASSERT_NE(-1, personality(ADDR_NO_RANDOMIZE));
	if (mlockall(MCL_FUTURE))
		TH_LOG("mlockall: %m");
	__asm__("stmxcsr %0" : "=m" (mxcsr));
	mxcsr |= 0x8040;
	__asm__("ldmxcsr %0" : : "m" (mxcsr));
	/* /proc/self is root's own while not dumpable: reports go elsewhere. */
	ASSERT_EQ(0, chdir(self->directory));
	expect_same(_metadata, self->device);
}

TEST_F(spawn, of_a_privileged_process)
{
	struct sched_param param = { .sched_priority = 3 };
	long keyring;
	int fd;

	need_root(_metadata);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_RR, &param));
	fd = assert_fd(_metadata, open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
	ASSERT_EQ(4, write(fd, "-500", 4));
	close(fd);
	ASSERT_EQ(0, prctl(PR_SET_SECUREBITS, 0x4));
	ASSERT_EQ(0, prctl(PR_CAPBSET_DROP, 21));
	/* Kernels may be built without keys. */
	keyring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	if (keyring < 0)
		TH_LOG("no keyring to join: %m");
	expect_same(_metadata, self->device);
}

TEST_F(spawn, of_an_ordinary_user)
{
	need_root(_metadata);
	ASSERT_EQ(0, own_drop_privileges());
	expect_same(_metadata, self->device);
}

/* Set ids that are not the same make a secure start, in both ways. */
TEST_F(spawn, of_a_set_uid_process)
{
	need_root(_metadata);
	ASSERT_EQ(0, setresuid(OWN_USER, 0, 0));
	expect_same(_metadata, self->device);
}

TEST_F(spawn, of_a_session_leader)
{
	ASSERT_LT(0, setsid());
	expect_same(_metadata, self->device);
}

TEST_HARNESS_MAIN
