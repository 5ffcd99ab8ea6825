// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>

#include "progress.hpp"
#include "support/process.hpp"

namespace kspawn::races {

namespace {

// Scenes mostly wait; more than this at a time would wait for the processor.
constexpr unsigned at_a_time = 3;

void play(Scene* scene) {
    const auto ended =
        test::run(command(scene->hazard.program, scene->way, scene->hazard.arguments));
    scene->trouble = ended.err;
    if (ended.status == 0)
        scene->evidence = Json::parse(ended.out, nullptr, false);
}

std::string clean_rounds() {
    const char* given = std::getenv("KSPAWN_RACES_CLEAN_ROUNDS");
    return given != nullptr ? given : "1000";
}

std::vector<Scene> played(const std::string& what, std::vector<Scene> scenes) {
    const auto teller = lent_stderr();
    Progress progress(what, scenes.size(), teller.get());
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> players;
    for (unsigned i = 0; i < at_a_time; i++)
        players.emplace_back([&] {
            for (auto mine = next++; mine < scenes.size(); mine = next++) {
                play(&scenes[mine]);
                progress.step();
            }
        });
    players.clear();
    return scenes;
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

std::string Scene::outcome() const {
    if (!evidence.is_object())
        return "failed: " + trouble;
    if (hazard.name != "stall")
        return evidence.at("happened").get<bool>() ? "yes" : "no";
    std::string who;
    for (const auto& name : evidence.at("evidence").at("waits"))
        who += (who.empty() ? "" : ", ") + name.get<std::string>();
    return who.empty() ? "nobody" : who;
}

std::vector<Scene> all_scenes() {
    std::vector<Scene> scenes;
    for (const auto& hazard : hazards())
        for (const auto& way : ways())
            scenes.push_back({hazard, way, nullptr, ""});
    return scenes;
}

std::vector<Scene> clean_scenes() {
    std::vector<Scene> scenes;
    for (const auto& way : ways())
        scenes.push_back(
            {{"clean", "clean_rounds", {clean_rounds()}, "nothing"}, way, nullptr, ""});
    return scenes;
}

std::vector<Scene> play_all() {
    return played("scenes of the table", all_scenes());
}

std::vector<Scene> play_clean() {
    return played("ways without a hazard", clean_scenes());
}

} // namespace kspawn::races
