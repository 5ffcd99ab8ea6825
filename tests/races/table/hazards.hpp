// SPDX-License-Identifier: LGPL-2.1-or-later
/// The table: what is expected of each way to start a program, by hazard.
#ifndef KSPAWN_TESTS_RACES_HAZARDS_HPP
#define KSPAWN_TESTS_RACES_HAZARDS_HPP

#include <string>
#include <string_view>
#include <vector>

namespace kspawn::races {

struct Hazard {
    std::string name;    ///< as the reproducer calls it
    std::string program; ///< the reproducer
    std::vector<std::string> arguments;
    std::string title; ///< for people
};

struct Way {
    std::string name;  ///< as the reproducers call it
    std::string title; ///< for people
    std::string libc;  ///< whose version matters: glibc or musl
    bool kernel;       ///< by kspawn
};

/// In the order of the table's rows and columns.
const std::vector<Hazard>& hazards();
const std::vector<Way>& ways();

/// Which libc versions the table was seen with.
const std::vector<std::string>& known_libcs();

/// The expected result: "yes", "no", or, of the stall, who waits ("caller, setuid").
std::string expected(std::string_view hazard, std::string_view way);

} // namespace kspawn::races

#endif
