// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "html.hpp"
#include "words.hpp"

namespace kspawn::trace::report {

namespace {

std::string power_label(int power) {
    return duration_in_words(static_cast<Nanoseconds>(1ULL << static_cast<unsigned>(power)));
}

} // namespace

Scale scale_of(const Statistics& statistics) {
    Scale scale;
    for (const auto& [way, group] : statistics.by_way)
        for (const auto& [power, count] : group.window.log2()) {
            scale.low = std::min(scale.low, power);
            scale.high = std::max(scale.high, power);
            scale.most = std::max(scale.most, static_cast<double>(count) /
                                                  static_cast<double>(group.window.count()));
        }
    return scale;
}

std::string histogram(const Durations& durations, const Scale& scale, std::string_view way) {
    constexpr int width = 600;
    constexpr int height = 84;
    constexpr int base = 18 + height;
    // Half of the longest label must have room on either side.
    constexpr int margin = 30;
    constexpr int tick_room = 56;
    constexpr double digit = 7;
    const double slot = std::min(80.0, static_cast<double>(width - 2 * margin) /
                                           static_cast<double>(scale.high - scale.low + 1));
    const int ticks_every = std::max(1, static_cast<int>(std::ceil(tick_room / slot)));
    const auto x = [&](int power) { return margin + (power - scale.low) * slot; };
    auto svg = fmt::format("<svg class=\"histogram way-{}\" viewBox=\"0 0 {} {}\" role=\"img\" "
                           "aria-label=\"histogram\">",
                           escaped(way), width, base + 20);
    for (const auto& [power, count] : durations.log2()) {
        const auto share = static_cast<double>(count) / static_cast<double>(durations.count());
        const auto tall = std::max(2.0, share * height / scale.most);
        svg +=
            fmt::format("<g><title>{} to {}: {}, {:.1f} %</title><rect x=\"{:.1f}\" y=\"{:.1f}\" "
                        "width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\"/>",
                        power_label(power), power_label(power + 1), with_commas(count), share * 100,
                        x(power), base - tall, slot - std::min(3.0, slot / 4), tall);
        const auto label = count < 10000 ? with_commas(count) : fmt::format("{}k", count / 1000);
        if (static_cast<double>(label.size()) * digit < slot)
            svg += fmt::format(R"(<text class="count" x="{:.1f}" y="{:.1f}">{}</text>)",
                               x(power) + slot / 2, base - tall - 4, label);
        svg += "</g>";
    }
    for (int power = scale.low; power <= scale.high + 1; power += ticks_every)
        svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{}">{}</text>)", x(power), base + 15,
                           power_label(power));
    svg += fmt::format(R"(<line x1="{}" x2="{:.1f}" y1="{}" y2="{}"/></svg>)", margin,
                       x(scale.high + 1), base, base);
    return svg;
}

} // namespace kspawn::trace::report
