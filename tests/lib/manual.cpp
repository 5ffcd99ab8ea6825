// SPDX-License-Identifier: LGPL-2.1-or-later
// The examples of the manual's pages about functions compile, and run to their end.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

namespace fs = std::filesystem;

std::string with(std::string text, std::string_view what, std::string_view instead) {
    for (auto at = text.find(what); at != std::string::npos;
         at = text.find(what, at + instead.size()))
        text.replace(at, what.size(), instead);
    return text;
}

// The lines of a page between .EX and .EE in its section EXAMPLES; "" if it has none.
std::string example_of(const fs::path& page) {
    std::ifstream stream{page};
    std::string text;
    bool in_section = false;
    bool in_example = false;
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with(".SH "))
            in_section = line == ".SH EXAMPLES";
        else if (line == ".EX" || line == ".EE")
            in_example = in_section && line == ".EX";
        else if (in_example)
            text += line + "\n";
    }
    return with(with(text, "\\-", "-"), "\\e", "\\");
}

class Manual : public ::testing::TestWithParam<fs::path> {};

TEST_P(Manual, ExampleCompilesAndRuns) {
    const auto example = example_of(GetParam());
    const Scratch scratch;
    const auto source = scratch.write("example.c", example);
    const auto program = scratch.file("example");
    const auto compiled =
        run({"/usr/bin/cc", "-Wall", "-Wextra", "-Werror", "-o", program, source,
             std::string("-I") + KSPAWN_INCLUDE_DIRECTORY, "-L" + build_directory().string(),
             "-lkspawn", "-Wl,-rpath," + build_directory().string()},
            {"PATH=/usr/bin:/bin"});
    ASSERT_EQ(compiled.status, 0) << compiled.err << example;
    if (example.find("_addpipe_np(") != std::string::npos) {
        KSPAWN_NOT_THROUGH_LIBC("libc makes no descriptors");
        KSPAWN_NEED_DEVICE();
    }
    if (example.find("kspawn_builder_create_np(") != std::string::npos) {
        KSPAWN_NOT_THROUGH_LIBC("libc has no builders");
        KSPAWN_NEED_DEVICE();
    }
    if (example.find("KSPAWN_BATCH_ALL_OR_NONE") != std::string::npos) {
        KSPAWN_NOT_THROUGH_LIBC("libc starts one after the other");
        KSPAWN_NEED_DEVICE();
    }
    const auto ended = run({program}, {"PATH=/usr/bin:/bin"});
    EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
    EXPECT_EQ(ended.err, "");
}

// Those that have an example.
std::vector<fs::path> pages() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(KSPAWN_MANUAL_DIRECTORY))
        if (entry.path().extension() == ".3" && !example_of(entry.path()).empty())
            found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

INSTANTIATE_TEST_SUITE_P(Pages, Manual, ::testing::ValuesIn(pages()),
                         [](const auto& page) { return page.param.stem().string(); });

TEST(ManualPages, SomeHaveExamples) {
    EXPECT_GE(pages().size(), 3U);
}

} // namespace

} // namespace kspawn::test
