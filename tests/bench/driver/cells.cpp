// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cells.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace bench {

namespace {

constexpr std::array ways{
#define BENCH_WAY(name_, code, colour_, words_, ...)                                               \
    Way{.name = #name_, .colour = (colour_), .words = (words_), __VA_ARGS__},
#include "ways.h"
#undef BENCH_WAY
};

constexpr std::int64_t costly_mebibytes = 256;
constexpr std::int64_t costly_descriptors = 100'000;
constexpr std::int64_t costly_actions = 8192;
constexpr std::int64_t costly_words = 100'000;

struct Question {
    const char* name;
    Asks asks;
    std::vector<std::vector<Parameter>> settings;
    const char* part = "costs";
};

/// One setting for each value of one parameter, together with each value of another.
std::vector<std::vector<Parameter>> grid(const char* name,
                                         std::initializer_list<std::int64_t> values,
                                         const char* other,
                                         std::initializer_list<std::int64_t> of_other) {
    std::vector<std::vector<Parameter>> settings;
    for (const auto second : of_other)
        for (const auto value : values)
            settings.push_back({{name, value}, {other, second}});
    return settings;
}

/// One setting for each value of one parameter.
std::vector<std::vector<Parameter>> axis(const char* name,
                                         std::initializer_list<std::int64_t> values) {
    std::vector<std::vector<Parameter>> settings;
    for (const auto value : values)
        settings.push_back({{name, value}});
    return settings;
}

std::vector<Question> questions() {
    std::vector<std::vector<Parameter>> descriptors;
    for (const std::int64_t count : {100, 1000, 20000, 100000, 1000000})
        descriptors.push_back({{"descriptors", count}, {"cloexec", 100}});
    for (const std::int64_t cloexec : {0, 10})
        descriptors.push_back({{"descriptors", 20000}, {"cloexec", cloexec}});

    std::vector<std::vector<Parameter>> inherited;
    for (const std::int64_t count : {100, 1000, 10000, 100000})
        inherited.push_back({{"descriptors", count}, {"cloexec", 0}, {"closefrom", 1}});

    std::vector<std::vector<Parameter>> actions;
    for (const std::int64_t count : {1, 3, 4, 8, 16, 64})
        actions.push_back({{"actions", count}, {"attributes", 0}});
    for (const std::int64_t count : {0, 8})
        actions.push_back({{"actions", count}, {"attributes", 1}});

    std::vector<std::vector<Parameter>> spawners;
    for (const std::int64_t count : {1, 2, 4, 8})
        spawners.push_back({{"spawners", count}});

    return {
        {"plain", Asks::Program, {{}}},
        {"traced", Asks::Traced, {{}}, "traced"},
        {"erms", Asks::Program, {{}}, "erms"},
        {"pipeline", Asks::Several, {{}}},
        {"first", Asks::Program, {{}}},
        {"dynamic", Asks::Program, {{}}},
        {"descriptors", Asks::Program, std::move(descriptors)},
        {"actions", Asks::Request, std::move(actions)},
        {"dups", Asks::Request, axis("dups", {8, 64, 1024, 8192, 65536})},
        {"closefrom", Asks::Closing, std::move(inherited)},
        {"failure",
         Asks::Request,
         {{{"missing", 1}}, {{"missing", 1}, {"actions", 1}}, {{"bad_action", 1}}, {{"late", 1}}}},
        {"search", Asks::Search, {{{"path", 7}, {"found", 4}}}},
        {"memory", Asks::Program, axis("resident", {1, 16, 256, 4096})},
        {"memory", Asks::Program, axis("mappings", {10, 1000, 10000, 60000})},
        {"arguments", Asks::Command, axis("arguments", {1, 32, 256, 1024})},
        {"strings", Asks::Request, grid("strings", {1000}, "threads", {1, 4})},
        {"words", Asks::Request, grid("words", {1, 100, 10000, 100000}, "threads", {1, 4})},
        {"threads", Asks::Program, axis("threads", {1, 4, 16, 64, 256})},
        {"tool", Asks::Capture, {{}}},
        {"held", Asks::Request, {{{"resident", 1024}}}},
        {"throughput", Asks::Program, std::move(spawners), "parallel"},
        {"locks", Asks::Program, {{{"spawners", 4}}}, "parallel"},
        {"stall", Asks::Program, axis("resident", {1, 256}), "parallel"},
    };
}

/// Can this way be asked this?
bool is_for(const Way& way, Asks asks, const std::vector<Parameter>& setting) {
    // Linux allows no more than 128 KiB in one string, and a shell's command is one.
    constexpr std::int64_t command_kibibytes = 128;
    if (asks == Asks::Capture || way.captures)
        return way.captures && asks == Asks::Capture;
    if (way.pipeline || asks == Asks::Several)
        return way.pipeline && asks == Asks::Several;
    if (asks == Asks::Traced)
        return way.traced;
    if (asks == Asks::Search)
        return way.searches;
    if (asks == Asks::Closing && way.musl) // it has no such action
        return false;
    if (!way.plain_only)
        return true;
    return asks == Asks::Program ||
           (asks == Asks::Command && setting.front().value <= command_kibibytes);
}

bool is_costly(const std::vector<Parameter>& setting) {
    return std::ranges::any_of(setting, [](const Parameter& parameter) {
        return (parameter.name == "resident" && parameter.value >= costly_mebibytes) ||
               (parameter.name == "descriptors" && parameter.value >= costly_descriptors) ||
               (parameter.name == "dups" && parameter.value >= costly_actions) ||
               (parameter.name == "words" && parameter.value >= costly_words);
    });
}

} // namespace

std::span<const Way> all_ways() {
    return ways;
}

std::vector<std::string> parts() {
    return {"costs", "traced", "erms", "parallel"};
}

std::vector<Cell> all_cells() {
    std::vector<Cell> cells;
    for (const auto& question : questions())
        for (const auto& setting : question.settings)
            for (const auto& way : ways)
                if (is_for(way, question.asks, setting))
                    cells.push_back(
                        {question.name, question.part, &way, setting, is_costly(setting)});
    return cells;
}

} // namespace bench
