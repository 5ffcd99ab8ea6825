// SPDX-License-Identifier: LGPL-2.1-or-later
// popen(): libc's own starts its shell past any interposition.
//
// libc's streams of popen() wait for the child when they are closed, by whatever
// way that is, pclose() or fclose().  So do ours, as streams of fopencookie() with
// functions of ours, and nothing stands in front of fclose().
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>

#include "libc.hpp"
#include "shell.hpp"
#include "streams.hpp"
#include "userspace/lib/cancel_guard.hpp"
#include "userspace/lib/descriptor.hpp"
#include "userspace/lib/libc_object.hpp"

namespace kspawn::preload {

namespace {

using internal::CancelGuard;
using internal::Descriptor;
using streams::Stream;

struct Mode {
    bool read;
    bool close_on_exec;
};

std::optional<Mode> parse(const char* text) noexcept {
    bool read = false;
    bool write = false;
    bool close_on_exec = false;
    for (const char letter : std::string_view(text)) {
        if (letter == 'r')
            read = true;
        else if (letter == 'w')
            write = true;
        else if (letter == 'e')
            close_on_exec = true;
        else
            return std::nullopt;
    }
    if (read == write)
        return std::nullopt;
    return Mode{read, close_on_exec};
}

// The functions that stdio calls, with the stream locked.  Cancellation may unwind out of read()
// and write(), as it does in libc's streams.
Stream& stream_of(void* cookie) noexcept {
    return *static_cast<Stream*>(cookie);
}

ssize_t read_some(void* cookie, char* buffer, std::size_t size) {
    auto& stream = stream_of(cookie);
    streams::let_inherit(stream);
    return ::read(stream.descriptor, buffer, size);
}

// All of it, or what there was before an error.
ssize_t write_all(void* cookie, const char* buffer, std::size_t size) {
    auto& stream = stream_of(cookie);
    streams::let_inherit(stream);
    std::size_t done = 0;
    while (done < size) {
        const auto written = ::write(stream.descriptor, buffer + done, size - done);
        if (written < 0)
            break;
        done += static_cast<std::size_t>(written);
    }
    return static_cast<ssize_t>(done);
}

// Fails, and says with which error: stdio lets ESPIPE pass where it must.
int seek(void* cookie, off64_t* offset, int whence) noexcept {
    const auto reached = ::lseek(stream_of(cookie).descriptor, *offset, whence);
    if (reached < 0)
        return -1;
    *offset = reached;
    return 0;
}

// The result is that of pclose() and fclose().
int close_and_wait(void* cookie) noexcept {
    const CancelGuard no_cancellation;
    auto& stream = stream_of(cookie);
    ::close(streams::forget_descriptor(stream));
    int status = 0;
    pid_t pid = stream.pid;
    if (stream.pid != 0) {
        do {
            pid = ::waitpid(stream.pid, &status, 0);
        } while (pid < 0 && errno == EINTR);
    }
    streams::end(stream);
    return pid < 0 ? -1 : status;
}

// The child's end becomes its standard stream; the streams of earlier calls are
// closed (POSIX), close-on-exec or not.  One of them may be closed by another thread
// at any time; a file that then gets its number has been opened during this call,
// and a child that was created a moment before would not have it either.
int fill(posix_spawn_file_actions_t* file_actions, int child_end, int standard) noexcept {
    const auto& c = libc();
    if (const int error = c.posix_spawn_file_actions_adddup2(file_actions, child_end, standard);
        error != 0)
        return error;
    streams::Walk walk;
    for (int descriptor = walk.next(); descriptor >= 0; descriptor = walk.next()) {
        if (descriptor == standard)
            continue; // closed by the dup2
        if (const int error = c.posix_spawn_file_actions_addclose(file_actions, descriptor);
            error != 0)
            return error;
    }
    return 0;
}

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// A stream of ours, which has no child yet.
File make_file(Stream& stream, int descriptor, bool read) noexcept {
    File file{
        ::fopencookie(&stream, read ? "r" : "w", {read_some, write_all, seek, close_and_wait})};
    if (file) {
        // For fileno(); what stdio itself does with such a stream, it does by the cookie.
        file->_fileno = descriptor;
        static_cast<void>(
            ::setvbuf(file.get(), stream.buffer.data(), _IOFBF, stream.buffer.size()));
    }
    return file;
}

struct EndStream {
    void operator()(Stream* stream) const noexcept { streams::end(*stream); }
};

int start_child(Stream& stream, const char* command, int child_end, bool read) noexcept {
    internal::LibcObject<posix_spawn_file_actions_t> file_actions{
        libc().posix_spawn_file_actions_init, libc().posix_spawn_file_actions_destroy};
    const int standard = read ? STDOUT_FILENO : STDIN_FILENO;
    if (const int error = fill(file_actions.get(), child_end, standard); error != 0)
        return error;
    const auto result = start_shell(Entry::popen, command, file_actions.get(), nullptr);
    if (result.error == 0)
        stream.pid = result.pid;
    return result.error;
}

std::FILE* open_stream(const char* command, Mode mode) noexcept {
    // Before the record: from then on no file that is closed meanwhile can have
    // the number of an end of this pipe.
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return nullptr;
    Descriptor parent_end{ends[mode.read ? 0 : 1]};
    const Descriptor child_end{ends[mode.read ? 1 : 0]};
    std::unique_ptr<Stream, EndStream> stream{streams::begin()};
    if (!stream) {
        errno = ENOMEM;
        return nullptr;
    }
    auto file = make_file(*stream, parent_end.get(), mode.read);
    if (!file)
        return nullptr;
    if (const int error = start_child(*stream, command, child_end.get(), mode.read); error != 0) {
        static_cast<void>(stream.release()); // the file's now
        file.reset();
        errno = error;
        return nullptr;
    }
    streams::opened(*stream.release(), parent_end.release(), !mode.close_on_exec);
    return file.release();
}

} // namespace

} // namespace kspawn::preload

extern "C" std::FILE* popen(const char* command, const char* modes) {
    const auto parsed = kspawn::preload::parse(modes);
    if (!parsed) {
        errno = EINVAL;
        return nullptr;
    }
    const kspawn::internal::CancelGuard no_cancellation;
    return kspawn::preload::open_stream(command, *parsed);
}
