// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>
#include <kspawn/error.hpp>
#include <kspawn/pipeline.hpp>

#include <cerrno>
#include <string_view>

#include "tools/demo/steps.hpp"
#include "tools/scratch.hpp"
#include "tools/whole_file.hpp"

namespace kspawn::tool {

namespace {

void show_all(Tour& tour) {
    tour.say("A shell starts the programs of a pipeline one by one. Here one call starts three "
             "of them, with the pipes between them:");
    tour.command(R"(printf 'pear\napple\nfig\n' | sort | head -n 2)");
    const auto output = pipeline({Command("printf").arg(R"(pear\napple\nfig\n)"), Command("sort"),
                                  Command("head").arg("-n").arg("2")})
                            .output();
    tour.quote(output.out);
    tour.check(output.success() && output.out == "apple\nfig\n",
               "All three were started, and each read what the one before it wrote.");
}

void show_none(Tour& tour) {
    tour.say("If one of them cannot be started, none of them may begin: a shell would have run "
             "the first two by then. Here the first one is to make a file:");
    const Scratch scratch("kspawn-demo");
    const auto file = scratch.file("made");
    tour.command("touch FILE | sort | /no/such/program");
    try {
        const auto statuses =
            pipeline({Command("touch").arg(file), Command("sort"), Command("/no/such/program")})
                .all_or_none()
                .status();
        tour.check(false, fmt::format("{} programs were started.", statuses.size()));
    } catch (const SpawnError& error) {
        tour.quote(error.what());
        tour.check(error.code().value() == ENOENT &&
                       std::string_view(error.what()).starts_with("start 2: ") && !is_there(file),
                   "Number 2, from 0, is not there, so the first has not run: there is no FILE.");
    }
}

} // namespace

void show_pipeline(Tour& tour) {
    show_all(tour);
    show_none(tour);
}

} // namespace kspawn::tool
