// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <fmt/format.h>
#include <kspawn/failure.h>
#include <kspawn/spawn.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lib/command/objects.hpp"
#include "tools/demo/steps.hpp"

namespace kspawn::tool {

namespace {

constexpr const char* nowhere = "/no/such/directory";
std::array<char*, 2> arguments() {
    static char name[] = "pwd";
    return {name, nullptr};
}

int by_libc() {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addchdir_np(&actions, nowhere);
    pid_t pid = 0;
    auto argv = arguments();
    const int error = ::posix_spawn(&pid, "/bin/pwd", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
}

int by_kspawn() {
    internal::FileActions actions;
    actions.open(STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    actions.chdir(nowhere);
    pid_t pid = 0;
    auto argv = arguments();
    return kspawn_spawn(&pid, "/bin/pwd", actions.get(), nullptr, argv.data(), environ);
}

bool has_no_child() {
    return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

} // namespace

void show_failure(Tour& tour) {
    tour.say("A start is asked for in parts: 0, open a file as standard output; 1, go to "
             "/no/such/directory; then run pwd. Part 1 must fail. A C library has an error "
             "number to tell of it, and nothing else:");
    const int libc_error = by_libc();
    tour.quote(fmt::format("{}", std::strerror(libc_error)));
    tour.say("Which file is meant? The library of kspawn knows:");
    const int error = by_kspawn();
    const auto* const failure = kspawn_last_failure();
    if (error == 0 || failure == nullptr) {
        tour.check(false, "The start should have failed.");
        return;
    }
    tour.quote(fmt::format("{}\n(step {}, a file action; index {}; errno {})", kspawn_strfailure(),
                           failure->step, failure->index, failure->error));
    tour.check(libc_error == ENOENT && error == ENOENT && failure->error == error &&
                   failure->step == KSPAWN_STEP_ACTION && failure->index == 1,
               "Both starts failed with the same error, and kspawn named the part.");
    tour.check(has_no_child(), "Nothing is left of it: there is no child to wait for.");
}

} // namespace kspawn::tool
