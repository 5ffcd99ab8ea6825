// SPDX-License-Identifier: LGPL-2.1-or-later
/// A pidfd of a child that a libc without pidfd_spawn() has started.
#ifndef KSPAWN_LIB_LIBC_PIDFD_HPP
#define KSPAWN_LIB_LIBC_PIDFD_HPP

#include <sys/types.h>

namespace kspawn::internal::libc_pidfd {

/// Whether there is room for one more descriptor: 0, EMFILE, ENFILE, ENOSYS.
/// It is asked before the child exists, so that the commonest failure leaves
/// none.
int check_room() noexcept;

/// Opens the pidfd of a child of the caller, close-on-exec.  After a failure the
/// child has been killed and reaped.
/// 0; ESRCH: somebody else has reaped it; EMFILE, ENFILE, ENOMEM.
int open(pid_t pid, int& pidfd) noexcept;

} // namespace kspawn::internal::libc_pidfd

#endif
