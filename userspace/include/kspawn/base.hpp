// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * Included first by the headers of libkspawn++: they need C++20.
 *
 * The headers that end in .h are for C, and for C++ of any age.
 *
 * Since kspawn 0.2.
 */
#ifndef KSPAWN_BASE_HPP
#define KSPAWN_BASE_HPP

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "The headers <kspawn/*.hpp> need C++20: compile with -std=c++20 or newer"
#endif

#include <kspawn/base.h>

/** Not exported, though it is part of a class that is. */
#define KSPAWN_HIDDEN __attribute__((__visibility__("hidden")))

namespace kspawn::internal {
struct Access; // the library itself, which sees what the classes hold
}

#endif // KSPAWN_BASE_HPP
