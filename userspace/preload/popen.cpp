// SPDX-License-Identifier: LGPL-2.1-or-later
// popen() and pclose(): libc's own start their shell past any interposition.
//
// libc keeps the child's process ID in the stream.  Ours are streams of fdopen(),
// with the process IDs beside them.  With libc, fclose() on such a stream does
// what pclose() does, and programs rely on that; so fclose() is ours as well.
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "libc.hpp"
#include "memory.hpp"
#include "shell.hpp"
#include "userspace/lib/cancel_guard.hpp"
#include "userspace/lib/descriptor.hpp"

namespace kspawn::preload {

namespace {

using internal::CancelGuard;
using internal::Descriptor;

struct Stream {
    Stream* next;
    std::FILE* file;
    int descriptor;
    pid_t pid;
};

// The lock is held while a child is started: a stream that another thread closes
// meanwhile could otherwise have its number taken by a file that the child must
// not lose, and one that another thread opens could leak into the child.
constinit pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
constinit Stream* streams = nullptr;
// For fclose(), which nearly always has nothing to do with all this.
constinit std::atomic<unsigned> open_streams{0};

void before_fork() noexcept {
    ::pthread_mutex_lock(&lock);
}

void after_fork() noexcept {
    ::pthread_mutex_unlock(&lock);
}

constinit pthread_once_t atfork_once = PTHREAD_ONCE_INIT;

// A child of fork() has the streams, and a lock that nobody holds.
void watch_forks() noexcept {
    ::pthread_atfork(before_fork, after_fork, after_fork);
}

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

// The child's end becomes its standard stream; the streams of earlier calls are
// closed (POSIX), close-on-exec or not.
int fill(posix_spawn_file_actions_t* file_actions, int child_end, int standard) noexcept {
    const auto& c = libc();
    if (const int error = c.actions_adddup2(file_actions, child_end, standard); error != 0)
        return error;
    for (const Stream* stream = streams; stream != nullptr; stream = stream->next) {
        if (stream->descriptor == standard)
            continue; // closed by the dup2
        if (const int error = c.actions_addclose(file_actions, stream->descriptor); error != 0)
            return error;
    }
    return 0;
}

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { libc_fclose(file); }
};

std::FILE* open_stream(const char* command, Mode mode) noexcept {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return nullptr;
    Descriptor parent_end{ends[mode.read ? 0 : 1]};
    const Descriptor child_end{ends[mode.read ? 1 : 0]};
    auto stream = allocate<Stream>();
    if (!stream)
        return nullptr;
    std::unique_ptr<std::FILE, CloseFile> file{::fdopen(parent_end.get(), mode.read ? "r" : "w")};
    if (!file)
        return nullptr;
    stream->file = file.get();
    stream->descriptor = parent_end.release(); // the file's now

    ::pthread_once(&atfork_once, watch_forks);
    const Locked locked{lock};
    OwnFileActions file_actions;
    int error = fill(file_actions.get(), child_end.get(), mode.read ? STDOUT_FILENO : STDIN_FILENO);
    if (error == 0) {
        const auto result = start_shell(Entry::popen, command, file_actions.get(), nullptr);
        error = result.error;
        stream->pid = result.pid;
    }
    if (error != 0) {
        file.reset();
        errno = error;
        return nullptr;
    }
    if (!mode.close_on_exec)
        ::fcntl(stream->descriptor, F_SETFD, 0);
    stream->next = streams;
    streams = stream.release();
    open_streams.fetch_add(1, std::memory_order_relaxed);
    return file.release();
}

std::unique_ptr<Stream, Free> take(const std::FILE* file) noexcept {
    const Locked locked{lock};
    for (Stream** link = &streams; *link != nullptr; link = &(*link)->next) {
        if ((*link)->file == file) {
            open_streams.fetch_sub(1, std::memory_order_relaxed);
            return std::unique_ptr<Stream, Free>{std::exchange(*link, (*link)->next)};
        }
    }
    return nullptr;
}

// Of a stream that is ours and not in the list any more.
int close_stream(const Stream& stream) noexcept {
    const CancelGuard no_cancellation;
    libc_fclose(stream.file);
    int status = -1;
    pid_t pid = -1;
    do {
        pid = ::waitpid(stream.pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    return pid < 0 ? -1 : status;
}

} // namespace

} // namespace kspawn::preload

extern "C" {

std::FILE* popen(const char* command, const char* modes) {
    const auto parsed = kspawn::preload::parse(modes);
    if (!parsed) {
        errno = EINVAL;
        return nullptr;
    }
    const kspawn::internal::CancelGuard no_cancellation;
    return kspawn::preload::open_stream(command, *parsed);
}

int pclose(std::FILE* stream) {
    if (const auto own = kspawn::preload::take(stream))
        return kspawn::preload::close_stream(*own);
    // libc's own, or no such stream at all, which it takes as fclose() would.
    return kspawn::preload::libc().pclose(stream);
}

int fclose(std::FILE* stream) {
    if (kspawn::preload::open_streams.load(std::memory_order_relaxed) != 0) [[unlikely]] {
        if (const auto own = kspawn::preload::take(stream))
            return kspawn::preload::close_stream(*own);
    }
    return kspawn::preload::libc_fclose(stream);
}

} // extern "C"
