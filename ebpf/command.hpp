// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_COMMAND_HPP
#define KSPAWN_TRACE_COMMAND_HPP

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/descriptor.hpp"

namespace kspawn::trace {

/// A command that is there, but has not begun; killed if it never does.
class Command {
public:
    /// Throws std::system_error if there can be no process for it.
    explicit Command(std::vector<std::string> arguments);
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    Command(Command&&) = delete;
    Command& operator=(Command&&) = delete;
    ~Command();

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Readable when it has ended.
    [[nodiscard]] int descriptor() const { return pidfd_.get(); }
    /// Lets it begin.  Throws std::system_error if it cannot be executed.
    void begin();
    void kill(int signal) const;
    /// Its status as a shell has it; none if it has not ended, and then it goes
    /// on without us.
    std::optional<int> end();

private:
    pid_t pid_ = -1;
    internal::Descriptor pidfd_;
    internal::Descriptor gate_;
    internal::Descriptor failure_;
};

} // namespace kspawn::trace

#endif
