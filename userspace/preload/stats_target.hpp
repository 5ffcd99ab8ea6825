// SPDX-License-Identifier: LGPL-2.1-or-later
/// Where KSPAWN_STATS wants the counts to be told.
#ifndef KSPAWN_PRELOAD_STATS_TARGET_HPP
#define KSPAWN_PRELOAD_STATS_TARGET_HPP

#include <string_view>

namespace kspawn::preload::stats {

enum class Target { nowhere, standard_error, file };

/// Reads KSPAWN_STATS.  A file is opened now: at the end there may be no descriptor
/// left for it, and the program may have changed its directory.
Target find_target() noexcept;

/// Writes a few lines.  If the file cannot be written to, those that must not be lost
/// go to standard error, after the reason.  Takes no lock and no memory.
void write_to(Target target, std::string_view lines, bool must_not_be_lost) noexcept;

} // namespace kspawn::preload::stats

#endif
