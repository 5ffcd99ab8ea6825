// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TESTS_REPORT_MARKUP_HPP
#define KSPAWN_TESTS_REPORT_MARKUP_HPP

#include <string>
#include <string_view>
#include <vector>

namespace kspawn::test {

/// A page taken to pieces, strictly: what is not well-formed is trouble.
struct Markup {
    std::string trouble;
    std::vector<std::string> elements;                           ///< names, in their order
    std::vector<std::pair<std::string, std::string>> attributes; ///< as written
    std::vector<std::string> ids;
    std::vector<std::string> scripts; ///< what is in <script>
    std::string text;                 ///< what is in none of <script>, <style>; entities undone
    [[nodiscard]] std::size_t count(std::string_view element) const;
};

Markup take_to_pieces(std::string_view page);

} // namespace kspawn::test

#endif
