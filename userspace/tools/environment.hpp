// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_ENVIRONMENT_HPP
#define KSPAWN_TOOLS_ENVIRONMENT_HPP

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kspawn::tool {

/// argv or envp as execve() wants it; valid until the next change of the strings.
std::vector<char*> pointers_to(std::vector<std::string>& strings);

/// The environment of a program that is to be started.
class Environment {
public:
    /// A copy of ours.
    static Environment inherited();

    void clear() { entries_.clear(); }
    void remove(std::string_view name);
    /// Takes "NAME=VALUE".
    void set(std::string assignment);
    [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
    /// Where a program that has it is searched for: its PATH, or confstr(_CS_PATH).
    [[nodiscard]] std::string search_list() const;

    /// As execve() wants it; valid until the next change.
    std::vector<char*> pointers();

private:
    std::vector<std::string> entries_;
};

} // namespace kspawn::tool

#endif
