// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs of other formats: what binfmt_misc is told of, with the module
 * loaded before it and after it.
 */
#include "lib/fixture.h"
#include "lib/module.h"

#include <sys/mount.h>

#define MISC	"/proc/sys/fs/binfmt_misc"
#define NAME	"kspawntest"
#define MAGIC	"KSPAWNTEST\n"

static bool is_mounted(void)
{
	return !access(MISC "/register", W_OK) || !mount("none", MISC, "binfmt_misc", 0, NULL);
}

static bool register_format(const char *flags)
{
	char line[512];

	if (geteuid())
		return false;
	if (!is_mounted())
		module_insert_stock("fs/binfmt_misc");
	if (!is_mounted())
		return false;
	put(MISC "/" NAME, "-1");
	snprintf(line, sizeof(line), ":" NAME ":M::KSPAWNTEST::%s:%s", scratch_child, flags);
	return !put(MISC "/register", line);
}

/* A file of the format, whose name is that of a command: "report". */
static void expect_interpreted(struct __test_metadata *_metadata, int device, bool keeps_name)
{
	DEFINE_REPORT(s, r);

	memset(s.argv, 0, sizeof(s.argv));
	s.args.path = spawn_pointer("report");
	/* With flag P: "child report ARGV0 ..."; else "child report ...". */
	if (keeps_name) {
		spawn_arg(&s, r.path);
	} else {
		spawn_arg(&s, "dropped");
		spawn_arg(&s, r.path);
	}
	spawn_arg(&s, "0");
	spawn_arg(&s, "second");
	spawn_arg(&s, "");
	spawn_arg(&s, "last");
	spawn_env(&s, "A=b");
	spawn_env(&s, "C=d");
	expect_report(_metadata, device, &s, &r);
	EXPECT_EQ(7, report_argc(&r));
	EXPECT_STREQ("report", report_arg(&r, 1));
	EXPECT_STREQ(r.path, report_arg(&r, 2));
	EXPECT_STREQ("0", report_arg(&r, 3));
	EXPECT_STREQ("second", report_arg(&r, 4));
	EXPECT_STREQ("", report_arg(&r, 5));
	EXPECT_STREQ("last", report_arg(&r, 6));
	EXPECT_STREQ("A=b", report_env(&r, 0));
	EXPECT_STREQ("C=d", report_env(&r, 1));
	EXPECT_EQ(NULL, report_env(&r, 2));
}

static void expect_all(struct __test_metadata *_metadata, int device)
{
	DEFINE_SPAWN(s, scratch_tiny);

	expect_interpreted(_metadata, device, false);
	ASSERT_TRUE(register_format("P"));
	expect_interpreted(_metadata, device, true);
	ASSERT_TRUE(register_format(""));
	/* Other programs are what they were, scripts as well. */
	expect_exit(_metadata, device, &s, 0);
	spawn_init(&s, "./script", "script", "9");
	expect_exit(_metadata, device, &s, 9);
	/* Not its format, and no other. */
	spawn_init(&s, "./unknown");
	expect_failure(_metadata, device, &s, ENOEXEC, KSPAWN_STEP_EXEC, 0);
}

static void make_files(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, scratch_file("report", MAGIC, sizeof(MAGIC) - 1, 0755));
	ASSERT_EQ(0, scratch_file("script", "#!/bin/sh\nexit $1\n", 18, 0755));
	ASSERT_EQ(0, scratch_file("unknown", "unknown\n", 8, 0755));
}

TEST_F(spawn, as_it_is)
{
	if (!register_format(""))
		SKIP(return, "needs root and binfmt_misc");
	make_files(_metadata);
	expect_all(_metadata, self->device);
	put(MISC "/" NAME, "-1");
}

/* The module is asked first now, whichever of the two was loaded first before. */
TEST_F(spawn, module_loaded_again)
{
	char file[MODULE_PATH];

	if (geteuid() || module_file(file, "kspawn.ko") || access(file, R_OK))
		SKIP(return, "needs root and the module's file: run this with tests/run");
	if (!register_format(""))
		SKIP(return, "needs root and binfmt_misc");
	make_files(_metadata);
	close(self->device);
	while (module_remove("kspawn") && (errno == EWOULDBLOCK || errno == EBUSY))
		own_sleep_ms(10);
	ASSERT_EQ(0, module_insert(file))
		TH_LOG("%s: %m", file);
	self->device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	expect_all(_metadata, self->device);
	put(MISC "/" NAME, "-1");
}

/* And last, if binfmt_misc is a module that can be loaded again. */
TEST_F(spawn, binfmt_misc_loaded_again)
{
	if (!register_format(""))
		SKIP(return, "needs root and binfmt_misc");
	put(MISC "/" NAME, "-1");
	umount2(MISC, 0);
	if (module_remove("binfmt_misc"))
		SKIP(return, "binfmt_misc stays: %m");
	ASSERT_TRUE(register_format(""));
	make_files(_metadata);
	expect_all(_metadata, self->device);
	put(MISC "/" NAME, "-1");
}

TEST_HARNESS_MAIN
