// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trial.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>

#include "kit/process.hpp"
#include "progress.hpp"

namespace kspawn::races {

namespace {

// Trials mostly wait; more than this at a time would wait for the processor.
constexpr unsigned at_a_time = 3;

void run(Trial* trial) {
    const auto ended =
        test::run(command(trial->hazard.program, trial->way, trial->hazard.arguments));
    trial->trouble = ended.err;
    if (ended.status == 0)
        trial->evidence = Json::parse(ended.out, nullptr, false);
}

// Under the tracer nine ways take 25 ms of an emulated CPU for each.
std::string clean_rounds() {
    const char* given = std::getenv("KSPAWN_RACES_CLEAN_ROUNDS");
    return given != nullptr ? given : "200";
}

std::vector<Trial> run_trials(const std::string& what, std::vector<Trial> trials) {
    const auto teller = lent_stderr();
    Progress progress(what, trials.size(), teller.get());
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> runners;
    for (unsigned i = 0; i < at_a_time; i++)
        runners.emplace_back([&] {
            for (auto mine = next++; mine < trials.size(); mine = next++) {
                run(&trials[mine]);
                progress.step();
            }
        });
    runners.clear();
    return trials;
}

} // namespace

std::vector<std::string> command(const std::string& program, const Way& way,
                                 const std::vector<std::string>& arguments) {
    const auto directory = test::build_directory() / "tests/races/helpers";
    std::vector<std::string> result{
        (directory / (program + (way.libc == "musl" ? "-musl" : ""))).string(), way.name};
    result.insert(result.end(), arguments.begin(), arguments.end());
    return result;
}

std::string Trial::outcome() const {
    if (!evidence.is_object())
        return "failed: " + trouble;
    if (hazard.name != "stall")
        return evidence.at("happened").get<bool>() ? "yes" : "no";
    std::string who;
    for (const auto& name : evidence.at("evidence").at("waits"))
        who += (who.empty() ? "" : ", ") + name.get<std::string>();
    return who.empty() ? "nobody" : who;
}

std::vector<Trial> all_trials() {
    std::vector<Trial> trials;
    for (const auto& hazard : hazards())
        for (const auto& way : ways())
            trials.push_back({hazard, way, nullptr, ""});
    return trials;
}

std::vector<Trial> clean_trials() {
    std::vector<Trial> trials;
    for (const auto& way : ways())
        trials.push_back(
            {{"clean", "clean_rounds", {clean_rounds()}, "nothing"}, way, nullptr, ""});
    return trials;
}

std::vector<Trial> run_all() {
    return run_trials("trials of the table", all_trials());
}

std::vector<Trial> run_clean() {
    return run_trials("ways without a hazard", clean_trials());
}

} // namespace kspawn::races
