// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_FAILURE_HPP
#define KSPAWN_LIB_COMMAND_FAILURE_HPP

#include <string>
#include <system_error>
#include <utility>

#include "failed_step.hpp"

namespace kspawn::internal {

/// Why a start failed; no error: it did not.
struct Failure : FailedStep {
    /// Before the kernel was asked.
    void prepare(int number, std::string what, unsigned attribute = 0) {
        take({number, Step::prepare, attribute, std::move(what)});
    }

    void take(FailedStep failed) { static_cast<FailedStep&>(*this) = std::move(failed); }

    void throw_if_any() const {
        if (error != 0)
            throw to_error();
    }
    /// The same, or the error of a wait for the child.
    void throw_if_any(const std::error_code& of_wait) const {
        throw_if_any();
        if (of_wait)
            throw std::system_error(of_wait, "wait");
    }
};

} // namespace kspawn::internal

#endif
