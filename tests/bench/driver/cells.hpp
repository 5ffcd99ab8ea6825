// SPDX-License-Identifier: LGPL-2.1-or-later
// What there is to measure: every way, in every scene.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// Which runner a way lives in.
enum class Libc { System, Musl };

/// In what kind of guest a cell is measured: one CPU that counts instructions, or
/// more than one, in time.
enum class Part { Costs, Parallel };

/// A way, as results name it.
struct Way {
    const char* label = nullptr;
    const char* name = nullptr; // the runner's
    Libc libc = Libc::System;
    bool plain_only = false; // does not know file actions, attributes, errors
    bool preload = false;    // with libkspawn-preload, through the kernel or not at all
    bool searches = false;   // knows PATH
};

/// What a question puts to the ways, and with it to which of them.
enum class Asks {
    Program, // to start a program, which all can
    Command, // the same with a short command line: a shell has no room for another
    Request, // what takes file actions, attributes or errors
    Search,  // to look for the program in PATH
    Closing, // the file action closefrom
};

struct Parameter {
    std::string name; // the scene's
    std::int64_t value;
};

struct Cell {
    std::string question;
    Part part = Part::Costs;
    const Way* way = nullptr;
    std::vector<Parameter> scene;
    /// Is the scene so costly to set that ways share one process in it?
    bool costly = false;
};

/// All cells; those of one scene follow each other.
std::vector<Cell> all_cells();

} // namespace bench
