// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "device.h"
#include "spawn.h"
#include "stats.h"
#include "uapi/kspawn.h"

/*
 * A spawn gives its caller nothing that fork() and execve() would not, so
 * anybody may ask, unless the administrator says otherwise.
 */
static ushort mode = 0666;
module_param(mode, ushort, 0444);
MODULE_PARM_DESC(mode, "permissions of /dev/kspawn (default 0666)");

static long get_info(struct kspawn_info __user *to)
{
	const struct kspawn_info info = {
		.size		= sizeof(info),
		.abi_version	= KSPAWN_ABI_VERSION,
		.flags		= KSPAWN_FLAGS_ALL,
		.attr_flags	= KSPAWN_ATTR_ALL,
		.actions	= BIT(KSPAWN_ACTION_OPEN) |
				  BIT(KSPAWN_ACTION_CLOSE) |
				  BIT(KSPAWN_ACTION_DUP2) |
				  BIT(KSPAWN_ACTION_CHDIR) |
				  BIT(KSPAWN_ACTION_FCHDIR) |
				  BIT(KSPAWN_ACTION_CLOSEFROM) |
				  BIT(KSPAWN_ACTION_TCSETPGRP),
		.actions_max	= KSPAWN_ACTIONS_MAX,
		.args_size	= sizeof(struct kspawn_args),
		.action_size	= sizeof(struct kspawn_action),
		.result_size	= sizeof(struct kspawn_result),
	};
	size_t known;
	u32 size;

	if (get_user(size, &to->size))
		return -EFAULT;
	if (size < KSPAWN_INFO_SIZE_VER0)
		return -EINVAL;
	if (size > KSPAWN_SIZE_MAX)
		return -E2BIG;
	known = min_t(size_t, size, sizeof(info));
	if (copy_to_user(to, &info, known) ||
	    clear_user((char __user *)to + known, size - known))
		return -EFAULT;
	return 0;
}

static long device_ioctl(struct file *file, unsigned int command,
			 unsigned long argument)
{
	switch (command) {
	case KSPAWN_IOC_INFO:
		return get_info((struct kspawn_info __user *)argument);
	case KSPAWN_IOC_SPAWN:
		return kspawn_spawn((struct kspawn_args __user *)argument);
	}
	return -ENOTTY;
}

/* Without compat_ioctl: callers in 32-bit mode get -ENOTTY. */
static const struct file_operations device_operations = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= device_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "kspawn",
	.fops	= &device_operations,
	.groups	= kspawn_stats_groups,
};

/**
 * kspawn_device_register() - make /dev/kspawn appear
 *
 * Return: 0 or a negative errno.
 */
int __init kspawn_device_register(void)
{
	BUILD_BUG_ON(sizeof(struct kspawn_args) != KSPAWN_ARGS_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct kspawn_action) != KSPAWN_ACTION_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct kspawn_result) != KSPAWN_RESULT_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct kspawn_info) != KSPAWN_INFO_SIZE_VER0);

	if (mode & ~0666)
		return -EINVAL;
	device.mode = mode;
	return misc_register(&device);
}

/**
 * kspawn_device_unregister() - make /dev/kspawn disappear
 */
void kspawn_device_unregister(void)
{
	misc_deregister(&device);
}
