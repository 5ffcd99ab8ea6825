// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The module is inserted into a kernel that lacks something, or has no memory
 * for it: it refuses and leaves nothing.  And whether all that it calls is made
 * to fail here.
 */
#include "../abi/lib/module.h"
#include "held.h"
#include "override.h"

#define NEEDS_MODULE	"needs root and the module that nobody else uses: run this with tests/run"

/* Nothing of the module is there. */
static bool is_gone(void)
{
	return access("/sys/module/kspawn", F_OK) && access(KSPAWN_DEVICE, F_OK) &&
	       access("/sys/class/misc/kspawn", F_OK) && access("/sys/kernel/slab/kspawn_request", F_OK);
}

static void expect_refusals(struct __test_metadata *_metadata, int fd, const char *module,
			    const struct faulty_function *f)
{
	char caller[128];
	bool failed = true;
	unsigned int nth;

	ASSERT_EQ(0, override_choose(f))
		TH_LOG("%s: %m", f->names[0]);
	for (nth = 1; failed; nth++) {
		int err, error;

		ASSERT_EQ(0, override_set(fd, nth, f->value));
		err = module_insert(module);
		error = errno;
		ASSERT_LE(0, override_calls(fd, &failed, caller));
		if (!failed) {
			EXPECT_EQ(0, err);
			break;
		}
		EXPECT_EQ(-1, err);
		EXPECT_EQ(f->errors[0], error)
			TH_LOG("%s, call %u: %s", f->names[0], nth, strerrorname_np(error));
		EXPECT_TRUE(is_gone());
	}
	EXPECT_LT(1, nth);
	TH_LOG("%s: %u times", f->names[0], nth - 1);
	EXPECT_EQ(0, module_remove("kspawn"));
	EXPECT_TRUE(is_gone());
	override_end();
}

TEST_F(spawn, nothing_to_insert_it_with)
{
	const struct faulty_function *f;
	char module[MODULE_PATH];
	DEFINE_SPAWN(s, scratch_tiny);
	int fd;

	if (geteuid() || override_prepare() || module_file(module, "kspawn.ko"))
		SKIP(return, NEEDS_MODULE);
	fd = override_open();
	ASSERT_LE(0, fd);
	close(self->device);
	if (module_remove("kspawn"))
		SKIP(return, NEEDS_MODULE);
	EXPECT_TRUE(is_gone());
	for (f = loading_functions; f->names[0]; f++)
		expect_refusals(_metadata, fd, module, f);
	ASSERT_EQ(0, module_insert(module));
	self->device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	expect_exit(_metadata, self->device, &s, 0);
}

/* The words after @before in @line, if it begins so, up to @after. */
static bool between(char *line, const char *before, char after, char **name)
{
	char *start = strstr(line, before), *end;

	if (!start)
		return false;
	start += strlen(before);
	end = strchr(start, after);
	if (!end)
		return false;
	*end = '\0';
	*name = start;
	return true;
}

/* A function that the module comes to call must be made to fail here as well. */
TEST_F(spawn, all_that_the_module_calls_is_known)
{
	char path[MODULE_PATH], command[MODULE_PATH + 64], line[256], *name;
	unsigned int found = 0;
	FILE *from;

	if (module_file(path, "kspawn.ko"))
		SKIP(return, NEEDS_MODULE);
	snprintf(command, sizeof(command), "nm -u %s", path);
	from = popen(command, "r");
	ASSERT_NE(NULL, from);
	while (fgets(line, sizeof(line), from)) {
		if (!between(line, "U ", '\n', &name))
			continue;
		found++;
		EXPECT_TRUE(function_is_known(name))
			TH_LOG("%s is called and not made to fail", name);
	}
	ASSERT_EQ(0, pclose(from));
	EXPECT_LT(50, found);

	found = 0;
	snprintf(command, sizeof(command), "%s/../kmod/kernel_symbols_list.h", getenv("KSPAWN_BUILD"));
	from = fopen(command, "re");
	ASSERT_NE(NULL, from);
	while (fgets(line, sizeof(line), from)) {
		if (!between(line, "FUNCTION(", ')', &name) &&
		    !between(line, "ENTRY_POINT(", ')', &name))
			continue;
		found++;
		EXPECT_TRUE(function_is_known(name))
			TH_LOG("%s is called and not made to fail", name);
	}
	fclose(from);
	EXPECT_LT(15, found);
}

TEST_HARNESS_MAIN
