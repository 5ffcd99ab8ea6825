// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tour.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace kspawn::tool {

namespace {

constexpr std::size_t columns = 78;
constexpr std::size_t verdict_column = 10; // where the words of a verdict begin
constexpr std::size_t longest_bar = 36;

/// Words in lines that are short enough, if a word alone is not too long already.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    std::istringstream words{std::string(text)};
    for (std::string word; words >> word;) {
        if (lines.empty() || lines.back().size() + 1 + word.size() > width)
            lines.push_back(word);
        else
            lines.back() += ' ' + word;
    }
    return lines;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    std::istringstream stream{std::string(text)};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

} // namespace

std::string Tour::coloured(Colour colour, std::string_view text) const {
    if (!colours_ || colour == Colour::none)
        return std::string(text);
    const auto* const code = [colour] {
        switch (colour) {
        case Colour::bold:
            return "1";
        case Colour::dim:
            return "2";
        case Colour::red:
            return "1;31";
        case Colour::green:
            return "32";
        default:
            return "33";
        }
    }();
    return fmt::format("\033[{}m{}\033[0m", code, text);
}

void Tour::clear_progress() {
    if (progress_shown_)
        fmt::print("\r\033[K");
    progress_shown_ = false;
}

void Tour::begin(std::string_view title) {
    ++step_;
    fmt::print("{}\n\n", coloured(Colour::bold, fmt::format("{}/{}  {}", step_, steps_, title)));
    std::fflush(stdout);
}

void Tour::say(std::string_view text) {
    clear_progress();
    for (const auto& line : wrapped(text, columns - 2))
        fmt::print("  {}\n", line);
    fmt::print("\n");
    std::fflush(stdout);
}

void Tour::command(std::string_view text) {
    fmt::print("    $ {}\n", coloured(Colour::bold, text));
}

void Tour::quote(std::string_view text) {
    clear_progress();
    for (const auto& line : lines_of(text))
        fmt::print("    {}\n", coloured(Colour::dim, line));
    fmt::print("\n");
}

void Tour::verdict(Colour colour, std::string_view word, std::string_view text) {
    clear_progress();
    const auto lines = wrapped(text, columns - verdict_column);
    fmt::print("  {}{:{}}{}\n", coloured(colour, word), "", verdict_column - 2 - word.size(),
               lines.empty() ? "" : lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i)
        fmt::print("{:{}}{}\n", "", verdict_column, lines[i]);
    fmt::print("\n");
    std::fflush(stdout);
}

void Tour::check(bool well, std::string_view text) {
    ++(well ? good_ : bad_);
    verdict(well ? Colour::green : Colour::red, well ? "ok" : "FAILED", text);
}

void Tour::skip(std::string_view text) {
    ++skipped_;
    verdict(Colour::yellow, "skipped", text);
}

void Tour::progress(std::string_view text) {
    if (!colours_)
        return;
    fmt::print("\r\033[K  {}", text.substr(0, columns - 2));
    std::fflush(stdout);
    progress_shown_ = true;
}

void Tour::bars(const std::vector<Bar>& bars) {
    clear_progress();
    double most = 0;
    std::size_t widest = 0;
    for (const auto& bar : bars) {
        most = std::max(most, bar.value);
        widest = std::max(widest, bar.name.size());
    }
    for (const auto& [name, value, text] : bars) {
        const auto share = most > 0 ? value / most : 0;
        const auto length = std::max(std::lround(share * static_cast<double>(longest_bar)),
                                     1L); // always to be seen
        fmt::print("    {:<{}}  {}  {}\n", name, widest,
                   coloured(Colour::yellow, std::string(static_cast<std::size_t>(length), '#')),
                   text);
    }
    fmt::print("\n");
}

void Tour::outlook(std::string_view title,
                   const std::vector<std::pair<std::string, std::string>>& commands) {
    fmt::print("{}\n\n", coloured(Colour::bold, title));
    std::size_t widest = 0;
    for (const auto& [command, purpose] : commands)
        widest = std::max(widest, command.size());
    for (const auto& [command, purpose] : commands)
        fmt::print("    {:<{}}  {}\n", command, widest, purpose);
    fmt::print("\n");
}

bool Tour::end() {
    const auto skipped = skipped_ == 0 ? "" : fmt::format(", {} skipped", skipped_);
    if (bad_ == 0)
        fmt::print("{}{}\n", coloured(Colour::green, fmt::format("All {} as told", good_)),
                   skipped);
    else
        fmt::print("{}{}\n",
                   coloured(Colour::red,
                            fmt::format("{} of {} did not happen as told", bad_, good_ + bad_)),
                   skipped);
    return bad_ == 0;
}

} // namespace kspawn::tool
