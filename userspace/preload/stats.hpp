// SPDX-License-Identifier: LGPL-2.1-or-later
/// How many starts went which way, for KSPAWN_STATS.
#ifndef KSPAWN_PRELOAD_STATS_HPP
#define KSPAWN_PRELOAD_STATS_HPP

namespace kspawn::preload {

/// By which function a program was started.
enum class Entry { posix_spawn, posix_spawnp, pidfd_spawn, pidfd_spawnp, popen, system };
inline constexpr int entries = 6;

/// Why a start was left to libc.
enum class Reason {
    forced,      ///< KSPAWN_BACKEND=libc
    device,      ///< no module, or it may not be used
    seccomp,     ///< the kernel refuses callers under seccomp
    layout,      ///< this libc's objects are not understood
    object,      ///< this object is not
    old_version, ///< posix_spawn@GLIBC_2.2.5
};
inline constexpr int reasons = 6;

/// Calls by which a program makes a process or becomes another, past this library.
enum class Other { fork, vfork, clone, exec };
inline constexpr int others = 4;

namespace stats {

/// Reads KSPAWN_STATS, unless that has been done.  Without it nothing is counted.
void begin() noexcept;

/// The same if there is no such variable.
void begin_unasked() noexcept;

/// Whether somebody wants to know.
bool wanted() noexcept;

/// The kernel started a program.
void count_kernel(Entry entry) noexcept;
/// The kernel said why it cannot be started, which was the program's fault.
void count_failed(Entry entry) noexcept;
/// It was left to libc.
void count_libc(Entry entry, Reason reason, int error) noexcept;

/// A call of fork() and its like, or of an exec function.
void count_other(Other other) noexcept;

/// Whether this process has counted something that an exec would lose.  The exec itself,
/// in a child of fork(), is not: the parent has counted the fork.
bool lost_by_exec() noexcept;

/// Says what has not been said yet, if KSPAWN_STATS asks for it.  Nothing in it needs a lock or
/// memory: _exit() may be called in a signal handler.
void report() noexcept;

} // namespace stats

} // namespace kspawn::preload

#endif
