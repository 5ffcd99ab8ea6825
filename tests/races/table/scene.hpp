// SPDX-License-Identifier: LGPL-2.1-or-later
/// Runs the reproducers and reads what they say.
#ifndef KSPAWN_TESTS_RACES_SCENE_HPP
#define KSPAWN_TESTS_RACES_SCENE_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hazards.hpp"

namespace kspawn::races {

using Json = nlohmann::json;

/// The command that runs a reproducer.
std::vector<std::string> command(const std::string& program, const Way& way,
                                 const std::vector<std::string>& arguments);

/// A hazard and a way, and what has been seen of them.
struct Scene {
    Hazard hazard;
    Way way;
    Json evidence;       ///< null if it failed
    std::string trouble; ///< why it failed
    /// In the words of expected().
    [[nodiscard]] std::string outcome() const;
};

/// Each hazard by each way; and starts without any.  Not yet played.
std::vector<Scene> all_scenes();
std::vector<Scene> clean_scenes();

/// The same, played, some at a time.
std::vector<Scene> play_all();
std::vector<Scene> play_clean();

} // namespace kspawn::races

#endif
