/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State that kinds share: the filter, the open windows, what they count.
 * All of it is weak: each kind is an object of its own, and of each definition the
 * linker keeps one.
 *
 * A spawn passes a handful of probes; all others return at once as long as no
 * child shares memory anywhere.
 */
#ifndef KSPAWN_TRACE_STATE_H
#define KSPAWN_TRACE_STATE_H

#include "kernel_types.bpf.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "events.h"

char LICENSE[] SEC("license") __weak = "GPL";

/*
 * Set before loading.  apparmor_blob_sizes is the address of the kernel's variable, 0 where
 * there is no AppArmor: no __ksym, for which libbpf reads all of /proc/kallsyms, by scanf(),
 * whatever is traced (half of a start of the tracer).
 */
const volatile __u64 apparmor_blob_sizes __weak;
const volatile bool filter_followed __weak;	/* only what is in the map */
const volatile __u64 wake_bytes __weak;		/* wake the front end at this many */
const volatile __u32 own_pid __weak;

/* Counts of events that are left out because there was no room. */
struct trace_losses losses __weak;

/* Windows open anywhere: all, and those whose child runs user code. */
__u32 windows_open __weak;
__u32 hazards_open __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps") __weak;

/* The window of each child that has not executed a program, by its pid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct trace_window);
} windows SEC(".maps") __weak;

/* Memory that a child shares or has shared, by the address of its mm. */
struct memory {
	u32 windows;	/* open */
	u32 hazards;	/* of these, those whose child runs user code */
	u32 newest;	/* child of the last one */
	u32 operations[TRACE_MEMORY_OPERATIONS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct memory);
} memories SEC(".maps") __weak;

/* Processes to follow, by pid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, u8);
} followed SEC(".maps") __weak;

/*
 * Probes of functions are compiled twice.  A program on a trampoline (fentry, fexit) takes
 * the fewest instructions.  Where the kernel can be preempted, its thread may be put aside
 * while it runs: until then it is skipped for all other threads on that CPU.  So there the
 * front end takes the other: a kprobe runs with preemption disabled, as does a program on
 * the event of a tracepoint (tp), which on some kernels one on the tracepoint itself
 * (tp_btf) does not.
 */
#define UNPREEMPTED(name)	name##_unpreempted

/* At the beginning of a function.  Pointers among @params must be read by BPF_CORE_READ(). */
#define ENTRY(name, function, params...)					\
static __always_inline int ____##name(void *ctx, ##params);		\
SEC("fentry/" #function)						\
int name(unsigned long long *ctx)					\
{									\
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")		\
	return ____##name(___bpf_ctx_cast(params));			\
	_Pragma("GCC diagnostic pop")					\
}									\
SEC("kprobe/" #function)						\
int UNPREEMPTED(name)(struct pt_regs *ctx)				\
{									\
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")		\
	return ____##name(___bpf_kprobe_args(params));			\
	_Pragma("GCC diagnostic pop")					\
}									\
static __always_inline int ____##name(void *ctx, ##params)

/* At the end of a function. */
#define RETURN(name, function)						\
static __always_inline int ____##name(void);				\
SEC("fexit/" #function)							\
int name(void *ctx)							\
{									\
	return ____##name();						\
}									\
SEC("kretprobe/" #function)						\
int UNPREEMPTED(name)(void *ctx)					\
{									\
	return ____##name();						\
}									\
static __always_inline int ____##name(void)

/* A string in the record of a tracepoint's event. */
#define EVENT_STRING(event, field)	((const char *)(event) + ((event)->__data_loc_##field & 0xffff))

static __always_inline void count_loss(u64 *loss)
{
	__sync_fetch_and_add(loss, 1);
}

static __always_inline void *reserve(u64 size)
{
	void *record = bpf_ringbuf_reserve(&ring, size, 0);

	if (!record)
		count_loss(&losses.ring);
	return record;
}

/* To wake the front end for each record would cost more than all the rest. */
static __always_inline void submit(void *record)
{
	u64 waiting_bytes = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	bpf_ringbuf_submit(record, waiting_bytes >= wake_bytes ?
			   BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* A key that was there already has been replaced; only no room is a loss. */
static __always_inline long put(void *map, const void *key, const void *value)
{
	long err = bpf_map_update_elem(map, key, value, BPF_ANY);

	if (err)
		count_loss(&losses.maps);
	return err;
}

static __always_inline void fill_task(struct trace_task *to,
				      struct task_struct *task)
{
	to->pid = task->tgid;
	to->tid = task->pid;
	bpf_probe_read_kernel_str(to->comm, sizeof(to->comm), task->comm);
}

static __always_inline struct memory *memory_of(struct mm_struct *mm)
{
	u64 key = (u64)mm;

	return mm ? bpf_map_lookup_elem(&memories, &key) : NULL;
}

#endif /* KSPAWN_TRACE_STATE_H */
