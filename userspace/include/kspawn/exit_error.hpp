// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * The exception of Command::check() and its like: a program that was started and did not
 * succeed.
 *
 * Since kspawn 0.2.
 */
#ifndef KSPAWN_EXIT_ERROR_HPP
#define KSPAWN_EXIT_ERROR_HPP

#include <kspawn/base.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include <kspawn/child.hpp>
#include <kspawn/exit_status.hpp>

namespace kspawn {

/**
 * A program ended, and not by exit(0), or not within its time limit.
 *
 * what() names the program, how it ended, and the last line of its standard error if that was
 * collected: "git: exit status 128: fatal: not a git repository".  Arguments, which may be
 * secret, are not in it.  A program that could not be started is a SpawnError instead.
 *
 * Since kspawn 0.2.
 */
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): a move is a copy
class KSPAWN_API ExitError : public std::runtime_error {
public:
    /**
     * @param program the name to begin the words with
     * @param output  how it ended, and what it wrote
     */
    ExitError(const std::string& program, Output output);
    /** The same error. */
    ExitError(const ExitError&) noexcept;
    /** The same error. */
    ExitError& operator=(const ExitError&) noexcept;
    ~ExitError() override;

    /** @return how it ended */
    [[nodiscard]] ExitStatus status() const noexcept;
    /** @return what it wrote, if that was collected: by Command::check_output() and
     *  check_capture() */
    [[nodiscard]] const Output& output() const noexcept;

private:
    std::shared_ptr<const Output> output_; // a copy of an exception must not fail
};

} // namespace kspawn

#endif // KSPAWN_EXIT_ERROR_HPP
