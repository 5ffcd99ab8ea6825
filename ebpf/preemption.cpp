// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preemption.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace kspawn::trace {

namespace {

std::string words_of(const char* path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool has_word(std::string_view text, std::string_view word) {
    std::istringstream words{std::string{text}};
    for (std::string each; words >> each;) {
        if (each == word)
            return true;
    }
    return false;
}

} // namespace

bool kernel_is_preemptible() {
    // The mode in force is in brackets: "none (voluntary) full".
    const auto modes = words_of("/sys/kernel/debug/sched/preempt");
    if (has_word(modes, "(none)") || has_word(modes, "(voluntary)"))
        return false;
    if (!modes.empty())
        return true;
    utsname system{};
    if (::uname(&system) != 0)
        return true;
    const std::string_view version = std::data(system.version);
    if (has_word(version, "PREEMPT_DYNAMIC")) {
        const auto line = words_of("/proc/cmdline");
        return !has_word(line, "preempt=none") && !has_word(line, "preempt=voluntary");
    }
    return has_word(version, "PREEMPT") || has_word(version, "PREEMPT_RT");
}

} // namespace kspawn::trace
