// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_EXIT_CODE_HPP
#define KSPAWN_TRACE_EXIT_CODE_HPP

#include <stdexcept>

namespace kspawn::trace {

enum ExitCode : int {
    exit_clean = 0,            ///< nothing of --fail-on was found
    exit_found = 1,            ///< something was
    exit_unknown = 2,          ///< nothing was, but something may have been missed
    exit_usage = 125,          ///< called wrongly
    exit_cannot_trace = 126,   ///< no BTF, no privilege, or a hook that all else rests on
    exit_cannot_command = 127, ///< the command could not be started
};

/// It was called wrongly; what() says how.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace kspawn::trace

#endif
