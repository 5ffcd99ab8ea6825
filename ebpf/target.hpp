// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_TARGET_HPP
#define KSPAWN_TRACE_TARGET_HPP

#include <cstdint>

#include "lib/descriptor.hpp"

namespace kspawn::trace {

/// The process of --pid: a number alone may stand for another by and by.
class Target {
public:
    /// Throws UsageError, or std::system_error if the kernel refuses otherwise.
    explicit Target(std::uint32_t pid);

    [[nodiscard]] std::uint32_t pid() const { return pid_; }
    /// Readable when it has ended.
    [[nodiscard]] int descriptor() const { return pidfd_.get(); }

private:
    std::uint32_t pid_;
    internal::Descriptor pidfd_;
};

} // namespace kspawn::trace

#endif
