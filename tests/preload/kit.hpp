// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TESTS_PRELOAD_KIT_HPP
#define KSPAWN_TESTS_PRELOAD_KIT_HPP

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "kit/owners.hpp"
#include "kit/process.hpp"
#include "kit/scratch.hpp"

using kspawn::test::read_file;
using kspawn::test::Scratch;
using kspawn::test::wait_status_of;

/// build/libkspawn-preload.so, of the build that this test is from.
const std::string& preload_path();

/// build/tests/preload/programs/NAME.
std::string program_path(const std::string& name);

/// Whether starts go through the kernel here.
bool have_kernel();

/// posix_spawn_file_actions_t, initialised.
class Actions {
public:
    Actions() { ::posix_spawn_file_actions_init(&object_); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    Actions(Actions&&) = delete;
    Actions& operator=(Actions&&) = delete;
    ~Actions() { ::posix_spawn_file_actions_destroy(&object_); }
    [[nodiscard]] posix_spawn_file_actions_t* get() { return &object_; }

private:
    posix_spawn_file_actions_t object_{};
};

/// The standard output of a shell, and its wait status.
struct Said {
    int error = 0;
    int status = -1;
    std::string output;
};

/// sh -c COMMAND, by posix_spawn().
Said run_shell(const std::string& command, posix_spawn_file_actions_t* actions = nullptr,
               const posix_spawnattr_t* attributes = nullptr);

#endif
