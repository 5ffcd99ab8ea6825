// SPDX-License-Identifier: GPL-2.0-only
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "copy.h"
#include "queue.h"
#include "request.h"

/**
 * struct queue - what is behind a completion descriptor
 * @ref:      the descriptor's reference, and one of each slot
 * @lock:     protects what follows it
 * @ready:    slots of starts that have ended, the oldest first
 * @used:     slots in use: under way or ready
 * @capacity: how many there may be; does not change
 * @closed:   nobody can read any more
 * @wait:     readers and pollers
 */
struct queue {
	struct kref ref;
	spinlock_t lock; /* see above */
	struct list_head ready;
	u32 used;
	u32 capacity;
	bool closed;
	wait_queue_head_t wait;
};

/**
 * struct kspawn_queue_slot - the place of one start
 * @entry: in the queue's ready list
 * @queue: with a reference
 * @event: what is read
 */
struct kspawn_queue_slot {
	struct list_head entry;
	struct queue *queue;
	struct kspawn_event event;
};

static void free_queue(struct kref *ref)
{
	struct queue *queue = container_of(ref, struct queue, ref);

	WARN_ON_ONCE(!list_empty(&queue->ready));
	kfree(queue);
}

static void free_slot(struct kspawn_queue_slot *slot)
{
	kref_put(&slot->queue->ref, free_queue);
	kfree(slot);
}

/* The oldest event, taken off the list, or NULL. */
static struct kspawn_queue_slot *take_ready(struct queue *queue)
{
	struct kspawn_queue_slot *slot;

	spin_lock(&queue->lock);
	slot = list_first_entry_or_null(&queue->ready,
					struct kspawn_queue_slot, entry);
	if (slot)
		list_del(&slot->entry);
	spin_unlock(&queue->lock);
	return slot;
}

/* Its reader could not be given it: the next one reads it. */
static void put_back(struct queue *queue, struct kspawn_queue_slot *slot)
{
	spin_lock(&queue->lock);
	list_add(&slot->entry, &queue->ready);
	spin_unlock(&queue->lock);
	wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
}

static void retire(struct queue *queue, struct kspawn_queue_slot *slot)
{
	spin_lock(&queue->lock);
	queue->used--;
	spin_unlock(&queue->lock);
	free_slot(slot);
}

static ssize_t read_ready(struct queue *queue, char __user *to, size_t size)
{
	struct kspawn_queue_slot *slot;
	size_t done = 0;

	while (size - done >= sizeof(slot->event)) {
		slot = take_ready(queue);
		if (!slot)
			break;
		if (copy_to_user(to + done, &slot->event,
				 sizeof(slot->event))) {
			put_back(queue, slot);
			return done ?: -EFAULT;
		}
		done += sizeof(slot->event);
		retire(queue, slot);
	}
	return done;
}

static bool is_ready(struct queue *queue)
{
	return !list_empty_careful(&queue->ready);
}

static ssize_t queue_read(struct file *file, char __user *to, size_t size,
			  loff_t *offset)
{
	struct queue *queue = file->private_data;
	ssize_t done;
	int err;

	if (size < sizeof(struct kspawn_event))
		return -EINVAL;
	for (;;) {
		done = read_ready(queue, to, size);
		if (done)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(queue->wait, is_ready(queue));
		if (err)
			return err;
	}
}

static __poll_t queue_poll(struct file *file, poll_table *table)
{
	struct queue *queue = file->private_data;

	poll_wait(file, &queue->wait, table);
	return is_ready(queue) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int queue_release(struct inode *inode, struct file *file)
{
	struct queue *queue = file->private_data;
	struct kspawn_queue_slot *slot;

	spin_lock(&queue->lock);
	queue->closed = true;
	spin_unlock(&queue->lock);
	while ((slot = take_ready(queue)))
		free_slot(slot);
	kref_put(&queue->ref, free_queue);
	return 0;
}

static const struct file_operations queue_operations = {
	.owner		= THIS_MODULE,
	.read		= queue_read,
	.poll		= queue_poll,
	.release	= queue_release,
	.llseek		= noop_llseek,
};

static int copy_options(struct kspawn_completion *options,
			const struct kspawn_completion __user *from)
{
	int err = kspawn_copy_struct(options, sizeof(*options), from,
				     KSPAWN_COMPLETION_SIZE_VER0);

	if (err)
		return err;
	if ((options->flags & ~O_NONBLOCK) || options->reserved ||
	    !options->capacity || options->capacity > KSPAWN_EVENTS_MAX)
		return -EINVAL;
	return 0;
}

/**
 * kspawn_queue_create() - carry out KSPAWN_IOC_COMPLETION
 * @from: the caller's options
 *
 * Return: a descriptor, or a negative errno.
 */
int kspawn_queue_create(const struct kspawn_completion __user *from)
{
	struct kspawn_completion options;
	struct queue *queue;
	int fd;

	fd = copy_options(&options, from);
	if (fd)
		return fd;
	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return -ENOMEM;
	kref_init(&queue->ref);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->ready);
	queue->capacity = options.capacity;
	init_waitqueue_head(&queue->wait);

	fd = anon_inode_getfd("[kspawn]", &queue_operations, queue,
			      O_RDONLY | O_CLOEXEC | options.flags);
	if (fd < 0)
		kref_put(&queue->ref, free_queue);
	return fd;
}

static bool take_place(struct queue *queue)
{
	bool taken;

	spin_lock(&queue->lock);
	taken = queue->used < queue->capacity;
	if (taken)
		queue->used++;
	spin_unlock(&queue->lock);
	return taken;
}

/**
 * kspawn_queue_reserve() - take a place for the event of a start
 * @fd:     a completion descriptor of the caller
 * @cookie: to be told with it
 *
 * Return: the slot, for kspawn_queue_cancel() or kspawn_queue_post(), or an
 * error pointer: -EBADF, -EAGAIN when all places are taken, or -ENOMEM.
 */
struct kspawn_queue_slot *kspawn_queue_reserve(int fd, u64 cookie)
{
	struct kspawn_queue_slot *slot = ERR_PTR(-EBADF);
	struct queue *queue;
	struct file *file;

	file = fget(fd);
	if (!file)
		return slot;
	if (file->f_op != &queue_operations)
		goto out;
	queue = file->private_data;
	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot) {
		slot = ERR_PTR(-ENOMEM);
		goto out;
	}
	if (!take_place(queue)) {
		kfree(slot);
		slot = ERR_PTR(-EAGAIN);
		goto out;
	}
	kref_get(&queue->ref);
	slot->queue = queue;
	slot->event.cookie = cookie;
out:
	fput(file);
	return slot;
}

/**
 * kspawn_queue_cancel() - give a place back
 * @slot: the place; NULL: none was taken, or it was used
 */
void kspawn_queue_cancel(struct kspawn_queue_slot *slot)
{
	if (slot)
		retire(slot->queue, slot);
}

/**
 * kspawn_queue_post() - tell what became of an asynchronous start
 * @request: the request; nothing is told if it is not one
 *
 * Called in the child, when nothing can be waited for any more if it failed.
 */
void kspawn_queue_post(struct kspawn_request *request)
{
	const struct kspawn_outcome *outcome = &request->outcome;
	struct kspawn_queue_slot *slot = request->slot;
	struct queue *queue;
	bool closed;

	if (!slot)
		return;
	request->slot = NULL;
	queue = slot->queue;
	if (kspawn_request_has_failed(request)) {
		slot->event.error = -outcome->error;
		slot->event.step = outcome->step;
		slot->event.index = outcome->index;
	}
	slot->event.pid = pid_nr_ns(request->child,
				    ns_of_pid(request->caller));

	/* A reader may free the slot, and with it the queue, at once. */
	kref_get(&queue->ref);
	spin_lock(&queue->lock);
	closed = queue->closed;
	if (!closed)
		list_add_tail(&slot->entry, &queue->ready);
	spin_unlock(&queue->lock);
	if (closed)
		retire(queue, slot);
	else
		wake_up_interruptible_poll(&queue->wait,
					   EPOLLIN | EPOLLRDNORM);
	kref_put(&queue->ref, free_queue);
}
