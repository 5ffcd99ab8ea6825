// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "ebpf/exit_code.hpp"
#include "page.hpp"
#include "trace.hpp"

namespace kspawn::trace::report {

namespace {

struct Options {
    std::string input = "-";
    std::string output = "-";
    PageOptions page;
};

Trace read(const std::string& name) {
    if (name == "-")
        return read_trace(std::cin);
    std::ifstream file(name);
    if (!file)
        throw NoTrace(std::strerror(errno));
    return read_trace(file);
}

void write(const std::string& name, const std::string& page) {
    std::ofstream file;
    if (name != "-")
        file.open(name, std::ios::binary);
    auto& output = name == "-" ? std::cout : file;
    output << page << std::flush;
    if (!output)
        throw std::runtime_error(name + ": " + std::strerror(errno));
}

} // namespace

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Make one self-contained HTML page from a JSON trace: a timeline, histograms, and "
                 "the findings in words.",
                 "kspawn-trace report"};
    app.add_option("TRACE", options.input,
                   "what kspawn-trace --json has written; - or nothing: standard input");
    app.add_option("-o,--output", options.output,
                   "where to write the page; - (default): standard "
                   "output");
    app.add_option("--title", options.page.title, "the page's title; default: the traced command");
    app.add_option("--most-drawn", options.page.most_drawn,
                   "draw at most so many windows, and so many marks, on the timeline: those with "
                   "findings, then the longest.  The statistics are always of all")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    try {
        write(options.output, page_of(read(options.input), options.page));
    } catch (const NoTrace& error) {
        std::cerr << "kspawn-trace report: " << options.input << ": " << error.what() << '\n';
        return 1;
    } catch (const std::exception& error) {
        std::cerr << "kspawn-trace report: " << error.what() << '\n';
        return 1;
    }
    return 0;
}

} // namespace kspawn::trace::report
