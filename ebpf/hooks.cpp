// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hooks.hpp"

#include <algorithm>
#include <array>

namespace kspawn::trace {

namespace {

constexpr const char* everything = "nothing can be traced";
constexpr const char* no_memory = "changes of the shared memory are not all counted";

constexpr std::array hooks{
    Hook{"on_wake_up_new_task", HookType::entry, "wake_up_new_task", TRACE_KIND_WINDOWS, true,
         everything},
    Hook{"on_exec_mm_release", HookType::entry, "exec_mm_release", TRACE_KIND_WINDOWS, true,
         everything},
    Hook{"on_exit_mm_release", HookType::entry, "exit_mm_release", TRACE_KIND_WINDOWS, true,
         everything},
    Hook{"on_mm_update_next_owner", HookType::entry, "mm_update_next_owner", TRACE_KIND_WINDOWS,
         false, "windows of kspawn's children are seen to end at their exec"},
    Hook{"on_exec", HookType::tracepoint, "sched_process_exec", TRACE_KIND_WINDOWS, true,
         everything},
    Hook{"on_kernel_clone_return", HookType::exit, "kernel_clone", TRACE_KIND_WINDOWS, false,
         "how long callers wait is not known"},
    Hook{"on_commit_creds", HookType::entry, "commit_creds", TRACE_KIND_CREDS, false,
         "changes of credentials are not seen"},
    Hook{"on_mmap", HookType::entry, "vm_mmap_pgoff", TRACE_KIND_CREDS, false, no_memory},
    Hook{"on_munmap", HookType::entry, "__x64_sys_munmap", TRACE_KIND_CREDS, false, no_memory},
    Hook{"on_mprotect", HookType::entry, "do_mprotect_pkey", TRACE_KIND_CREDS, false, no_memory},
    Hook{"on_mremap", HookType::entry, "__x64_sys_mremap", TRACE_KIND_CREDS, false, no_memory},
    Hook{"on_pin_user_pages_remote", HookType::probe, "pin_user_pages_remote", TRACE_KIND_CREDS,
         false, no_memory},
    Hook{"on_ptrace_access_vm", HookType::entry, "ptrace_access_vm", TRACE_KIND_CREDS, false,
         no_memory},
    Hook{"on_mem_write", HookType::entry, "mem_write", TRACE_KIND_CREDS, false, no_memory},
    Hook{"on_signal_deliver", HookType::tracepoint, "signal_deliver", TRACE_KIND_SIGNALS, false,
         "handlers in children are not seen"},
    Hook{"on_fd_install", HookType::entry, "fd_install", TRACE_KIND_FDS, false,
         "descriptors are not seen to be opened"},
    Hook{"on_file_free", HookType::entry, "security_file_free", TRACE_KIND_FDS, false,
         "a descriptor may be taken for that of a file which is gone"},
    Hook{"on_set_close_on_exec", HookType::entry, "set_close_on_exec", TRACE_KIND_FDS, false,
         "descriptors are not seen to be marked close-on-exec"},
    Hook{"on_do_dup2", HookType::entry, "do_dup2", TRACE_KIND_FDS, false,
         "what a child does with its descriptors is not seen"},
    Hook{"on_kspawn_action", HookType::module_tracepoint, "kspawn_action", TRACE_KIND_FDS, false,
         "a descriptor that an action of kspawn leaves in its place is taken for inherited"},
    Hook{"on_kernel_clone", HookType::entry, "kernel_clone", TRACE_KIND_STALLS, false,
         "locks that a caller waits for are not seen"},
    Hook{"on_kernel_clone_end", HookType::exit, "kernel_clone", TRACE_KIND_STALLS, false,
         "locks that a caller waits for are not seen"},
    Hook{"on_contention_begin", HookType::tracepoint, "contention_begin", TRACE_KIND_STALLS, false,
         "waits for locks are not seen"},
    Hook{"on_contention_end", HookType::tracepoint, "contention_end", TRACE_KIND_STALLS, false,
         "waits for locks are not seen"},
};

} // namespace

std::span<const Hook> all_hooks() {
    return hooks;
}

const Hook* find_hook(std::string_view target) {
    const auto* const found = std::find_if(
        hooks.begin(), hooks.end(), [target](const Hook& hook) { return target == hook.target; });
    return found == hooks.end() ? nullptr : found;
}

bool is_used(const Hook& hook, const Kinds& kinds) {
    // A wait of the caller is told as a stall, too.
    return hook.base || kinds.at(hook.kind) ||
           (hook.kind == TRACE_KIND_WINDOWS && kinds.at(TRACE_KIND_STALLS));
}

std::string place_of(const Hook& hook) {
    static constexpr std::array<const char*, 5> types{"fentry/", "fexit/", "kprobe/", "tp_btf/",
                                                      "raw_tp/"};
    return std::string{types.at(static_cast<std::size_t>(hook.type))} + hook.target;
}

} // namespace kspawn::trace
