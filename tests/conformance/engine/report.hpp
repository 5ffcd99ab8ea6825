// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_CONFORMANCE_REPORT_HPP
#define KSPAWN_CONFORMANCE_REPORT_HPP

#include <nlohmann/json.hpp>
#include <string>

namespace conformance {

/// The report of a program, without all that is never the same twice: process IDs, the
/// numbers of pipes and terminals, what memory and time have made of it.  Its process
/// group, its session and the group in a terminal's foreground are given as "own",
/// "parent's" and the like.
/// @param hex the report, two digits a byte
nlohmann::json comparable_report(const std::string& hex);

} // namespace conformance

#endif
