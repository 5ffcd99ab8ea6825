// SPDX-License-Identifier: LGPL-2.1-or-later
// The findings, in words: what each says, what is told together, what comes first.
#include <gtest/gtest.h>

#include <string>

#include "drawn.hpp"
#include "ebpf/time.hpp"

namespace kspawn::test {

namespace {

using trace::readable_time;
using trace::Weight;
using trace::report::entries_of;
using WordsOfTheWhole = Pages;

testing::AssertionResult has(const std::string& text, const std::string& part) {
    if (text.find(part) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << part << "\" is not in: " << text;
}

TEST(Words, OfNumbers) {
    const auto in_words = [](std::uint64_t time) { return readable_time(time, "µs"); };
    EXPECT_EQ(in_words(0), "0 ns");
    EXPECT_EQ(in_words(999), "999 ns");
    EXPECT_EQ(in_words(1000), "1.00 µs");
    EXPECT_EQ(in_words(12'340), "12.3 µs");
    EXPECT_EQ(in_words(123'400'000), "123 ms");
    EXPECT_EQ(in_words(61'000'000'000), "61.0 s");
}

TEST_F(WordsOfTheWhole, HaveNumbersThatCanBeRead) {
    MadeUp made_up;
    made_up.summary()["drops"] = {{"ring", 999}, {"maps", 1000}, {"missed", 1'234'567}};
    const auto page = draw(made_up);
    EXPECT_TRUE(says(page, "999 records were lost"));
    EXPECT_TRUE(says(page, "1,000 things were not followed"));
    EXPECT_TRUE(says(page, "skipped 1,234,567 runs"));
}

TEST(Words, OfCredentialsSayWhoCanWriteWhoseMemory) {
    MadeUp made_up;
    made_up.window("vfork", 10'000, 2'600'000);
    made_up.creds(1, 20'000);
    const auto findings = entries_of(made_up.read());
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].heading.weight, Weight::danger);
    EXPECT_TRUE(has(findings[0].words, "daemon (thread 102 of 100) changed its credentials (uid 0 "
                                       "to 65534, euid 0 to 65534, cap_permitted)"));
    EXPECT_TRUE(has(findings[0].words, "child 1001, which was to execute /bin/true"));
    EXPECT_TRUE(has(findings[0].words, "can write the memory that the child 1001"));
    EXPECT_TRUE(has(findings[0].words, "It stayed so for 2.50 ms."));
    EXPECT_TRUE(has(findings[0].words, "in the window: 2 mmap."));
}

TEST(Words, OfCredentialsThatExposeNothingAreANote) {
    MadeUp made_up;
    made_up.window("vfork", 10'000, 100'000);
    made_up.creds(1, 20'000)["exposed"] = "none";
    EXPECT_EQ(entries_of(made_up.read()).at(0).heading.weight, Weight::note);
}

TEST(Words, OfAHandlerNameTheSignalAndTheSender) {
    MadeUp made_up;
    made_up.window("vfork", 10, 100);
    made_up.signal(1, 20);
    made_up.signal(1, 30)["sender"] = nullptr;
    const auto findings = entries_of(made_up.read());
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].events.size(), 2U);
    EXPECT_TRUE(has(findings[0].words, "daemon (process 1001) ran the handler at 0x401000 for "
                                       "SIGWINCH before its exec, in memory of daemon (thread 101 "
                                       "of 100)"));
    EXPECT_TRUE(has(findings[0].words, "came from process 1."));
}

TEST(Words, OfADescriptorSayHowLateItWasMarked) {
    MadeUp made_up;
    made_up.window("vfork", 10, 100);
    made_up.descriptor(1, 5);
    auto& other = made_up.descriptor(1, 6);
    other["why"] = "inherited";
    other["marked"] = nullptr;
    const auto findings = entries_of(made_up.read());
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].heading.weight, Weight::danger);
    EXPECT_TRUE(has(findings[0].words, "opened /etc/secret as descriptor 7, 1.50 µs before daemon "
                                       "(thread 101 of 100) started /bin/true, which has it"));
    EXPECT_TRUE(has(findings[0].words, "marked it close-on-exec 5.00 µs after opening it"));
    EXPECT_EQ(findings[1].heading.weight, Weight::doubt);
    EXPECT_TRUE(has(findings[1].words, "it was never marked close-on-exec"));
}

TEST(Words, OfManyAlikeAreSaidOnceOfTheWorst) {
    MadeUp made_up;
    for (std::int64_t i = 1; i <= 50; i++)
        made_up.stall("lock", i * 1000, 1'000'000 + (i == 20 ? 5'000'000 : i));
    made_up.window("vfork", 10, 100);
    made_up.signal(1, 20);
    const auto findings = entries_of(made_up.read());
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].kind->name, "signals") << "what matters most comes first";
    EXPECT_EQ(findings[1].events.size(), 50U);
    EXPECT_TRUE(has(findings[1].words, "waited 6.00 ms for mmap_lock"));
}

TEST_F(WordsOfTheWhole, TellTheWaysApart) {
    MadeUp made_up;
    made_up.window("kspawn", 10, 100);
    EXPECT_TRUE(says(draw(made_up),
                     "In 1.00 s, 1 child executed a program. 1 was started by kspawn: set up "
                     "inside the kernel, without a window for user code."));
    made_up.window("vfork", 200, 100);
    made_up.window("fork", 300, 100);
    EXPECT_TRUE(says(draw(made_up), "3 children executed a program."));
    EXPECT_TRUE(says(draw(made_up), "1 child ran code of its own in the memory of its "
                                    "caller"));
}

TEST_F(WordsOfTheWhole, TellStartsFromChildrenThatNeverExecute) {
    MadeUp made_up;
    made_up.window("vfork", 10, 100);
    for (int i = 0; i < 3; i++)
        made_up.window("fork", 200, 100)["outcome"] = "exit";
    auto& open = made_up.window("fork", 300, 100);
    open["outcome"] = "open";
    open["end"] = open["duration_ns"] = nullptr;
    EXPECT_TRUE(says(draw(made_up),
                     "In 1.00 s, 1 child executed a program. 3 children ended without executing "
                     "one. 1 child had executed none yet when the trace ended."));
}

} // namespace

} // namespace kspawn::test
