// SPDX-License-Identifier: LGPL-2.1-or-later
// The timeline, as the page's script draws it: run by node, with as much of a browser as a
// drawing needs (browser.js), and looked at pixel by pixel.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "drawn.hpp"

namespace kspawn::test {

namespace {

constexpr int width = 1200;
constexpr std::int64_t labels = 190;           // pixels on the left that are no time
constexpr std::int64_t axis = 26;              // pixels on top
constexpr std::int64_t second = 1'000'000'000; // the length of a trace that is made up

using Colour = std::array<double, 3>;

Colour colour_of(const std::string& text) {
    Colour colour{};
    for (std::size_t i = 0; i < 3; i++)
        colour.at(i) = std::stoi(text.substr(1 + 2 * i, 2), nullptr, 16);
    return colour;
}

/// Whether it is at least half `ink`, and all else of it `paper`.
bool is_mixed_of(const Colour& colour, const Colour& ink, const Colour& paper) {
    double along = 0;
    double length = 0;
    for (std::size_t i = 0; i < 3; i++) {
        along += (colour.at(i) - paper.at(i)) * (ink.at(i) - paper.at(i));
        length += (ink.at(i) - paper.at(i)) * (ink.at(i) - paper.at(i));
    }
    const auto part = along / length;
    double apart = 0;
    for (std::size_t i = 0; i < 3; i++)
        apart += std::abs(paper.at(i) + part * (ink.at(i) - paper.at(i)) - colour.at(i));
    return part > 0.5 && apart < 40;
}

/// The threads' canvas, as it is after the page was loaded.
class Drawing {
public:
    explicit Drawing(const Drawn& page) {
        const auto& drawing = page.json.at("canvases").at("drawing");
        drawing.at("pixels").get_to(rows_);
        drawing.at("texts").get_to(texts_);
        palette_ = page.json.at("palette").get<std::vector<std::string>>();
        variables_ = page.json.at("variables");
    }
    [[nodiscard]] std::int64_t height() const { return static_cast<std::int64_t>(rows_.size()); }
    [[nodiscard]] const std::string& at(std::int64_t x, std::int64_t y) const {
        return palette_.at(rows_.at(static_cast<std::size_t>(y)).at(static_cast<std::size_t>(x)));
    }
    /// Whether the colour of that name is there, perhaps paler.
    [[nodiscard]] bool is(std::int64_t x, std::int64_t y, const std::string& name) const {
        return like(name).at(rows_.at(static_cast<std::size_t>(y)).at(static_cast<std::size_t>(x)));
    }
    /// In which rows the colour is, from one pixel on to another.
    [[nodiscard]] std::set<std::int64_t> rows(const std::string& name, std::int64_t from = labels,
                                              std::int64_t to = width) const {
        std::set<std::int64_t> found;
        for (auto y = axis; y < height(); y++)
            for (auto x = from; x < to && !found.contains(y); x++)
                if (is(x, y, name))
                    found.insert(y);
        return found;
    }
    /// The share of all columns in which at least so many pixels are of that colour.
    [[nodiscard]] double columns(const std::string& name, int pixels) const {
        int found = 0;
        for (auto x = labels; x < width; x++) {
            int here = 0;
            for (auto y = axis; y < height(); y++)
                here += is(x, y, name) ? 1 : 0;
            found += here >= pixels ? 1 : 0;
        }
        return static_cast<double>(found) / static_cast<double>(width - labels);
    }
    [[nodiscard]] bool says(const std::string& text) const {
        return std::ranges::find(texts_, text) != texts_.end();
    }
    /// Where on the drawing a time is, as long as all of the trace is shown.
    [[nodiscard]] static std::int64_t x_of(std::int64_t time) {
        const auto full = static_cast<double>(second) * 1.02;
        return labels + static_cast<std::int64_t>((static_cast<double>(time) + full * 0.01) /
                                                  (full * 1.01) * (width - labels));
    }

private:
    /// For each colour of the palette, whether it is like the one of that name.
    [[nodiscard]] const std::vector<bool>& like(const std::string& name) const {
        auto& found = like_[name];
        if (found.empty())
            for (const auto& colour : palette_)
                found.push_back(is_mixed_of(colour_of(colour), colour_of(variables_.at(name)),
                                            colour_of(variables_.at("paper"))));
        return found;
    }
    std::vector<std::vector<std::size_t>> rows_; ///< numbers into the palette
    std::vector<std::string> texts_;
    std::vector<std::string> palette_;
    Json variables_;
    mutable std::map<std::string, std::vector<bool>> like_;
};

using Timeline = Pages;

Drawing drawing_of(const MadeUp& made_up) {
    return Drawing{draw(made_up, {}, width)};
}

constexpr std::int64_t many = 20'000;

/// From one end of the trace to the other.
MadeUp windows(std::int64_t count, bool waits) {
    MadeUp made_up;
    for (std::int64_t i = 0; i < count; i++) {
        made_up.window("vfork", i * (second / count), 20'000);
        if (waits)
            made_up.stall("vfork", i * (second / count), 21'000)["window"] = i + 1;
    }
    return made_up;
}

TEST_F(Timeline, ABusyThreadLooksBusy) {
    for (const auto waits : {false, true}) {
        EXPECT_GT(drawing_of(windows(many, waits)).columns("vfork", 10), 0.9) << waits;
        EXPECT_LT(drawing_of(windows(20, waits)).columns("vfork", 10), 0.1) << waits;
    }
}

TEST_F(Timeline, MoreWindowsInOnePlaceAreDeeper) {
    MadeUp made_up;
    made_up.window("vfork", second / 4, 1000);
    for (std::int64_t i = 0; i < 30; i++)
        made_up.window("vfork", second / 2 + i * 2000, 1000);
    const auto drawing = drawing_of(made_up);
    const auto rows = drawing.rows("vfork");
    ASSERT_FALSE(rows.empty());
    const auto y = *rows.begin() + 5;
    const auto& one = drawing.at(Drawing::x_of(second / 4), y);
    const auto& thirty = drawing.at(Drawing::x_of(second / 2), y);
    EXPECT_TRUE(drawing.is(Drawing::x_of(second / 4), y, "vfork")) << one;
    EXPECT_TRUE(drawing.is(Drawing::x_of(second / 2), y, "vfork")) << thirty;
    EXPECT_NE(one, thirty);
}

TEST_F(Timeline, MarksHideNeitherEachOtherNorWindows) {
    auto made_up = windows(many, false);
    for (std::int64_t i = 0; i < many; i++)
        made_up.creds(i + 1, i * (second / many) + 1000)["tid"] = 101; // the caller itself
    const auto drawing = drawing_of(made_up);
    EXPECT_GT(drawing.columns("vfork", 10), 0.9);
    EXPECT_GT(drawing.columns("creds", 8), 0.9);
}

TEST_F(Timeline, WaitsLieBesideTheWindowsThatTheyAreFor) {
    MadeUp made_up;
    made_up.window("vfork", second / 4, second / 2);
    made_up.stall("vfork", second / 4, second / 2)["window"] = 1;
    const auto drawing = drawing_of(made_up);
    const auto begin = Drawing::x_of(second / 4);
    const auto end = Drawing::x_of(second * 3 / 4);
    const auto windows = drawing.rows("vfork");
    EXPECT_GE(windows.size(), 11U);
    for (const auto x : {begin + 1, begin + 4, (begin + end) / 2, end - 2})
        EXPECT_EQ(drawing.rows("vfork", x, x + 1), windows) << x;
    for (const auto x : {begin + 1, (begin + end) / 2, end - 2}) {
        auto waits = drawing.rows("wait", x, x + 1);
        waits.merge(drawing.rows("stalls", x, x + 1));
        ASSERT_GE(waits.size(), 3U) << x;
        EXPECT_GT(*waits.begin(), *windows.rbegin()) << x;
    }
}

TEST_F(Timeline, ShowsAsMuchAsThePageSays) {
    auto made_up = windows(20, false);
    made_up.summary()["time"] = 6'640'000'000;
    const auto page = draw(made_up, {}, width);
    EXPECT_TRUE(Drawing{page}.says("6.64 s shown"));
    EXPECT_TRUE(says(page, "length6.64 s"));
}

} // namespace

} // namespace kspawn::test
