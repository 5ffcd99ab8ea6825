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

#include <kspawn/base.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <kspawn/command.hpp>

namespace kspawn {

/** The output of a pipeline, and how its programs ended, in their order. */
struct KSPAWN_API PipelineOutput {
    std::vector<ExitStatus> statuses; /**< of each of its programs */
    std::string out;                  /**< what the last one wrote to its standard output */
    std::string err; /**< what all of them wrote to their standard errors, as it came */

    /** @return whether all of them succeeded (a shell's pipefail); false: none was started */
    [[nodiscard]] bool success() const noexcept;
};

/**
 * The exit status that a shell gives to a pipeline.
 *
 * @param statuses how its programs ended, in their order
 * @param pipefail false: that of the last one; true: that of the last one that failed, or of
 *                 the last if none did (`set -o pipefail`)
 * @return it; none if there are no programs
 *
 * Since kspawn 0.2.
 */
[[nodiscard]] KSPAWN_API ExitStatus pipeline_status(const std::vector<ExitStatus>& statuses,
                                                    bool pipefail) noexcept;

/**
 * Programs to start, each reading what the one before it writes.  A value type.
 *
 * They are started by one call (kspawn_spawn_batch_np()), at the same time.  The pipes
 * between them are made by the start: no other thread's fork or start can inherit one.
 * Through libc they are started one after the other, and the pipes are made before.
 *
 * A command's standard output is a pipe, whatever the command says about it, unless it is
 * the last one; its standard input, unless it is the first.  All else is as each command
 * says.
 */
class KSPAWN_API Pipeline {
public:
    /** @param commands at least one, or starting it fails with EINVAL */
    explicit Pipeline(std::vector<Command> commands);
    /** An independent copy. */
    Pipeline(const Pipeline& other);
    /** The other may then be copied, assigned to and destroyed, and no more. */
    Pipeline(Pipeline&& other) noexcept;
    /** An independent copy. */
    Pipeline& operator=(const Pipeline& other);
    /** The other may then be copied, assigned to and destroyed, and no more. */
    Pipeline& operator=(Pipeline&& other) noexcept;
    /** Nothing happens to what was started. */
    ~Pipeline();

    /**
     * Insist that no program runs an instruction unless all of them can.
     *
     * Through the kernel every pipeline is started so.  Through libc it cannot be done: the
     * start fails with ENOTSUP.  Without this, those that libc has started are killed if
     * another cannot be.  Since kspawn 0.2.
     */
    Pipeline& all_or_none(bool wanted = true);
    /**
     * Make the programs one new process group, which the first one leads.  The start fails
     * with EINVAL if a command asks for a group or a session of its own.  Since kspawn 0.2.
     */
    Pipeline& process_group(bool wanted = true);
    /**
     * Make the programs one new process group (process_group()), and that the foreground
     * group of a terminal before any of them begins.
     *
     * The terminal is given back, to the process group of the caller, if the start fails,
     * and at the end of status(), exit_status() and output().  After spawn() it is for the
     * caller to do so: tcsetpgrp(), with SIGTTOU blocked or ignored.
     *
     * @param terminal a descriptor of the caller's controlling terminal
     *
     * Since kspawn 0.2.
     */
    Pipeline& foreground(int terminal);
    /**
     * Make exit_status() that of the last program that failed, as a shell does with
     * `set -o pipefail`.  Since kspawn 0.2.
     */
    Pipeline& pipefail(bool wanted = true);

    /**
     * The programs in one line for sh: Command::shell_line() of each, with '|' between them.
     * Since kspawn 0.2.
     *
     * @return the line, without a newline at its end; "" if there is no command
     */
    [[nodiscard]] std::string shell_line() const;

    /**
     * Start all of them.
     *
     * If one cannot be started, no other has run an instruction.  Through libc, those that
     * have been started are killed (SIGKILL) and waited for.  Either all of them run or none
     * does.
     *
     * @return the children, in their order; the first has the pipe to standard input
     * and the last the one from standard output, if its command says so
     * @throws SpawnError as Command::spawn(), with the number of the command in its words
     * ("start 1: "); E2BIG: there are more than KSPAWN_BATCH_MAX
     */
    [[nodiscard]] std::vector<Child> spawn() const;
    /** @copydoc spawn() */
    [[nodiscard]] std::vector<Child> spawn(std::error_code& error) const;

    /**
     * Start all of them, wait for all of them.  Nothing is done with a pipe but to close it.
     *
     * If no command has a pipe of its own, that is one system call through the kernel.
     *
     * @return how they ended
     * @throws SpawnError as spawn(), std::system_error as Child::wait()
     */
    [[nodiscard]] std::vector<ExitStatus> status() const;
    /** @copydoc status() */
    [[nodiscard]] std::vector<ExitStatus> status(std::error_code& error) const;

    /**
     * status() as one: that of the last program, or, with pipefail(), of the last that
     * failed.  Since kspawn 0.2.
     *
     * @return see pipeline_status()
     * @throws as status()
     */
    [[nodiscard]] ExitStatus exit_status() const;
    /** @copydoc exit_status() */
    [[nodiscard]] ExitStatus exit_status(std::error_code& error) const;

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
    /** @copydoc output(std::string_view) const */
    [[nodiscard]] PipelineOutput output(std::string_view input, std::error_code& error) const;

    /** The description of the pipeline so far; for the library itself. */
    struct State;

private:
    friend struct internal::Access;

    std::unique_ptr<State> state_; // null: it has been moved from
};

/** @return a Pipeline of these commands */
[[nodiscard]] KSPAWN_API Pipeline pipeline(std::vector<Command> commands);

} // namespace kspawn

#endif // KSPAWN_PIPELINE_HPP
