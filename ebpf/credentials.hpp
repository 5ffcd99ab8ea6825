// SPDX-License-Identifier: LGPL-2.1-or-later
/// The relation of two sets of credentials.
#ifndef KSPAWN_TRACE_CREDENTIALS_HPP
#define KSPAWN_TRACE_CREDENTIALS_HPP

#include <string_view>
#include <vector>

#include "events.h"

namespace kspawn::trace {

/// Names of what differs, as in the JSON.
std::vector<std::string_view> changed_fields(const trace_credentials& before,
                                             const trace_credentials& after);

/// Whether the kernel would refuse one with the first to attach to one with the
/// second by ptrace(2), as far as that depends on credentials: then who has the
/// second has more to lose.
bool has_less(const trace_credentials& one, const trace_credentials& other);

/// Whose memory can now be written by one who has less: "child", "caller",
/// "both" or "none".
std::string_view exposed(const trace_creds_record& record);

} // namespace kspawn::trace

#endif
