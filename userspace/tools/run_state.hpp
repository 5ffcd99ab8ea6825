// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_RUN_STATE_HPP
#define KSPAWN_TOOLS_RUN_STATE_HPP

#include <kspawn/command.hpp>

#include <string>
#include <vector>

#include "state_options.hpp"

namespace kspawn::tool {

using Namespaces = std::vector<FileDescriptor>;

/// Opens what --setns names, in that order.  To be held until the program is started.
Namespaces open_namespaces(const StateOptions& options);

/// Says what the program's state is to be, in the order in which each can still be done.
///
/// @param[in,out] said gets the option of each file action that comes of it
void say_state(Command& command, const StateOptions& options, const Namespaces& namespaces,
               std::vector<std::string>& said);

} // namespace kspawn::tool

#endif
