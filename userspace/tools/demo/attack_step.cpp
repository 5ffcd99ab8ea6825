// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>
#include <unistd.h>

#include "tools/demo/attack.hpp"
#include "tools/demo/steps.hpp"

namespace kspawn::tool {

void show_attack(Tour& tour) {
    tour.say("A server begins as root, since only root may open its port. One of its threads "
             "starts a helper program. Meanwhile the server gives its privileges up with "
             "setuid(), as servers do: whoever breaks into it from now on is user 65534, nobody.");
    tour.say("An attacker has broken into another thread. It writes over a string in the server's "
             "memory, the command of the helper that is just being started:");
    tour.quote(fmt::format("the server wants:    {}\nthe attacker writes: {}", server_command,
                           attacker_command));
    if (::geteuid() != 0) {
        tour.skip("Only root has privileges to give up: sudo kspawn demo attack");
        return;
    }
    tour.say("With posix_spawn() of the C library, this was run:");
    const auto by_libc = attack(start_helper_by_libc);
    tour.quote(by_libc);
    tour.check(by_libc == "the attacker's program, as user 0\n",
               "The attack succeeded. libc's child was made while the server was root, and stays "
               "root. Until it becomes the helper it runs in the server's memory, which a thread "
               "that is nobody can write.");
    tour.say("The same server with kspawn_spawn():");
    const auto by_kspawn = attack(start_helper_by_kspawn);
    tour.quote(by_kspawn);
    tour.check(by_kspawn == "the server's helper, as user 0\n",
               "The attack failed. The kernel had copied the command before there was a child, "
               "and the child never runs in the server's memory.");
    tour.say("So that there is time to look, the helper's start was held up by a FIFO that it "
             "opens. In a real server it takes a slow disk or chance; kspawn-trace(1) shows it.");
}

} // namespace kspawn::tool
