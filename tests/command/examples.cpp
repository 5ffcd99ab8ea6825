// SPDX-License-Identifier: LGPL-2.1-or-later
// The examples do what they say.
#include <cstdlib>

#include "support.hpp"

namespace {

using kspawn::Command;

const std::filesystem::path directory = EXAMPLES_DIRECTORY;

TEST(Examples, Epoll) {
    const auto output = Command(directory / "children_with_epoll").output();
    EXPECT_TRUE(output.status.success());
    for (const char* const child : {"child 0: ", "child 1: ", "child 2: "})
        EXPECT_NE(output.out.find(std::string(child) + "exit status 0\n"), std::string::npos)
            << output.out << output.err;
}

TEST(Examples, BoostAsio) {
    const auto program = directory / "children_with_boost_asio";
    if (!std::filesystem::exists(program) && std::getenv("KSPAWN_KERNEL") == nullptr)
        GTEST_SKIP() << "libboost-dev was not there when this was built";
    const auto output = Command(program).output();
    EXPECT_TRUE(output.status.success());
    EXPECT_EQ(output.out, "it says: working\nit ended: SIGTERM\n");
}

} // namespace
