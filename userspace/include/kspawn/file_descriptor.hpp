// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * A file descriptor that closes itself.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_FILE_DESCRIPTOR_HPP
#define KSPAWN_FILE_DESCRIPTOR_HPP

#include <kspawn/base.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace kspawn {

/**
 * Owns a descriptor, or none.  Move-only.
 *
 * The functions that take a std::error_code do not throw for errors of the
 * operating system: they set it, or clear it after success.  The others throw
 * std::system_error.  No function is a cancellation point of pthread_cancel().
 */
class KSPAWN_API FileDescriptor {
public:
    /** Owns none. */
    FileDescriptor() noexcept = default;
    /** @param number a descriptor to own; a negative one means none */
    explicit FileDescriptor(int number) noexcept : number_(number) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    /** The other then owns none. */
    FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
    /** The descriptor that the object owned before is closed. */
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        FileDescriptor(std::move(other)).swap(*this);
        return *this;
    }
    ~FileDescriptor() { close(); }

    /** @return the descriptor, still owned; negative if there is none */
    [[nodiscard]] int get() const noexcept { return number_; }
    /** @return whether there is one */
    explicit operator bool() const noexcept { return number_ >= 0; }
    /** @return the descriptor, which is the caller's to close from now on */
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
    /** Close it now, if there is one.  errno stays as it is. */
    void close() noexcept;
    /** Exchange with another. */
    void swap(FileDescriptor& other) noexcept { std::swap(number_, other.number_); }

    /**
     * Read what there is, as read(2); goes on after EINTR.
     *
     * @param[out] buffer where to put it
     * @return the number of bytes; 0 at the end of the file
     * @throws std::system_error with the errors of read(2)
     */
    std::size_t read(std::span<std::byte> buffer);
    /** @copydoc read(std::span<std::byte>) */
    std::size_t read(std::span<std::byte> buffer, std::error_code& error) noexcept;

    /**
     * Read up to the end of the file.  The descriptor must not be non-blocking.
     *
     * @return all of it
     * @throws std::system_error with the errors of read(2)
     */
    std::string read_all();
    /** The same; what was read before an error is returned with it. */
    std::string read_all(std::error_code& error);

    /**
     * Write all of it, as write(2) in a loop.  SIGPIPE is not sent: a pipe that
     * nobody reads is EPIPE.
     *
     * @param[in] data what to write
     * @throws std::system_error with the errors of write(2)
     */
    void write_all(std::string_view data);
    /** @copydoc write_all(std::string_view) */
    void write_all(std::string_view data, std::error_code& error) noexcept;

private:
    int number_ = -1;
};

} // namespace kspawn

#endif // KSPAWN_FILE_DESCRIPTOR_HPP
