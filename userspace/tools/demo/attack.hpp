// SPDX-License-Identifier: LGPL-2.1-or-later
/// A server of root that gives up its privileges, and a thread of it that is an attacker's.
#ifndef KSPAWN_TOOLS_DEMO_ATTACK_HPP
#define KSPAWN_TOOLS_DEMO_ATTACK_HPP

#include <spawn.h>
#include <sys/types.h>

#include <string>

namespace kspawn::tool {

/// How the server starts its helper: a program by its path, with standard input from a FIFO and
/// standard output to a descriptor.  Returns an error number.
using StartHelper = int (*)(pid_t* pid, const char* path, const char* fifo, int output,
                            char* const* argv);

int start_helper_by_libc(pid_t* pid, const char* path, const char* fifo, int output,
                         char* const* argv);
int start_helper_by_kspawn(pid_t* pid, const char* path, const char* fifo, int output,
                           char* const* argv);

constexpr const char* server_command = R"sh(echo "the server's helper, as user $(id -u)")sh";
constexpr const char* attacker_command = R"sh(echo "the attacker's program, as user $(id -u)")sh";

/// Runs the server in a process of its own and attacks it.
///
/// The helper is a shell with server_command, which lies in memory that all threads of the server
/// can write.  While the helper is being started, the server calls setuid(), and then a thread
/// that is nobody writes attacker_command over it.
///
/// @return what the helper has printed
/// @throws std::runtime_error, std::system_error  the attack could not be made
std::string attack(StartHelper start);

} // namespace kspawn::tool

#endif
