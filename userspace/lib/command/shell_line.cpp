// SPDX-License-Identifier: LGPL-2.1-or-later
// The getters of Command, and its form as a line for sh.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command_state.hpp"

namespace kspawn {

namespace {

// Names that a shell does not look for in PATH: keywords, and the commands that dash or bash
// has of its own.
constexpr auto own_names = std::to_array<std::string_view>(
    {".",         ":",        "[",       "alias",   "bg",      "bind",     "break",    "builtin",
     "caller",    "case",     "cd",      "chdir",   "command", "compgen",  "complete", "compopt",
     "continue",  "coproc",   "declare", "dirs",    "disown",  "do",       "done",     "echo",
     "elif",      "else",     "enable",  "esac",    "eval",    "exec",     "exit",     "export",
     "false",     "fc",       "fg",      "fi",      "for",     "function", "getopts",  "hash",
     "help",      "history",  "if",      "in",      "jobs",    "kill",     "let",      "local",
     "logout",    "mapfile",  "newgrp",  "popd",    "printf",  "pushd",    "pwd",      "read",
     "readarray", "readonly", "return",  "select",  "set",     "shift",    "shopt",    "source",
     "suspend",   "test",     "then",    "time",    "times",   "trap",     "true",     "type",
     "typeset",   "ulimit",   "umask",   "unalias", "unset",   "until",    "wait",     "while"});

// All that is no sign of a shell's language wherever it stands but first, or before a '='.
constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "+,-./:=@_";

// One word of sh, which is quoted if it must be.
std::string word_of(std::string_view text) {
    if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos)
        return std::string(text);
    std::string word = "'";
    for (const char character : text) {
        if (character == '\'')
            word += "'\\''";
        else
            word += character;
    }
    return word + "'";
}

std::string single_quoted(std::string_view text) {
    auto word = word_of(text);
    return word.starts_with('\'') ? word : "'" + word + "'";
}

// A command of sh that makes a directory the working one.
std::string cd_to(const std::string& directory) {
    std::string line = "cd ";
    // As chdir(): "link/.." is where the link leads.
    if (directory.find("..") != std::string::npos)
        line += "-P ";
    // Neither an option nor "-", nor looked for in CDPATH.
    return line + word_of(directory.starts_with('/') ? directory : "./" + directory);
}

} // namespace

std::string Command::State::shell_line() const {
    auto path = program;
    if (!searches_path && !search && path.find('/') == std::string::npos)
        path = "./" + path;
    std::string line;
    if (directory)
        line = cd_to(directory->native()) + " && ";
    const bool own = std::find(own_names.begin(), own_names.end(), path) != own_names.end();
    const bool assignment = path.find('=') != std::string::npos;
    if (own || env_clear || !env.empty()) {
        line += env_clear ? "env -i " : "env ";
        std::string set;
        for (const auto& [name, value] : env) {
            if (value)
                set += word_of(name + "=" + *value) + " ";
            else
                line += "-u " + word_of(name) + " ";
        }
        // The first word that is no option.
        if (set.starts_with('-') || set.starts_with("'-") || (set.empty() && path.starts_with('-')))
            line += "-- ";
        line += set;
        // env(1) would take it for a variable.
        if (assignment)
            line += "sh -c 'exec \"$0\" \"$@\"' ";
    }
    line += assignment ? single_quoted(path) : word_of(path);
    for (const auto& argument : args)
        line += " " + word_of(argument);
    return line;
}

const std::string& Command::program() const noexcept {
    return state_->program;
}

const std::string& Command::argument0() const noexcept {
    return state_->arg0 ? *state_->arg0 : state_->program;
}

std::vector<std::string> Command::arguments() const {
    return state_->args;
}

std::map<std::string, std::optional<std::string>> Command::environment_changes() const {
    return state_->env;
}

bool Command::inherits_environment() const noexcept {
    return !state_->env_clear;
}

std::optional<std::filesystem::path> Command::directory() const {
    return state_->directory;
}

std::string Command::shell_line() const {
    return state_->shell_line();
}

} // namespace kspawn
