// SPDX-License-Identifier: LGPL-2.1-or-later
/// A page as it is once its scripts have run (node, browser.js).
#ifndef KSPAWN_TESTS_REPORT_DRAWN_HPP
#define KSPAWN_TESTS_REPORT_DRAWN_HPP

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ebpf/report/page.hpp"
#include "made_up.hpp"

namespace kspawn::test {

// NOLINTNEXTLINE(bugprone-exception-escape): moving Json throws nothing
struct Drawn {
    std::string trouble;               ///< why the page is not well-formed
    std::string html;                  ///< of all of it
    std::string text;                  ///< what is in none of <script>, <style>
    std::string title;                 ///< of the window
    std::string script;                ///< what the script that holds the trace holds
    Json data;                         ///< the same, read
    std::vector<std::string> elements; ///< names, in their order
    std::vector<std::pair<std::string, std::string>> attributes; ///< of whatever element
    Json json;                                                   ///< all that browser.js says

    [[nodiscard]] std::int64_t count(std::string_view element) const;
    /// From `begin` to the next `end`, without them; empty if it is not there.
    [[nodiscard]] std::string between(const std::string& begin, const std::string& end) const;
};

/// @param width of the window in pixels; 0: no canvas is drawn
Drawn draw(const std::string& page, int width = 0);
Drawn draw(const MadeUp& made_up, const trace::report::PageOptions& options = {}, int width = 0);

testing::AssertionResult says(const Drawn& drawn, const std::string& words);

/// Tests of what the script makes of a page.
class Pages : public testing::Test {
protected:
    void SetUp() override;
};

} // namespace kspawn::test

#endif
