// SPDX-License-Identifier: LGPL-2.1-or-later
// Each page of the manual has examples: a program in C compiles, and runs to its end; the commands
// of a session do what the page says they print.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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

// A line of a page as a reader sees it.
std::string shown(std::string line) {
    for (const auto* font : {"\\fB", "\\fI", "\\fP", "\\fR", "\\&"})
        line = with(std::move(line), font, "");
    line = with(with(std::move(line), "\\-", "-"), "\\(aq", "'");
    return with(std::move(line), "\\e", "\\");
}

using Lines = std::vector<std::string>;

// The text between each .EX and .EE of the section EXAMPLES of a page.
std::vector<Lines> examples_of(const fs::path& page) {
    std::ifstream stream{page};
    std::vector<Lines> examples;
    bool in_section = false;
    bool in_example = false;
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with(".SH ")) {
            in_section = line == ".SH EXAMPLES";
        } else if (line == ".EX" || line == ".EE") {
            in_example = in_section && line == ".EX";
            if (in_example)
                examples.emplace_back();
        } else if (in_example) {
            examples.back().push_back(shown(line));
        }
    }
    return examples;
}

bool is_prompt(const std::string& line) {
    return line.starts_with("$ ") || line.starts_with("# ");
}

bool is_session(const Lines& example) {
    return !example.empty() && is_prompt(example.front());
}

std::string joined(const Lines& lines) {
    std::string text;
    for (const auto& line : lines)
        text += line + "\n";
    return text;
}

std::vector<fs::path> pages() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(KSPAWN_MANUAL_DIRECTORY))
        if (entry.path().filename() != "CMakeLists.txt")
            found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

struct Example {
    std::string name; // of the page, and which of its examples
    Lines lines;
};

void PrintTo(const Example& example, std::ostream* stream) {
    *stream << example.name;
}

std::vector<Example> all(bool sessions) {
    std::vector<Example> found;
    for (const auto& page : pages()) {
        int number = 0;
        for (auto& lines : examples_of(page)) {
            number++;
            if (is_session(lines) == sessions)
                found.push_back(
                    {page.filename().string() + "_" + std::to_string(number), std::move(lines)});
        }
    }
    return found;
}

std::string name_of(const ::testing::TestParamInfo<Example>& info) {
    auto name = info.param.name;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

class ManualPrograms : public ::testing::TestWithParam<Example> {};

TEST_P(ManualPrograms, CompileAndRun) {
    const auto example = joined(GetParam().lines);
    const Scratch scratch;
    const auto source = scratch.write("example.c", example);
    const auto program = scratch.file("example");
    const auto compiled =
        run({"/usr/bin/cc", "-Wall", "-Wextra", "-Werror", "-o", program, source,
             std::string("-I") + KSPAWN_INCLUDE_DIRECTORY, "-L" + build_directory().string(),
             "-lkspawn", "-Wl,-rpath," + build_directory().string()},
            {"PATH=/usr/bin:/bin"});
    ASSERT_EQ(compiled.status, 0) << compiled.err << example;
    // Functions that the libc backend refuses with ENOTSUP, each with the reason.
    for (const auto& [word, reason] : std::map<std::string, std::string>{
             {"_addpipe_np(", "libc makes no descriptors"},
             {"_addumask_np(", "libc has no actions on the state"},
             {"kspawn_builder_create_np(", "libc has no builders"},
             {"KSPAWN_BATCH_ALL_OR_NONE", "libc starts one after the other"},
             {"KSPAWN_IOC_SPAWN", "libc has no ioctl"},
             {"(KSPAWN_BACKEND_KERNEL)", "the example compares the two"},
         }) {
        if (example.find(word) != std::string::npos) {
            KSPAWN_NOT_THROUGH_LIBC(reason);
            KSPAWN_NEED_DEVICE();
        }
    }
    const auto ended = run({program}, {"PATH=/usr/bin:/bin"});
    EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
    EXPECT_EQ(ended.err, "");
}

INSTANTIATE_TEST_SUITE_P(Pages, ManualPrograms, ::testing::ValuesIn(all(false)), name_of);

// A session: each command with what the page says it prints.
std::vector<std::pair<std::string, Lines>> commands_of(const Lines& session) {
    std::vector<std::pair<std::string, Lines>> commands;
    for (const auto& line : session) {
        if (is_prompt(line))
            commands.emplace_back(line.substr(2), Lines{});
        else
            commands.back().second.push_back(line);
    }
    return commands;
}

// Numbers of processes and times differ from run to run: a number among other words stands for
// any.  A line that is a number and nothing else stands for itself.
std::string without_numbers(const std::string& line) {
    const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (std::all_of(line.begin(), line.end(), digit))
        return line;
    std::string text;
    for (const char c : line)
        if (!digit(static_cast<unsigned char>(c)))
            text += c;
        else if (!text.ends_with('#'))
            text += '#';
    return text;
}

// A line of three dots stands for any lines.
bool fits(const Lines& printed, const Lines& expected) {
    const auto dots = std::find(expected.begin(), expected.end(), "...");
    const auto same = [](const std::string& one, const std::string& other) {
        return without_numbers(one) == without_numbers(other);
    };
    if (dots == expected.end())
        return std::equal(printed.begin(), printed.end(), expected.begin(), expected.end(), same);
    const auto before = dots - expected.begin();
    const auto after = expected.end() - dots - 1;
    return printed.end() - printed.begin() >= before + after &&
           std::equal(expected.begin(), dots, printed.begin(), same) &&
           std::equal(dots + 1, expected.end(), printed.end() - after, same);
}

Lines lines_of(const std::string& text) {
    Lines lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

class ManualSessions : public ::testing::TestWithParam<Example> {};

TEST_P(ManualSessions, PrintWhatThePageSays) {
    KSPAWN_NOT_THROUGH_LIBC("the examples are about the kernel");
    KSPAWN_NEED_DEVICE();
    const auto commands = commands_of(GetParam().lines);
    const Scratch scratch;
    const std::string mark = "\1\n";
    // One shell for all, so that a command sees the files and the status of the one before.
    std::string script = "cd '" + scratch.path().string() + "' && exec 2>&1 </dev/null\n";
    for (const auto& [command, expected] : commands)
        script += command + "\n_status=$?; printf '\\1\\n'; (exit $_status)\n";
    const auto ended = run({"/bin/bash", scratch.write("session", script)},
                           {"PATH=" + build_directory().string() + ":/usr/sbin:/usr/bin:/sbin:/bin",
                            "HOME=/", "LC_ALL=C.UTF-8"});
    std::size_t at = 0;
    for (const auto& [command, expected] : commands) {
        const auto end = ended.out.find(mark, at);
        ASSERT_NE(end, std::string::npos) << command << "\n" << ended.out;
        const auto printed = ended.out.substr(at, end - at);
        EXPECT_TRUE(fits(lines_of(printed), expected)) << command << "\nhas printed:\n"
                                                       << printed << "and not:\n"
                                                       << joined(expected);
        at = end + mark.size();
    }
}

INSTANTIATE_TEST_SUITE_P(Pages, ManualSessions, ::testing::ValuesIn(all(true)), name_of);

TEST(ManualPages, EachHasExamples) {
    EXPECT_FALSE(pages().empty());
    for (const auto& page : pages())
        EXPECT_FALSE(examples_of(page).empty()) << page;
}

TEST(ManualPages, NumbersAreAnyAmongWordsOnly) {
    EXPECT_TRUE(fits({"process 12: exit status 0"}, {"process 4711: exit status 0"}));
    EXPECT_FALSE(fits({"process 12: exit status 0"}, {"process: exit status 0"}));
    EXPECT_FALSE(fits({"125"}, {"126"}));
    EXPECT_FALSE(fits({"a"}, {}));
    EXPECT_FALSE(fits({}, {"a"}));
    EXPECT_TRUE(fits({"a", "b", "c"}, {"a", "...", "c"}));
    EXPECT_FALSE(fits({"a"}, {"a", "...", "a"}));
    EXPECT_FALSE(fits({"a", "b"}, {"a", "...", "c"}));
}

} // namespace

} // namespace kspawn::test
