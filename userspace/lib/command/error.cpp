// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/error.hpp>

namespace kspawn {

SpawnError::SpawnError(int error, Step step, unsigned index, const std::string& words)
    : std::system_error(error, std::generic_category(), words), step_(step), index_(index) {}

// Here, so that the class has one home for its type information.
SpawnError::~SpawnError() = default;

} // namespace kspawn
