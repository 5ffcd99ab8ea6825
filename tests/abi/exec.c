// SPDX-License-Identifier: LGPL-2.1-or-later
/* Executing the program: scripts, errors, and names by descriptor. */
#define SPAWN_BOTH_WAYS
#include "lib/fixture.h"

#include <sys/resource.h>

#include <elf.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

/* An action that could change what the child finds: it must look itself. */
static void add_neutral_action(struct spawn *s)
{
	spawn_chdir(s, ".");
}

/* Found out by the caller, and then by the child. */
static void expect_exec_failure(struct __test_metadata *_metadata, int device, const char *path,
				int error)
{
	struct spawn s;

	spawn_init(&s, path);
	expect_failure(_metadata, device, &s, error, KSPAWN_STEP_EXEC, 0);
	add_neutral_action(&s);
	expect_failure(_metadata, device, &s, error, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, not_there)
{
	ASSERT_EQ(0, scratch_file("data", "x", 1, 0755));
	ASSERT_EQ(0, symlink("nowhere", "dangling"));
	ASSERT_EQ(0, symlink("loop", "loop"));
	expect_exec_failure(_metadata, self->device, "", ENOENT);
	expect_exec_failure(_metadata, self->device, "nothing", ENOENT);
	expect_exec_failure(_metadata, self->device, "/no/such/program", ENOENT);
	expect_exec_failure(_metadata, self->device, "dangling", ENOENT);
	expect_exec_failure(_metadata, self->device, "data/program", ENOTDIR);
	expect_exec_failure(_metadata, self->device, "data/", ENOTDIR);
	expect_exec_failure(_metadata, self->device, "loop", ELOOP);
}

/* An attribute that fails comes first, as it does in any child. */
TEST_F(spawn, not_there_and_an_attribute_fails)
{
	DEFINE_SPAWN(s, "/no/such/program");

	spawn_setpgroup(&s, 1);
	expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETPGROUP);
	spawn_dup2(&s, 0, 9);
	expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETPGROUP);
	s.args.attr_flags = KSPAWN_ATTR_SETSCHEDULER;
	s.args.pgroup = 0;
	s.args.sched_policy = 99;
	expect_attribute_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ATTR_SETSCHEDULER);
	s.args.attr_flags = KSPAWN_ATTR_SETCGROUP;
	s.args.sched_policy = 0;
	s.args.cgroup = 99;
	expect_attribute_failure(_metadata, self->device, &s, EBADF, KSPAWN_ATTR_SETCGROUP);
	s.args.attr_flags = KSPAWN_ATTR_SETSIGMASK | KSPAWN_ATTR_SETSID;
	s.args.cgroup = 0;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* So does an action, also one that can be seen to fail only by its numbers. */
TEST_F(spawn, not_there_and_an_action_fails)
{
	DEFINE_SPAWN(s, "/no/such/program");

	spawn_close_range(&s, 5, 4);
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	s.actions[0].newfd = 5;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	ASSERT_EQ(0, own_allow_descriptors(256));
	spawn_init(&s, "/no/such/program");
	spawn_close(&s, 256);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	s.actions[0].fd = 255;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, not_executable)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd;

	ASSERT_EQ(0, scratch_copy_child("no_bit", 0644));
	ASSERT_EQ(0, mkfifo("fifo", 0755));
	ASSERT_EQ(0, mkdir("directory", 0755));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
	expect_exec_failure(_metadata, self->device, "no_bit", EACCES);
	expect_exec_failure(_metadata, self->device, "fifo", EACCES);
	expect_exec_failure(_metadata, self->device, "directory", EACCES);
	expect_exec_failure(_metadata, self->device, "directory/", EACCES);
	expect_exec_failure(_metadata, self->device, "socket", EACCES);
	expect_exec_failure(_metadata, self->device, "/dev/null", EACCES);
	expect_exec_failure(_metadata, self->device, ".", EACCES);
	expect_exec_failure(_metadata, self->device, "/", EACCES);
}

TEST_F(spawn, not_for_this_user)
{
	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("roots", 0700));
	ASSERT_EQ(0, mkdir("closed", 0700));
	ASSERT_EQ(0, scratch_copy_child("closed/child", 0755));
	ASSERT_EQ(0, own_drop_privileges());
	expect_exec_failure(_metadata, self->device, "./roots", EACCES);
	expect_exec_failure(_metadata, self->device, "closed/child", EACCES);
	expect_exec_failure(_metadata, self->device, "closed/nothing", EACCES);
}

/* Executable, but not readable: no matter. */
TEST_F(spawn, not_readable)
{
	DEFINE_SPAWN(s, "./child", "child", "exit", "6");

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("child", 0711));
	ASSERT_EQ(0, own_drop_privileges());
	expect_exit(_metadata, self->device, &s, 6);
}

TEST_F(spawn, on_a_file_system_without_execution)
{
	DEFINE_SPAWN(s, "mount/child", "child", "exit", "4");

	need_own_mounts(_metadata);
	ASSERT_EQ(0, mkdir("mount", 0755));
	ASSERT_EQ(0, mount("none", "mount", "tmpfs", MS_NOEXEC, NULL));
	ASSERT_EQ(0, scratch_copy_child("mount/child", 0755));
	expect_exec_failure(_metadata, self->device, "mount/child", EACCES);
	ASSERT_EQ(0, mount("none", "mount", NULL, MS_REMOUNT, NULL));
	expect_exit(_metadata, self->device, &s, 4);
}

TEST_F(spawn, of_no_known_format)
{
	Elf64_Ehdr header = {};

	ASSERT_EQ(0, scratch_file("empty", "", 0, 0755));
	ASSERT_EQ(0, scratch_file("text", "echo no shell is asked\n", 23, 0755));
	expect_exec_failure(_metadata, self->device, "./empty", ENOEXEC);
	expect_exec_failure(_metadata, self->device, "./text", ENOEXEC);

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	ASSERT_EQ(0, scratch_file("cut", &header, 20, 0755));
	expect_exec_failure(_metadata, self->device, "./cut", ENOEXEC);
	header.e_type = ET_EXEC;
	header.e_machine = EM_S390;
	header.e_phentsize = sizeof(Elf64_Phdr);
	header.e_phnum = 1;
	ASSERT_EQ(0, scratch_file("foreign", &header, sizeof(header), 0755));
	expect_exec_failure(_metadata, self->device, "./foreign", ENOEXEC);
}

/* A whole header whose interpreter is missing: ENOENT, and from the child. */
TEST_F(spawn, without_its_interpreter)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr interpreter;
		char path[32];
	} file = {};

	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_ident[EI_DATA] = ELFDATA2LSB;
	file.header.e_type = ET_DYN;
	file.header.e_machine = EM_X86_64;
	file.header.e_phoff = sizeof(file.header);
	file.header.e_phentsize = sizeof(Elf64_Phdr);
	file.header.e_phnum = 1;
	file.interpreter.p_type = PT_INTERP;
	file.interpreter.p_offset = (char *)file.path - (char *)&file;
	file.interpreter.p_filesz = sizeof(file.path);
	snprintf(file.path, sizeof(file.path), "/no/such/ld.so");
	ASSERT_EQ(0, scratch_file("dynamic", &file, sizeof(file), 0755));
	expect_exec_failure(_metadata, self->device, "./dynamic", ENOENT);
}

/*
 * A program that the kernel finds bad only after it has given up the old one.
 * fork() and execve() have no errno for that: the child dies of SIGSEGV.
 */
TEST_F(spawn, dies_after_the_point_of_no_return)
{
	unsigned int i, rounds = scratch_scale(200);
	struct spawn s;
	int status;

	ASSERT_EQ(0, scratch_doomed("doomed"));
	for (i = 0; i < rounds; i++) {
		spawn_init(&s, "./doomed");
		status = own_wait(expect_start(_metadata, self->device, &s));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(SIGSEGV, WTERMSIG(status));
		if (status != SIGSEGV)
			break;
	}
}

TEST_F(spawn, open_for_writing)
{
	DEFINE_SPAWN(s, "./child", "child", "exit", "0");
	int fd;

	ASSERT_EQ(0, scratch_copy_child("child", 0755));
	fd = assert_fd(_metadata, open("child", O_WRONLY | O_CLOEXEC));
	expect_exec_failure(_metadata, self->device, "./child", ETXTBSY);
	close(fd);
	expect_exit(_metadata, self->device, &s, 0);
}

static int script(const char *path, const char *text)
{
	return scratch_file(path, text, strlen(text), 0755);
}

TEST_F(spawn, script)
{
	char text[PATH_MAX];
	struct report r;
	struct spawn s;

	/* It is called as "child report FILE", the second word its own name. */
	ASSERT_EQ(0, report_prepare(&r));
	snprintf(text, sizeof(text), "#!%s\n", scratch_child);
	ASSERT_EQ(0, script("report", text));
	spawn_init(&s, "report", "not seen", r.path);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(3, report_argc(&r));
	EXPECT_STREQ(scratch_child, report_arg(&r, 0));
	EXPECT_STREQ("report", report_arg(&r, 1));
	EXPECT_STREQ(r.path, report_arg(&r, 2));
	EXPECT_STREQ("report\n", report_section(&r, "comm", NULL));
}

TEST_F(spawn, script_of_a_shell)
{
	DEFINE_SPAWN(s, "./script", "script", "one");

	ASSERT_EQ(0, script("script", "#!/bin/sh\ntest \"$1\" = one && exit 9\nexit 1\n"));
	expect_exit(_metadata, self->device, &s, 9);
}

TEST_F(spawn, script_errors)
{
	char deep[64];

	ASSERT_EQ(0, script("missing", "#!/no/such/interpreter\n"));
	ASSERT_EQ(0, script("directory", "#!/\n"));
	ASSERT_EQ(0, script("nothing", "#!\n"));
	ASSERT_EQ(0, script("itself", "#!./itself\n"));
	expect_exec_failure(_metadata, self->device, "./missing", ENOENT);
	expect_exec_failure(_metadata, self->device, "./directory", EACCES);
	expect_exec_failure(_metadata, self->device, "./nothing", ENOEXEC);
	expect_exec_failure(_metadata, self->device, "./itself", ELOOP);
	/* A script of a script of a script ... */
	ASSERT_EQ(0, script("deep0", "#!/bin/sh\n"));
	for (int i = 1; i <= 8; i++) {
		char text[64];

		snprintf(deep, sizeof(deep), "deep%d", i);
		snprintf(text, sizeof(text), "#!./deep%d\n", i - 1);
		ASSERT_EQ(0, script(deep, text));
	}
	expect_exec_failure(_metadata, self->device, "./deep8", ELOOP);
}

/* A dynamic program of the system, as users start them. */
TEST_F(spawn, dynamic_program)
{
	DEFINE_SPAWN(s, "/bin/sh", "sh", "-c", "exit 11");

	expect_exit(_metadata, self->device, &s, 11);
}

TEST_F(spawn, through_links)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, symlink(scratch_child, "one"));
	ASSERT_EQ(0, symlink("one", "two"));
	s.args.path = spawn_pointer("./two");
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(scratch_child, report_section(&r, "exe", NULL));
	EXPECT_STREQ("two\n", report_section(&r, "comm", NULL));
	EXPECT_STREQ("./two", report_section(&r, "execfn", NULL));
}

/* fexecve() as glibc had it: a program by its descriptor. */
TEST_F(spawn, by_descriptor)
{
	char path[64];
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open(scratch_child, O_RDONLY));

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	s.args.path = spawn_pointer(path);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(scratch_child, report_section(&r, "exe", NULL));
	EXPECT_EQ(4, report_fd_count(&r));
	close(fd);
}

/* A path names it, so the child has it, until exec closes it. */
TEST_F(spawn, by_close_on_exec_descriptor)
{
	static const int flags[] = { O_RDONLY | O_CLOEXEC, O_PATH | O_CLOEXEC };
	char path[64];
	struct report r;
	struct spawn s;
	int fd, high;

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = assert_fd(_metadata, open(scratch_child, flags[i]));
		high = fcntl(fd, F_DUPFD_CLOEXEC, 99);
		ASSERT_EQ(99, high);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i ? high : fd);
		report_init(_metadata, &s, &r);
		s.args.path = spawn_pointer(path);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_STREQ(scratch_child, report_section(&r, "exe", NULL));
		expect_fds(_metadata, &r, "0 1 2");
		close(fd);
		close(high);
	}
}

/* A program that has no name any more. */
TEST_F(spawn, by_descriptor_of_a_removed_file)
{
	char path[64];
	DEFINE_REPORT(s, r);
	int fd;

	ASSERT_EQ(0, scratch_copy_child("gone", 0755));
	fd = assert_fd(_metadata, open("gone", O_RDONLY));
	ASSERT_EQ(0, unlink("gone"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	s.args.path = spawn_pointer(path);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_NE(NULL, strstr(report_section(&r, "exe", NULL), "gone (deleted)"));
}

TEST_F(spawn, by_descriptor_that_an_action_made)
{
	DEFINE_REPORT(s, r);

	s.args.path = spawn_pointer("/proc/self/fd/50");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_open(&s, 50, scratch_child, O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(scratch_child, report_section(&r, "exe", NULL));
	/* Closed by an action, it is of no use any more. */
	s.args.action_count = 1;
	spawn_close(&s, 50);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* The caller has none of that number, or another file. */
TEST_F(spawn, by_descriptor_that_dup2_made)
{
	static const char * const paths[] = { "/proc/self/fd/50", "/dev/fd/50", "/dev/stdin" };
	int fd = assert_fd(_metadata, open(scratch_child, O_RDONLY | O_CLOEXEC));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		DEFINE_REPORT(s, r);

		s.args.path = spawn_pointer(paths[i]);
		spawn_dup2(&s, fd, i < 2 ? 50 : 0);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_STREQ(scratch_child, report_section(&r, "exe", NULL));
	}
	{
		DEFINE_REPORT(s, r);

		s.args.path = spawn_pointer("50");
		s.args.search = spawn_pointer("/nowhere:/dev/fd");
		spawn_dup2(&s, fd, 50);
		expect_report(_metadata, self->device, &s, &r);
	}
}

/* Whatever the path looks like that leads there. */
TEST_F(spawn, by_a_way_to_a_descriptor_that_dup2_made)
{
	static const char * const ways[][2] = {
		{ ".", "link" }, { "/", "proc/self/fd/50" }, { "/", "dev/fd/50" },
		{ "/dev", "fd/50" }, { "/proc/self", "../thread-self/fd/50" },
	};
	int fd = assert_fd(_metadata, open(scratch_child, O_RDONLY | O_CLOEXEC));

	ASSERT_EQ(0, symlink("/dev/fd/50", "link"));
	for (unsigned int i = 0; i < ARRAY_SIZE(ways); i++) {
		DEFINE_REPORT(s, r);

		s.args.path = spawn_pointer(ways[i][1]);
		spawn_dup2(&s, fd, 50);
		ASSERT_EQ(0, chdir(ways[i][0]));
		expect_report(_metadata, self->device, &s, &r);
		ASSERT_EQ(0, chdir(self->directory));
	}
}

/* The caller's own program, as busybox and many test suites start it. */
TEST_F(spawn, by_proc_self_exe)
{
	DEFINE_SPAWN(s, "/proc/self/exe", "exec", "-l");

	spawn_open(&s, 2, "/dev/null", O_WRONLY, 0);
	expect_exit(_metadata, self->device, &s, KSFT_SKIP);
}

/* Whatever the path looks like that leads there. */
TEST_F(spawn, by_a_way_to_proc_self_exe)
{
	static const struct {
		const char *directory, *path, *search;
	} ways[] = {
		{ ".", "./link", NULL }, { ".", "//proc/self/exe", NULL },
		{ "/", "proc/self/exe", NULL }, { "/proc/self", "./exe", NULL },
		{ ".", "exe", "/nowhere:/proc/self" }, { ".", "link", "/nowhere:." },
	};

	ASSERT_EQ(0, symlink("/proc/self/exe", "link"));
	for (unsigned int i = 0; i < ARRAY_SIZE(ways); i++) {
		DEFINE_SPAWN(s, ways[i].path, "exec", "-l");

		s.args.search = spawn_pointer(ways[i].search);
		spawn_dup2(&s, assert_fd(_metadata, open("/dev/null", O_WRONLY | O_CLOEXEC)), 2);
		ASSERT_EQ(0, chdir(ways[i].directory));
		expect_exit(_metadata, self->device, &s, KSFT_SKIP);
		ASSERT_EQ(0, chdir(self->directory));
	}
}

TEST_F(spawn, empty_name_in_a_search)
{
	DEFINE_SPAWN(s, "");

	s.args.search = spawn_pointer("/bin:/usr/bin");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	add_neutral_action(&s);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* A caller whose root directory is another: a relative path does not begin there. */
TEST_F(spawn, relative_path_below_another_root)
{
	struct spawn s;
	pid_t caller;

	need_root(_metadata);
	ASSERT_EQ(0, mkdir("here", 0755));
	ASSERT_EQ(0, scratch_copy_child("here/prog", 0755));
	caller = assert_fork(_metadata);
	if (!caller) {
		if (chroot(".") || chdir("here"))
			_exit(1);
		spawn_init(&s, "prog", "prog", "exit", "5");
		_exit(WEXITSTATUS(own_wait(spawn_start(self->device, &s))));
	}
	EXPECT_EQ(5, WEXITSTATUS(own_wait(caller)));
}

TEST_HARNESS_MAIN
