// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors that reach a program by accident.  Only processes with threads
 * are looked at, and of their descriptors only those that are opened without
 * close-on-exec.
 *
 * A number alone does not say which descriptor is meant: it may be closed and
 * opened again while a child still has what it stood for.  Nor does the file,
 * which may have several, each close-on-exec or not.  So a note is kept by
 * both, and until the file is gone: a child that has it keeps it there.
 */
#include "state.bpf.h"

#define ENOENT		2
#define O_CLOEXEC	02000000
#define FIRST_FD	3
#define BITS		64
#define WORDS_MAX	16384	/* of a million descriptors */

/* More than one file has; what is beyond is forgotten by the front end. */
#define DESCRIPTORS_MAX	(1 << 20)

const volatile __u64 fd_gap;	/* set before loading */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct trace_note_key);
	__type(value, struct trace_note);
} notes SEC(".maps");

/* Files that a child has dealt with itself before its program. */
struct named_key {
	u64 window;
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
		.window = window->id,
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

static __always_inline void fill_note_key(struct trace_note_key *key,
					  u64 file, u64 files, u64 fd)
{
	key->file = file;
	key->files = files;
	key->fd = fd;
}

/* The note of a file's descriptor, unless it is of a file that was here before. */
static __always_inline struct trace_note *
note_of(const struct trace_note_key *key)
{
	struct trace_note *note = bpf_map_lookup_elem(&notes, key);
	struct trace_note_key of_file;
	struct trace_note *file;

	if (!note)
		return NULL;
	fill_note_key(&of_file, key->file, 0, 0);
	file = bpf_map_lookup_elem(&notes, &of_file);
	return file && file->born == note->born ? note : NULL;
}

static __always_inline void forget_note(const struct trace_note_key *key)
{
	long err = bpf_map_delete_elem(&notes, key);

	if (err && err != -ENOENT)
		count_loss(&losses.maps);
}

static __always_inline bool is_of_interest(struct task_struct *task, u32 fd)
{
	u32 pid = task->tgid;

	if (task->signal->nr_threads < 2 || fd < FIRST_FD || pid == own_pid)
		return false;
	return !filter_followed || bpf_map_lookup_elem(&followed, &pid);
}

/* The descriptor is not there yet: no child can have it that this is late for. */
static __always_inline void note_opened(struct task_struct *task,
					struct file *file, u32 fd)
{
	struct trace_note note = {}, of_file = {}, *known;
	struct trace_note_key key, file_key;

	fill_note_key(&key, (u64)file, (u64)task->files, fd);
	fill_note_key(&file_key, (u64)file, 0, 0);
	note.opened = bpf_ktime_get_ns();
	note.born = note.opened;
	fill_task(&note.opener, task);
	of_file.next_files = key.files;
	of_file.next_fd = key.fd;

	known = bpf_map_lookup_elem(&notes, &file_key);
	if (known) {
		note.born = known->born;
		note.next_files = known->next_files;
		note.next_fd = known->next_fd;
		known = note_of(&key);
	}
	if (known) {
		/* Again, so it is in the list already: nothing before it. */
		of_file.next_files = note.next_files;
		of_file.next_fd = note.next_fd;
		note.next_files = known->next_files;
		note.next_fd = known->next_fd;
	}
	of_file.born = note.born;
	of_file.opened = note.opened;
	/* Replaced as a whole, as the front end relies on. */
	put(&notes, &key, &note);
	put(&notes, &file_key, &of_file);
}

ENTRY(on_fd_install, fd_install, unsigned int fd, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct trace_window *window = own_window();

	if (window)
		note_named(window, file);
	if (is_of_interest(task, fd) && !is_close_on_exec(task, fd))
		note_opened(task, file, fd);
	return 0;
}

static long forget_next(u32 index, struct trace_note_key *key)
{
	struct trace_note *note = bpf_map_lookup_elem(&notes, key);
	u64 files, fd;

	if (!note)
		return 1;
	files = note->next_files;
	fd = note->next_fd;
	forget_note(key);
	key->files = files;
	key->fd = fd;
	return !files;
}

/* From now on its address may be that of another file. */
ENTRY(on_file_free, security_file_free, struct file *file)
{
	struct trace_note_key key;
	struct trace_note *of_file;
	u64 files, fd;

	fill_note_key(&key, (u64)file, 0, 0);
	of_file = bpf_map_lookup_elem(&notes, &key);
	if (!of_file)
		return 0;
	files = of_file->next_files;
	fd = of_file->next_fd;
	forget_note(&key);
	fill_note_key(&key, (u64)file, files, fd);
	bpf_loop(DESCRIPTORS_MAX, forget_next, &key, 0);
	return 0;
}

static __always_inline void tell_marked(const struct trace_note_key *key,
					const struct trace_note *note)
{
	struct trace_marked_record *record = reserve(sizeof(*record));

	if (!record)
		return;
	record->record = TRACE_MARKED;
	record->fd = key->fd;
	record->files = key->files;
	record->opened = note->opened;
	record->marked = note->marked;
	submit(record);
}

ENTRY(on_set_close_on_exec, set_close_on_exec, unsigned int fd, int flag)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct trace_window *window = own_window();
	struct file *file = file_at(fd);
	struct trace_note_key key;
	struct trace_note *note;

	if (window)
		note_named(window, file);
	fill_note_key(&key, (u64)file, (u64)task->files, fd);
	note = note_of(&key);
	if (!note)
		return 0;
	if (!flag) {
		note->marked = 0;
		return 0;
	}
	if (note->marked)
		return 0;
	/* Either this is seen at exec, or that is seen here. */
	__sync_lock_test_and_set(&note->marked, bpf_ktime_get_ns());
	if (note->reached)
		tell_marked(&key, note);
	return 0;
}

/* dup2() and dup3(), and what the module does in their stead. */
ENTRY(on_do_dup2, do_dup2, struct files_struct *files, struct file *file,
	unsigned int fd, unsigned int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct trace_window *window = own_window();

	if (window)
		note_named(window, file);
	if (is_of_interest(task, fd) && !(flags & O_CLOEXEC))
		note_opened(task, file, fd);
	return 0;
}

/* How struct kspawn_file_action of kmod/request.h begins; kmod/trace.c checks it. */
struct kspawn_file_action_head {
	u64 operation;
	int fd;
};

SEC("raw_tp/kspawn_action")
int on_kspawn_action(struct bpf_raw_tracepoint_args *ctx)
{
	struct kspawn_file_action_head action = {};
	struct trace_window *window = own_window();

	if (!window)
		return 0;
	bpf_probe_read_kernel(&action, sizeof(action), (void *)ctx->args[2]);
	note_named(window, file_at(action.fd));
	return 0;
}

/* From the member id to fd in the event of kspawn_action; kmod/trace.c checks it. */
#define KSPAWN_ACTION_ID_TO_FD	16

/* An event begins with a struct trace_entry, longer on PREEMPT_RT, and the id, of 8 bytes. */
SEC("tp/kspawn/kspawn_action")
int UNPREEMPTED(on_kspawn_action)(void *event)
{
	u64 id = (bpf_core_type_size(struct trace_entry) + 7) & ~7ULL;
	struct trace_window *window = own_window();
	int fd = -1;

	if (!window)
		return 0;
	bpf_probe_read_kernel(&fd, sizeof(fd), event + id + KSPAWN_ACTION_ID_TO_FD);
	note_named(window, file_at(fd));
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
	struct file **files;
	const char *program;
	u64 now;
	unsigned long word;
	u32 base;
};

static long check_bit(u32 bit, struct descriptor_walk *walk)
{
	struct trace_window *window = walk->window;
	struct named_key named_key = {};
	struct trace_descriptor_record *record;
	u32 fd = walk->base + bit;
	struct trace_note_key key;
	struct trace_note *note;
	struct file *file = NULL;

	if (!(walk->word >> bit & 1) || fd < FIRST_FD)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), &walk->files[fd]);
	fill_note_key(&key, (u64)file, window->files, fd);
	note = note_of(&key);
	if (!note || note->opener.tid == window->caller.tid ||
	    note->opened > window->start ||
	    window->start - note->opened > fd_gap)
		return 0;
	named_key.window = window->id;
	named_key.file = (u64)file;
	if (bpf_map_lookup_elem(&named, &named_key))
		return 0;

	__sync_lock_test_and_set(&note->reached, walk->now);
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	record->record = TRACE_DESCRIPTOR;
	record->way = window->way;
	record->window = window->id;
	record->time = walk->now;
	record->start = window->start;
	record->opened = note->opened;
	record->files = key.files;
	record->marked = note->marked;
	record->opener = note->opener;
	record->caller = window->caller;
	record->child = window->child;
	record->fd = fd;
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

static __always_inline int execute_with_descriptors(const char *program)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct trace_window *window = own_window();
	struct descriptor_walk walk = {};

	if (!window || window->threads < 2)
		return 0;
	walk.window = window;
	walk.table = BPF_CORE_READ(task, files, fdt);
	walk.files = BPF_CORE_READ(task, files, fdt, fd);
	walk.program = program;
	walk.now = bpf_ktime_get_ns();
	bpf_loop(WORDS_MAX, check_word, &walk, 0);
	return 0;
}

/* Attached before the probe of windows that drops the window here. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec_with_descriptors, struct task_struct *task, int old_pid,
	     struct linux_binprm *bprm)
{
	return execute_with_descriptors(bprm->filename);
}

SEC("tp/sched/sched_process_exec")
int UNPREEMPTED(on_exec_with_descriptors)(struct trace_event_raw_sched_process_exec *event)
{
	return execute_with_descriptors(EVENT_STRING(event, filename));
}
