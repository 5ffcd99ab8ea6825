// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_UNDISTURBED_HPP
#define KSPAWN_TRACE_UNDISTURBED_HPP

#include <sched.h>

namespace kspawn::trace {

/// For the time in which this thread looks at maps, where the kernel is preemptible.  In such a
/// system call the kernel skips kprobes and events on this CPU, bpf_disable_instrumentation(),
/// for all threads; and if this one is preempted there, until it is back.  No ordinary thread
/// preempts one with SCHED_FIFO.  Without CAP_SYS_NICE nothing changes, and what is skipped is
/// counted.
class Undisturbed {
public:
    /// @param wanted false: nothing changes
    explicit Undisturbed(bool wanted);
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;
    Undisturbed(Undisturbed&&) = delete;
    Undisturbed& operator=(Undisturbed&&) = delete;
    ~Undisturbed();

private:
    int policy_ = -1; ///< before; negative: it was left as it is
    sched_param parameters_{};
};

} // namespace kspawn::trace

#endif
