// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/exit_status.hpp>

#include <sys/wait.h>

#include <cstring>

namespace kspawn {

std::optional<int> ExitStatus::code() const noexcept {
    if (WIFEXITED(wait_status_))
        return WEXITSTATUS(wait_status_);
    return std::nullopt;
}

std::optional<int> ExitStatus::signal() const noexcept {
    if (WIFSIGNALED(wait_status_))
        return WTERMSIG(wait_status_);
    return std::nullopt;
}

bool ExitStatus::core_dumped() const noexcept {
    return WIFSIGNALED(wait_status_) && WCOREDUMP(wait_status_);
}

int ExitStatus::shell_code() const noexcept {
    if (!known())
        return 127;
    return WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : 128 + WTERMSIG(wait_status_);
}

std::string ExitStatus::to_string() const {
    if (!known())
        return "no exit status";
    if (WIFEXITED(wait_status_))
        return "exit status " + std::to_string(WEXITSTATUS(wait_status_));
    const char* const name = ::sigabbrev_np(WTERMSIG(wait_status_));
    std::string words = name != nullptr ? "SIG" + std::string(name)
                                        : "signal " + std::to_string(WTERMSIG(wait_status_));
    if (core_dumped())
        words += " (core dumped)";
    return words;
}

} // namespace kspawn
