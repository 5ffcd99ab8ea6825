// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "exit_code.hpp"

namespace kspawn::tool {

namespace {

struct Meaning {
    std::string_view name;
    std::string_view text;
};

// In the order of a start's way.  Counters that a later module has follow.
constexpr std::array<Meaning, 19> meanings{{
    {"spawns", "starts asked for"},
    {"restarted", "of these interrupted by a signal, and made again"},
    {"builders", "builders asked for"},
    {"applies", "changes of a builder's child asked for"},
    {"starts", "starts of a builder's child asked for"},
    {"in_flight", "of all those under way now"},
    {"clones", "children created"},
    {"killed", "children killed before they were a program"},
    {"closed", "children whose builder was closed before that"},
    {"fail_policy", "refused, by policy (seccomp, I/O ports)"},
    {"fail_copy", "failed: request not valid or not readable"},
    {"fail_descriptors", "failed: descriptor table"},
    {"fail_clone", "failed: creating the child"},
    {"fail_attribute", "failed: an attribute"},
    {"fail_action", "failed: a file action"},
    {"fail_pidfd", "failed: making the pidfd"},
    {"fail_exec", "failed: finding or executing the program"},
    {"fail_lookup", "of these found out without a child"},
    {"fail_builder", "failed: making or reaching a builder's child"},
}};

std::size_t rank(std::string_view name) {
    const auto* const known =
        std::find_if(meanings.begin(), meanings.end(),
                     [name](const Meaning& meaning) { return meaning.name == name; });
    return static_cast<std::size_t>(known - meanings.begin());
}

struct Counter {
    std::string name;
    std::uint64_t value;
};

std::uint64_t read_number(const std::filesystem::path& file) {
    std::ifstream stream{file};
    std::uint64_t value = 0;
    if (!(stream >> value))
        throw std::runtime_error(fmt::format("{}: no number could be read", file.string()));
    return value;
}

std::vector<Counter> read_counters(const std::string& directory) {
    std::vector<Counter> counters;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        counters.push_back({entry.path().filename(), read_number(entry.path())});
    std::sort(counters.begin(), counters.end(), [](const Counter& left, const Counter& right) {
        return std::pair(rank(left.name), left.name) < std::pair(rank(right.name), right.name);
    });
    return counters;
}

void print_table(const std::vector<Counter>& counters) {
    std::size_t widest_name = 0;
    std::size_t widest_value = 0;
    for (const auto& counter : counters) {
        widest_name = std::max(widest_name, counter.name.size());
        widest_value = std::max(widest_value, fmt::formatted_size("{}", counter.value));
    }
    for (const auto& [name, value] : counters) {
        const auto known = rank(name);
        const auto text = known < meanings.size() ? meanings[known].text : std::string_view{};
        const auto* const gap = text.empty() ? "" : "  ";
        fmt::print("{:<{}}  {:>{}}{}{}\n", name, widest_name, value, widest_value, gap, text);
    }
}

void print_json(const std::vector<Counter>& counters) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const auto& [name, value] : counters)
        object[name] = value;
    fmt::print("{}\n", object.dump(2));
}

} // namespace

int stats(const std::string& directory, bool json) {
    std::vector<Counter> counters;
    try {
        counters = read_counters(directory);
    } catch (const std::filesystem::filesystem_error& error) {
        fmt::print(stderr, "kspawn: no counters in {}: {} (try kspawn doctor)\n", directory,
                   error.code().message());
        return exit_failed;
    }
    if (json)
        print_json(counters);
    else
        print_table(counters);
    return exit_ok;
}

} // namespace kspawn::tool
