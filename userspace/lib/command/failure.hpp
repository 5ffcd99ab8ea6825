// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_FAILURE_HPP
#define KSPAWN_LIB_COMMAND_FAILURE_HPP

#include <string>
#include <utility>

#include <kspawn/command.hpp>

namespace kspawn {

/// Why a start failed; no error: it did not.
struct Command::Failure {
    int error = 0;
    Step step = Step::none;
    unsigned index = 0;
    std::string words;

    /// Before the kernel was asked.
    void prepare(int number, std::string what) {
        error = number;
        step = Step::prepare;
        index = 0;
        words = std::move(what);
    }

    [[nodiscard]] SpawnError to_error() const { return {error, step, index, words}; }

    void throw_if_any() const {
        if (error != 0)
            throw to_error();
    }
};

} // namespace kspawn

#endif
