// SPDX-License-Identifier: LGPL-2.1-or-later
#include "whole.hpp"

#include <benchmark/benchmark.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace bench {

namespace {

constexpr std::array ways{
    Way{.name = "without", .colour = "#1257a8", .words = "without the preload"},
    Way{.name = "with", .colour = "#ef7d00", .words = "with it in all processes"},
    Way{.name = "alone", .colour = "#c8102e", .words = "with it in the first alone", .ours = true},
};

/// Seconds that the command takes, or throws.
double run(std::vector<std::string> command) {
    std::vector<char*> argv(command.size() + 1);
    std::ranges::transform(command, argv.begin(), [](std::string& word) { return word.data(); });
    const auto before = std::chrono::steady_clock::now();
    pid_t pid = -1;
    int status = 0;
    const int error = ::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
    if (error != 0)
        throw std::system_error(error, std::generic_category(), command[0]);
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "waitpid");
    const auto after = std::chrono::steady_clock::now();
    if (status != 0)
        throw std::runtime_error(command[0] + " failed");
    return std::chrono::duration<double>(after - before).count();
}

void run_shell(const std::string& command) {
    if (!command.empty())
        run({"/bin/sh", "-c", command});
}

void set_environment(std::string_view way, const Whole& whole) {
    ::unsetenv("LD_PRELOAD");
    ::unsetenv("KSPAWN_INHERIT");
    if (way != "without")
        ::setenv("LD_PRELOAD", whole.preload.c_str(), 1);
    if (way == "alone")
        ::setenv("KSPAWN_INHERIT", "0", 1);
}

double run_by(const Way& way, const Whole& whole) {
    set_environment("without", whole);
    run_shell(whole.before);
    set_environment(way.name, whole);
    const double seconds = run(whole.command);
    set_environment("without", whole);
    run_shell(whole.after);
    return seconds;
}

// The first run of all fills the caches.
void warm_up(const Whole& whole) {
    static bool warm = false;
    if (!warm)
        run_by(ways[0], whole);
    warm = true;
}

} // namespace

std::span<const Way> whole_ways() {
    return ways;
}

void enter(const Whole& whole, bool& failed) {
    for (const auto& way : ways)
        benchmark::RegisterBenchmark((whole.question + '/' + way.name).c_str(),
                                     [&](benchmark::State& state) {
                                         try {
                                             warm_up(whole);
                                             while (state.KeepRunning())
                                                 state.SetIterationTime(run_by(way, whole));
                                         } catch (const std::exception& error) {
                                             failed = true;
                                             state.SkipWithError(error.what());
                                         }
                                     })
            ->UseManualTime()
            ->Unit(benchmark::kNanosecond);
}

} // namespace bench
