// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "device.h"
#include "operations.h"
#include "queue.h"
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
		.flags		= KSPAWN_FLAGS_ALL,
		.attr_flags	= KSPAWN_ATTR_ALL,
		.actions_max	= KSPAWN_ACTIONS_MAX,
		.actions	= kspawn_operations_actions(),
		.args_size	= sizeof(struct kspawn_args),
		.action_size	= sizeof(struct kspawn_action),
		.result_size	= sizeof(struct kspawn_result),
		.event_size	= sizeof(struct kspawn_event),
		.batch_flags	= KSPAWN_BATCH_FLAGS_ALL,
		.batch_size	= sizeof(struct kspawn_batch),
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

static long run_command(unsigned int command, unsigned long argument)
{
	switch (command) {
	case KSPAWN_IOC_INFO:
		return get_info((struct kspawn_info __user *)argument);
	case KSPAWN_IOC_SPAWN:
		return kspawn_spawn(KSPAWN_CALL_SPAWN, NULL,
				    (struct kspawn_args __user *)argument);
	case KSPAWN_IOC_BUILDER:
		return kspawn_spawn(KSPAWN_CALL_BUILDER, NULL,
				    (struct kspawn_args __user *)argument);
	case KSPAWN_IOC_BATCH:
		return kspawn_batch_start((struct kspawn_batch __user *)argument);
	case KSPAWN_IOC_COMPLETION:
		return kspawn_queue_create((struct kspawn_completion __user *)
					   argument);
	}
	return -ENOTTY;
}

/*
 * A caller with one thread holds no reference to the file, only its descriptor
 * does.  Whatever closes that during the call: this one keeps the file and the
 * module.  Task work can close it, which runs in kspawn_signals_resume_wait().
 */
static long device_ioctl(struct file *file, unsigned int command,
			 unsigned long argument)
{
	long ret;

	get_file(file);
	ret = run_command(command, argument);
	fput(file);
	return ret;
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
	BUILD_BUG_ON(sizeof(struct kspawn_info) != KSPAWN_INFO_SIZE_VER1);
	BUILD_BUG_ON(sizeof(struct kspawn_event) != KSPAWN_EVENT_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct kspawn_completion) !=
		     KSPAWN_COMPLETION_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct kspawn_batch) != KSPAWN_BATCH_SIZE_VER0);

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
