// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "override.h"

const struct faulty_function faulty_functions[] = {
	/* Those that the kernel does not export. */
	{ { "kernel_clone" }, -EAGAIN, { EAGAIN }, false, false },
	{ { "kernel_execve" }, -ENOMEM, { ENOMEM }, false, false },
	{ { "replace_fd" }, -ENOMEM, { ENOMEM }, false, false },
	{ { "receive_fd_replace" }, -EACCES, { EACCES }, false, false },
	{ { "create_pipe_files" }, -ENFILE, { ENFILE }, false, false },
	{ { "memfd_alloc_file", "shmem_file_setup" }, -ENOSPC, { ENOSPC }, false, false },
	{ { "mm_alloc" }, 0, { ENOMEM }, false, false },
	{ { "task_exec_state_copy" }, -ENOMEM, { ENOMEM }, false, false },
	/* Strings that are on the new stack already are left there. */
	{ { "access_remote_vm" }, 0, { E2BIG }, false, false },
	{ { "sched_setscheduler" }, -EPERM, { EPERM }, false, false },
	{ { "ksys_setsid" }, -EPERM, { EPERM }, false, false },
	{ { "__x64_sys_close_range" }, -ENOMEM, { ENOMEM }, false, false },
	{ { "__x64_sys_execveat" }, -ENOMEM, { ENOMEM }, false, false },
	{ { "__x64_sys_openat2" }, -ENFILE, { ENFILE }, false, false },
	{ { "__x64_sys_setpgid" }, -ESRCH, { ESRCH }, false, false },
	{ { "__x64_sys_setresuid" }, -EAGAIN, { EAGAIN }, false, false },
	{ { "__x64_sys_setresgid" }, -EAGAIN, { EAGAIN }, false, false },
	{ { "pidfs_alloc_file", "anon_inode_getfile" }, -ENFILE, { ENFILE }, false, false },

	/* Those that it does. */
	{ { "vm_mmap" }, -ENOMEM, { ENOMEM }, false, false },
	{ { "user_path_at", "user_path_at_empty" }, -EIO, { EIO }, false, false },
	{ { "__kmalloc_cache_noprof", "kmalloc_trace" }, 0, { ENOMEM }, false, false },
	{ { "__kmalloc_noprof", "__kmalloc" }, 0, { ENOMEM }, false, false },
	{ { "down_write_killable" }, -EINTR, { EINTR }, false, false },
	{ { "kmem_cache_alloc_noprof", "kmem_cache_alloc" }, 0, { ENOMEM }, false, false },
	{ { "__kvmalloc_node_noprof", "kvmalloc_node" }, 0, { ENOMEM }, false, false },
	/*
	 * Pointers of a list that cannot be had at once are read one by one.  If it
	 * is the arguments that cannot be read, so cannot where the result is to go.
	 */
	{ { "_copy_from_user" }, 1, { EFAULT }, true, true },
	/* To memory of the child's own it is a lack of memory. */
	{ { "_copy_to_user" }, 1, { EFAULT, ENOMEM }, true, true },
	{ { "strncpy_from_user" }, -EFAULT, { EFAULT }, false, false },
	{ { "strnlen_user" }, 0, { EFAULT }, false, false },
	{ { "get_unused_fd_flags" }, -EMFILE, { EMFILE }, false, false },
	{ { "sock_create" }, -EAFNOSUPPORT, { EAFNOSUPPORT }, false, false },
	{ { "security_socket_socketpair" }, -EACCES, { EACCES }, false, false },
	{ { "vfs_iter_write" }, -EFBIG, { EFBIG }, false, false },
	{ { "filp_open" }, -EIO, { EIO }, false, false },
	{ { "kern_path" }, -EIO, { EIO }, false, false },
	/* The cache of names alone is not believed when it says no. */
	{ { "inode_permission" }, -EACCES, { EACCES }, true, false },
	{ { "d_lookup" }, 0, {}, true, false },
	{ { "lookup_one_len_unlocked", "lookup_noperm_unlocked" }, -EIO, {}, true, false },
	/* INHERIT takes what it does not find for closed, which is no error. */
	{ { "fget_raw" }, 0, { EBADF }, true, false },
	{ { "fget" }, 0, { EBADF }, false, false },
	/* The error of a file that is closed is no error of the action. */
	{ { "close_fd" }, -EIO, {}, true, false },
	{ { "security_file_ioctl" }, -EACCES, { EACCES }, false, false },
	{ { "tty_check_change" }, -EIO, { ENOTTY }, false, false },
	{},
};

/* Not declared in user space, which never sees it. */
#define ERESTARTNOINTR	513

static const struct faulty_function interrupted_functions[] = {
	/* In the caller: the call is made again. */
	{ { "kernel_clone" }, -ERESTARTNOINTR, {}, true, false },
	/* There, or in the child, whose caller is not concerned. */
	{ { "kern_path" }, -ERESTARTNOINTR, { EINTR }, true, false },
	{ { "kernel_execve" }, -ERESTARTNOINTR, { EINTR }, false, false },
	{ { "__x64_sys_execveat" }, -ERESTARTNOINTR, { EINTR }, false, false },
	{ { "__x64_sys_openat2" }, -ERESTARTNOINTR, { EINTR }, false, false },
	{ { "filp_open" }, -ERESTARTNOINTR, { EINTR }, false, false },
	{},
};

const struct faulty_function loading_functions[] = {
	{ { "register_kprobe" }, -EINVAL, { ENOENT }, false, false },
	{ { "kallsyms_lookup_name" }, 0, { ENOENT }, false, false },
	{ { "__kmem_cache_create_args", "kmem_cache_create_usercopy" }, 0, { ENOMEM },
	  false, false },
	{ { "misc_register" }, -ENOMEM, { ENOMEM }, false, false },
	{},
};

/*
 * Patterns of fnmatch(3): what cannot fail, and why not if that is not plain,
 * and what the compiler puts in.
 */
static const char *const cannot_fail[] = {
	/* Not exported. */
	"do_exit", "do_group_exit", "put_files_struct", "set_fs_pwd", "task_work_run",
	"__audit_syscall_entry", "__audit_syscall_exit",
	"get_signal",		/* says whether there is a signal; see tests/abi/killing.c */
	"is_rlimit_overlimit",	/* is true in tests/abi/privileges.c */
	"kernel_wait4",		/* fails in tests/abi/wait_in_call.c */
	"ptrace_may_access",	/* refuses in tests/abi/builder_owner.c */
	"wake_up_state", "cgroup_enter_frozen", "cgroup_leave_frozen",
	/* Entry points, all called in one place: their errors are in tests/abi/state_*.c. */
	"__x64_sys_capset", "__x64_sys_chroot", "__x64_sys_ioctl", "__x64_sys_ioprio_set",
	"__x64_sys_personality", "__x64_sys_prctl", "__x64_sys_prlimit64",
	"__x64_sys_sched_setaffinity", "__x64_sys_sched_setattr", "__x64_sys_set_mempolicy",
	"__x64_sys_setgroups", "__x64_sys_setns", "__x64_sys_setpriority", "__x64_sys_umask",
	"__x64_sys_unshare",
	"capable", "ns_capable_noaudit",	/* refuse there */
	"dequeue_signal", "recalc_sigpending", "__refrigerator", "freezer_active",
	"freezing_slow_path", "debug_check_no_locks_held",
	"anon_inode_getfd",	/* see tests/abi/completion.c */
	"sock_alloc_file",	/* gives back what it could not use; see allocations.c */
	"arch_pick_mmap_layout", "enter_lazy_tlb", "switch_mm_irqs_off", "exec_mm_release",
	"mm_exit_exec_release",
	"exit_oom_victim", "mm_update_next_owner", "membarrier_update_current_mm",
	"sched_mm_cid_before_execve", "sched_cache_exit_mm", "put_task_exec_state",
	"task_exec_state_set_dumpable", "__wake_up_parent", "get_mm_exe_file",
	"set_mm_exe_file",	/* the caller's program cannot be open for writing */

	/* Locks, counters, waiting, tracing. */
	"_raw_spin_*", "rt_spin_*", "__rcu_read_*", "rcu_*", "__module_get", "module_put",
	"refcount_warn_saturate", "init_wait_entry", "prepare_to_wait_event", "finish_wait",
	"schedule*", "synchronize_rcu_tasks", "__list_add_valid*", "__list_del_entry_valid*",
	"_printk", "__warn_printk", "__dynamic_pr_debug", "BUG_func", "_raw_write_*", "rt_write_*",
	"_raw_read_*", "rt_read_*", "mutex_*",
	"__raw_spin_lock_init", "__rt_mutex_*", "rt_mutex_*", "up_write", "complete_all",
	"wait_for_completion*",
	"pid_vnr", "__init_swait_queue_head", "__init_waitqueue_head", "__wake_up", "force_sig",
	"send_sig_info", "send_sig", "kill_pid",
	"trace_*", "__trace_*", "perf_trace_*", "bpf_trace_*", "fsnotify", "__fsnotify_parent",

	/* These give something back. */
	"dput", "fput", "put_pid", "__put_cred", "__put_task_struct*", "call_rcu", "path_put",
	"kvfree", "kfree", "kmem_cache_free", "kmem_cache_destroy", "put_unused_fd",
	"sock_release", "misc_deregister", "unregister_kprobe",
	"mmput", "__mmdrop", "vm_munmap", "__register_binfmt", "unregister_binfmt",

	/* These only look at something, move or count it. */
	"fd_install", "path_get", "pid_nr_ns", "get_task_pid", "pid_task",
	"get_pid_task", "task_active_pid_ns", "seq_printf", "follow_down_one",
	"from_k[ug]id*", "full_name_hash", "kernel_sigaction", "sigprocmask", "sort", "str*",
	"sized_strscpy", "snprintf", "sysfs_emit", "mem*", "_find_*", "__sw_hweight64", "noop_llseek",

	/* User memory: their arguments are not C's.  See tests/abi/memory.c. */
	"__get_user_[48]", "__put_user_[48]", "clear_user_*", "rep_stos_alternative", "check_zeroed_user",

	/* Data. */
	"init_user_ns", "kthreadd_task", "tasklist_lock", "sysctl_nr_open", "files_cachep", "tomoyo_policy_loaded",
	"tty_ioctl", "pidfd_fops", "audit_enabled", "int_active_memcg", "pv_ops", "debug_locks", "tracepoint_srcu",
	"__ref_stack_chk_guard",
	"*current_task", "*pcpu_hot", "cpu_number", "__cpu_*_mask", "__per_cpu_offset",
	"__preempt_count", "boot_cpu_data", "init_on_free", "nr_cpu_ids", "param_ops_ushort",
	"this_cpu_off", "USER_PTR_MAX", "kmalloc_caches", "hardirqs_enabled",

	/* The compiler, and kernels that check themselves. */
	"__SCT__*", "__x86_*", "__fentry__", "__stack_chk_fail", "__fortify_panic",
	"__check_object_size", "validate_usercopy_range", "dump_stack", "__ubsan_handle_*",
	"__asan_*", "__kasan_*", "__gcov_*", "__sanitizer_*", "__might_*",
	"lock_*", "lockdep_*", "debug_lockdep_*", "preempt_schedule*", "migrate_*",
	NULL,
};

const struct faulty_function *faulty_function(const char *name, bool interrupted)
{
	const struct faulty_function *f = interrupted ? interrupted_functions : faulty_functions;

	for (; f->names[0]; f++)
		if (!strcmp(f->names[0], name))
			return f;
	return NULL;
}

static bool has(const struct faulty_function *table, const char *name)
{
	for (; table->names[0]; table++)
		for (unsigned int i = 0; i < FUNCTION_NAMES && table->names[i]; i++)
			if (!strcmp(table->names[i], name))
				return true;
	return false;
}

bool function_is_known(const char *name)
{
	const char *const *pattern;

	if (has(faulty_functions, name) || has(loading_functions, name))
		return true;
	for (pattern = cannot_fail; *pattern; pattern++)
		if (!fnmatch(*pattern, name, 0))
			return true;
	return false;
}
