// SPDX-License-Identifier: LGPL-2.1-or-later
/// The requests of the command line.
#ifndef KSPAWN_TRACE_OPTIONS_HPP
#define KSPAWN_TRACE_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kind.hpp"

namespace kspawn::trace {

struct Options {
    Kinds kinds = every_kind();
    Kinds fail_on{};
    std::optional<std::uint32_t> pid;
    std::optional<std::uint32_t> uid;
    std::optional<std::string> comm;
    bool children = false; ///< of pid too; always those of a command
    double duration = 0;   ///< seconds; 0: until told to stop
    bool json = false;
    bool summary_only = false;
    bool quiet = false;
    std::optional<std::string> output;
    std::uint64_t fd_gap = 100'000'000;  ///< ns
    std::uint64_t stall_min = 1'000'000; ///< ns
    std::uint32_t buffer_kib = 4096;
    std::uint32_t max_windows = 16384;
    std::uint32_t max_descriptors = 16384;
    std::vector<std::string> without_hooks;
    std::vector<std::string> command;

    [[nodiscard]] bool must_fail() const;
};

/// Options, or the exit status with which to end: after help, or a mistake.
struct ParsedOptions {
    std::optional<Options> options;
    int exit_status = 0;
};

/// @param arguments without the name of the program.
ParsedOptions parse_options(std::vector<std::string> arguments);

} // namespace kspawn::trace

#endif
