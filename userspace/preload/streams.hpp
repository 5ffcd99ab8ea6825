// SPDX-License-Identifier: LGPL-2.1-or-later
/// The streams of popen(), in a list that nobody ever waits for.
///
/// A record is never taken out of the list or freed, only used again: so the list
/// can be walked while others change it, in a signal handler that has interrupted
/// such a change, and in a child of fork(), which has whatever was there.
///
/// POSIX wants the streams of earlier calls to be closed in a new child.  libc has
/// a lock for that, under which it starts the child.  Here a call notes that it
/// starts a child, then reads which streams there are; a call that has got its
/// stream notes it, then reads which starts are under way.  One of the two sees the
/// other.  As long as a start is under way that may not know a stream, the stream's
/// descriptor stays close-on-exec, and so does not leak into that child either.
#ifndef KSPAWN_PRELOAD_STREAMS_HPP
#define KSPAWN_PRELOAD_STREAMS_HPP

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kspawn::preload::streams {

struct Stream {
    Stream* next = nullptr;
    std::atomic<bool> used{false};
    std::atomic<int> descriptor{-1}; ///< that a new child must not have
    /// The process that starts the child right now, or 0.  A child of fork() finds
    /// starts here of threads that it does not have; their process is another.
    std::atomic<pid_t> starter{0};
    std::atomic<std::uint64_t> began{0}; ///< when the start did, in calls of popen()

    // From here on the owner's alone, as the stream's FILE is.
    std::uint64_t opened = 0;       ///< when the stream became known
    bool inheritable_later = false; ///< its descriptor is close-on-exec for the moment only
    pid_t pid = 0;                  ///< 0 while there is no child
    /// As large as the buffer of libc's streams of a pipe.
    std::array<char, 4096> buffer{};
};

/// A record that is noted as a start under way, or null if there is no memory.
Stream* begin() noexcept;

/// The stream is there, and its descriptor, which is close-on-exec.
void opened(Stream& stream, int descriptor, bool inheritable) noexcept;

/// Lets the descriptor be inherited, if it shall be and may be by now.
void let_inherit(Stream& stream) noexcept;

/// The descriptor is about to be closed: no new child is told of it.
int forget_descriptor(Stream& stream) noexcept;

/// The record is free again.
void end(Stream& stream) noexcept;

/// The descriptors of all streams, one after another.
class Walk {
public:
    Walk() noexcept;
    /// -1: there are no more.
    int next() noexcept;

private:
    const Stream* at_;
};

} // namespace kspawn::preload::streams

#endif
