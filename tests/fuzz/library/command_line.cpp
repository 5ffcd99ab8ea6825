// SPDX-License-Identifier: LGPL-2.1-or-later
// The arguments of `kspawn run`, and names of signals.
#include <csignal>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "bytes.hpp"
#include "tools/run_options.hpp"
#include "tools/signal_names.hpp"

namespace {

using kspawn::tool::signal_name;
using kspawn::tool::signal_number;

void check_signal(const std::string& text) {
    const auto number = signal_number(text);
    if (!number)
        return;
    fuzz::require(*number >= 1 && *number <= SIGRTMAX);
    fuzz::require(signal_number(signal_name(*number)) == number);
}

void check_signals(const std::vector<int>& numbers) {
    for (const auto number : numbers)
        fuzz::require(number >= 1 && number <= SIGRTMAX);
}

// Mistakes and help are printed; nobody reads them here.
class Quiet {
public:
    Quiet() : out_(std::cout.rdbuf(said_.rdbuf())), err_(std::cerr.rdbuf(said_.rdbuf())) {}
    ~Quiet() {
        std::cout.rdbuf(out_);
        std::cerr.rdbuf(err_);
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    Quiet(Quiet&&) = delete;
    Quiet& operator=(Quiet&&) = delete;

private:
    std::ostringstream said_;
    std::streambuf* out_;
    std::streambuf* err_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Bytes bytes({data, size});
    std::vector<std::string> arguments;
    while (!bytes.empty()) {
        arguments.push_back(bytes.string());
        check_signal(arguments.back());
    }
    const Quiet quiet;
    const auto request = kspawn::tool::parse_run(arguments);
    if (!request.options)
        return 0;
    fuzz::require(!request.options->command.empty());
    check_signals(request.options->default_signal);
    check_signals(request.options->ignore_signal);
    check_signals(request.options->block_signal);
    fuzz::require(request.options->close_from.value_or(0) >= 0);
    fuzz::require(request.options->process_group.value_or(0) >= 0);
    return 0;
}
