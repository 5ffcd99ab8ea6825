// SPDX-License-Identifier: LGPL-2.1-or-later
// The findings, in words: what each says, what is told together, what comes first.
#include "ebpf/report/words.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/made_up.hpp"

namespace kspawn::test {

namespace {

using trace::report::duration_in_words;
using trace::report::findings_of;
using trace::report::overview_of;
using trace::report::Weight;
using trace::report::with_commas;

testing::AssertionResult has(const std::string& text, const std::string& part) {
    if (text.find(part) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << part << "\" is not in: " << text;
}

TEST(Words, OfNumbers) {
    EXPECT_EQ(duration_in_words(0), "0 ns");
    EXPECT_EQ(duration_in_words(999), "999 ns");
    EXPECT_EQ(duration_in_words(1000), "1.00 µs");
    EXPECT_EQ(duration_in_words(12'340), "12.3 µs");
    EXPECT_EQ(duration_in_words(123'400'000), "123 ms");
    EXPECT_EQ(duration_in_words(61'000'000'000), "61.0 s");
    EXPECT_EQ(with_commas(0), "0");
    EXPECT_EQ(with_commas(999), "999");
    EXPECT_EQ(with_commas(1'000), "1,000");
    EXPECT_EQ(with_commas(1'234'567), "1,234,567");
}

TEST(Words, OfCredentialsSayWhoCanWriteWhoseMemory) {
    MadeUp made_up;
    made_up.window("vfork", 10'000, 2'600'000);
    made_up.creds(1, 20'000);
    const auto findings = findings_of(made_up.read());
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].weight, Weight::danger);
    EXPECT_TRUE(has(findings[0].text, "daemon (thread 102 of 100) changed its credentials (uid 0 "
                                      "to 65534, euid 0 to 65534, cap_permitted)"));
    EXPECT_TRUE(has(findings[0].text, "child 1001, which was to execute /bin/true"));
    EXPECT_TRUE(has(findings[0].text, "can write the memory that the child 1001"));
    EXPECT_TRUE(has(findings[0].text, "It stayed so for 2.50 ms."));
    EXPECT_TRUE(has(findings[0].text, "in the window: 2 mmap."));
}

TEST(Words, OfCredentialsThatExposeNothingAreANote) {
    MadeUp made_up;
    made_up.window("vfork", 10'000, 100'000);
    made_up.creds(1, 20'000)["exposed"] = "none";
    EXPECT_EQ(findings_of(made_up.read()).at(0).weight, Weight::note);
}

TEST(Words, OfAHandlerNameTheSignalAndTheSender) {
    MadeUp made_up;
    made_up.window("vfork", 10, 100);
    made_up.signal(1, 20);
    made_up.signal(1, 30)["sender"] = nullptr;
    const auto findings = findings_of(made_up.read());
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].events.size(), 2U);
    EXPECT_TRUE(has(findings[0].text, "The handler at 0x401000 for SIGWINCH was called in child "
                                      "1001 of daemon (thread 101 of 100)"));
    EXPECT_TRUE(has(findings[0].text, "came from process 1."));
}

TEST(Words, OfADescriptorSayHowLateItWasMarked) {
    MadeUp made_up;
    made_up.window("vfork", 10, 100);
    made_up.descriptor(1, 5);
    auto& other = made_up.descriptor(1, 6);
    other["why"] = "inherited";
    other["marked"] = nullptr;
    const auto findings = findings_of(made_up.read());
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].weight, Weight::danger);
    EXPECT_TRUE(has(findings[0].text, "Descriptor 7, /etc/secret, reached /bin/true."));
    EXPECT_TRUE(has(findings[0].text, "marked it close-on-exec 5.00 µs after opening it"));
    EXPECT_EQ(findings[1].weight, Weight::doubt);
    EXPECT_TRUE(has(findings[1].text, "it was never marked close-on-exec"));
}

TEST(Words, OfManyAlikeAreSaidOnceOfTheWorst) {
    MadeUp made_up;
    for (std::int64_t i = 1; i <= 50; i++)
        made_up.stall("lock", i * 1000, 1'000'000 + (i == 20 ? 5'000'000 : i));
    made_up.window("vfork", 10, 100);
    made_up.signal(1, 20);
    const auto findings = findings_of(made_up.read());
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].kind, "signals") << "what matters most comes first";
    EXPECT_EQ(findings[1].events.size(), 50U);
    EXPECT_TRUE(has(findings[1].text, "waited 6.00 ms for mmap_lock"));
}

TEST(Words, OfTheWholeTellTheWaysApart) {
    MadeUp made_up;
    made_up.window("kspawn", 10, 100);
    EXPECT_EQ(overview_of(made_up.read()),
              "In 1.00 s, 1 child executed a program. 1 was started by kspawn: set up "
              "inside the kernel, without a window for user code.");
    made_up.window("vfork", 200, 100);
    made_up.window("fork", 300, 100);
    EXPECT_TRUE(has(overview_of(made_up.read()), "3 children executed a program."));
    EXPECT_TRUE(has(overview_of(made_up.read()), "1 child ran code of its own in the memory of its "
                                                 "caller"));
}

TEST(Words, OfTheWholeTellStartsFromChildrenThatNeverExecute) {
    MadeUp made_up;
    made_up.window("vfork", 10, 100);
    for (int i = 0; i < 3; i++)
        made_up.window("fork", 200, 100)["outcome"] = "exit";
    auto& open = made_up.window("fork", 300, 100);
    open["outcome"] = "open";
    open["end"] = open["duration_ns"] = nullptr;
    EXPECT_TRUE(has(overview_of(made_up.read()),
                    "In 1.00 s, 1 child executed a program. 3 children ended without executing "
                    "one. 1 child had executed none yet when the trace ended."));
}

} // namespace

} // namespace kspawn::test
