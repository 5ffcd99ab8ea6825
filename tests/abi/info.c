// SPDX-License-Identifier: LGPL-2.1-or-later
/* The device itself: INFO, unknown requests, callers in 32-bit mode. */
#include "lib/fixture.h"

#include <setjmp.h>
#include <stddef.h>
#include <sys/ioctl.h>

static void fill(struct kspawn_info *info, __u32 size)
{
	memset(info, 0xa5, sizeof(*info));
	info->size = size;
}

TEST_F(spawn, info_says_what_the_header_says)
{
	struct kspawn_info info;

	fill(&info, sizeof(info));
	ASSERT_EQ(0, ioctl(self->device, KSPAWN_IOC_INFO, &info));
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(KSPAWN_FLAGS_ALL, info.flags);
	EXPECT_EQ(KSPAWN_ATTR_ALL, info.attr_flags);
	EXPECT_EQ(0xffffffffeULL, info.actions);
	EXPECT_EQ(KSPAWN_ACTIONS_MAX, info.actions_max);
	EXPECT_EQ(sizeof(struct kspawn_args), info.args_size);
	EXPECT_EQ(sizeof(struct kspawn_action), info.action_size);
	EXPECT_EQ(sizeof(struct kspawn_result), info.result_size);
	EXPECT_EQ(sizeof(struct kspawn_event), info.event_size);
	EXPECT_EQ(KSPAWN_BATCH_FLAGS_ALL, info.batch_flags);
	EXPECT_EQ(sizeof(struct kspawn_batch), info.batch_size);
}

TEST_F(spawn, info_to_an_older_and_a_newer_caller)
{
	struct {
		struct kspawn_info info;
		__u8 more[64];
		__u8 guard;
	} newer;
	struct kspawn_info info;

	fill(&info, KSPAWN_INFO_SIZE_VER0 - 1);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0xa5a5a5a5, info.flags);
	fill(&info, KSPAWN_INFO_SIZE_VER0);
	EXPECT_EQ(0, ioctl(self->device, KSPAWN_IOC_INFO, &info));
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(sizeof(struct kspawn_event), info.event_size);
	EXPECT_EQ(0xa5a5a5a5, info.batch_flags);
	fill(&info, 0);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_INFO, &info));
	EXPECT_EQ(EINVAL, errno);

	memset(&newer, 0xa5, sizeof(newer));
	newer.info.size = offsetof(typeof(newer), guard);
	ASSERT_EQ(0, ioctl(self->device, KSPAWN_IOC_INFO, &newer));
	EXPECT_EQ(sizeof(newer.info), newer.info.size);
	for (unsigned int i = 0; i < sizeof(newer.more); i++)
		EXPECT_EQ(0, newer.more[i]);
	EXPECT_EQ(0xa5, newer.guard);

	fill(&info, KSPAWN_SIZE_MAX + 1);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_INFO, &info));
	EXPECT_EQ(E2BIG, errno);
	fill(&info, UINT32_MAX);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_INFO, &info));
	EXPECT_EQ(E2BIG, errno);
}

TEST_F(spawn, info_to_bad_memory)
{
	struct kspawn_info *info;

	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_INFO, -1L));
	EXPECT_EQ(EFAULT, errno);
	info = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, info);
	info->size = sizeof(*info);
	ASSERT_EQ(0, mprotect(info, 4096, PROT_READ));
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_INFO, info));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(spawn, unknown_requests)
{
	static const unsigned long bad[] = {
		0, _IO(KSPAWN_IOC_MAGIC, 2), _IO(KSPAWN_IOC_MAGIC, 255),
		_IOWR(KSPAWN_IOC_MAGIC, 1, struct kspawn_args), _IO(KSPAWN_IOC_MAGIC + 1, 1),
		UINT32_MAX,
	};
	DEFINE_SPAWN(s, scratch_tiny);

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, ioctl(self->device, bad[i], &s.args));
		EXPECT_EQ(ENOTTY, errno)
			TH_LOG("request %#lx: %m", bad[i]);
	}
	EXPECT_TRUE(own_no_child());
}

TEST_F(spawn, not_a_file_to_read_or_map)
{
	char c = 0;

	EXPECT_EQ(-1, read(self->device, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->device, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->device, 0));
	EXPECT_EQ(ENODEV, errno);
}

/* Starting a program takes no right that fork() does not. */
TEST_F(spawn, for_everybody)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	struct spawn s;
	struct stat st;
	int fd;

	ASSERT_EQ(0, stat(KSPAWN_DEVICE, &st));
	EXPECT_EQ(S_IFCHR | 0666, st.st_mode);
	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = assert_fd(_metadata, open(KSPAWN_DEVICE, modes[i] | O_CLOEXEC));
		spawn_init(&s, scratch_tiny);
		expect_exit(_metadata, fd, &s, 0);
		close(fd);
	}
}

/* ioctl() through the entry for 32-bit programs, whatever we are ourselves. */
#define NR_IOCTL_32	54

static sigjmp_buf no_such_entry;

static void no_entry(int number)
{
	siglongjmp(no_such_entry, number);
}

static long ioctl_32(int fd, unsigned int command, void *argument)
{
	long ret;

	__asm__ __volatile__("int $0x80"
			     : "=a" (ret)
			     : "a" (NR_IOCTL_32), "b" (fd), "c" (command), "d" (argument)
			     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

TEST_F(spawn, callers_in_32_bit_mode_are_turned_away)
{
	struct spawn *s;
	struct kspawn_info *info;

	s = mmap(NULL, sizeof(*s) + 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (s == MAP_FAILED)
		SKIP(return, "no memory below 4 GiB: %m");
	info = (struct kspawn_info *)(s + 1);
	fill(info, sizeof(*info));
	spawn_init(s, scratch_tiny);
	signal(SIGSEGV, no_entry);
	if (sigsetjmp(no_such_entry, 1))
		SKIP(return, "this kernel runs no 32-bit programs");
	EXPECT_EQ(-ENOTTY, ioctl_32(self->device, KSPAWN_IOC_INFO, info));
	EXPECT_EQ(-ENOTTY, ioctl_32(self->device, KSPAWN_IOC_SPAWN, &s->args));
	EXPECT_TRUE(own_no_child());
}

TEST_HARNESS_MAIN
