// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_SECCOMP_HPP
#define KSPAWN_LIB_SECCOMP_HPP

#include <sys/prctl.h>

#include "errno_guard.hpp"

namespace kspawn::internal {

/// Whether the calling thread runs under seccomp.  A filter may refuse even the question,
/// which is an answer as well.
inline bool under_seccomp() noexcept {
    const ErrnoGuard keep_errno;
    return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

} // namespace kspawn::internal

#endif
