// SPDX-License-Identifier: LGPL-2.1-or-later
// A program of somebody who has installed kspawn: in C++, from the headers that are installed.
#include <iostream>
#include <kspawn/command.hpp>

int main() {
    const auto ended = kspawn::Command("echo").arg("started from C++").output();
    std::cout << ended.out;
}
