// SPDX-License-Identifier: LGPL-2.1-or-later
/// Text that comes from elsewhere, made fit for a page.  A traced program chooses
/// its own name and those of its files: nothing of it goes into a page but by these.
#ifndef KSPAWN_TRACE_REPORT_HTML_HPP
#define KSPAWN_TRACE_REPORT_HTML_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kspawn::trace::report {

/// For an element's content and for quoted attributes.  Control characters, and
/// those that turn the direction of writing, become visible as \u{...}.
std::string escaped(std::string_view text);

/// The same care for what a script shows: JSON, ASCII only, that can end no <script>.
std::string script_data(const nlohmann::json& value);

/// Replaces what escaped() makes visible; for text on its way into script_data().
std::string visible(std::string_view text);

} // namespace kspawn::trace::report

#endif
