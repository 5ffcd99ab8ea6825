// SPDX-License-Identifier: LGPL-2.1-or-later
/// Names that others have chosen, fit for a terminal.  Whoever runs a program chooses
/// its name and the names of its threads, and a terminal acts on some characters.
#ifndef KSPAWN_TRACE_PRINTABLE_HPP
#define KSPAWN_TRACE_PRINTABLE_HPP

#include <string>
#include <string_view>

namespace kspawn::trace {

/// A name, as `ls -b` prints it: what cannot be printed in the locale, a space and a
/// backslash are escaped as in C (\n, \033, \ , \\).
std::string printable(std::string_view name);

/// A message that quotes something: only what cannot be printed is escaped.
std::string without_controls(std::string_view message);

} // namespace kspawn::trace

#endif
