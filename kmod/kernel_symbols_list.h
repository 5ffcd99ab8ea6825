/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbols that kspawn_kernel_symbols_resolve() finds: functions that are
 * called, entry points of system calls, and variables by their addresses.
 * Included for each use of the list, with these three defined.
 */
FUNCTION(kernel_clone);
FUNCTION(kernel_execve);
FUNCTION(kernel_wait4);
FUNCTION(do_exit);
FUNCTION(do_group_exit);
FUNCTION(get_signal);
FUNCTION(__audit_syscall_entry);
FUNCTION(__audit_syscall_exit);
FUNCTION(put_files_struct);
FUNCTION(replace_fd);
FUNCTION(receive_fd_replace);
FUNCTION(create_pipe_files);
#ifdef KSPAWN_HAVE_MEMFD_ALLOC_FILE
FUNCTION(memfd_alloc_file);
#endif
FUNCTION(ptrace_may_access);
FUNCTION(wake_up_state);
FUNCTION(set_fs_pwd);
FUNCTION(task_work_run);
FUNCTION(cgroup_enter_frozen);
FUNCTION(cgroup_leave_frozen);
FUNCTION(is_rlimit_overlimit);
FUNCTION(sched_setscheduler);
FUNCTION(ksys_setsid);
FUNCTION(exec_mm_release);
FUNCTION(exit_oom_victim);
FUNCTION(mm_alloc);
FUNCTION(get_mm_exe_file);
FUNCTION(set_mm_exe_file);
FUNCTION(arch_pick_mmap_layout);
FUNCTION(membarrier_update_current_mm);
#ifdef KSPAWN_HAVE_ENTER_LAZY_TLB
FUNCTION(enter_lazy_tlb);
#endif
FUNCTION(switch_mm_irqs_off);
FUNCTION(access_remote_vm);
FUNCTION(__wake_up_parent);
#ifdef CONFIG_MEMCG
FUNCTION(mm_update_next_owner);
#endif
#ifdef KSPAWN_HAVE_MM_CID
FUNCTION(sched_mm_cid_before_execve);
#endif
#ifdef KSPAWN_HAVE_SCHED_CACHE
FUNCTION(sched_cache_exit_mm);
#endif
#ifdef KSPAWN_HAVE_EXEC_STATE
FUNCTION(task_exec_state_copy);
FUNCTION(task_exec_state_set_dumpable);
FUNCTION(put_task_exec_state);
#endif
ENTRY_POINT(__x64_sys_close_range);
ENTRY_POINT(__x64_sys_execveat);
ENTRY_POINT(__x64_sys_openat2);
ENTRY_POINT(__x64_sys_setpgid);
ENTRY_POINT(__x64_sys_setresuid);
ENTRY_POINT(__x64_sys_setresgid);
ENTRY_POINT(__x64_sys_capset);
ENTRY_POINT(__x64_sys_chroot);
ENTRY_POINT(__x64_sys_ioctl);
ENTRY_POINT(__x64_sys_ioprio_set);
ENTRY_POINT(__x64_sys_personality);
ENTRY_POINT(__x64_sys_prctl);
ENTRY_POINT(__x64_sys_prlimit64);
ENTRY_POINT(__x64_sys_sched_setaffinity);
ENTRY_POINT(__x64_sys_sched_setattr);
ENTRY_POINT(__x64_sys_set_mempolicy);
ENTRY_POINT(__x64_sys_setgroups);
ENTRY_POINT(__x64_sys_setns);
ENTRY_POINT(__x64_sys_setpriority);
ENTRY_POINT(__x64_sys_umask);
ENTRY_POINT(__x64_sys_unshare);
ADDRESS(tty_ioctl);
ADDRESS(kthreadd_task);
ADDRESS(tasklist_lock);
ADDRESS(oom_adj_mutex);
ADDRESS(sysctl_nr_open);
ADDRESS(files_cachep);
#ifdef CONFIG_SECURITY_TOMOYO
ADDRESS(tomoyo_policy_loaded);
#endif
#ifdef KSPAWN_HAVE_PIDFS
FUNCTION(pidfs_alloc_file);
#else
ADDRESS(pidfd_fops);
#endif

#undef FUNCTION
#undef ENTRY_POINT
#undef ADDRESS
