// SPDX-License-Identifier: LGPL-2.1-or-later
/// The steps of the tour.  Each shows one thing and checks that it has happened.
#ifndef KSPAWN_TOOLS_DEMO_STEPS_HPP
#define KSPAWN_TOOLS_DEMO_STEPS_HPP

#include "tools/demo/tour.hpp"

namespace kspawn::tool {

void show_start(Tour& tour);
void show_attack(Tour& tour);
void show_failure(Tour& tour);
void show_pipeline(Tour& tour);
void show_tool_calls(Tour& tour);
void show_costs(Tour& tour);

} // namespace kspawn::tool

#endif
