// SPDX-License-Identifier: LGPL-2.1-or-later
/// The output of the tour: words, commands, verdicts and bars.
#ifndef KSPAWN_TOOLS_DEMO_TOUR_HPP
#define KSPAWN_TOOLS_DEMO_TOUR_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kspawn::tool {

/// Prints to standard output, in lines of at most 78 columns.
class Tour {
public:
    struct Bar {
        std::string name;
        double value;
        std::string text; ///< the value, for people to read
    };

    /// @param colours whether escape sequences may be written
    /// @param steps   how many steps there are
    /// @param calls   how many tool calls are to be made
    Tour(bool colours, std::size_t steps, std::size_t calls)
        : colours_(colours), steps_(steps), calls_(calls) {}

    [[nodiscard]] std::size_t tool_calls() const { return calls_; }

    /// The next step.
    void begin(std::string_view title);
    /// A paragraph.
    void say(std::string_view text);
    /// A command, as it would be typed.
    void command(std::string_view text);
    /// Output of a program, or a text that was read.
    void quote(std::string_view text);
    /// A verdict: something that has happened, or should have.
    void check(bool well, std::string_view text);
    /// A part that cannot be shown here, and why.
    void skip(std::string_view text);
    /// How far a long step is; only where it can be shown in place.
    void progress(std::string_view text);
    void bars(const std::vector<Bar>& bars);
    /// Commands, and what they are for.
    void outlook(std::string_view title,
                 const std::vector<std::pair<std::string, std::string>>& commands);

    /// Prints the total; returns whether every verdict was a good one, and there was one.
    bool end();

private:
    enum class Colour { none, bold, dim, red, green, yellow };

    [[nodiscard]] std::string coloured(Colour colour, std::string_view text) const;
    void verdict(Colour colour, std::string_view word, std::string_view text);
    void clear_progress();

    bool colours_;
    bool progress_shown_ = false;
    std::size_t steps_;
    std::size_t calls_;
    std::size_t step_ = 0;
    std::size_t good_ = 0;
    std::size_t bad_ = 0;
    std::size_t skipped_ = 0;
};

} // namespace kspawn::tool

#endif
