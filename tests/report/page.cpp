// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: well-formed, self-contained, and nobody's but ours, whatever is in a trace.
#include "ebpf/report/page.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <string>

#include "ebpf/report/evidence.hpp"
#include "ebpf/report/html.hpp"
#include "support/made_up.hpp"
#include "support/markup.hpp"

namespace kspawn::test {

namespace {

using trace::report::page_of;
using trace::report::PageOptions;

std::string page_of_trace(const MadeUp& made_up, const PageOptions& options = {}) {
    return page_of(made_up.read(), options);
}

Markup checked(const std::string& page) {
    auto markup = take_to_pieces(page);
    EXPECT_EQ(markup.trouble, "");
    return markup;
}

/// What the page's script reads.
Json drawn(const Markup& markup) {
    EXPECT_EQ(markup.scripts.size(), 2U);
    return markup.scripts.empty() ? Json() : Json::parse(markup.scripts.front(), nullptr, false);
}

testing::AssertionResult says(const Markup& markup, const std::string& words) {
    if (markup.text.find(words) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << words << "\" is not in:\n" << markup.text;
}

/// One of everything.
MadeUp full() {
    MadeUp made_up;
    for (const auto* way : {"vfork", "clone_vm_vfork", "clone_vm", "kspawn", "fork"})
        made_up.window(way, 1'000'000, 250'000);
    made_up.creds(1, 1'100'000);
    made_up.signal(1, 1'100'000);
    made_up.descriptor(1, 900'000);
    made_up.stall("lock", 1'200'000, 3'000'000);
    made_up.stall("vfork", 1'200'000, 4'000'000);
    return made_up;
}

TEST(Page, OfAnEmptyTraceSaysThatNothingWasStarted) {
    const auto markup = checked(page_of_trace(MadeUp{}));
    EXPECT_TRUE(says(markup, "No program was started while the trace ran."));
    EXPECT_TRUE(says(markup, "Clean: no change of credentials in a window"));
    EXPECT_EQ(drawn(markup).at("windows"), Json::array());
    EXPECT_EQ(markup.count("svg"), 0U);
}

TEST(Page, OfAllThatThereIsIsWellFormed) {
    const auto markup = checked(page_of_trace(full()));
    EXPECT_EQ(markup.count("svg"), 5U); // a histogram for each way
    const auto data = drawn(markup);
    EXPECT_EQ(data.at("windows").size(), 5U);
    EXPECT_EQ(data.at("marks").size(), 5U);
    EXPECT_TRUE(says(markup, "make -j4"));
    EXPECT_TRUE(says(markup, "1970-01-02 00:00:00 UTC"));
    EXPECT_TRUE(says(markup, "Found: 1 change of credentials in a window (1 let one side write "
                             "the memory of another with more privilege), 1 signal handler in a "
                             "child and 1 leaked descriptor."));
    EXPECT_FALSE(says(markup, "This trace is incomplete"));
}

TEST(Page, NeedsNothingFromElsewhere) {
    const auto page = page_of_trace(full());
    const auto markup = checked(page);
    for (const auto& [name, value] : markup.attributes) {
        EXPECT_NE(name, "src");
        EXPECT_NE(name, "onclick");
        EXPECT_NE(name, "style");
        if (name == "href")
            EXPECT_EQ(value, "data:,");
    }
    for (const auto* stranger : {"http:", "https:", "url(", "@import", "fetch(", "XMLHttp",
                                 "innerHTML", "insertAdjacentHTML", "document.write", "eval("})
        EXPECT_EQ(page.find(stranger), std::string::npos) << stranger;
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
    EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string::npos);
}

TEST(Page, ShowsHostileNamesAndDoesNotObeyThem) {
    const std::string hostile = "</script><img src=x onerror=alert(1)>\"'&<!--";
    // Turns the direction of writing, ends lines, rings the bell.
    const std::string turn{'\xE2', '\x80', '\xAE'};
    const std::string line{'\xE2', '\x80', '\xA8'};
    const auto sly = "a" + turn + "b" + line + "c\nd\ae";
    MadeUp made_up;
    made_up.start()["command"] = {hostile};
    made_up.start()["missing"] = {
        {{"hook", hostile}, {"kind", hostile}, {"reason", hostile}, {"effect", hostile}}};
    auto& window = made_up.window("vfork", 1000, 1000);
    window["comm"] = hostile;
    window["program"] = sly;
    made_up.window(hostile, 3000, 1000)["program"] = hostile;
    auto& creds = made_up.creds(1, 1500);
    creds["comm"] = hostile;
    creds["changed"] = {hostile};
    creds["memory"] = {{hostile, 1}};
    made_up.signal(1, 1500)["name"] = hostile;
    made_up.descriptor(1, 1500)["path"] = hostile;
    made_up.stall("lock", 1500, 10)["lock"] = hostile;
    const auto page = page_of_trace(made_up);
    const auto markup = checked(page);
    EXPECT_EQ(markup.count("img"), 0U);
    EXPECT_EQ(markup.count("script"), 2U);
    EXPECT_TRUE(says(markup, hostile));
    for (const auto& [name, value] : markup.attributes)
        EXPECT_FALSE(name.starts_with("on")) << name;
    EXPECT_EQ(page.find(turn), std::string::npos);
    EXPECT_TRUE(says(markup, "a\\u{202e}b\\u{2028}c\\u{a}d\\u{7}e"));
    // The script is given the same, and what it is given ends no element.
    const auto data = drawn(markup);
    ASSERT_TRUE(data.is_object());
    EXPECT_EQ(markup.scripts.front().find('<'), std::string::npos);
    EXPECT_NE(data.at("lanes").dump().find("onerror=alert"), std::string::npos);
}

TEST(Page, HasTextThatIsNoUtf8) {
    using trace::report::escaped;
    EXPECT_EQ(escaped("a\xFF<\xC3"), "a\xEF\xBF\xBD&lt;\xEF\xBF\xBD");
    EXPECT_EQ(escaped("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");                 // overlong
    EXPECT_EQ(escaped("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); // surrogate
    EXPECT_EQ(escaped("\xF0\x9F\x90\xA7é"), "\xF0\x9F\x90\xA7é");
    EXPECT_EQ(escaped(std::string_view("\0", 1)), "\\u{0}");
}

TEST(Page, OfManyEventsIsBoundedAndSaysSo) {
    MadeUp made_up;
    constexpr std::int64_t many = 30'000;
    for (std::int64_t i = 0; i < many; i++)
        made_up.window("vfork", i * 1000, i == 77 ? 1 : 100 + i % 700);
    made_up.creds(78, 77'000); // of the shortest, which must be drawn nevertheless
    const PageOptions options{.title = "", .most_drawn = 1000};
    const auto page = page_of_trace(made_up, options);
    const auto markup = checked(page);
    const auto data = drawn(markup);
    ASSERT_EQ(data.at("windows").size(), 1000U);
    bool found = false;
    for (const auto& window : data.at("windows"))
        found = found || window.at(10) == 78;
    EXPECT_TRUE(found) << "the window that has a finding";
    EXPECT_TRUE(says(markup, "Drawn: 1,000 of 30,000 windows, 1 of 1 event."));
    EXPECT_TRUE(says(markup, "30,000"));
    EXPECT_LT(page.size(), 400'000U);
}

TEST(Page, DoesNotDependOnAnythingButTheTrace) {
    EXPECT_EQ(page_of_trace(full()), page_of_trace(full()));
}

TEST(Page, ShowsWhatWasLost) {
    auto made_up = full();
    made_up.summary()["drops"] = {{"ring", 1234}, {"maps", 1}, {"missed", 2}, {"total", 1237}};
    made_up.start()["missing"] = {{{"hook", "fentry/commit_creds"},
                                   {"kind", "creds"},
                                   {"reason", "no such function"},
                                   {"effect", "no change of credentials is seen"}}};
    const auto markup = checked(page_of_trace(made_up));
    EXPECT_TRUE(says(markup, "This trace is incomplete"));
    EXPECT_TRUE(says(markup, "1,234 records were lost"));
    EXPECT_TRUE(says(markup, "1 thing was not followed"));
    EXPECT_TRUE(says(markup, "skipped 2 runs of a probe"));
    EXPECT_TRUE(says(markup, "fentry/commit_creds could not be watched (no such function): no "
                             "change of credentials is seen."));
}

TEST(Page, IsNotCleanIfSomethingWasLost) {
    MadeUp made_up;
    made_up.window("kspawn", 1000, 1000);
    made_up.summary()["drops"]["ring"] = 1;
    const auto markup = checked(page_of_trace(made_up));
    EXPECT_TRUE(says(markup, "Unknown: nothing was found, but of creds, signals and fds not "
                             "everything was seen."));
    EXPECT_TRUE(says(markup, "1 record was lost"));
}

// Whatever the trace's last line says: that may be by the rule of an older kspawn-trace.
TEST(Page, HasTheVerdictThatAllOthersHave) {
    const auto verdict = [](MadeUp* made_up) {
        made_up->summary()["verdict"] = "found";
        const auto page = page_of_trace(*made_up);
        const auto sentence = trace::sentence_of(trace::report::evidence_of(made_up->read()));
        EXPECT_TRUE(says(checked(page), sentence));
        const std::string before = "<section class=\"verdict ";
        const auto at = page.find(before);
        return at == std::string::npos
                   ? std::string{"none"}
                   : page.substr(at + before.size(),
                                 page.find('"', at + before.size()) - at - before.size()) +
                         ", " + sentence.substr(0, sentence.find(':'));
    };
    MadeUp made_up;
    made_up.window("vfork", 1000, 1000);
    made_up.stall("vfork", 1000, 4'000'000);
    EXPECT_EQ(verdict(&made_up), "good, Clean") << "as any make";
    made_up.start()["fail_on"] = {"windows"};
    EXPECT_EQ(verdict(&made_up), "danger, Found") << "who asks after windows is told";
    made_up.start()["fail_on"] = {"creds"};
    EXPECT_EQ(verdict(&made_up), "good, Clean");
    made_up.start()["missing"] = {{{"hook", "a"}, {"kind", "fds"}, {"reason", "b"}}};
    EXPECT_EQ(verdict(&made_up), "good, Clean") << "nobody asked after what was not seen";
    made_up.start()["fail_on"] = Json::array();
    EXPECT_EQ(verdict(&made_up), "doubt, Unknown");
    made_up.creds(1, 1500);
    EXPECT_EQ(verdict(&made_up), "danger, Found");
    MadeUp lost;
    lost.summary()["drops"]["total"] = 1;
    EXPECT_EQ(verdict(&lost), "doubt, Unknown");
    MadeUp windows;
    windows.window("vfork", 1000, 1000);
    windows.start()["kinds"] = {"windows"};
    EXPECT_EQ(verdict(&windows), "doubt, Unknown");
}

TEST(Page, CountsADescriptorThatLeaksAgainOnce) {
    MadeUp made_up;
    made_up.window("vfork", 1000, 1000);
    made_up.descriptor(1, 900);
    made_up.descriptor(1, 950)["repeat"] = 1;
    const auto page = page_of_trace(made_up);
    EXPECT_TRUE(says(checked(page), "Found: 1 leaked descriptor."));
    EXPECT_NE(page.find("<b>1</b><i>fds</i>"), std::string::npos) << "in the tile, too";
}

TEST(Page, OfATraceThatWasCutOffSaysSo) {
    std::istringstream input(full().text(true) + R"({"kind":"win)");
    const auto markup = checked(page_of(trace::report::read_trace(input), {}));
    EXPECT_TRUE(says(markup, "The trace was cut off"));
    EXPECT_TRUE(says(markup, "1 line of the file could not be read."));
}

} // namespace

} // namespace kspawn::test
