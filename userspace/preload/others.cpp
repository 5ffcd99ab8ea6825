// SPDX-License-Identifier: LGPL-2.1-or-later
// fork(), vfork(), clone() and the exec functions, for KSPAWN_STATS: they are counted,
// and what stands behind them is jumped to.
//
// To jump, and not to call, is what lets vfork() be counted: its child returns from
// it while the parent's stack waits to be returned on once more, and there is
// nothing of ours on it by then.  It is also what passes the arguments of execl() on,
// however many there are.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "libc.hpp"
#include "next.hpp"
#include "stats.hpp"
#include "userspace/lib/errno_guard.hpp"
#include "userspace/lib/search_list.hpp"
#include "userspace/lib/words.hpp"

namespace kspawn::preload {

namespace {

// The numbers are those of the jumps below.
enum class Function : unsigned {
    fork,
    raw_fork,
    vfork,
    clone,
    execl,
    execle,
    execlp,
    execv,
    execve,
    execvp,
    execvpe,
    fexecve,
    execveat,
};
constexpr std::array<const char*, 13> names{"fork",    "_Fork",   "vfork",   "clone",  "execl",
                                            "execle",  "execlp",  "execv",   "execve", "execvp",
                                            "execvpe", "fexecve", "execveat"};
constinit std::array<std::atomic<void*>, names.size()> known{};

void* behind(Function function) noexcept {
    const auto index = static_cast<std::size_t>(function);
    void* found = known[index].load(std::memory_order_relaxed);
    if (found == nullptr) [[unlikely]] {
        found = next_function(names[index]);
        known[index].store(found, std::memory_order_relaxed);
    }
    return found;
}

// A program that looks for a file by calls of execve() makes many that fail; the
// counts shall be told before the last one.
bool is_program(int directory, const char* path) noexcept {
    struct stat status {};
    return ::fstatat(directory, path, &status, 0) == 0 && S_ISREG(status.st_mode) &&
           ::faccessat(directory, path, X_OK, AT_EACCESS) == 0;
}

bool is_in_path(std::string_view file) noexcept {
    std::string_view left = internal::search_list();
    for (;;) {
        auto directory = left;
        const auto colon = left.find(':');
        if (colon != std::string_view::npos)
            directory.remove_suffix(left.size() - colon);
        std::array<char, PATH_MAX + NAME_MAX + 2> path{};
        internal::Words words{path};
        words << directory << (directory.empty() ? "" : "/") << file;
        if (is_program(AT_FDCWD, path.data()))
            return true;
        if (colon == std::string_view::npos)
            return false;
        left.remove_prefix(colon + 1);
    }
}

bool will_succeed(Function function, std::uintptr_t first, std::uintptr_t second) noexcept {
    const auto* const path = reinterpret_cast<const char*>(first);
    switch (function) {
    case Function::fexecve:
        return true;
    case Function::execveat: {
        const auto* const below = reinterpret_cast<const char*>(second);
        return below != nullptr && (*below == '\0' || is_program(static_cast<int>(first), below));
    }
    case Function::execlp:
    case Function::execvp:
    case Function::execvpe:
        if (path != nullptr && std::strchr(path, '/') == nullptr)
            return is_in_path(path);
        [[fallthrough]];
    default:
        return path != nullptr && is_program(AT_FDCWD, path);
    }
}

void count(Function function, std::uintptr_t first, std::uintptr_t second,
           std::uintptr_t third) noexcept {
    using stats::count_other;
    switch (function) {
    case Function::fork:
    case Function::raw_fork:
        count_other(Other::fork);
        return;
    case Function::vfork:
        count_other(Other::vfork);
        return;
    case Function::clone:
        if ((third & CLONE_THREAD) == 0)
            count_other(Other::clone);
        return;
    default:
        break;
    }
    count_other(Other::exec);
    if (stats::lost_by_exec() && will_succeed(function, first, second))
        stats::report();
}

} // namespace

} // namespace kspawn::preload

extern "C" [[gnu::used, gnu::visibility("hidden")]] void*
kspawn_preload_before(kspawn::preload::Function function, std::uintptr_t first,
                      std::uintptr_t second, std::uintptr_t third) noexcept;

// Returns where to jump to.  May run in a signal handler, in a child of fork() that
// has one of several threads, and in one of vfork().
void* kspawn_preload_before(kspawn::preload::Function function, std::uintptr_t first,
                            std::uintptr_t second, std::uintptr_t third) noexcept {
    if (kspawn::preload::stats::wanted()) [[unlikely]] {
        const kspawn::internal::ErrnoGuard keep_errno;
        kspawn::preload::count(function, first, second, third);
    }
    return kspawn::preload::behind(function);
}

// All registers that may have an argument are kept; %rax has the number of those in
// vector registers, of which these functions take none.
__asm__(R"(
	.pushsection .text
	.type kspawn_preload_jump, @function
kspawn_preload_jump:
	.cfi_startproc
	push %rax
	.cfi_adjust_cfa_offset 8
	push %rdi
	.cfi_adjust_cfa_offset 8
	push %rsi
	.cfi_adjust_cfa_offset 8
	push %rdx
	.cfi_adjust_cfa_offset 8
	push %rcx
	.cfi_adjust_cfa_offset 8
	push %r8
	.cfi_adjust_cfa_offset 8
	push %r9
	.cfi_adjust_cfa_offset 8
	mov %rdx, %rcx
	mov %rsi, %rdx
	mov %rdi, %rsi
	mov %r11d, %edi
	call kspawn_preload_before
	mov %rax, %r11
	pop %r9
	.cfi_adjust_cfa_offset -8
	pop %r8
	.cfi_adjust_cfa_offset -8
	pop %rcx
	.cfi_adjust_cfa_offset -8
	pop %rdx
	.cfi_adjust_cfa_offset -8
	pop %rsi
	.cfi_adjust_cfa_offset -8
	pop %rdi
	.cfi_adjust_cfa_offset -8
	pop %rax
	.cfi_adjust_cfa_offset -8
	jmp *%r11
	.cfi_endproc
	.size kspawn_preload_jump, . - kspawn_preload_jump

	.macro kspawn_jump name, number
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	endbr64
	mov $\number, %r11d
	jmp kspawn_preload_jump
	.cfi_endproc
	.size \name, . - \name
	.endm

	kspawn_jump fork, 0
	kspawn_jump _Fork, 1
	kspawn_jump vfork, 2
	kspawn_jump clone, 3
	kspawn_jump execl, 4
	kspawn_jump execle, 5
	kspawn_jump execlp, 6
	kspawn_jump execv, 7
	kspawn_jump execve, 8
	kspawn_jump execvp, 9
	kspawn_jump execvpe, 10
	kspawn_jump fexecve, 11
	kspawn_jump execveat, 12
	.popsection
)");
