// SPDX-License-Identifier: LGPL-2.1-or-later
/// A child's pidfd and its number, where libc's posix_spawn() returns one of the two.
#ifndef KSPAWN_LIB_LIBC_PIDFD_HPP
#define KSPAWN_LIB_LIBC_PIDFD_HPP

#include <sys/types.h>

namespace kspawn::internal::libc_pidfd {

/// Whether there is room for one more descriptor: 0, EMFILE, ENFILE, ENOMEM; ENOSYS: the
/// kernel, or a filter that the caller runs under, has no pidfd_open().
/// It is asked before the child exists, so that the commonest failure leaves
/// none.
int check_room() noexcept;

/// Opens the pidfd of a child of the caller, close-on-exec.
/// 0; ESRCH: somebody else has reaped it.  EMFILE, ENFILE, ENOMEM: it could not be opened,
/// and the child has been killed and reaped.
int open(pid_t pid, int& pidfd) noexcept;

/// pidfd_getpid() of libc.
using Getpid = int(int) noexcept;

/// Whether `getpid` works: it needs /proc, and a descriptor besides the pidfd.
bool numbers_are_told(Getpid* getpid) noexcept;

/// The number of a child of the caller, by its pidfd, which is closed after a failure.
/// 0; ESRCH: somebody else has reaped it, so that it has no number.  Other errors of
/// `getpid`: the child has been killed and reaped.
int number_of(int pidfd, Getpid* getpid, pid_t& pid) noexcept;

} // namespace kspawn::internal::libc_pidfd

#endif
