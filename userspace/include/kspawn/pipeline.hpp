// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * Programs that read each other's output.
 *
 *     using kspawn::Command;
 *     auto words = kspawn::pipeline({Command("cat").arg("book"), Command("wc").arg("-w")})
 *                      .output();
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_PIPELINE_HPP
#define KSPAWN_PIPELINE_HPP

#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <kspawn/base.h>
#include <kspawn/command.hpp>

namespace kspawn {

/** The output of a pipeline, and how its programs ended, in their order. */
struct KSPAWN_API PipelineOutput {
    std::vector<ExitStatus> statuses;
    std::string out; /**< what the last one wrote to its standard output */
    std::string err; /**< what all of them wrote to their standard errors, as it came */

    /** @return whether all of them succeeded (a shell's pipefail); false: none was started */
    [[nodiscard]] bool success() const noexcept;
};

/**
 * Programs to start, each reading what the one before it writes.  A value type.
 *
 * A command's standard output is a pipe, whatever the command says about it, unless it is
 * the last one; its standard input, unless it is the first.  All else is as each command
 * says.
 */
class KSPAWN_API Pipeline {
public:
    /** @param commands at least one, or starting it fails with EINVAL */
    explicit Pipeline(std::vector<Command> commands) : commands_(std::move(commands)) {}

    /**
     * Start all of them.
     *
     * If one cannot be started, those before it are killed (SIGKILL) and waited
     * for: either all of them run or none does.
     *
     * @return the children, in their order; the first has the pipe to standard input
     * and the last the one from standard output, if its command says so
     * @throws SpawnError as Command::spawn()
     */
    [[nodiscard]] std::vector<Child> spawn() const;
    /** @copydoc spawn() */
    [[nodiscard]] std::vector<Child> spawn(std::error_code& error) const;

    /**
     * Start all of them, wait for all of them.  Nothing is done with a pipe but to close it.
     *
     * @return how they ended
     * @throws SpawnError as spawn(), std::system_error as Child::wait()
     */
    [[nodiscard]] std::vector<ExitStatus> status() const;
    /** @copydoc status() */
    [[nodiscard]] std::vector<ExitStatus> status(std::error_code& error) const;

    /**
     * Start all of them, collect what they write, wait for all of them.
     *
     * As Command::output(): what was not said otherwise is piped.  The programs
     * write their standard errors to one pipe.  A pipe that a command asks for by
     * stderr_to() is collected with it.
     *
     * @param input what to write to the first one's standard input
     * @throws SpawnError as spawn(), std::system_error as Child::wait_with_output()
     */
    [[nodiscard]] PipelineOutput output(std::string_view input = {}) const;
    /** @copydoc output(std::string_view) */
    [[nodiscard]] PipelineOutput output(std::string_view input, std::error_code& error) const;

private:
    static void close_pipes(std::vector<Child>& children) noexcept;
    std::vector<Child> start(Command::Failure& failure) const;
    PipelineOutput collect(std::string_view input, Command::Failure& failure,
                           std::error_code& error) const;

    std::vector<Command> commands_;
};

/** @return a Pipeline of these commands */
[[nodiscard]] KSPAWN_API Pipeline pipeline(std::vector<Command> commands);

} // namespace kspawn

#endif // KSPAWN_PIPELINE_HPP
