// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/pipe_fs_i.h>
#include <linux/security.h>
#include <linux/shmem_fs.h>
#include <linux/socket.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <uapi/linux/memfd.h>

#include "descriptors.h"
#include "kernel_symbols.h"
#include "made.h"
#include "operations.h"
#include "request.h"

/**
 * struct kspawn_end - a descriptor for whoever makes the call
 * @file: with a reference
 * @fd:   its number, which is reserved
 * @to:   where that is told
 */
struct kspawn_end {
	struct file *file;
	int fd;
	s32 __user *to;
};

/* As pipe2() does it; the writing end is the second. */
static int open_pipe(struct file *ends[2], int flags)
{
	int err = kspawn_kernel.create_pipe_files(ends, flags);

#ifdef KSPAWN_HAVE_PIDFS
	/* pipe2() says so since Linux 6.4, which is before there are pidfs. */
	if (!err) {
		ends[0]->f_mode |= FMODE_NOWAIT;
		ends[1]->f_mode |= FMODE_NOWAIT;
	}
#endif
	return err;
}

static int make_pipe(struct kspawn_file_action *action, struct file **other)
{
	bool writes = action->mode == O_WRONLY;
	struct file *ends[2];
	int err;

	err = open_pipe(ends, action->oflag & O_DIRECT);
	if (err)
		return err;
	action->file = ends[writes];
	*other = ends[!writes];
	/* Nobody else has seen it. */
	(*other)->f_flags |= action->oflag & O_NONBLOCK;
	return 0;
}

const struct kspawn_making kspawn_made_pipe = {
	.oflags = O_CLOEXEC | O_NONBLOCK | O_DIRECT,
	.modes = BIT_ULL(O_RDONLY) | BIT_ULL(O_WRONLY),
	.make = make_pipe,
};

/* As socketpair() does it. */
static int make_socketpair(struct kspawn_file_action *action,
			   struct file **other)
{
	struct socket *ours, *theirs;
	struct file *file;
	int err;

	err = sock_create(AF_UNIX, action->mode, 0, &ours);
	if (err)
		return err;
	err = sock_create(AF_UNIX, action->mode, 0, &theirs);
	if (err)
		goto no_second;
	err = security_socket_socketpair(ours, theirs);
	if (!err)
		err = READ_ONCE(ours->ops)->socketpair(ours, theirs);
	if (err)
		goto no_pair;

	/* If there is no file, the socket has been released. */
	file = sock_alloc_file(theirs, 0, NULL);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto no_second;
	}
	*other = sock_alloc_file(ours, action->oflag & O_NONBLOCK, NULL);
	if (IS_ERR(*other)) {
		fput(file);
		return PTR_ERR(*other);
	}
	action->file = file;
	return 0;

no_pair:
	sock_release(theirs);
no_second:
	sock_release(ours);
	return err;
}

const struct kspawn_making kspawn_made_socketpair = {
	.oflags = O_CLOEXEC | O_NONBLOCK,
	.modes = BIT_ULL(SOCK_STREAM) | BIT_ULL(SOCK_DGRAM) |
		 BIT_ULL(SOCK_SEQPACKET),
	.make = make_socketpair,
};

#define MEMORY_NAME	"memfd:kspawn"

/* As memfd_create() does it with MFD_NOEXEC_SEAL, as far as a kernel has that. */
static struct file *make_memory(void)
{
#ifdef KSPAWN_HAVE_MEMFD_ALLOC_FILE
	return kspawn_kernel.memfd_alloc_file(MEMORY_NAME, MFD_NOEXEC_SEAL);
#else
	struct file *file = shmem_file_setup(MEMORY_NAME, 0, VM_NORESERVE);
	unsigned int *seals;

	if (IS_ERR(file))
		return file;
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->f_flags |= O_LARGEFILE;
	file_inode(file)->i_mode &= ~0111;
	seals = &SHMEM_I(file_inode(file))->seals;
	*seals &= ~F_SEAL_SEAL;
#ifdef F_SEAL_EXEC
	*seals |= F_SEAL_EXEC;
#endif
	return file;
#endif
}

/* The pages come from user memory directly, and are charged as write() has them. */
static int fill(struct file *file, void __user *from, size_t size)
{
	struct iov_iter iter;
	loff_t position = 0;
	ssize_t written;

	/* Where nothing is, nothing is looked at. */
	if (size && !access_ok(from, size))
		return -EFAULT;
	iov_iter_ubuf(&iter, ITER_SOURCE, from, size);
	while (iov_iter_count(&iter)) {
		written = vfs_iter_write(file, &iter, &position, 0);
		if (written < 0)
			return written;
		if (!written)
			return -EIO;
	}
	return 0;
}

static int make_memfd(struct kspawn_file_action *action, struct file **other)
{
	struct file *file = make_memory();
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = fill(file, action->user, action->mode);
	if (err) {
		fput(file);
		return err;
	}
	action->file = file;
	return 0;
}

const struct kspawn_making kspawn_made_memfd = {
	.oflags = O_CLOEXEC,
	.make = make_memfd,
};

/**
 * kspawn_made_valid() - whether the fields of an action fit
 * @making: of its operation
 * @from:   the action, whose fd and newfd have been looked at
 *
 * Return: true if they do.
 */
bool kspawn_made_valid(const struct kspawn_making *making,
		       const struct kspawn_action *from)
{
	if (from->dirfd || from->resolve || (from->oflag & ~making->oflags))
		return false;
	return !making->modes || (from->mode < BITS_PER_LONG_LONG &&
				  (making->modes & BIT_ULL(from->mode)));
}

/**
 * kspawn_made_note() - there will be something to make
 * @request: the request
 * @action:  one of its actions, copied but for what is at the path
 * @path:    user memory: contents, or where the number of a descriptor is told
 * @budget:  what all paths and contents may have, which is taken from
 *
 * Return: 0, -E2BIG, or -EFAULT if no number can be told.
 */
int kspawn_made_note(struct kspawn_request *request,
		     struct kspawn_file_action *action, u64 path,
		     size_t *budget)
{
	action->user = u64_to_user_ptr(path);
	if (++request->made_count > KSPAWN_MADE_MAX)
		return -E2BIG;
	if (action->operation->making->modes)
		return put_user(-1, (s32 __user *)action->user);
	return kspawn_request_spend(budget, action->mode);
}

/* Make what one action asks for; with a number for the other end, if there is one. */
static int make(struct kspawn_request *request,
		struct kspawn_file_action *action)
{
	const struct kspawn_making *making = action->operation->making;
	struct kspawn_end *end = &request->ends[request->end_count];
	int err;

	if (!making->modes)
		return making->make(action, NULL);
	end->to = action->user;
	end->fd = get_unused_fd_flags(O_CLOEXEC);
	if (end->fd < 0)
		return end->fd;
	err = making->make(action, &end->file);
	if (err) {
		put_unused_fd(end->fd);
		return err;
	}
	request->end_count++;
	return 0;
}

/**
 * kspawn_made_prepare() - make what the child is to have
 * @request: the request, whose lists have been copied; runs in the caller
 * @outcome: says which action could not be prepared
 *
 * Descriptors that were made before an error are left to kspawn_made_settle() and to the
 * end of the request.
 *
 * Return: 0, or a negative errno.
 */
int kspawn_made_prepare(struct kspawn_request *request,
			struct kspawn_outcome *outcome)
{
	u32 i;
	int err;

	if (!request->made_count)
		return 0;
	/* Not in the arena: a builder's child sheds that while the caller reads. */
	request->ends = kvmalloc_array(request->made_count,
				       sizeof(*request->ends),
				       GFP_KERNEL_ACCOUNT);
	if (!request->ends)
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_COPY,
					   KSPAWN_ARG_ACTIONS, -ENOMEM);
	for (i = 0; i < request->action_count; i++) {
		if (!request->actions[i].operation->making)
			continue;
		err = make(request, &request->actions[i]);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err)
			return kspawn_outcome_fail(outcome, KSPAWN_STEP_ACTION,
						   i, err);
		cond_resched();
	}
	return 0;
}

/**
 * kspawn_made_settle() - give the caller its ends, or take them back
 * @request: the request; runs in the caller, whatever became of the call
 * @started: whether it has succeeded
 *
 * An end that cannot be told of would be nobody's: it is closed.  Nobody can close
 * a number, or put another file there, that is only reserved; so a number is told
 * first.
 */
void kspawn_made_settle(struct kspawn_request *request, bool started)
{
	u32 i;

	for (i = 0; i < request->end_count; i++) {
		struct kspawn_end *end = &request->ends[i];

		if (started && !put_user(end->fd, end->to)) {
			fd_install(end->fd, end->file);
			continue;
		}
		put_unused_fd(end->fd);
		fput(end->file);
	}
	request->end_count = 0;
	kvfree(request->ends);
	request->ends = NULL;
}

/**
 * kspawn_made_connect() - have one start write what another reads
 * @writer: its child gets a pipe as standard output
 * @reader: its child gets the other end as standard input
 *
 * Return: 0 or a negative errno.
 */
int kspawn_made_connect(struct kspawn_request *writer,
			struct kspawn_request *reader)
{
	struct file *ends[2];
	int err = open_pipe(ends, 0);

	if (err)
		return err;
	reader->standard[0] = ends[0];
	writer->standard[1] = ends[1];
	return 0;
}

/**
 * kspawn_made_bequeath() - let go of the ends of a start that has no child
 * @request: the start
 * @before:  the one whose output it would read, or NULL if that has no child either
 * @after:   the one that would read its output, or NULL
 *
 * Its neighbour's child closes what it would have had, and so meets the end of the
 * file, or a broken pipe.  The caller would not before it returns to user mode, and
 * it may wait for that child.
 */
void kspawn_made_bequeath(struct kspawn_request *request,
			  struct kspawn_request *before,
			  struct kspawn_request *after)
{
	if (before)
		swap(before->closes[1], request->standard[0]);
	if (after)
		swap(after->closes[0], request->standard[1]);
}

static void put_files(struct file *files[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		if (files[i])
			fput(files[i]);
		files[i] = NULL;
	}
}

/**
 * kspawn_made_disconnect() - let go of what a start is connected to
 * @request: the start
 */
void kspawn_made_disconnect(struct kspawn_request *request)
{
	put_files(request->standard);
	put_files(request->closes);
}

/**
 * kspawn_made_take_standard() - have the pipes that the child is connected to
 * @request: the request of the child, which is current
 *
 * Return: 0 or a negative errno, with the failure in the outcome.
 */
int kspawn_made_take_standard(struct kspawn_request *request)
{
	int fd, err = 0;

	for (fd = 0; fd < 2 && err >= 0; fd++)
		if (request->standard[fd])
			err = kspawn_kernel.replace_fd(fd,
						       request->standard[fd],
						       0);
	kspawn_made_disconnect(request);
	kspawn_descriptors_finish_closing();
	if (err >= 0)
		return 0;
	return kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_BATCH,
				   KSPAWN_BATCH_PIPES,
				   err == -EMFILE ? -EBADF : err);
}
