// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_PREEMPTION_HPP
#define KSPAWN_TRACE_PREEMPTION_HPP

namespace kspawn::trace {

/// Whether the running kernel can put a thread aside that is in the kernel and does not
/// wait.  If that cannot be told: yes.
bool kernel_is_preemptible();

} // namespace kspawn::trace

#endif
