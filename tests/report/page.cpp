// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: well-formed, self-contained, and nobody's but ours, whatever is in a trace.
#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <string>

#include "drawn.hpp"

namespace kspawn::test {

namespace {

using trace::report::PageOptions;
using Page = Pages;

TEST_F(Page, OfAnEmptyTraceSaysThatNothingWasStarted) {
    const auto page = draw(MadeUp{});
    EXPECT_TRUE(says(page, "No program was started while the trace ran."));
    EXPECT_TRUE(says(page, "Clean: no change of credentials in a window"));
    EXPECT_EQ(page.data.at("windows"), Json::array());
    EXPECT_EQ(page.count("svg"), 0);
}

TEST_F(Page, OfAllThatThereIsIsWellFormed) {
    const auto page = draw(MadeUp::full());
    EXPECT_EQ(page.count("svg"), 5); // a histogram for each way
    const auto data = page.data;
    EXPECT_EQ(data.at("windows").size(), 5U);
    EXPECT_EQ(data.at("marks").size(), 5U);
    EXPECT_TRUE(says(page, "make -j4"));
    EXPECT_TRUE(says(page, "1970-01-02 00:00:00 UTC"));
    EXPECT_TRUE(says(page, "Found: 1 change of credentials in a window (1 let one side write "
                           "the memory of another with more privilege), 1 signal handler in a "
                           "child and 1 leaked descriptor."));
    EXPECT_FALSE(says(page, "This trace is incomplete"));
}

TEST_F(Page, NeedsNothingFromElsewhere) {
    const auto page = draw(MadeUp::full());
    for (const auto& [name, value] : page.attributes) {
        EXPECT_NE(name, "src");
        EXPECT_NE(name, "onclick");
        EXPECT_NE(name, "style");
        if (name == "href") {
            EXPECT_EQ(value, "data:,");
        }
    }
    // A name, and no place.
    const std::string space = "\"http://www.w3.org/2000/svg\"";
    auto source = trace::report::page_of(MadeUp::full().read(), {});
    ASSERT_NE(source.find(space), std::string::npos);
    source.erase(source.find(space), space.size());
    for (const auto* stranger : {"http:", "https:", "url(", "@import", "fetch(", "XMLHttp",
                                 "innerHTML", "insertAdjacentHTML", "document.write", "eval("})
        EXPECT_EQ(source.find(stranger), std::string::npos) << stranger;
    EXPECT_NE(source.find("content=\"default-src 'none'"), std::string::npos);
    EXPECT_NE(page.html.find("prefers-color-scheme: dark"), std::string::npos);
}

TEST_F(Page, ShowsHostileNamesAndDoesNotObeyThem) {
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
    const auto page = draw(made_up);
    EXPECT_EQ(page.count("img"), 0);
    EXPECT_EQ(page.count("script"), 4);
    EXPECT_TRUE(says(page, hostile));
    for (const auto& [name, value] : page.attributes)
        EXPECT_FALSE(name.starts_with("on")) << name;
    EXPECT_EQ(page.html.find(turn), std::string::npos);
    EXPECT_TRUE(says(page, "a\\u{202e}b\\u{2028}c\\u{a}d\\u{7}e"));
    // The script is given the same, and what it is given ends no element.
    const auto data = page.data;
    ASSERT_TRUE(data.is_object());
    EXPECT_EQ(page.script.find('<'), std::string::npos);
    EXPECT_NE(data.at("windows").dump().find("onerror=alert"), std::string::npos);
}

TEST_F(Page, HasTextThatIsNoUtf8) {
    const auto title = [](const std::string& text) {
        return draw(MadeUp{}, {.title = text}).between("<h1 id=\"title\">", "</h1>");
    };
    EXPECT_EQ(title("a\xFF<\xC3"), "a\xEF\xBF\xBD&lt;\xEF\xBF\xBD");
    EXPECT_EQ(title("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");                 // overlong
    EXPECT_EQ(title("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); // surrogate
    EXPECT_EQ(title("\xF0\x9F\x90\xA7é"), "\xF0\x9F\x90\xA7é");
    EXPECT_EQ(title(std::string("\0", 1)), "\\u{0}");
}

TEST_F(Page, OfManyEventsIsBoundedAndSaysSo) {
    MadeUp made_up;
    constexpr std::int64_t many = 30'000;
    for (std::int64_t i = 0; i < many; i++)
        made_up.window("vfork", i * 1000, i == 77 ? 1 : 100 + i % 700);
    made_up.creds(78, 77'000); // of the shortest, which must be drawn nevertheless
    const PageOptions options{.title = "", .most_drawn = 1000};
    const auto source = trace::report::page_of(made_up.read(), options);
    const auto page = draw(source);
    const auto& data = page.data;
    ASSERT_EQ(data.at("windows").size(), 1000U);
    bool found = false;
    for (const auto& window : data.at("windows"))
        found = found || window.at(0) == 78;
    EXPECT_TRUE(found) << "the window that has a finding";
    EXPECT_TRUE(says(page, "Drawn: 1,000 of 30,000 windows, 1 of 1 event."));
    EXPECT_TRUE(says(page, "30,000"));
    EXPECT_LT(source.size(), 400'000U);
}

TEST_F(Page, DoesNotDependOnAnythingButTheTrace) {
    EXPECT_EQ(trace::report::page_of(MadeUp::full().read(), {}),
              trace::report::page_of(MadeUp::full().read(), {}));
}

TEST_F(Page, ShowsWhatWasLost) {
    auto made_up = MadeUp::full();
    made_up.summary()["drops"] = {{"ring", 1234}, {"maps", 1}, {"missed", 2}, {"total", 1237}};
    for (const auto* kind : {"creds", "stalls"}) // a hook may be missing for two kinds
        made_up.start()["missing"].push_back({{"hook", "fentry/commit_creds"},
                                              {"kind", kind},
                                              {"reason", "no such function"},
                                              {"effect", "no change of credentials is seen"}});
    const auto page = draw(made_up);
    EXPECT_TRUE(says(page, "This trace is incomplete"));
    EXPECT_TRUE(says(page, "1,234 records were lost"));
    EXPECT_TRUE(says(page, "1 thing was not followed"));
    EXPECT_TRUE(says(page, "skipped 2 runs of a probe"));
    EXPECT_TRUE(says(page, "fentry/commit_creds could not be watched (no such function): no "
                           "change of credentials is seen."));
    const auto hook = page.text.find("fentry/commit_creds could not");
    EXPECT_EQ(page.text.find("fentry/commit_creds could not", hook + 1), std::string::npos);
}

TEST_F(Page, IsNotCleanIfSomethingWasLost) {
    MadeUp made_up;
    made_up.window("kspawn", 1000, 1000);
    made_up.summary()["drops"]["ring"] = 1;
    const auto page = draw(made_up);
    EXPECT_TRUE(says(page, "Unknown: nothing was found, but of creds, signals and fds not "
                           "everything was seen."));
    EXPECT_TRUE(says(page, "1 record was lost"));
}

// Whatever the trace's last line says: that may be by the rule of an older kspawn-trace.
TEST_F(Page, HasTheVerdictThatAllOthersHave) {
    const auto verdict = [](MadeUp* made_up) {
        made_up->summary()["verdict"] = "found";
        const auto page = draw(*made_up);
        const auto sentence = trace::sentence_of(trace::report::evidence_of(made_up->read()));
        EXPECT_TRUE(says(page, sentence));
        return page.between("<section class=\"verdict ", "\"") + ", " +
               sentence.substr(0, sentence.find(':'));
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

TEST_F(Page, CountsADescriptorThatLeaksAgainOnce) {
    MadeUp made_up;
    made_up.window("vfork", 1000, 1000);
    made_up.descriptor(1, 900);
    made_up.descriptor(1, 950)["repeat"] = 1;
    const auto page = draw(made_up);
    EXPECT_TRUE(says(page, "Found: 1 leaked descriptor."));
    EXPECT_NE(page.html.find("<b>1</b><i>fds</i>"), std::string::npos) << "in the tile, too";
}

TEST_F(Page, OfATraceThatWasCutOffSaysSo) {
    std::istringstream input(MadeUp::full().text(true) + R"({"kind":"win)");
    const auto page = draw(trace::report::page_of(trace::report::read_trace(input), {}));
    EXPECT_TRUE(says(page, "The trace was cut off"));
    EXPECT_TRUE(says(page, "1 line of the file could not be read."));
}

} // namespace

} // namespace kspawn::test
