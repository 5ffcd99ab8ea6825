// SPDX-License-Identifier: LGPL-2.1-or-later
#include "undisturbed.hpp"

namespace kspawn::trace {

Undisturbed::Undisturbed(bool wanted) {
    // The thread is the process; one that is real-time already stays so.
    const int policy = ::sched_getscheduler(0);
    if (!wanted || (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE) ||
        ::sched_getparam(0, &parameters_) != 0)
        return;
    const sched_param lowest{::sched_get_priority_min(SCHED_FIFO)};
    if (::sched_setscheduler(0, SCHED_FIFO, &lowest) == 0)
        policy_ = policy;
}

Undisturbed::~Undisturbed() {
    if (policy_ >= 0)
        ::sched_setscheduler(0, policy_, &parameters_);
}

} // namespace kspawn::trace
