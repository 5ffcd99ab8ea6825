// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cgroup_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace kspawn::internal {

namespace {

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
};
struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

Descriptor open_in(const Descriptor& directory, const char* name, int flags) noexcept {
    return Descriptor{::openat(directory.get(), name, flags | O_CLOEXEC)};
}

void write_to(const Descriptor& file, const char* text) noexcept {
    // Whoever waits until none is left sees what has come of it.
    [[maybe_unused]] const auto count = ::write(file.get(), text, std::strlen(text));
}

void kill_processes_of(const Descriptor& directory) noexcept {
    Descriptor list = open_in(directory, "cgroup.procs", O_RDONLY);
    const std::unique_ptr<std::FILE, CloseFile> file{list ? ::fdopen(list.get(), "r") : nullptr};
    if (!file)
        return;
    static_cast<void>(list.release());
    std::array<char, 32> line{};
    while (std::fgets(line.data(), line.size(), file.get()) != nullptr) {
        pid_t pid = 0;
        std::from_chars(line.data(), line.data() + std::strlen(line.data()), pid);
        // 0 is a process of another PID namespace.
        if (pid > 0)
            ::kill(pid, SIGKILL);
    }
}

void kill_processes_below(const Descriptor& directory) noexcept {
    kill_processes_of(directory);
    Descriptor again = open_in(directory, ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, CloseDirectory> entries{again ? ::fdopendir(again.get()) : nullptr};
    if (!entries)
        return;
    static_cast<void>(again.release());
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* const entry = ::readdir(entries.get())) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        if (const Descriptor below = open_in(directory, entry->d_name, O_RDONLY | O_DIRECTORY))
            kill_processes_below(below);
    }
}

bool says(const Descriptor& events, std::string_view what) noexcept {
    std::array<char, 256> text{};
    const auto size = ::pread(events.get(), text.data(), text.size(), 0);
    return size > 0 && std::string_view(text.data(), static_cast<std::size_t>(size)).find(what) !=
                           std::string_view::npos;
}

} // namespace

int CgroupTree::open(int directory) noexcept {
    Descriptor opened{::openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC)};
    if (!opened)
        return errno;
    kill_ = Descriptor{::openat(directory, "cgroup.kill", O_WRONLY | O_CLOEXEC)};
    if (!kill_) {
        if (errno != ENOENT)
            return errno;
        directory_ = Descriptor{::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!directory_)
            return errno;
    }
    events_ = std::move(opened);
    return 0;
}

bool CgroupTree::populated() const noexcept {
    return says(events_, "populated 1");
}

void CgroupTree::kill() noexcept {
    if (kill_) {
        write_to(kill_, "1");
        return;
    }
    // None that is frozen makes another process, or gives up its number.
    const Descriptor freeze = open_in(directory_, "cgroup.freeze", O_WRONLY);
    write_to(freeze, "1");
    pollfd entry{.fd = events_.get(), .events = POLLPRI, .revents = 0};
    for (int rounds = 0; rounds < round_ms && populated() && !says(events_, "frozen 1"); ++rounds)
        ::poll(&entry, 1, 1);
    kill_processes_below(directory_);
    write_to(freeze, "0");
}

void CgroupTree::kill_and_wait() noexcept {
    kill();
    while (populated()) {
        pollfd entry{.fd = events_.get(), .events = POLLPRI, .revents = 0};
        ::poll(&entry, 1, kills_at_once() ? -1 : round_ms);
        if (!kills_at_once())
            kill();
    }
}

} // namespace kspawn::internal
