// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading traces, as they should be and as they should not; and the subcommand.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "drawn.hpp"
#include "ebpf/report/report.hpp"
#include "kit/scratch.hpp"

namespace kspawn::test {

namespace {

using trace::report::NoTrace;
using trace::report::read_trace;

trace::report::Trace read(const std::string& text) {
    std::istringstream input(text);
    return read_trace(input);
}

TEST(Reading, SkipsWhatItDoesNotKnow) {
    MadeUp made_up;
    made_up.window("vfork", 10, 5)["new_field"] = {1, 2};
    const auto trace = read(made_up.text(true) + "{\"kind\":\"news\",\"time\":1}\n");
    EXPECT_EQ(trace.windows.size(), 1U);
    EXPECT_EQ(trace.events.size(), 0U);
    EXPECT_EQ(trace.bad_lines, 0U);
}

TEST(Reading, CountsLinesThatAreNone) {
    const auto trace = read(MadeUp{}.text() + "nonsense\n[1]\n{\"no\":\"kind\"}\n");
    EXPECT_EQ(trace.bad_lines, 3U);
}

TEST(Reading, RefusesWhatIsNoTrace) {
    EXPECT_THROW(read(""), NoTrace);
    EXPECT_THROW(read("#!/bin/sh\n"), NoTrace);
    EXPECT_THROW(read("{\"kind\":\"windows\"}\n"), NoTrace);
}

TEST(Reading, RefusesASecondTrace) {
    const auto one = MadeUp{}.text();
    EXPECT_THROW(read(one + one), NoTrace);
    // The first was cut off.
    EXPECT_THROW(read(one.substr(0, one.find('\n') + 1) + one), NoTrace);
}

TEST(Reading, RefusesAnotherVersion) {
    MadeUp made_up;
    made_up.start()["version"] = 2;
    EXPECT_THROW((void)made_up.read(), NoTrace);
    made_up.start().erase("version");
    EXPECT_THROW((void)made_up.read(), NoTrace);
}

TEST(Reading, BearsFieldsOfAnyType) {
    const std::vector<Json> values{nullptr,        -1,   1e300, "text", Json::array({1}),
                                   Json{{"a", 1}}, true, ~0ULL};
    for (const auto& value : values) {
        auto made_up = MadeUp::full();
        for (auto& event : made_up.events())
            for (const auto& [name, member] : event.items())
                if (name != "kind")
                    member = value;
        const auto trace = made_up.read();
        EXPECT_EQ(trace.windows.size(), 5U);
        EXPECT_EQ(trace.events.size(), 5U);
        EXPECT_NO_THROW(trace::report::page_of(trace, {})) << value;
    }
}

TEST(Statistics, ArePercentilesByNearestRankAndPowersOfTwo) {
    MadeUp made_up;
    for (std::int64_t i = 1; i <= 100; i++)
        made_up.window(i <= 60 ? "vfork" : "kspawn", i, i);
    made_up.window("vfork", 500, 1'000'000)["outcome"] = "exit";
    const auto data = trace::report::data_of(made_up.read(), {});
    const auto& vfork = data.at("ways").at(1);
    EXPECT_EQ(vfork.at("way"), "vfork");
    EXPECT_EQ(vfork.at("window").at("count"), 60U) << "of children that executed a program";
    EXPECT_EQ(vfork.at("blocked").at("count"), 60U);
    EXPECT_EQ(vfork.at("without").at("count"), 1U);
    EXPECT_EQ(vfork.at("without").at("percentiles").at(4), 1'000'000);
    EXPECT_EQ(vfork.at("window").at("percentiles").at(0), 1);
    EXPECT_EQ(vfork.at("window").at("percentiles").at(1), 30);
    EXPECT_EQ(vfork.at("window").at("percentiles").at(4), 60);
    EXPECT_EQ(vfork.at("window").at("log2").dump(), "[[0,1],[1,2],[2,4],[3,8],[4,16],[5,29]]");
    EXPECT_EQ(data.at("ways").at(0).at("window").at("percentiles").at(2), 96) << "of kspawn";
    EXPECT_EQ(data.at("callers").at(0).at("caller"), "daemon");
    EXPECT_EQ(data.at("callers").at(0).at("window").at("count"), 100U);
}

class Subcommand : public ::testing::Test {
protected:
    [[nodiscard]] std::string file(const std::string& name) const { return scratch_.file(name); }

    static int run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "kspawn-trace report");
        std::vector<char*> pointers;
        pointers.reserve(arguments.size() + 1);
        for (auto& argument : arguments)
            pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        return trace::report::run(static_cast<int>(arguments.size()), pointers.data());
    }

private:
    Scratch scratch_;
};

TEST_F(Subcommand, WritesThePage) {
    MadeUp made_up;
    made_up.window("vfork", 10, 5);
    std::ofstream(file("trace")) << made_up.text();
    ASSERT_EQ(run({file("trace"), "-o", file("page"), "--title", "A & B"}), 0);
    std::stringstream page;
    page << std::ifstream(file("page")).rdbuf();
    const auto drawn = draw(page.str());
    EXPECT_TRUE(says(drawn, "A & B"));
    EXPECT_EQ(drawn.title, "A & B · kspawn-trace");
}

TEST_F(Subcommand, FailsWithoutATraceOrAPlaceForThePage) {
    std::ofstream(file("trace")) << MadeUp{}.text();
    std::ofstream(file("other")) << "hello\n";
    EXPECT_EQ(run({file("none"), "-o", file("page")}), 1);
    EXPECT_EQ(run({file("other"), "-o", file("page")}), 1);
    EXPECT_FALSE(std::filesystem::exists(file("page")));
    EXPECT_EQ(run({file("trace"), "-o", file("none/page")}), 1);
    EXPECT_EQ(run({file("trace"), "-o", "/dev/full"}), 1);
}

TEST_F(Subcommand, SaysWhenItIsCalledWrongly) {
    EXPECT_EQ(run({"--no-such-option"}), 125);
    EXPECT_EQ(run({file("trace"), "--most-drawn", "0"}), 125);
    EXPECT_EQ(run({"--help"}), 0);
}

} // namespace

} // namespace kspawn::test
