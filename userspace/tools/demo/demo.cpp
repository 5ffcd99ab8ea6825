// SPDX-License-Identifier: LGPL-2.1-or-later
#include "demo.hpp"

#include <fmt/format.h>
#include <kspawn/backend.h>
#include <kspawn/support.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "lib/numbers.hpp"
#include "tools/command_line.hpp"
#include "tools/demo/steps.hpp"
#include "tools/demo/tour.hpp"
#include "tools/doctor.hpp"
#include "tools/exit_code.hpp"

namespace kspawn::tool {

namespace {

struct Step {
    const char* name;
    const char* title;
    void (*show)(Tour& tour);
};

constexpr std::array<Step, 6> steps{{
    {"start", "One call to the kernel starts a program", show_start},
    {"attack", "A server gives up its privileges, and is attacked", show_attack},
    {"failure", "A start that fails says why", show_failure},
    {"pipeline", "A pipeline in one call: all or none", show_pipeline},
    {"tools", "Many tool calls from one thread", show_tool_calls},
    {"costs", "The cost, with thousands of open descriptors", show_costs},
}};

struct Options {
    std::vector<std::string> steps;
    std::string color = "auto";
    std::size_t calls = 1000;
    bool list = false;
};

std::vector<std::string> step_names() {
    std::vector<std::string> names;
    for (const auto& step : steps)
        names.emplace_back(step.name);
    return names;
}

std::string footer() {
    std::string text = "\nSteps:\n";
    for (const auto& step : steps)
        text += fmt::format("  {:<10}{}\n", step.name, step.title);
    return text + R"(
Without STEP, all of them, and where to go on from there.
Exit status: 0 if all has happened as the tour says, 1 if something has not, or if
programs cannot be started through the kernel here; 125 if kspawn was called wrongly.
)";
}

void describe(CLI::App& app, Options& options) {
    app.formatter(std::make_shared<HelpFormatter>("kspawn demo [OPTIONS] [STEP...]"));
    say_mistakes_in_one_line(app, "kspawn demo --help");
    app.footer(footer());
    app.add_option("--color", options.color,
                   "Colours, and progress in place: auto, always or never.  auto: on a terminal, "
                   "unless NO_COLOR is set")
        ->type_name("WHEN")
        ->check([](const std::string& text) {
            return text == "auto" || text == "always" || text == "never"
                       ? ""
                       : text + " is none of auto, always, never";
        });
    app.add_option("--calls", options.calls,
                   "How many tool calls are made; 1000 if nothing is said")
        ->type_name("N")
        ->check([](const std::string& text) {
            const auto count = internal::whole_number(text).value_or(0);
            return count < 1 || count > 1'000'000 ? "a number from 1 to 1000000 is wanted" : "";
        });
    app.add_flag("--list", options.list, "Print the names of the steps, and do nothing");
    app.add_option("STEP", options.steps)->group("");
}

bool wants_colours(const std::string& when) {
    if (when != "auto")
        return when == "always";
    const auto has = [](const char* name, std::string_view value) {
        const char* const found = std::getenv(name);
        return found != nullptr && (value.empty() ? *found != '\0' : found == value);
    };
    return ::isatty(STDOUT_FILENO) == 1 && !has("NO_COLOR", "") && !has("TERM", "dumb");
}

void show(Tour& tour, const Step& step) {
    tour.begin(step.title);
    try {
        step.show(tour);
    } catch (const std::exception& error) {
        tour.check(false, error.what());
    }
}

void say_where_to_go(Tour& tour) {
    tour.outlook("To go on from here", {
                                           {"kspawn run -v -- date", "one program, and its end"},
                                           {"kspawn pipe ls : wc -l", "programs in a row"},
                                           {"kspawn preload -- make", "a program as it is: what it "
                                                                      "starts"},
                                           {"kspawn stats", "what the module has counted"},
                                           {"kspawn doctor", "whether all is well here"},
                                           {"man kspawn", "this tool, all of it"},
                                           {"man 3 kspawn_spawn", "the library, in C"},
                                       });
}

int take_tour(const Options& options) {
    std::vector<Step> chosen;
    for (const auto& step : steps)
        if (options.steps.empty() ||
            std::ranges::find(options.steps, step.name) != options.steps.end())
            chosen.push_back(step);
    Tour tour(wants_colours(options.color), chosen.size(), options.calls);
    for (const auto& step : chosen)
        show(tour, step);
    if (options.steps.empty())
        say_where_to_go(tour);
    return tour.end() ? exit_ok : exit_unusable;
}

} // namespace

int demo(std::vector<std::string> arguments) {
    Options options;
    CLI::App app{"A guided tour: what kspawn is for, seen on this machine.", "kspawn demo"};
    describe(app, options);
    std::reverse(arguments.begin(), arguments.end()); // as parse() wants them
    try {
        app.parse(std::move(arguments));
        for (const auto& step : options.steps)
            if (std::ranges::find(steps, step, &Step::name) == steps.end())
                throw CLI::ValidationError("there is no step " + step);
    } catch (const CLI::ParseError& error) {
        return finish(app, error);
    }
    if (options.list) {
        for (const auto& name : step_names())
            fmt::print("{}\n", name);
        return exit_ok;
    }
    kspawn_support support{};
    kspawn_query(&support, sizeof(support));
    if (support.error != 0) {
        fmt::print("The tour needs the kernel module.  This is what `kspawn doctor` says:\n\n");
        return doctor(false);
    }
    kspawn_set_backend(KSPAWN_BACKEND_KERNEL);
    return take_tour(options);
}

} // namespace kspawn::tool
