// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cells.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace bench {

namespace {

constexpr std::array ways{
    Way{.label = "fork", .name = "fork", .searches = true},
    Way{.label = "vfork", .name = "vfork", .searches = true},
    Way{.label = "glibc", .name = "posix_spawn", .searches = true},
    Way{.label = "clone3", .name = "clone3"},
    Way{.label = "musl", .name = "posix_spawn", .libc = Libc::Musl, .searches = true},
    Way{.label = "error_pipe", .name = "error_pipe"},
    Way{.label = "afork", .name = "afork"},
    Way{.label = "thread", .name = "thread"},
    Way{.label = "pool", .name = "pool"},
    Way{.label = "popen", .name = "popen", .plain_only = true},
    Way{.label = "system", .name = "system", .plain_only = true},
    Way{.label = "preload", .name = "posix_spawn", .preload = true, .searches = true},
    Way{.label = "kspawn", .name = "kspawn", .searches = true},
    Way{.label = "kspawn_async", .name = "kspawn_async", .searches = true},
    Way{.label = "kspawn_wait", .name = "kspawn_wait", .searches = true},
};

constexpr std::int64_t costly_mebibytes = 256;
constexpr std::int64_t costly_descriptors = 100'000;

struct Question {
    const char* name;
    Asks asks;
    std::vector<std::vector<Parameter>> scenes;
    Part part = Part::Costs;
};

/// One scene for each value of one parameter.
std::vector<std::vector<Parameter>> axis(const char* name,
                                         std::initializer_list<std::int64_t> values) {
    std::vector<std::vector<Parameter>> scenes;
    for (const auto value : values)
        scenes.push_back({{name, value}});
    return scenes;
}

std::vector<Question> questions() {
    std::vector<std::vector<Parameter>> descriptors;
    for (const std::int64_t count : {100, 1000, 20000, 100000, 1000000})
        descriptors.push_back({{"descriptors", count}, {"cloexec", 100}});
    for (const std::int64_t cloexec : {0, 10})
        descriptors.push_back({{"descriptors", 20000}, {"cloexec", cloexec}});

    std::vector<std::vector<Parameter>> actions;
    for (const std::int64_t count : {1, 4, 8, 16, 64})
        actions.push_back({{"actions", count}, {"attributes", 0}});
    for (const std::int64_t count : {0, 8})
        actions.push_back({{"actions", count}, {"attributes", 1}});

    std::vector<std::vector<Parameter>> spawners;
    for (const std::int64_t count : {1, 2, 4, 8})
        spawners.push_back({{"spawners", count}});

    return {
        {"plain", Asks::Program, {{}}},
        {"first", Asks::Program, {{}}},
        {"descriptors", Asks::Program, std::move(descriptors)},
        {"actions", Asks::Request, std::move(actions)},
        {"dups", Asks::Request, axis("dups", {64, 1024})},
        {"closefrom", Asks::Closing, {{{"descriptors", 10000}, {"cloexec", 0}, {"closefrom", 1}}}},
        {"failure",
         Asks::Request,
         {{{"missing", 1}}, {{"missing", 1}, {"actions", 1}}, {{"bad_action", 1}}, {{"late", 1}}}},
        {"search", Asks::Search, {{{"path", 7}, {"found", 4}}}},
        {"memory", Asks::Program, axis("resident", {1, 16, 256, 4096})},
        {"memory", Asks::Program, axis("mappings", {10, 1000, 10000, 60000})},
        {"arguments", Asks::Command, axis("arguments", {1, 32, 256, 1024})},
        {"strings",
         Asks::Request,
         {{{"strings", 1000}, {"threads", 1}}, {{"strings", 1000}, {"threads", 4}}}},
        {"threads", Asks::Program, axis("threads", {1, 4, 16, 64, 256})},
        {"held", Asks::Request, {{{"resident", 1024}}}},
        {"throughput", Asks::Program, std::move(spawners), Part::Parallel},
        {"locks", Asks::Program, {{{"spawners", 4}}}, Part::Parallel},
        {"stall", Asks::Program, axis("resident", {1, 256}), Part::Parallel},
    };
}

/// Can this way be asked this?
bool is_for(const Way& way, Asks asks, const std::vector<Parameter>& scene) {
    // Linux allows no more than 128 KiB in one string, and a shell's command is one.
    constexpr std::int64_t command_kibibytes = 128;
    if (asks == Asks::Search)
        return way.searches;
    if (asks == Asks::Closing && way.libc == Libc::Musl) // 1.2.3 has no such action
        return false;
    if (!way.plain_only)
        return true;
    return asks == Asks::Program ||
           (asks == Asks::Command && scene.front().value <= command_kibibytes);
}

bool is_costly(const std::vector<Parameter>& scene) {
    return std::ranges::any_of(scene, [](const Parameter& parameter) {
        return (parameter.name == "resident" && parameter.value >= costly_mebibytes) ||
               (parameter.name == "descriptors" && parameter.value >= costly_descriptors);
    });
}

} // namespace

std::vector<Cell> all_cells() {
    std::vector<Cell> cells;
    for (const auto& question : questions())
        for (const auto& scene : question.scenes)
            for (const auto& way : ways)
                if (is_for(way, question.asks, scene))
                    cells.push_back({question.name, question.part, &way, scene, is_costly(scene)});
    return cells;
}

} // namespace bench
