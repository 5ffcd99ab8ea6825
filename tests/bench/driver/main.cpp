// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn-bench: what it costs to start a program, for every way to do it.
//
// Google Benchmark's flags, names and JSON.  A name is QUESTION/WAY with the
// setting's parameters behind it; the time is that of one start and the wait for
// the child's end, the median of the starts of a repetition, and the counter
// "blocked", another median, that part of it for which the caller was inside the
// call that starts; "mean" is the mean of all starts.  Other counters are what
// runner/*.h say of them.  --parts=PART leaves out what is for other guests.  In a
// guest that counts instructions (qemu/vm --icount) every nanosecond is an
// instruction; elsewhere the times are times and worth what times are worth.
//
// With --whole it is another program that is measured, with and without the preload.
#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>
#include <gnu/libc-version.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cells.hpp"
#include "libc.hpp"
#include "runner.hpp"
#include "whole.hpp"

namespace {

namespace fs = std::filesystem;

fs::path built_in() {
    return fs::read_symlink("/proc/self/exe").parent_path();
}

fs::path runners_of(const fs::path& built) {
    return built / "tests" / "bench";
}

/// The libc of another Debian that a way is measured with; none if it has its own, or if that
/// is not there.
std::optional<bench::Libc> libc_of(const bench::Way& way, const fs::path& runners) {
    return way.libc != nullptr ? bench::Libc::find(runners, way.libc) : std::nullopt;
}

bool is_left_out(const bench::Way& way, const fs::path& runners) {
    return way.libc != nullptr && !libc_of(way, runners);
}

/// A directory in /tmp with the programs to be started, gone in the end: whatever
/// file system we are run from has no part in the cost.
class Programs {
public:
    explicit Programs(const fs::path& source) {
        std::string name = fs::temp_directory_path() / "kspawn-bench-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr)
            throw fs::filesystem_error("mkdtemp", name, std::make_error_code(std::errc(errno)));
        m_directory = name;
        for (const char* program : {"tiny", "first", "late", "writer", "checker"})
            fs::copy_file(source / program, m_directory / program);
    }
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;
    Programs(Programs&&) = delete;
    Programs& operator=(Programs&&) = delete;
    ~Programs() {
        std::error_code ignored;
        fs::remove_all(m_directory, ignored);
    }
    [[nodiscard]] std::string directory() const { return m_directory; }

private:
    fs::path m_directory;
};

/// The runner of the cell that is being measured: another for each of its repetitions,
/// since processes of one program differ by where their memory comes to lie, unless the
/// setting is costly.
class CurrentRunner {
public:
    CurrentRunner(fs::path built, std::string programs)
        : m_built(std::move(built)), m_runners(runners_of(m_built)),
          m_programs(std::move(programs)) {}

    bench::Runner& of(const bench::Cell& cell) {
        const std::string setting = setting_text(cell);
        const auto libc = libc_of(*cell.way, m_runners);
        const auto command = command_of(*cell.way, libc);
        const std::string key = setting + ' ' + command.front() + ' ' + command.back() +
                                (cell.way->preload ? " preload" : "") +
                                (cell.costly ? "" : std::string(" ") + cell.way->name);
        if (key != m_key) {
            m_key.clear();
            m_way = nullptr;
            m_runner.reset(); // before the next, so that memory is there once
            m_runner = std::make_unique<bench::Runner>(
                command, setting, m_programs,
                cell.way->preload ? m_built / "libkspawn-preload.so" : "");
            m_key = key;
        }
        if (m_way != cell.way) {
            m_runner->use(cell.way->name);
            if (libc && !libc->is_in(m_runner->pid()))
                throw bench::RunnerError("the runner has another libc than that to be measured");
            m_way = cell.way;
        }
        return *m_runner;
    }

    /// The next cell gets a new one.
    void drop() {
        m_key.clear();
        m_way = nullptr;
        m_runner.reset();
    }

private:
    [[nodiscard]] std::vector<std::string>
    command_of(const bench::Way& way, const std::optional<bench::Libc>& libc) const {
        if (way.libc == nullptr)
            return {m_runners / (way.musl ? "runner-musl" : "runner")};
        if (!libc)
            throw bench::RunnerError(std::string("there is no ") + way.libc);
        return libc->running(m_runners / (way.musl ? "runner-musl-shared" : "runner"));
    }

    static std::string setting_text(const bench::Cell& cell) {
        // Questions that are a state of the setting themselves.
        std::string text;
        for (const char* question :
             {"first", "dynamic", "tool", "pipeline", "held", "stall", "locks"})
            if (cell.question == question)
                text = cell.question + "=1";
        for (const auto& parameter : cell.setting)
            text +=
                (text.empty() ? "" : ",") + parameter.name + '=' + std::to_string(parameter.value);
        return text;
    }

    fs::path m_built;
    fs::path m_runners;
    std::string m_programs;
    std::string m_key;
    const bench::Way* m_way = nullptr;
    std::unique_ptr<bench::Runner> m_runner;
};

bool any_failed = false;

void measure(benchmark::State& state, const bench::Cell& cell, CurrentRunner& current) {
    try {
        bench::Runner& runner = current.of(cell);
        const auto count = state.max_iterations;
        // The batch is all that Google Benchmark asks for at a time, so one run.
        while (state.KeepRunningBatch(count)) {
            const auto figures = runner.run(static_cast<std::uint64_t>(count));
            // It divides by the number of starts, of which we have the median.
            state.SetIterationTime(figures.at("total") * 1e-9 * static_cast<double>(count));
            for (const auto& [name, value] : figures)
                if (name != "total")
                    state.counters[name] = value;
        }
        if (!cell.costly)
            current.drop();
    } catch (const std::exception& error) {
        any_failed = true;
        current.drop();
        state.SkipWithError(error.what());
    }
}

void enter(const bench::Cell& cell, CurrentRunner& current) {
    std::vector<std::string> names;
    std::vector<std::int64_t> values;
    for (const auto& parameter : cell.setting) {
        names.push_back(parameter.name);
        values.push_back(parameter.value);
    }
    auto* entered = benchmark::RegisterBenchmark(
                        (cell.question + '/' + cell.way->name).c_str(),
                        [&](benchmark::State& state) { measure(state, cell, current); })
                        ->UseManualTime()
                        ->Unit(benchmark::kNanosecond);
    if (!names.empty())
        entered->ArgNames(names)->Args(values);
    // It is no time that is measured, and each takes a while.
    if (cell.question == "held")
        entered->Iterations(1);
    // The trace of more of them would not fit.
    if (cell.question == "locks")
        entered->Iterations(400);
}

/// Does the clock count instructions?  A loop of a known number of them tells.
bool counts_instructions() {
    constexpr unsigned long rounds = 10'000'000;
    unsigned long left = rounds;
    const auto before = std::chrono::steady_clock::now();
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(left) : : "cc");
    const auto after = std::chrono::steady_clock::now();
    const double nanoseconds = std::chrono::duration<double, std::nano>(after - before).count();
    return std::abs(nanoseconds / (2.0 * rounds) - 1.0) < 0.01;
}

std::string cpu_model() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name"))
            return line.substr(std::min(line.size(), line.find(':') + 2));
    return "unknown";
}

/// With the version in it, of a libc that has one of its own.
std::string words_of(const bench::Way& way, const fs::path& runners) {
    constexpr std::string_view place = "VERSION";
    std::string words = way.words;
    const auto libc = libc_of(way, runners);
    if (const auto at = words.find(place); at != std::string::npos)
        words.replace(at, place.size(), libc ? libc->version() : "?");
    return words;
}

void describe(const fs::path& runners) {
    utsname system{};
    ::uname(&system);
    benchmark::AddCustomContext("kernel", system.release);
    benchmark::AddCustomContext("cpu", cpu_model());
    benchmark::AddCustomContext("glibc", ::gnu_get_libc_version());
    std::string libcs;
    std::set<std::string_view> said;
    for (const auto& way : bench::all_ways())
        if (const auto libc = libc_of(way, runners); libc && said.insert(way.libc).second)
            libcs +=
                (libcs.empty() ? "" : ", ") + std::string(way.libc) + ' ' + libc->package_version();
    benchmark::AddCustomContext("libcs", libcs);
    benchmark::AddCustomContext("unit", counts_instructions() ? "instructions" : "nanoseconds");
}

/// For whoever draws the results.
nlohmann::ordered_json listed(const fs::path& runners) {
    auto list = nlohmann::ordered_json::array();
    for (const auto ways : {bench::all_ways(), bench::whole_ways()})
        for (const auto& way : ways)
            list.push_back({{"name", way.name},
                            {"words", words_of(way, runners)},
                            {"colour", way.colour},
                            {"ours", way.ours},
                            {"libc", way.libc != nullptr ? way.libc : ""},
                            {"left_out", is_left_out(way, runners)},
                            {"whole", ways.data() == bench::whole_ways().data()}});
    return list;
}

int measure_all(std::vector<std::string> flags, const std::string& part, bench::Whole whole) {
    std::vector<char*> argv(flags.size() + 1);
    std::ranges::transform(flags, argv.begin(), [](std::string& flag) { return flag.data(); });
    int argc = static_cast<int>(flags.size());
    benchmark::Initialize(&argc, argv.data());
    if (benchmark::ReportUnrecognizedArguments(argc, argv.data()))
        return 2;
    // In a log, too, each line is there when it is said: measuring takes minutes.
    (void)std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const fs::path built = built_in();
    const Programs programs(runners_of(built));
    CurrentRunner current(built, programs.directory());
    auto cells = bench::all_cells();
    if (!whole.question.empty()) {
        cells.clear();
        whole.preload = built / "libkspawn-preload.so";
        bench::enter(whole, any_failed);
    } else if (!part.empty())
        std::erase_if(cells, [&](const bench::Cell& cell) { return cell.part != part; });
    std::erase_if(
        cells, [&](const bench::Cell& cell) { return is_left_out(*cell.way, runners_of(built)); });
    for (const auto& cell : cells)
        enter(cell, current);
    describe(runners_of(built));
    const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return any_failed || ran == 0 ? 1 : 0;
}

int run(int argc, char** argv) {
    CLI::App app("Measure the cost of starting a program, by every way to do it.");
    app.footer(
        "Other flags are Google Benchmark's: --benchmark_filter=REGEX, --benchmark_out=FILE...");
    std::string part;
    bool list_ways = false;
    bench::Whole whole;
    app.add_option("--parts", part, "Only what is measured in this kind of guest")
        ->check(CLI::IsMember(bench::parts()))
        ->take_last();
    app.add_flag("--list-ways", list_ways, "Print, as JSON, what the ways are called and drawn as");
    auto* question =
        app.add_option("--whole", whole.question, "Measure a whole program, under this name");
    auto* command =
        app.add_option("COMMAND", whole.command, "The program, behind \"--\"")->needs(question);
    question->needs(command);
    app.add_option("--before", whole.before, "A shell command before each run of it")
        ->needs(question);
    app.add_option("--after", whole.after, "A shell command that must succeed after each run")
        ->needs(question);
    app.allow_extras();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    if (list_ways) {
        std::cout << listed(runners_of(built_in())).dump(1) << '\n';
        return 0;
    }
    std::vector<std::string> flags = app.remaining();
    std::erase(flags, "--"); // CLI11 leaves it
    flags.insert(flags.begin(), argv[0]);
    return measure_all(std::move(flags), part, std::move(whole));
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "kspawn-bench: %s\n", error.what());
        return 1;
    }
}
