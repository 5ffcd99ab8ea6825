// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_ERRNO_GUARD_HPP
#define KSPAWN_LIB_ERRNO_GUARD_HPP

#include <cerrno>

namespace kspawn::internal {

/// Puts errno back to what it was: our functions return their errors.
class ErrnoGuard {
public:
    ErrnoGuard() noexcept : saved_(errno) {}
    ErrnoGuard(const ErrnoGuard&) = delete;
    ErrnoGuard& operator=(const ErrnoGuard&) = delete;
    ErrnoGuard(ErrnoGuard&&) = delete;
    ErrnoGuard& operator=(ErrnoGuard&&) = delete;
    ~ErrnoGuard() { errno = saved_; }

private:
    int saved_;
};

} // namespace kspawn::internal

#endif
