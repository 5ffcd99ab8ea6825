// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/fsnotify.h>
#include <linux/namei.h>
#include <linux/openat2.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/socket.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>

#include "audit.h"
#include "descriptors.h"
#include "kernel_symbols.h"
#include "memory.h"
#include "operations.h"
#include "request.h"
#include "signals.h"

static bool is_descriptor(int fd)
{
	return fd >= 0 && fd < rlimit(RLIMIT_NOFILE);
}

/* A path that does not begin where the child is. */
static bool begins_at_dirfd(const struct kspawn_file_action *action)
{
	return action->dirfd != AT_FDCWD && *action->path != '/';
}

/*
 * The functions whose names begin with kspawn_ are of the type kspawn_run_t, and
 * named in operations.c.
 */

/*
 * Close a descriptor.  As in glibc, one that is not open is no error, one that
 * cannot be is.
 */
int kspawn_actions_close(struct kspawn_request *request,
			 const struct kspawn_file_action *action)
{
	int fd = action->fd;
	int err = fd < 0 ? -EBADF : close_fd(fd);

	kspawn_descriptors_finish_closing();
	return err == -EBADF && !is_descriptor(fd) ? err : 0;
}

/* Open what openat() would open with AT_FDCWD. */
static int open_here(struct kspawn_request *request,
		     const struct kspawn_file_action *action)
{
	struct file *file;
	int err;

	/* Inside the kernel an empty path is the working directory. */
	if (!*action->path)
		return -ENOENT;

	kspawn_audit_begin(__NR_openat, AT_FDCWD, 0, action->oflag,
			   action->mode);
	do {
		file = filp_open(action->path, action->oflag | O_LARGEFILE,
				 action->mode);
		err = PTR_ERR_OR_ZERO(file);
	} while (kspawn_signals_interrupted(request, err));
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
	return min(err, 0);
}

/* Move a descriptor that was opened at the lowest number that was free. */
static int move_descriptor(int from, int to, bool cloexec)
{
	struct file *file;
	int err;

	if (from == to)
		return 0;
	file = fget_raw(from);
	if (!file)
		return -EBADF;
	err = kspawn_kernel.replace_fd(to, file, cloexec ? O_CLOEXEC : 0);
	fput(file);
	close_fd(from);
	return min(err, 0);
}

/* openat2() does it, which takes its arguments from user memory. */
static int open_elsewhere(struct kspawn_request *request,
			  const struct kspawn_file_action *action)
{
	struct open_how how = {
		/* openat2() knows few flags beside O_PATH, and not this one. */
		.flags = action->oflag |
			 (action->oflag & O_PATH ? 0 : O_LARGEFILE),
		.mode = action->mode,
		.resolve = action->resolve,
	};
	struct pt_regs regs = {
		.di = action->dirfd,
		.r10 = sizeof(how),
	};
	int fd;

	regs.si = kspawn_memory_string(request, action->path);
	if (IS_ERR_VALUE(regs.si))
		return regs.si;
	regs.dx = regs.si + PATH_MAX;
	if (copy_to_user((void __user *)regs.dx, &how, sizeof(how)))
		return -ENOMEM;

	kspawn_audit_begin(__NR_openat2, regs.di, regs.si, regs.dx, regs.r10);
	do {
		fd = kspawn_kernel.__x64_sys_openat2(&regs);
	} while (kspawn_signals_interrupted(request, fd));
	kspawn_audit_end(min(fd, 0));
	if (fd < 0)
		return fd;
	return move_descriptor(fd, action->fd, action->oflag & O_CLOEXEC);
}

/* Open a file as a descriptor, closing that first. */
int kspawn_actions_open(struct kspawn_request *request,
			const struct kspawn_file_action *action)
{
	int err = 0;

	/* A child that lives on is as before if the file cannot be opened. */
	if (!kspawn_request_is_repeatable(request))
		err = kspawn_actions_close(request, action);
	if (!err && !is_descriptor(action->fd))
		err = -EBADF;
	if (err)
		return err;
	if (begins_at_dirfd(action) || action->resolve)
		err = open_elsewhere(request, action);
	else
		err = open_here(request, action);
	kspawn_descriptors_finish_closing();
	return err;
}

static void clear_cloexec(unsigned int fd)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	__clear_bit(fd, files_fdtable(files)->close_on_exec);
	spin_unlock(&files->file_lock);
}

/* Make a copy of a descriptor that exec leaves open. */
int kspawn_actions_dup2(struct kspawn_request *request,
			const struct kspawn_file_action *action)
{
	struct file *file;
	int err;

	if (action->fd != action->newfd && !is_descriptor(action->newfd))
		return -EBADF;
	file = fget_raw(action->fd);
	if (!file)
		return -EBADF;

	if (action->fd == action->newfd) {
		clear_cloexec(action->fd);
		err = 0;
	} else {
		err = kspawn_kernel.replace_fd(action->newfd, file, 0);
	}
	fput(file);
	kspawn_descriptors_finish_closing();
	return err == -EMFILE ? -EBADF : min(err, 0);
}

/* Leave a descriptor open at exec, if it is open. */
int kspawn_actions_inherit(struct kspawn_request *request,
			   const struct kspawn_file_action *action)
{
	struct file *file;

	if (action->fd < 0)
		return -EBADF;
	file = fget_raw(action->fd);
	if (!file)
		return 0;
	clear_cloexec(action->fd);
	fput(file);
	return 0;
}

/* Give the child a descriptor that whoever made the call has, as SCM_RIGHTS. */
int kspawn_actions_pass(struct kspawn_request *request,
			const struct kspawn_file_action *action)
{
	int err;

	if (!is_descriptor(action->newfd))
		return -EBADF;
	err = kspawn_kernel.receive_fd_replace(action->newfd, action->file,
					       action->oflag);
	kspawn_descriptors_finish_closing();
	return err == -EMFILE ? -EBADF : min(err, 0);
}

/*
 * Give the child a descriptor that was made for it.  To an auditor the child makes
 * it, by the system call of that name.
 */
int kspawn_actions_pipe(struct kspawn_request *request,
			const struct kspawn_file_action *action)
{
	int err;

	kspawn_audit_begin(__NR_pipe2, 0, action->oflag, 0, 0);
	err = kspawn_actions_pass(request, action);
	kspawn_audit_end(err);
	return err;
}

/* The same, by socketpair(). */
int kspawn_actions_socketpair(struct kspawn_request *request,
			      const struct kspawn_file_action *action)
{
	int err;

	kspawn_audit_begin(__NR_socketpair, AF_UNIX, action->mode, 0, 0);
	err = kspawn_actions_pass(request, action);
	kspawn_audit_end(err);
	return err;
}

/* The same, by memfd_create(). */
int kspawn_actions_memfd(struct kspawn_request *request,
			 const struct kspawn_file_action *action)
{
	int err;

	kspawn_audit_begin(__NR_memfd_create, 0, 0, 0, 0);
	err = kspawn_actions_pass(request, action);
	kspawn_audit_end(err);
	return err;
}

static int enter_directory(const struct path *path)
{
	int err = path_permission(path, MAY_EXEC | MAY_CHDIR);

	if (!err)
		kspawn_kernel.set_fs_pwd(current->fs, path);
	return err;
}

/*
 * Change the working directory.  There is no such system call that begins at a
 * descriptor: to an auditor that is the open of a path.
 */
int kspawn_actions_chdir(struct kspawn_request *request,
			 const struct kspawn_file_action *action)
{
	unsigned int flags = LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
	bool elsewhere = begins_at_dirfd(action);
	unsigned long at = 0;
	struct path path;
	int err;

	/* Inside the kernel an empty path is the working directory. */
	if (!elsewhere && !*action->path)
		return -ENOENT;
	if (elsewhere) {
		at = kspawn_memory_string(request, action->path);
		if (IS_ERR_VALUE(at))
			return at;
		kspawn_audit_begin(__NR_openat, action->dirfd, at, O_PATH, 0);
	} else {
		kspawn_audit_begin(__NR_chdir, 0, 0, 0, 0);
	}
retry:
	do {
		err = elsewhere ?
			user_path_at(action->dirfd, (const char __user *)at,
				     flags, &path) :
			kern_path(action->path, flags, &path);
	} while (kspawn_signals_interrupted(request, err));
	if (!err) {
		err = enter_directory(&path);
		path_put(&path);
	}
	if (retry_estale(err, flags)) {
		flags |= LOOKUP_REVAL;
		goto retry;
	}
	kspawn_audit_end(err);
	return err;
}

/* Change the working directory to a descriptor's. */
int kspawn_actions_fchdir(struct kspawn_request *request,
			  const struct kspawn_file_action *action)
{
	struct file *file = fget_raw(action->fd);
	int err = -ENOTDIR;

	if (!file)
		return -EBADF;
	kspawn_audit_begin(__NR_fchdir, action->fd, 0, 0, 0);
	if (d_can_lookup(file->f_path.dentry))
		err = file_permission(file, MAY_EXEC | MAY_CHDIR);
	if (!err)
		kspawn_kernel.set_fs_pwd(current->fs, &file->f_path);
	kspawn_audit_end(err);
	fput(file);
	return err;
}

/*
 * Change the root.  No system call begins at a descriptor: the child is there for
 * a moment.
 */
int kspawn_actions_chroot(struct kspawn_request *request,
			  const struct kspawn_file_action *action)
{
	struct path before;
	struct pt_regs regs = {};
	int err;

	get_fs_pwd(current->fs, &before);
	err = kspawn_actions_chdir(request, action);
	if (err)
		goto out;
	regs.di = kspawn_memory_string(request, ".");
	if (IS_ERR_VALUE(regs.di)) {
		err = regs.di;
	} else {
		kspawn_audit_begin(__NR_chroot, regs.di, 0, 0, 0);
		do {
			err = kspawn_kernel.__x64_sys_chroot(&regs);
		} while (kspawn_signals_interrupted(request, err));
		kspawn_audit_end(err);
	}
	kspawn_kernel.set_fs_pwd(current->fs, &before);
out:
	path_put(&before);
	return err;
}

static int close_range(unsigned int first, unsigned int last)
{
	struct pt_regs regs = { .di = first, .si = last };
	int err;

	err = kspawn_kernel.__x64_sys_close_range(&regs);
	kspawn_descriptors_finish_closing();
	return err;
}

/* Close a descriptor and all above it. */
int kspawn_actions_closefrom(struct kspawn_request *request,
			     const struct kspawn_file_action *action)
{
	return action->fd < 0 ? -EBADF : close_range(action->fd, ~0U);
}

/* Close a range of descriptors. */
int kspawn_actions_close_range(struct kspawn_request *request,
			       const struct kspawn_file_action *action)
{
	if (action->fd < 0 || action->newfd < 0)
		return -EBADF;
	return close_range(action->fd, action->newfd);
}

/* Each of the numbers to keep is larger than the one before. */
int kspawn_actions_check_except(const struct kspawn_operation *operation,
				const struct kspawn_action *from)
{
	return from->value > KSPAWN_KEPT_MAX * sizeof(s32) ||
	       from->value % sizeof(s32) || !from->value != !from->data ?
		-EINVAL : 0;
}

/* Close a range of descriptors, but for some. */
int kspawn_actions_close_except(struct kspawn_request *request,
				const struct kspawn_file_action *action)
{
	size_t i, count = action->value / sizeof(s32);
	const s32 *kept = action->data;
	int from = action->fd;
	int err = 0;

	if (action->fd < 0 || action->newfd < 0)
		return -EBADF;
	if (action->newfd < action->fd)
		return -EINVAL;
	/* Nothing is closed if the list is not as it must be. */
	for (i = 0; i < count; i++)
		if (kept[i] < 0 || (i && kept[i] <= kept[i - 1]))
			return -EINVAL;
	for (i = 0; i < count && !err; i++) {
		if (kept[i] < from)
			continue;
		if (kept[i] > action->newfd)
			break;
		if (kept[i] > from)
			err = close_range(from, kept[i] - 1);
		if (kept[i] == action->newfd)
			return err;
		from = kept[i] + 1;
		cond_resched();
	}
	return err ?: close_range(from, action->newfd);
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

/* The work of TIOCSPGRP, which takes its argument from user memory. */
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

/* Make the child's group a terminal's foreground. */
int kspawn_actions_tcsetpgrp(struct kspawn_request *request,
			     const struct kspawn_file_action *action)
{
	struct tty_struct *tty;
	struct file *file;
	int err = -ENOTTY;

	file = fget(action->fd);
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
