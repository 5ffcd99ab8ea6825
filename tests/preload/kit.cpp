// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kit.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

using kspawn::test::build_directory;
using kspawn::test::Descriptor;
using kspawn::test::Pipe;
using kspawn::test::read_all;

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

Said run_shell(const std::string& command, posix_spawn_file_actions_t* actions,
               const posix_spawnattr_t* attributes) {
    Said said;
    Actions own;
    if (actions == nullptr)
        actions = own.get();
    Pipe output;
    // Out of the way of the numbers that tests use.
    output.writer = Descriptor{::fcntl(output.writer.get(), F_DUPFD_CLOEXEC, 50)};
    ::posix_spawn_file_actions_adddup2(actions, output.writer.get(), STDOUT_FILENO);
    std::array<std::string, 3> words{"sh", "-c", command};
    std::array<char*, 4> argv{words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t pid = -1;
    said.error = ::posix_spawn(&pid, "/bin/sh", actions, attributes, argv.data(), ::environ);
    output.writer = Descriptor{};
    said.output = read_all(output.reader);
    if (said.error == 0)
        said.status = wait_status_of(pid);
    return said;
}
