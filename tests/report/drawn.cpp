// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drawn.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "kit/process.hpp"
#include "kit/scratch.hpp"

namespace kspawn::test {

std::int64_t Drawn::count(std::string_view element) const {
    return std::ranges::count(elements, element);
}

std::string Drawn::between(const std::string& begin, const std::string& end) const {
    const auto from = html.find(begin);
    if (from == std::string::npos)
        return "";
    const auto to = html.find(end, from + begin.size());
    return html.substr(from + begin.size(), to - from - begin.size());
}

Drawn draw(const std::string& page, int width) {
    const Scratch scratch;
    const auto file = scratch.file("page");
    std::ofstream(file) << page;
    const auto ended = run({"/usr/bin/env", "node", REPORT_BROWSER, file, std::to_string(width)});
    Drawn drawn;
    drawn.json = Json::parse(ended.out, nullptr, false);
    if (ended.status != 0 || !drawn.json.is_object()) {
        ADD_FAILURE() << "no page: " << ended.err;
        return drawn;
    }
    drawn.trouble = drawn.json.value("trouble", "");
    EXPECT_EQ(drawn.trouble, "");
    if (!drawn.trouble.empty())
        return drawn;
    drawn.json.at("html").get_to(drawn.html);
    drawn.json.at("text").get_to(drawn.text);
    drawn.json.at("title").get_to(drawn.title);
    drawn.json.at("data").get_to(drawn.script);
    drawn.json.at("elements").get_to(drawn.elements);
    drawn.json.at("attributes").get_to(drawn.attributes);
    drawn.data = Json::parse(drawn.script, nullptr, false);
    return drawn;
}

Drawn draw(const MadeUp& made_up, const trace::report::PageOptions& options, int width) {
    return draw(trace::report::page_of(made_up.read(), options), width);
}

testing::AssertionResult says(const Drawn& drawn, const std::string& words) {
    if (drawn.text.find(words) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << words << "\" is not in:\n" << drawn.text;
}

void Pages::SetUp() {
    if (run({"/usr/bin/env", "node", "--version"}).status != 0)
        GTEST_SKIP() << "no node (Debian: nodejs) to run the page's script";
}

} // namespace kspawn::test
