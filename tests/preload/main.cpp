// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts itself again with the preload: then the test is what it tests, a program
// that calls <spawn.h>.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "kit.hpp"

namespace {

// Whoever started us may ignore what the tests look at.
void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
}

} // namespace

int main(int argc, char* argv[]) {
    const char* const loaded = std::getenv("LD_PRELOAD");
    if (loaded == nullptr || preload_path() != loaded) {
        reset_signals();
        ::setenv("LD_PRELOAD", preload_path().c_str(), 1);
        ::execv("/proc/self/exe", argv);
        std::cerr << "the test cannot start itself again\n";
        return 1;
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
