// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/fsnotify.h>
#include <linux/namei.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>

#include "actions.h"
#include "audit.h"
#include "kernel_symbols.h"
#include "request.h"
#include "signals.h"
#include "trace.h"

static bool is_descriptor(int fd)
{
	return fd >= 0 && fd < rlimit(RLIMIT_NOFILE);
}

/*
 * Closing leaves work for the return to user mode, which for this child comes
 * only after exec: a file that was open for writing would still be.
 */
static void finish_closing(void)
{
	if (task_work_pending(current))
		kspawn_kernel.task_work_run();
}

/* As in glibc, one that is not open is no error, one that cannot be is. */
static int close_descriptor(int fd)
{
	int err = fd < 0 ? -EBADF : close_fd(fd);

	finish_closing();
	return err == -EBADF && !is_descriptor(fd) ? err : 0;
}

static int open_at_descriptor(struct kspawn_request *request,
			      const struct kspawn_file_action *action)
{
	struct file *file;
	int err;

	err = close_descriptor(action->fd);
	if (!err && !is_descriptor(action->fd))
		err = -EBADF;
	if (err)
		return err;
	/* Inside the kernel an empty path is the working directory. */
	if (!*action->path)
		return -ENOENT;

	kspawn_audit_begin(__NR_openat, AT_FDCWD, 0, action->oflag,
			   action->mode);
	do {
		file = filp_open(action->path, action->oflag | O_LARGEFILE,
				 action->mode);
		err = PTR_ERR_OR_ZERO(file);
	} while (kspawn_interrupted(request, err));
	kspawn_audit_end(err);
	if (err)
		return err;

#ifndef KSPAWN_HAVE_PIDFS
	/* Later kernels, all of which have pidfs, report it as they open. */
	fsnotify_open(file);
#endif
	err = kspawn_kernel.replace_fd(action->fd, file,
				       action->oflag & O_CLOEXEC);
	fput(file);
	finish_closing();
	return min(err, 0);
}

static int duplicate_descriptor(int fd, int newfd)
{
	struct file *file;
	int err;

	if (fd != newfd && !is_descriptor(newfd))
		return -EBADF;
	file = fget_raw(fd);
	if (!file)
		return -EBADF;

	if (fd == newfd) {
		struct files_struct *files = current->files;

		spin_lock(&files->file_lock);
		__clear_bit(fd, files_fdtable(files)->close_on_exec);
		spin_unlock(&files->file_lock);
		err = 0;
	} else {
		err = kspawn_kernel.replace_fd(newfd, file, 0);
	}
	fput(file);
	finish_closing();
	return err == -EMFILE ? -EBADF : min(err, 0);
}

static int change_directory(struct kspawn_request *request, const char *name)
{
	struct path path;
	int err;

	if (!*name)
		return -ENOENT;
	kspawn_audit_begin(__NR_chdir, 0, 0, 0, 0);
	do {
		err = kern_path(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	} while (kspawn_interrupted(request, err));
	if (!err) {
		err = path_permission(&path, MAY_EXEC | MAY_CHDIR);
		if (!err)
			kspawn_kernel.set_fs_pwd(current->fs, &path);
		path_put(&path);
	}
	kspawn_audit_end(err);
	return err;
}

static int change_directory_to_descriptor(int fd)
{
	struct file *file = fget_raw(fd);
	int err = -ENOTDIR;

	if (!file)
		return -EBADF;
	kspawn_audit_begin(__NR_fchdir, fd, 0, 0, 0);
	if (d_can_lookup(file->f_path.dentry))
		err = file_permission(file, MAY_EXEC | MAY_CHDIR);
	if (!err)
		kspawn_kernel.set_fs_pwd(current->fs, &file->f_path);
	kspawn_audit_end(err);
	fput(file);
	return err;
}

static int close_from(int fd)
{
	int err;

	if (fd < 0)
		return -EBADF;
	err = kspawn_kernel.__close_range(fd, ~0U, 0);
	finish_closing();
	return err;
}

/* The terminal of a file, or NULL; the slave side of a pseudo-terminal. */
static struct tty_struct *terminal_of(struct file *file)
{
	struct tty_struct *tty;

	/* Only terminals have this, and not once they are hung up. */
	if (file->f_op->unlocked_ioctl != kspawn_kernel.tty_ioctl)
		return NULL;
	tty = ((struct tty_file_private *)file->private_data)->tty;
	if (tty->driver->type == TTY_DRIVER_TYPE_PTY &&
	    tty->driver->subtype == PTY_TYPE_MASTER)
		tty = tty->link;
	return tty;
}

/* What TIOCSPGRP does, which takes its argument from user memory. */
static int make_foreground(struct tty_struct *tty)
{
	int err = tty_check_change(tty);

	if (err)
		return err == -EIO ? -ENOTTY : err;

	spin_lock_irq(&tty->ctrl.lock);
	if (current->signal->tty != tty ||
	    tty->ctrl.session != task_session(current)) {
		err = -ENOTTY;
	} else {
		/* The caller may move the child to another group meanwhile. */
		rcu_read_lock();
		put_pid(tty->ctrl.pgrp);
		tty->ctrl.pgrp = get_pid(task_pgrp(current));
		rcu_read_unlock();
	}
	spin_unlock_irq(&tty->ctrl.lock);
	return err;
}

static int set_terminal_group(int fd)
{
	struct tty_struct *tty;
	struct file *file;
	int err = -ENOTTY;

	file = fget(fd);
	if (!file)
		return -EBADF;
	tty = terminal_of(file);
	if (tty)
		err = security_file_ioctl(file, TIOCSPGRP, 0);
	if (tty && !err)
		err = make_foreground(tty);
	fput(file);
	return err;
}

static int run_action(struct kspawn_request *request,
		      const struct kspawn_file_action *action)
{
	switch (action->op) {
	case KSPAWN_ACTION_OPEN:
		return open_at_descriptor(request, action);
	case KSPAWN_ACTION_CLOSE:
		return close_descriptor(action->fd);
	case KSPAWN_ACTION_DUP2:
		return duplicate_descriptor(action->fd, action->newfd);
	case KSPAWN_ACTION_CHDIR:
		return change_directory(request, action->path);
	case KSPAWN_ACTION_FCHDIR:
		return change_directory_to_descriptor(action->fd);
	case KSPAWN_ACTION_CLOSEFROM:
		return close_from(action->fd);
	case KSPAWN_ACTION_TCSETPGRP:
		return set_terminal_group(action->fd);
	}
	return -EINVAL;
}

/**
 * kspawn_run_actions() - run the file actions in their order
 * @request: the request; runs in the child, on its own descriptor table
 *
 * Return: 0, or a negative errno, with the action's index in the outcome.
 */
int kspawn_run_actions(struct kspawn_request *request)
{
	const struct kspawn_file_action *action = request->actions;
	u32 i;
	int err;

	for (i = 0; i < request->args.action_count; i++, action++) {
		err = run_action(request, action);
		trace_kspawn_action(request, i, action, err);
		if (err)
			return kspawn_fail(&request->outcome,
					   KSPAWN_STEP_ACTION, i, err);
		if (kspawn_is_killed(request))
			return kspawn_fail(&request->outcome,
					   KSPAWN_STEP_ACTION, i, -EINTR);
		cond_resched();
	}
	return 0;
}
