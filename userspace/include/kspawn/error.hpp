// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * The exception that kspawn::Command throws: an error, and which step of the start it is about.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_ERROR_HPP
#define KSPAWN_ERROR_HPP

#include <kspawn/base.hpp>

#include <string>
#include <system_error>

#include <kspawn/failure.h>

namespace kspawn {

/**
 * The steps of a start: KSPAWN_STEP_* of <kspawn/failure.h> under their own names,
 * and one of this library.  A value without a name may come from a libkspawn that
 * is newer than this header.
 */
enum class Step : int {
    none = KSPAWN_STEP_NONE,
    policy = KSPAWN_STEP_POLICY,
    copy = KSPAWN_STEP_COPY,
    descriptors = KSPAWN_STEP_DESCRIPTORS,
    clone = KSPAWN_STEP_CLONE,
    attribute = KSPAWN_STEP_ATTRIBUTE,
    action = KSPAWN_STEP_ACTION,
    pidfd = KSPAWN_STEP_PIDFD,
    exec = KSPAWN_STEP_EXEC,
    wait = KSPAWN_STEP_WAIT,
    builder = KSPAWN_STEP_BUILDER,
    batch = KSPAWN_STEP_BATCH,
    device = KSPAWN_STEP_DEVICE,
    libc = KSPAWN_STEP_LIBC,
    capture = KSPAWN_STEP_CAPTURE,
    /** Before the kernel was asked: a pipe could not be made, a name has a NUL in it. */
    prepare = 512
};

/**
 * A program could not be started.
 *
 * code() is the error number in std::generic_category(); what() says all of it
 * in words, such as "file action 2: open /x/y: No such file or directory".
 */
class KSPAWN_API SpawnError : public std::system_error {
public:
    /**
     * @param error an error number
     * @param step  where it failed
     * @param index which part of that step; see kspawn_failure::index
     * @param words what failed, without the error in words
     */
    SpawnError(int error, Step step, unsigned index, const std::string& words);
    /** The same error. */
    SpawnError(const SpawnError&) noexcept = default;
    /** The same error. */
    SpawnError& operator=(const SpawnError&) noexcept = default;
    /** The same error. */
    SpawnError(SpawnError&&) noexcept = default;
    /** The same error. */
    SpawnError& operator=(SpawnError&&) noexcept = default;
    ~SpawnError() override;

    /** @return which step failed */
    [[nodiscard]] Step step() const noexcept { return step_; }

    /**
     * @return which part of that step: the flag KSPAWN_SPAWN_* of an attribute, at
     * Step::prepare as well;
     * the number of a file action as Command made it, from 0 (what() says what it
     * does): descriptors by their numbers, working directory, terminal, descriptors that
     * are the same_as() another, what is closed; 0 otherwise
     */
    [[nodiscard]] unsigned index() const noexcept { return index_; }

private:
    Step step_;
    unsigned index_;
};

} // namespace kspawn

#endif // KSPAWN_ERROR_HPP
