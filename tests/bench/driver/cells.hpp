// SPDX-License-Identifier: LGPL-2.1-or-later
// All that can be measured: every way, in every setting.
//
//   way       a method to start a program; ways/ways.h lists them, and its code in the
//             runner is a struct bench_way
//   setting     the state that the caller of a start is in, and the start that it asks for
//   question  what settings of one kind tell: they differ by their parameters
//   cell      one way in one setting: a benchmark, QUESTION/WAY/PARAMETER:VALUE...
//   part      the cells that one kind of guest measures, in one boot
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bench {

/// A way to start a program, as results name it (see ways/ways.h).
struct Way {
    const char* name = nullptr;
    const char* colour = nullptr;
    const char* words = nullptr;
    const char* libc = nullptr; // run by the loader of this libc (see libc.hpp); null: its own
    bool musl = false;          // lives in the runner that is linked to musl
    bool plain_only = false;    // does not know file actions, attributes, errors
    bool preload = false;       // with libkspawn-preload, through the kernel or not at all
    bool ours = false;
    bool searches = false; // knows PATH
    bool captures = false; // makes tool calls, and nothing else
    bool traced = false;   // is measured once more while kspawn-trace looks on
    bool pipeline = false; // starts several programs that read each other's output
};

std::span<const Way> all_ways();

/// How a question puts the ways to work, and with it which of them.
enum class Asks {
    Program, // to start a program, which all can
    Command, // the same with a short command line: a shell has no room for another
    Request, // what takes file actions, attributes or errors
    Traced,  // the same, of those that are traced
    Search,  // to look for the program in PATH
    Closing, // the file action closefrom
    Capture, // to make a tool call
    Several, // to start a pipeline, which is no question for those that start one program
};

struct Parameter {
    std::string name; // the setting's
    std::int64_t value;
};

struct Cell {
    std::string question;
    std::string part;
    const Way* way = nullptr;
    std::vector<Parameter> setting;
    /// Is the setting so costly to set up that ways share one process in it?
    bool costly = false;
};

/// Kinds of guests, each for a part of the cells: "costs", one CPU that counts
/// instructions; "traced", the same while kspawn-trace looks on; "erms", one that clears
/// memory by the byte; "parallel", more CPUs than one, in time.
std::vector<std::string> parts();

/// All cells; those of one setting follow each other.
std::vector<Cell> all_cells();

} // namespace bench
