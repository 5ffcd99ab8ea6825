// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_CANCEL_GUARD_HPP
#define KSPAWN_LIB_CANCEL_GUARD_HPP

#include <pthread.h>

namespace kspawn::internal {

/// No cancellation of the calling thread: open(), close() and waitpid() are
/// cancellation points, the functions that we offer are not.
class CancelGuard {
public:
    CancelGuard() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved_); }
    CancelGuard(const CancelGuard&) = delete;
    CancelGuard& operator=(const CancelGuard&) = delete;
    CancelGuard(CancelGuard&&) = delete;
    CancelGuard& operator=(CancelGuard&&) = delete;
    ~CancelGuard() { ::pthread_setcancelstate(saved_, nullptr); }

private:
    int saved_ = PTHREAD_CANCEL_ENABLE;
};

} // namespace kspawn::internal

#endif
