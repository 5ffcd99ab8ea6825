// SPDX-License-Identifier: LGPL-2.1-or-later
#include "starter.hpp"

#include <kspawn/command.hpp>

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "../starter/meeting.h"
#include "report.hpp"

namespace conformance {

namespace fs = std::filesystem;

namespace {

// Ours must not fall back to what it is compared with, unless asked to.
std::string backend() {
    const char* const asked = std::getenv("KSPAWN_BACKEND");
    return asked != nullptr ? asked : "kernel";
}

// By the loader of another libc than that of this system, if one is asked for.
kspawn::Command command_of(const std::string& name) {
    const std::string starter = std::string(CONFORMANCE_HELPERS) + "/starter-" + name;
    std::string variable = "KSPAWN_CONFORMANCE_" + name;
    std::ranges::transform(variable, variable.begin(),
                           [](unsigned char letter) { return std::toupper(letter); });
    const char* const libc = std::getenv(variable.c_str());
    if (libc == nullptr)
        return kspawn::Command(starter);
    const fs::path directory = libc;
    return std::move(kspawn::Command((directory / "loader").string())
                         .args({"--library-path", directory / "lib", starter + "-shared"}));
}

} // namespace

Starter::Starter(const std::string& name) : name_(name) {
    auto command = command_of(name);
    command.stdin_from(kspawn::Stdio::pipe()).stdout_to(kspawn::Stdio::pipe());
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    command.env("KSPAWN_BACKEND", backend());
    child_ = command.spawn();
}

bool Starter::supports(const Specification& specification) const {
    if (name_ != "musl")
        return true;
    return !has_step(specification, "actions", "closefrom") &&
           !has_step(specification, "actions", "tcsetpgrp") &&
           !has_step(specification, "attributes", "setscheduler") &&
           !has_step(specification, "attributes", "setschedparam");
}

void Starter::send(const Specification& specification) {
    child_.stdin_pipe().write_all(to_wire(specification));
}

nlohmann::json Starter::receive() {
    std::array<std::byte, 65536> buffer{};
    auto end = received_.find('\n');
    while (end == std::string::npos) {
        const auto count = child_.stdout_pipe().read(buffer);
        if (count == 0)
            throw std::runtime_error("starter-" + name_ +
                                     " has ended: " + child_.wait().to_string());
        received_.append(reinterpret_cast<const char*>(buffer.data()), count);
        end = received_.find('\n');
    }
    const auto line = received_.substr(0, end);
    received_.erase(0, end + 1);
    auto said = nlohmann::json::parse(line);
    if (said.contains("trouble"))
        throw std::runtime_error("starter-" + name_ + ": " + said["trouble"].get<std::string>());
    if (said.contains("report") && said["report"].is_string())
        said["report"] = comparable_report(said["report"]);
    return said;
}

Starters::Starters() {
    const fs::path programs = PROGRAMS;
    fs::create_directories(SCRATCH);
    fs::create_directories(programs);
    const auto add = [&](const char* name, fs::perms permissions, unsigned owner) {
        fs::remove(programs / name);
        fs::copy_file(std::string(CONFORMANCE_HELPERS) + "/reporter", programs / name);
        if (::chown((programs / name).c_str(), owner, owner) != 0)
            throw std::runtime_error("chown of a program");
        fs::permissions(programs / name, permissions);
    };
    using fs::perms;
    const auto everybody = static_cast<perms>(0755);
    add("reporter", everybody, 0);
    add("setuid", everybody | perms::set_uid, 4300);
    add("setgid", everybody | perms::set_gid, 4300);
    add("unreadable", static_cast<perms>(0711), 0);
    add("rootonly", static_cast<perms>(0700), 0);
    for (const char* const name : {"kspawn", "glibc", "musl"})
        starters_.emplace_back(name);
    if (backend() == "kernel")
        starters_.emplace_back("builder");
}

Starters::~Starters() {
    starters_.clear();
    std::error_code ignored;
    fs::remove_all(fs::path(SCRATCH).parent_path(), ignored);
}

std::vector<Starters::Answer> Starters::carry_out(const Specification& specification) {
    std::vector<Answer> answers;
    for (auto& starter : starters_)
        if (starter.supports(specification))
            starter.send(specification);
    for (auto& starter : starters_)
        if (starter.supports(specification))
            answers.push_back({starter.name(), starter.receive()});
    return answers;
}

} // namespace conformance
