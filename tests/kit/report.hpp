// SPDX-License-Identifier: LGPL-2.1-or-later
/// The report of kit/child.c on itself, for tests in C++.
#ifndef KSPAWN_TESTS_REPORT_HPP
#define KSPAWN_TESTS_REPORT_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kspawn::test {

using Json = nlohmann::json;

/// A report as an object: each section is a member, a string unless said otherwise.
///
///     argv, env           arrays
///     pid, tid, ppid, pgid, sid, parents_pgid
///     umask, ids          of status: ids.uid and ids.gid are real, effective and saved
///     descriptors         {"0": {flags, cloexec, device, inode, mode, size, owner, offset,
///                         foreground, target}}
///     dispositions        {"15": {handler, flags, mask}}
///     status              {"SigBlk": "..."}
///     stat                an array; 0 is field 1 of proc_pid_stat(5)
///     scheduling, itimers, prctl, namespaces    objects
///
/// Bytes that are no ASCII are as if they were Latin-1.
/// @throws std::runtime_error if it is not whole
Json read_report(std::string_view text);

} // namespace kspawn::test

#endif
