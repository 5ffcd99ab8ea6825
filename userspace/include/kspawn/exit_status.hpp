// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * How a child ended.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_EXIT_STATUS_HPP
#define KSPAWN_EXIT_STATUS_HPP

#include <kspawn/base.hpp>

#include <optional>
#include <string>

namespace kspawn {

/**
 * How a child ended: by exit(), or by a signal; or none, as there was no child or nobody
 * knows.  A small value type.
 */
class KSPAWN_API ExitStatus {
public:
    /** None: no success, neither a code nor a signal. */
    ExitStatus() noexcept = default;
    /** @param wait_status as waitpid() reports it, of a child that has ended */
    explicit ExitStatus(int wait_status) noexcept : wait_status_(wait_status) {}

    /** @return whether it tells of a child; false: none */
    [[nodiscard]] bool known() const noexcept { return wait_status_ != none_; }
    /** @return whether it called exit(0) */
    [[nodiscard]] bool success() const noexcept { return wait_status_ == 0; }
    /** @return what it gave to exit(), 0 to 255; nothing if a signal ended it */
    [[nodiscard]] std::optional<int> code() const noexcept;
    /** @return the signal that ended it; nothing if it called exit() */
    [[nodiscard]] std::optional<int> signal() const noexcept;
    /** @return whether it left a core dump */
    [[nodiscard]] bool core_dumped() const noexcept;
    /** @return as waitpid() reports it, for WIFEXITED() and its like; none: -1, of which
     *  none of them is true */
    [[nodiscard]] int wait_status() const noexcept { return wait_status_; }
    /** @return as shells have it: the exit code, or 128 and the signal; none: 127, as of
     *  a program that could not be started */
    [[nodiscard]] int shell_code() const noexcept;
    /** @return "exit status 1", "SIGSEGV (core dumped)", "no exit status" */
    [[nodiscard]] std::string to_string() const;

    /** Equal if they ended in the same way. */
    friend bool operator==(const ExitStatus&, const ExitStatus&) noexcept = default;

private:
    static constexpr int none_ = -1; // which waitpid() reports of no child
    int wait_status_ = none_;
};

} // namespace kspawn

#endif // KSPAWN_EXIT_STATUS_HPP
