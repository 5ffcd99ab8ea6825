// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests alone: make the functions of the kernel that kspawn.ko calls fail,
 * whichever they are.  The kernel's own fail_function does so with functions
 * that are marked for it, and of those that kspawn calls hardly one is.
 *
 * In debugfs, below kspawn_faults:
 *   function  the function's name
 *   fail      "NTH VALUE": the NTH call of it that kspawn makes in the memory of
 *             the writer, or in a child of it, does not happen and returns VALUE;
 *             0: none.
 *             Read: how many such calls there have been since, and from where
 *             the one came that failed, if it did.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/* The symbol of a return address ends so when the module has made the call. */
#define CALLER	"[kspawn]"

static DEFINE_MUTEX(lock);
static struct dentry *directory;

/* The name of the probe that is registered, or "". */
static char function[KSYM_NAME_LEN];

static struct {
	const void *mm;		/* only to compare with */
	unsigned int nth;
	long value;
	atomic_t calls;
	char caller[KSYM_SYMBOL_LEN];
} fault;

/* Called in the place of the function, with whatever arguments it has. */
static noinline long fail(void)
{
	return READ_ONCE(fault.value);
}

/* The writer's thread, or a child that has let go of the writer's memory. */
static bool is_meant(void)
{
	const void *mm = READ_ONCE(fault.mm);
	bool meant;

	if (!mm)
		return false;
	if (current->mm == mm)
		return true;
	rcu_read_lock();
	meant = READ_ONCE(rcu_dereference(current->real_parent)->mm) == mm;
	rcu_read_unlock();
	return meant;
}

static int on_call(struct kprobe *probe, struct pt_regs *regs)
{
	char caller[KSYM_SYMBOL_LEN];
	unsigned int call;

	if (!is_meant())
		return 0;
	sprint_symbol(caller, *(unsigned long *)regs->sp);
	if (!strstr(caller, CALLER))
		return 0;
	call = atomic_inc_return(&fault.calls);
	if (call != READ_ONCE(fault.nth))
		return 0;
	strscpy(fault.caller, caller, sizeof(fault.caller));
	regs->ip = (unsigned long)fail;
	return 1;
}

/* A probe with one is not turned into a jump, which could not do the above. */
static void after_call(struct kprobe *probe, struct pt_regs *regs,
		       unsigned long flags)
{
}

static struct kprobe probe;

static void forget_function(void)
{
	if (*function)
		unregister_kprobe(&probe);
	*function = '\0';
}

/* Copy the text that user space has written, without the newline; at most @size - 1 bytes. */
static int copy_text(char *to, size_t size, const char __user *from,
		     size_t count)
{
	if (count >= size)
		return -E2BIG;
	if (copy_from_user(to, from, count))
		return -EFAULT;
	to[count] = '\0';
	strim(to);
	return 0;
}

static ssize_t function_write(struct file *file, const char __user *from,
			      size_t count, loff_t *position)
{
	char name[KSYM_NAME_LEN];
	int err;

	err = copy_text(name, sizeof(name), from, count);
	if (err)
		return err;
	mutex_lock(&lock);
	forget_function();
	fault.mm = NULL;
	if (*name) {
		strscpy(function, name, sizeof(function));
		probe = (struct kprobe) {
			.symbol_name = function,
			.pre_handler = on_call,
			.post_handler = after_call,
		};
		err = register_kprobe(&probe);
		if (err)
			*function = '\0';
	}
	mutex_unlock(&lock);
	return err ?: count;
}

static const struct file_operations function_operations = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = function_write,
};

static ssize_t fail_write(struct file *file, const char __user *from,
			  size_t count, loff_t *position)
{
	unsigned int nth;
	char text[64];
	long value;
	int err;

	err = copy_text(text, sizeof(text), from, count);
	if (err)
		return err;
	if (sscanf(text, "%u %ld", &nth, &value) != 2)
		return -EINVAL;
	mutex_lock(&lock);
	WRITE_ONCE(fault.mm, NULL);
	fault.nth = nth;
	fault.value = value;
	*fault.caller = '\0';
	atomic_set(&fault.calls, 0);
	/* The calls to come are the writer's own, or of what it starts. */
	WRITE_ONCE(fault.mm, current->mm);
	mutex_unlock(&lock);
	return count;
}

static int fail_show(struct seq_file *to, void *nothing)
{
	seq_printf(to, "%d %s\n", atomic_read(&fault.calls), fault.caller);
	return 0;
}

static int fail_open(struct inode *inode, struct file *file)
{
	return single_open(file, fail_show, NULL);
}

static const struct file_operations fail_operations = {
	.owner = THIS_MODULE,
	.open = fail_open,
	.read = seq_read,
	.write = fail_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int __init faults_init(void)
{
	directory = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("function", 0200, directory, NULL,
			    &function_operations);
	debugfs_create_file("fail", 0600, directory, NULL, &fail_operations);
	return PTR_ERR_OR_ZERO(directory);
}

static void __exit faults_exit(void)
{
	debugfs_remove(directory);
	forget_function();
}

module_init(faults_init);
module_exit(faults_exit);

MODULE_DESCRIPTION("makes functions fail that kspawn calls, for its tests");
MODULE_LICENSE("GPL");
