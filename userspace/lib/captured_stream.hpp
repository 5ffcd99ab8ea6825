// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_CAPTURED_STREAM_HPP
#define KSPAWN_LIB_CAPTURED_STREAM_HPP

#include <cstddef>
#include <memory>

#include "descriptor.hpp"
#include "memory.hpp"

namespace kspawn::internal {

/// The bytes that come through a pipe, up to a maximum; the rest is counted.
class CapturedStream {
public:
    /// @param pipe non-blocking
    void open(int pipe, std::size_t maximum) noexcept;

    [[nodiscard]] Descriptor& pipe() noexcept { return pipe_; }
    [[nodiscard]] const Descriptor& pipe() const noexcept { return pipe_; }

    /// Reads what there is, and for a writer that does not rest: some of it.
    /// @param no_more_writers what is there now is all that there will be
    /// @param[out] ended      all has been read
    /// @return 0 or an error number
    int read(bool no_more_writers, bool& ended) noexcept;

    /// Gives away what was kept, with a NUL behind it; null if there was no pipe.
    char* take(std::size_t& size, unsigned long long& total) noexcept;

private:
    bool make_room() noexcept;

    Descriptor pipe_;
    std::unique_ptr<char, Free> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0; // without the NUL's place
    std::size_t maximum_ = 0;
    unsigned long long total_ = 0;
    bool collected_ = false;
};

} // namespace kspawn::internal

#endif
