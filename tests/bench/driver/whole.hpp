// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that starts others, measured as a whole: without libkspawn-preload,
// with it in all processes, and with it in the first alone.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cells.hpp"

namespace bench {

struct Whole {
    std::string question;             // what results call it
    std::vector<std::string> command; // what is measured, to its end; it must exit with 0
    std::string before;               // a shell command before each run, not measured
    std::string after;                // and one after it; it must succeed, too
    std::string preload;              // the library
};

std::span<const Way> whole_ways();

/// Registers a benchmark for each of these ways.  `failed` is set if one of them cannot be
/// measured; both must live until they have run.
void enter(const Whole& whole, bool& failed);

} // namespace bench
