// SPDX-License-Identifier: LGPL-2.1-or-later
// Histograms and tables of the page: what they count, to what scale, and how they lie.
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "drawn.hpp"

namespace kspawn::test {

namespace {

/// All that the expression finds: its first group.
std::vector<std::string> all(const std::string& text, const std::string& expression) {
    const std::regex regex(expression);
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
        found.push_back(at->str(1));
    return found;
}

std::string histogram(const Drawn& page, const std::string& way) {
    return page.between("<svg class=\"histogram way-" + way + "\"", "</svg>");
}

std::string section(const Drawn& page, const std::string& title) {
    return page.between("<h2>" + title + "</h2>", "</section>");
}

std::vector<double> bars(const std::string& svg) {
    std::vector<double> heights;
    for (const auto& height : all(svg, "<rect[^>]* height=\"([0-9.]+)\""))
        heights.push_back(std::stod(height));
    return heights;
}

/// Children that start programs, and some that never do and live long.
MadeUp servers() {
    MadeUp made_up;
    for (int i = 0; i < 8; i++)
        made_up.window("vfork", 1000 + i, 300'000);
    for (int i = 0; i < 4; i++)
        made_up.window("kspawn", 1000 + i, 100'000 << (i / 2));
    for (const auto* way : {"fork", "fork", "clone_vm"}) {
        auto& window = made_up.window(way, 5000, 700'000'000);
        window["outcome"] = "exit";
        window["program"] = nullptr;
    }
    return made_up;
}

using Histograms = Pages;
using Tables = Pages;

TEST_F(Histograms, HaveOneScale) {
    const auto page = draw(servers());
    const auto vfork = bars(histogram(page, "vfork"));
    const auto kspawn = bars(histogram(page, "kspawn"));
    ASSERT_EQ(vfork.size(), 1U);
    ASSERT_EQ(kspawn.size(), 2U);
    // All of vfork's windows are in one bar, half of kspawn's in each of two.
    EXPECT_NEAR(kspawn[0], vfork[0] / 2, 0.1);
    EXPECT_NEAR(kspawn[1], vfork[0] / 2, 0.1);
    const auto ticks = all(histogram(page, "vfork"), "<text class=\"tick\"([^/]*)</text>");
    EXPECT_EQ(ticks, all(histogram(page, "kspawn"), "<text class=\"tick\"([^/]*)</text>"));
}

TEST_F(Histograms, CutNoLabelOff) {
    MadeUp made_up;
    for (std::int64_t nanoseconds = 100'000; nanoseconds < 900'000'000; nanoseconds *= 2)
        made_up.window("vfork", 1000, nanoseconds);
    const auto svg = histogram(draw(made_up), "vfork");
    const auto box = all(svg, "viewBox=\"0 0 ([0-9.]+) ");
    ASSERT_EQ(box.size(), 1U);
    const std::regex expression("<text class=\"tick\" x=\"([0-9.]+)\"[^>]*>([^<]*)<");
    std::size_t ticks = 0;
    double before = 0;
    for (std::sregex_iterator at(svg.begin(), svg.end(), expression), end; at != end; ++at) {
        const auto x = std::stod(at->str(1));
        // A letter of this font is at most 6 pixels wide; the micro sign has two bytes.
        const auto half = static_cast<double>(at->str(2).size()) * 6 / 2;
        EXPECT_GE(x - half, before) << at->str(2);
        EXPECT_LE(x + half, std::stod(box[0])) << at->str(2);
        before = x + half;
        ticks++;
    }
    EXPECT_GE(ticks, 5U);
}

TEST_F(Histograms, LeaveOutChildrenThatExecuteNothing) {
    const auto page = draw(servers());
    EXPECT_EQ(histogram(page, "fork"), "");
    EXPECT_EQ(histogram(page, "clone_vm"), "");
    const auto ticks = all(histogram(page, "vfork"), "<text class=\"tick\"[^>]*>([^<]*)<");
    ASSERT_FALSE(ticks.empty());
    EXPECT_EQ(ticks.back().find("537 ms"), std::string::npos) << "their lives stretch the scale";
    for (const auto& tick : ticks)
        EXPECT_NE(tick.find("µs"), std::string::npos) << tick;
}

TEST_F(Tables, TellStartsFromChildrenThatExecuteNothing) {
    const auto page = draw(servers());
    EXPECT_NE(
        page.html.find("12 children executed a program. 3 children ended without executing one."),
        std::string::npos);
    EXPECT_NE(
        page.html.find("<b>12</b><i>starts</i><span>children that executed a program; 3 others "
                       "executed none</span>"),
        std::string::npos);
    const auto longest = section(page, "The longest windows");
    EXPECT_NE(longest.find("300 µs"), std::string::npos);
    EXPECT_EQ(longest.find("700 ms"), std::string::npos) << "a life is no start";
    EXPECT_EQ(section(page, "Callers that start programs").find("700 ms"), std::string::npos);
    const auto without = section(page, "Children that executed no program");
    const auto rows = all(without, "<tr>(.*?)</tr>");
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_NE(rows[1].find(">fork</td><td class=\"text\">a copy</td><td>2</td>"),
              std::string::npos);
    EXPECT_NE(rows[2].find(">shared</td><td>1</td><td>700 ms</td>"), std::string::npos);
    MadeUp all_start;
    all_start.window("vfork", 10, 100);
    EXPECT_EQ(draw(all_start).html.find("executed no program</h2>"), std::string::npos);
}

TEST_F(Tables, HaveTheirHeadsAboveTheirColumns) {
    const auto page = draw(servers());
    std::size_t tables = 0;
    const auto& html = page.html;
    for (auto at = html.find("<table>"); at != std::string::npos;
         at = html.find("<table>", at + 1)) {
        const auto table = html.substr(at, html.find("</table>", at) - at);
        std::vector<std::string> head;
        std::size_t rows = 0;
        for (auto row = table.find("<tr>"); row != std::string::npos;
             row = table.find("<tr>", row + 1)) {
            const auto cells = table.substr(row, table.find("</tr>", row) - row);
            // The classes are all by which the style sheet aligns a cell.
            auto classes = all(cells, "<t[hd](?: class=\"([^\"]*)\")?[^>]*>");
            if (rows++ == 0)
                head = classes;
            else
                EXPECT_EQ(classes, head) << cells;
        }
        EXPECT_GT(rows, 1U) << table;
        tables++;
    }
    EXPECT_EQ(tables, 7U); // of four ways, the longest, the callers, those without a program
    const auto style = page.between("<style>", "</style>");
    EXPECT_TRUE(all(style, "(t[hd](?::[a-z-]+|\\[)[^{}]*\\{[^}]*text-align[^}]*\\})").empty())
        << "a cell is aligned by its place, not by its class";
}

TEST_F(Tables, AndHistogramsUseTheWholeWidth) {
    const auto page = draw(servers());
    const auto style = page.between("<style>", "</style>");
    EXPECT_EQ(all(style, "\ntable \\{[^}]*[ ;](width: 100%);").size(), 1U);
    EXPECT_EQ(all(style, "\n\\.histogram \\{[^}]*[ ;](width: 100%);").size(), 1U);
    EXPECT_TRUE(all(page.html, "<svg class=\"histogram[^>]* (width)=").empty());
}

} // namespace

} // namespace kspawn::test
