// SPDX-License-Identifier: LGPL-2.1-or-later
// The examples do what they say.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "kit.hpp"

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

// Whether an example is not here because its library was not.
bool left_out(const std::filesystem::path& program) {
    return !std::filesystem::exists(program) && std::getenv("KSPAWN_KERNEL") == nullptr;
}

TEST(Examples, BoostAsio) {
    const auto program = directory / "children_with_boost_asio";
    if (left_out(program))
        GTEST_SKIP() << "libboost-dev was not there when this was built";
    const auto output = Command(program).output();
    EXPECT_TRUE(output.status.success());
    EXPECT_EQ(output.out, "it says: working\nit ended: SIGTERM\n");
}

// Its lines, sorted: what ends first is not for the example to say.
std::vector<std::string> lines_of(const std::filesystem::path& program) {
    const auto output = Command(program).output();
    EXPECT_TRUE(output.status.success()) << output.err;
    std::istringstream stream(output.out);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
}

using Lines = std::vector<std::string>;

TEST(Examples, StartsWithEpoll) {
    const auto lines = lines_of(directory / "starts_with_epoll");
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], "ended: exit status 0");
    const auto told = [&](const std::string& how, const std::string& what) {
        return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
            return line.starts_with(how) && line.find(what) != std::string::npos;
        });
    };
    EXPECT_TRUE(told("failed at once: ", "no-such-program"));
    // Through libc every failure is one at once.
    EXPECT_TRUE(told(kit::by_kernel() ? "failed: " : "failed at once: ",
                     "file action 0: chdir /no/such/directory"));
}

TEST(Examples, BuilderThatIsMended) {
    const auto output = Command(directory / "builder_that_is_mended").output();
    if (!kit::by_kernel()) {
        EXPECT_EQ(output.status.code(), 1);
        EXPECT_EQ(output.out, "");
        return;
    }
    EXPECT_TRUE(output.status.success()) << output.err;
    EXPECT_EQ(output.out, "not yet: file action 0: chdir job: No such file or directory\n"
                          "not yet: exec ./tool: No such file or directory\n"
                          "it is in job\n"
                          "the tool says: ready\n"
                          "exit status 0\n");
}

TEST(Examples, PipelineAllOrNone) {
    const auto output = Command(directory / "pipeline_all_or_none").output();
    if (!kit::by_kernel()) {
        EXPECT_EQ(output.status.code(), 1);
        EXPECT_NE(output.err.find("libc cannot do this"), std::string::npos) << output.err;
        return;
    }
    EXPECT_TRUE(output.status.success()) << output.err;
    EXPECT_EQ(output.out, "not moved: start 1: exec /no/such/sort: No such file or directory\n"
                          "the inbox still has 11 bytes\n"
                          "moved: exit status 0\napple\npear\n");
}

TEST(Examples, StartsWithCoroutines) {
    const auto lines = lines_of(directory / "starts_with_coroutines");
    EXPECT_EQ(lines,
              (Lines{"long: exit status 0", "long: started",
                     "none: file action 0: chdir /no/such/directory: No such file or directory",
                     "short: exit status 3", "short: started"}));
}

TEST(Examples, ToolCalls) {
    for (const char* const name : {"tool_calls_with_epoll", "tool_calls_with_coroutines"}) {
        // A thousand of them take a minute where the guest is emulated.
        const auto output = Command(directory / name).arg("200").output();
        EXPECT_TRUE(output.status.success()) << output.err;
        EXPECT_EQ(output.out, "200 of 200 calls are right\n");
        // Short enough to be read.
        std::ifstream source(EXAMPLES_SOURCES "/" + std::string(name) + ".cpp");
        const auto lines = std::count(std::istreambuf_iterator<char>(source), {}, '\n');
        EXPECT_GT(lines, 20);
        EXPECT_LT(lines, 60);
    }
}

TEST(Examples, StartsWithBoostAsio) {
    const auto program = directory / "starts_with_boost_asio";
    if (left_out(program))
        GTEST_SKIP() << "libboost-dev was not there when this was built";
    EXPECT_EQ(lines_of(program),
              (Lines{"1 tick", "it said: one", "it said: three", "it said: two"}));
}

} // namespace
