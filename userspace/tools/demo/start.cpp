// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>
#include <kspawn/command.hpp>
#include <unistd.h>

#include <string>

#include "tools/demo/steps.hpp"

namespace kspawn::tool {

void show_start(Tour& tour) {
    tour.say("Linux has no system call that starts a program. A C library makes a child first, "
             "which is a copy of its caller or runs in its caller's memory, and the child then "
             "turns into the program. With the module, one call does all of it, inside the "
             "kernel: the child runs no instruction before those of its program.");
    const std::string script = R"(echo "I am process $$, started by $PPID")";
    tour.command(fmt::format("sh -c '{}'", script));
    const auto output = Command("/bin/sh").arg("-c").arg(script).output();
    tour.quote(output.out);
    const auto ended = fmt::format(", started by {}\n", ::getpid());
    tour.check(output.status.success() && output.out.ends_with(ended),
               fmt::format("The kernel started it, as a child of this process, {}.", ::getpid()));
}

} // namespace kspawn::tool
