// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * Descriptors of the child, and where they come from.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_STDIO_HPP
#define KSPAWN_STDIO_HPP

#include <kspawn/base.hpp>

#include <fcntl.h>
#include <sys/types.h>

#include <filesystem>
#include <memory>

#include <kspawn/file_descriptor.hpp>

namespace kspawn {

/**
 * A file or pipe for one of the child's descriptors; see Command::descriptor().
 *
 * A value type: copies share a descriptor that is owned.
 */
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): a move is a copy
class KSPAWN_API Stdio {
public:
    /** The same.  Nothing is gained by a move. */
    Stdio(const Stdio&) noexcept;
    /** The same. */
    Stdio& operator=(const Stdio&) noexcept;
    /** A descriptor that is owned is closed with the last copy. */
    ~Stdio();

    /** The descriptor of the same number, as the caller has it when it starts the child. */
    static Stdio inherit();
    /** The same, if it is open when the child is started; none otherwise. */
    static Stdio inherit_if_open();
    /** /dev/null, for reading and writing. */
    static Stdio null();
    /** None: the child does not have it, whatever the caller has. */
    static Stdio closed();

    /**
     * A file.  It is opened by the start itself, so that an error is one of the
     * start; a relative path is relative to the caller's working directory, even
     * with Command::current_dir().
     *
     * @param path  what to open
     * @param oflag as open() takes them
     * @param mode  permissions of a file that is created, less the umask
     */
    static Stdio file(const std::filesystem::path& path, int oflag, mode_t mode = 0666);
    /** file() for reading. */
    static Stdio read(const std::filesystem::path& path) { return file(path, O_RDONLY); }
    /** file() for writing, created if need be, emptied first. */
    static Stdio write(const std::filesystem::path& path) {
        return file(path, O_WRONLY | O_CREAT | O_TRUNC);
    }
    /** file() for writing at its end, created if need be. */
    static Stdio append(const std::filesystem::path& path) {
        return file(path, O_WRONLY | O_CREAT | O_APPEND);
    }

    /**
     * A duplicate of a descriptor, which stays the caller's and must be open when
     * the child is started.  Whether it is close-on-exec does not matter.
     */
    static Stdio descriptor(int number);
    /** A duplicate of a descriptor, which is closed with the last copy of this object. */
    static Stdio descriptor(FileDescriptor owned);

    /** The same file as another descriptor of the child: `2>&1` is stderr_to(Stdio::same_as(1)). */
    static Stdio same_as(int child_number);

    /**
     * A new pipe, whose other end the Child owns: the child reads from it if its
     * number is 0, and writes to it otherwise.
     */
    static Stdio pipe();
    /** A new pipe that the child reads from, whatever its number. */
    static Stdio pipe_to_child();
    /** A new pipe that the child writes to, whatever its number. */
    static Stdio pipe_from_child();

    /** The kind of stream; for the library itself. */
    struct State;

private:
    friend struct internal::Access;
    KSPAWN_HIDDEN explicit Stdio(std::shared_ptr<const State> state) noexcept;

    std::shared_ptr<const State> state_; // never null
};

} // namespace kspawn

#endif // KSPAWN_STDIO_HPP
