// SPDX-License-Identifier: LGPL-2.1-or-later
// Part of a program that is loaded, starts children by libkspawn++, and is unloaded.
#include <kspawn/pipeline.hpp>

using kspawn::Command;

/// The number of starts that went as they should.
// Found by its name.
extern "C" KSPAWN_API int plugin_run();

extern "C" KSPAWN_API int plugin_run() {
    int good = 0;
    good += Command("echo").arg("x").check_output().out == "x\n" ? 1 : 0;
    good += kspawn::pipeline({Command("echo"), Command("cat")}).output().success() ? 1 : 0;
    try {
        Command("/no/such").check();
    } catch (const kspawn::SpawnError&) {
        ++good;
    }
    try {
        Command("false").check();
    } catch (const kspawn::ExitError&) {
        ++good;
    }
    return good;
}
