// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace {

const std::filesystem::path& build_directory() {
    // BUILD/tests/preload/PROGRAM
    static const auto path =
        std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path();
    return path;
}

} // namespace

const std::string& preload_path() {
    static const std::string path = build_directory() / "libkspawn-preload.so";
    return path;
}

std::string program_path(const std::string& name) {
    return build_directory() / "tests/preload/programs" / name;
}

bool have_kernel() {
    return ::access("/dev/kspawn", R_OK) == 0;
}

Pipe::Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("pipe2");
    reader_ = ends[0];
    // Out of the way of the numbers that tests use.
    writer_ = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 50);
    ::close(ends[1]);
}

Pipe::~Pipe() {
    ::close(reader_);
    if (writer_ >= 0)
        ::close(writer_);
}

std::string Pipe::read_all() {
    ::close(writer_);
    writer_ = -1;
    std::string all;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto got = ::read(reader_, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return all;
        all.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

int wait_for(pid_t pid) {
    int status = -1;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return status;
}

Said run_shell(const std::string& command, posix_spawn_file_actions_t* actions,
               const posix_spawnattr_t* attributes) {
    Said said;
    Actions own;
    if (actions == nullptr)
        actions = own.get();
    Pipe output;
    ::posix_spawn_file_actions_adddup2(actions, output.writer(), STDOUT_FILENO);
    std::array<std::string, 3> words{"sh", "-c", command};
    std::array<char*, 4> argv{words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t pid = -1;
    said.error = ::posix_spawn(&pid, "/bin/sh", actions, attributes, argv.data(), ::environ);
    said.output = output.read_all();
    if (said.error == 0)
        said.status = wait_for(pid);
    return said;
}
