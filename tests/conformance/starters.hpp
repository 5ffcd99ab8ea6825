// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_CONFORMANCE_STARTERS_HPP
#define KSPAWN_CONFORMANCE_STARTERS_HPP

#include "engine/starter.hpp"

namespace conformance {

/// Those of this run; main.cpp makes them.
Starters& starters();

} // namespace conformance

#endif
