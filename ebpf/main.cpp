// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn-trace(1): see the windows in which children run in memory of others.
#include <fmt/format.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "exit_code.hpp"
#include "options.hpp"
#include "printable.hpp"
#include "report/report.hpp"
#include "session.hpp"
#include "tracer.hpp"

namespace {

using namespace kspawn::trace;

int main_of(std::vector<std::string> arguments) {
    const auto parsed = parse_options(std::move(arguments));
    return parsed.options ? trace(*parsed.options) : parsed.exit_status;
}

} // namespace

int main(int argc, char* argv[]) {
    // Which characters can be printed; without this locale, those of ASCII.
    static_cast<void>(std::setlocale(LC_CTYPE, ""));
    try {
        if (argc > 1 && std::string_view{argv[1]} == "report")
            return report::run(argc - 1, argv + 1);
        return main_of({argv + std::min(argc, 1), argv + argc});
    } catch (const UsageError& error) {
        fmt::print(stderr, "kspawn-trace: {}\n", without_controls(error.what()));
        return exit_usage;
    } catch (const CannotTrace& error) {
        // The kernel's words on a probe may be many lines.
        fmt::print(stderr, "kspawn-trace: {}\n", error.what());
        return exit_cannot_trace;
    } catch (const std::exception& error) {
        fmt::print(stderr, "kspawn-trace: {}\n", without_controls(error.what()));
        return exit_cannot_trace;
    }
}
