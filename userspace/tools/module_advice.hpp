// SPDX-License-Identifier: LGPL-2.1-or-later
/// How the module can come into the kernel of this machine.
#ifndef KSPAWN_TOOLS_MODULE_ADVICE_HPP
#define KSPAWN_TOOLS_MODULE_ADVICE_HPP

#include <string>

namespace kspawn::tool {

/// The next step.  The command can be entered as it is; without one, words say it.
struct Advice {
    std::string command;
    std::string words;
    [[nodiscard]] const std::string& text() const { return words.empty() ? command : words; }
};

/// A command that takes root, with sudo in front if this process is not root's.
std::string as_root(const std::string& command);

/// Whether this kernel takes signed modules only: Secure Boot, or a parameter of the kernel.
bool wants_signature();

/// Why the module is not loaded, so far as its files tell: "", or where one for another kernel is.
std::string module_for_another_kernel(const std::string& release);

/// The next step to have the module loaded in the kernel of that release, which runs.
Advice how_to_load(const std::string& release);

} // namespace kspawn::tool

#endif
