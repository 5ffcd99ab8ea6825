// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_DEMO_DEMO_HPP
#define KSPAWN_TOOLS_DEMO_DEMO_HPP

#include <string>
#include <vector>

namespace kspawn::tool {

/// `kspawn demo`: a guided tour.  Takes what follows "demo"; returns the exit status: 0 only if
/// all that the tour shows has happened.
int demo(std::vector<std::string> arguments);

} // namespace kspawn::tool

#endif
