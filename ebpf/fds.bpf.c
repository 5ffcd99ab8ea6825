// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors that reach a program by accident.  Only processes with threads
 * are looked at, and of their descriptors only those that are opened without
 * close-on-exec.
 */
#include "state.bpf.h"

#define FIRST_FD	3
#define BITS		64
#define WORDS_MAX	16384	/* of a million descriptors */

struct descriptor_key {
	u64 files;
	u64 fd;
};

struct descriptor {
	u64 file;
	u64 opened;
	u64 marked;
	u64 reached;	/* a program */
	struct trace_task opener;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct descriptor_key);
	__type(value, struct descriptor);
} descriptors SEC(".maps");

/* Files that a child has dealt with itself before its program. */
struct named_key {
	u64 child;
	u64 file;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct named_key);
	__type(value, u8);
} named SEC(".maps");

static __always_inline struct trace_window *own_window(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&windows, &pid);
}

static __always_inline void note_named(struct trace_window *window,
				       struct file *file)
{
	struct named_key key = {
		.child = window->child.pid,
		.file = (u64)file,
	};
	u8 yes = 1;

	if (window->threads > 1)
		bpf_map_update_elem(&named, &key, &yes, BPF_ANY);
}

static __always_inline struct file *file_at(u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	return file;
}

static __always_inline bool is_close_on_exec(struct task_struct *task, u32 fd)
{
	unsigned long *bits = BPF_CORE_READ(task, files, fdt, close_on_exec);
	unsigned long word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), &bits[fd / BITS]);
	return word >> fd % BITS & 1;
}

SEC("fentry/fd_install")
int BPF_PROG(on_fd_install, unsigned int fd, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct descriptor descriptor = {};
	struct descriptor_key key = {};
	struct trace_window *window;
	u32 pid = task->tgid;

	window = own_window();
	if (window)
		note_named(window, file);
	if (task->signal->nr_threads < 2 || fd < FIRST_FD || pid == own_pid)
		return 0;
	if (filter_followed && !bpf_map_lookup_elem(&followed, &pid))
		return 0;
	key.files = (u64)task->files;
	key.fd = fd;
	if (is_close_on_exec(task, fd)) {
		bpf_map_delete_elem(&descriptors, &key);
		return 0;
	}
	descriptor.file = (u64)file;
	descriptor.opened = bpf_ktime_get_ns();
	fill_task(&descriptor.opener, task);
	put(&descriptors, &key, &descriptor);
	return 0;
}

static __always_inline void tell_marked(const struct descriptor_key *key,
					const struct descriptor *descriptor)
{
	struct trace_marked_record *record = reserve(sizeof(*record));

	if (!record)
		return;
	record->record = TRACE_MARKED;
	record->fd = key->fd;
	record->files = key->files;
	record->opened = descriptor->opened;
	record->marked = descriptor->marked;
	submit(record);
}

SEC("fentry/set_close_on_exec")
int BPF_PROG(on_set_close_on_exec, unsigned int fd, int flag)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct descriptor_key key = {
		.files = (u64)task->files,
		.fd = fd,
	};
	struct descriptor *descriptor;
	struct trace_window *window;

	window = own_window();
	if (window)
		note_named(window, file_at(fd));
	descriptor = bpf_map_lookup_elem(&descriptors, &key);
	if (!descriptor || descriptor->file != (u64)file_at(fd))
		return 0;
	if (!flag) {
		descriptor->marked = 0;
		return 0;
	}
	if (descriptor->marked)
		return 0;
	descriptor->marked = bpf_ktime_get_ns();
	if (descriptor->reached)
		tell_marked(&key, descriptor);
	return 0;
}

/* dup2() and dup3(), and what the module does in their stead. */
SEC("fentry/do_dup2")
int BPF_PROG(on_do_dup2, struct files_struct *files, struct file *file)
{
	struct trace_window *window = own_window();

	if (window)
		note_named(window, file);
	return 0;
}

/* As the module has it; of an action on a descriptor that stays where it is. */
struct kspawn_file_action___trace {
	u32 op;
	int fd;
};

SEC("raw_tp/kspawn_action")
int on_kspawn_action(struct bpf_raw_tracepoint_args *ctx)
{
	struct kspawn_file_action___trace action = {};
	struct trace_window *window = own_window();

	if (!window)
		return 0;
	bpf_probe_read_kernel(&action, sizeof(action), (void *)ctx->args[2]);
	note_named(window, file_at(action.fd));
	return 0;
}

static __always_inline void fill_path(struct trace_descriptor_record *record,
				      const struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *vfs = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = container_of(vfs, struct mount, mnt);

	record->magic = BPF_CORE_READ(dentry, d_sb, s_magic);
	record->depth = 0;
	for (int i = 0; i < TRACE_PATH_PARTS; i++)
		record->path[i][0] = 0;
	/* One step more for each mount that is crossed, and to see the end. */
	for (int i = 0, n = 0; i < 2 * TRACE_PATH_PARTS; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (above == mount)
				break;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			continue;
		}
		if (dentry == parent)
			break;
		record->depth++;
		if (n < TRACE_PATH_PARTS) {
			bpf_probe_read_kernel_str(record->path[n],
						  TRACE_PATH_PART,
						  BPF_CORE_READ(dentry,
								d_name.name));
			n++;
		}
		dentry = parent;
	}
}

struct descriptor_walk {
	struct trace_window *window;
	struct fdtable *table;
	const char *program;
	u64 now;
	unsigned long word;
	u32 base;
};

static long check_bit(u32 bit, struct descriptor_walk *walk)
{
	struct trace_window *window = walk->window;
	struct descriptor_key key = {};
	struct named_key named_key = {};
	struct trace_descriptor_record *record;
	struct fdtable *table = walk->table;
	struct descriptor *descriptor;
	struct file *file = NULL;
	struct file **files;

	if (!(walk->word >> bit & 1) || walk->base + bit < FIRST_FD)
		return 0;
	key.files = window->files;
	key.fd = walk->base + bit;
	descriptor = bpf_map_lookup_elem(&descriptors, &key);
	if (!descriptor || descriptor->opener.tid == window->caller.tid ||
	    descriptor->opened > window->start ||
	    window->start - descriptor->opened > fd_gap)
		return 0;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &files[key.fd]);
	if (descriptor->file != (u64)file)
		return 0;
	named_key.child = window->child.pid;
	named_key.file = (u64)file;
	if (bpf_map_lookup_elem(&named, &named_key))
		return 0;

	descriptor->reached = walk->now;
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	record->record = TRACE_DESCRIPTOR;
	record->way = window->way;
	record->window = window->id;
	record->time = walk->now;
	record->start = window->start;
	record->opened = descriptor->opened;
	record->files = key.files;
	record->marked = descriptor->marked;
	record->opener = descriptor->opener;
	record->caller = window->caller;
	record->child = window->child;
	record->fd = key.fd;
	record->reserved = 0;
	fill_path(record, file);
	record->program[0] = 0;
	bpf_probe_read_kernel_str(record->program, sizeof(record->program),
				  walk->program);
	submit(record);
	return 0;
}

static long check_word(u32 index, struct descriptor_walk *walk)
{
	struct fdtable *table = walk->table;
	unsigned long *bits = BPF_CORE_READ(table, open_fds);

	walk->base = index * BITS;
	if (walk->base >= BPF_CORE_READ(table, max_fds))
		return 1;
	bpf_probe_read_kernel(&walk->word, sizeof(walk->word), &bits[index]);
	if (walk->word)
		bpf_loop(BITS, check_bit, walk, 0);
	return 0;
}

static __always_inline void check_descriptors(struct trace_window *window,
					      struct task_struct *task,
					      const char *program)
{
	struct descriptor_walk walk = {
		.window = window,
		.table = BPF_CORE_READ(task, files, fdt),
		.program = program,
		.now = bpf_ktime_get_ns(),
	};

	if (window->threads > 1)
		bpf_loop(WORDS_MAX, check_word, &walk, 0);
}
