// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kit.hpp"

#include <kspawn/support.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace kit {

std::vector<int> open_descriptors() {
    std::vector<int> numbers;
    for (const auto& [number, target] : kspawn::test::open_descriptors()) {
        if (target != "/dev/kspawn")
            numbers.push_back(number);
    }
    return numbers;
}

bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

kspawn::Command shell(const std::string& script) {
    kspawn::Command command("/bin/sh");
    command.args({"-c", script});
    return command;
}

bool by_kernel() {
    return kspawn_available() != 0;
}

void Tidy::SetUp() {
    before_ = open_descriptors();
}

void Tidy::TearDown() {
    // A child that a test has let go of has its end before it is looked for.
    for (int i = 0; i < 500 && kspawn::reap_abandoned() != 0; ++i)
        ::usleep(10'000);
    EXPECT_EQ(open_descriptors(), before_) << "descriptors were left open";
    EXPECT_FALSE(has_children()) << "a child was left";
}

} // namespace kit
