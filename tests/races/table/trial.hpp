// SPDX-License-Identifier: LGPL-2.1-or-later
/// Runs the reproducers and reads what they say.
#ifndef KSPAWN_TESTS_RACES_TRIAL_HPP
#define KSPAWN_TESTS_RACES_TRIAL_HPP

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
struct Trial {
    Hazard hazard;
    Way way;
    Json evidence;       ///< null if it failed
    std::string trouble; ///< why it failed
    /// In the words of expected().
    [[nodiscard]] std::string outcome() const;
};

/// Each hazard by each way; and starts without any.  Not run yet.
std::vector<Trial> all_trials();
std::vector<Trial> clean_trials();

/// The same, run, some at a time.
std::vector<Trial> run_all();
std::vector<Trial> run_clean();

} // namespace kspawn::races

#endif
