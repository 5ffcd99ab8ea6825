// SPDX-License-Identifier: LGPL-2.1-or-later
/// A program to start, and the parent to start it from, as one line of JSON:
///
///     {"parent": [["open", 5, "a", "rdwr"], ["umask", 63]],
///      "attributes": [["setsid"]], "actions": [["dup2", 5, 6]],
///      "program": ["path", "@reporter"], "argv": ["x"], "env": ["A=1"],
///      "in_thread": true}
///
/// Every member may be missing.  The words are those of starter/parent.c and
/// starter/starter.c; "@" stands for the directory of the programs.
#ifndef KSPAWN_CONFORMANCE_SPECIFICATION_HPP
#define KSPAWN_CONFORMANCE_SPECIFICATION_HPP

#include <nlohmann/json.hpp>

#include <string>

namespace conformance {

using Specification = nlohmann::json;

/// As a starter reads it, with the newline.  Throws std::runtime_error if a word
/// holds what cannot be said to it.
std::string to_wire(const Specification& specification);

/// Whether a list of the specification has a step with this verb.
bool has_step(const Specification& specification, const std::string& list, const std::string& verb);

} // namespace conformance

#endif
