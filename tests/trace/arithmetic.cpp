// SPDX-License-Identifier: LGPL-2.1-or-later
// The arithmetic of the tracer, on made-up credentials, durations, names and counts.
#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>

#include "credentials.hpp"
#include "histogram.hpp"
#include "printable.hpp"
#include "verdict.hpp"

namespace {

using namespace kspawn::trace;

trace_credentials user(std::uint32_t id) {
    trace_credentials creds{};
    creds.uid = creds.euid = creds.suid = creds.fsuid = id;
    creds.gid = creds.egid = creds.sgid = creds.fsgid = id;
    if (id == 0)
        creds.cap_permitted = creds.cap_effective = 0x1ffffffffff;
    return creds;
}

TEST(Credentials, whoHasLess) {
    auto with_setuid_left = user(1000);
    with_setuid_left.suid = 0;
    auto with_capability = user(1000);
    with_capability.cap_permitted = 1;
    EXPECT_TRUE(has_less(user(1000), user(0)));
    EXPECT_FALSE(has_less(user(0), user(1000)));
    EXPECT_FALSE(has_less(user(1000), user(1000)));
    EXPECT_TRUE(has_less(user(1000), user(1001)));
    EXPECT_TRUE(has_less(user(1000), with_setuid_left));
    EXPECT_TRUE(has_less(user(1000), with_capability));
    EXPECT_FALSE(has_less(with_capability, user(1000)));
}

TEST(Credentials, whoIsExposed) {
    trace_creds_record record{};
    record.before = record.other = user(0);
    record.after = user(1000);
    EXPECT_EQ(exposed(record), "child");
    record.by_child = 1;
    EXPECT_EQ(exposed(record), "caller");
    record.other = user(1001);
    EXPECT_EQ(exposed(record), "both");
    record.after = record.other = user(0);
    EXPECT_EQ(exposed(record), "none");
}

TEST(Credentials, whatHasChanged) {
    auto after = user(0);
    EXPECT_TRUE(changed_fields(user(0), after).empty());
    after.group_hash = 1;
    after.securebits = 2;
    EXPECT_EQ(changed_fields(user(0), after),
              (std::vector<std::string_view>{"groups", "securebits"}));
}

TEST(Histogram, percentilesAreAtMostAnEighthTooHigh) {
    Histogram histogram;
    EXPECT_EQ(histogram.percentile(50), 0U);
    for (std::uint64_t i = 1; i <= 1000; i++)
        histogram.add(i * 1000);
    for (const unsigned percent : {1U, 50U, 90U, 99U}) {
        EXPECT_GE(histogram.percentile(percent), percent * 10'000U);
        EXPECT_LE(histogram.percentile(percent), percent * 11'250U);
    }
    EXPECT_EQ(histogram.percentile(100), 1'000'000U);
    EXPECT_EQ(histogram.max(), 1'000'000U);
}

TEST(Histogram, takesAnyNumber) {
    Histogram histogram;
    for (const std::uint64_t value :
         {UINT64_C(0), UINT64_C(1), UINT64_C(7), UINT64_C(8), UINT64_MAX})
        histogram.add(value);
    EXPECT_EQ(histogram.count(), 5U);
    EXPECT_EQ(histogram.percentile(100), UINT64_MAX);
    EXPECT_EQ(histogram.percentile(20), 0U);
}

TEST(Histogram, isDrawnByPowersOfTwo) {
    Histogram histogram;
    for (const std::uint64_t value : {1024U, 2047U, 2048U})
        histogram.add(value);
    const auto text = histogram.text("");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

TEST(Histogram, isDrawnOnOneLine) {
    Histogram histogram;
    EXPECT_EQ(histogram.line(), "");
    for (const std::uint64_t value : {1024U, 2047U, 8192U})
        histogram.add(value);
    EXPECT_EQ(histogram.line(), "1.02 us \u2588__\u2584 16.4 us");
}

TEST(Printable, isAsLsEscapesIt) {
    ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
    EXPECT_EQ(printable("sh"), "sh");
    EXPECT_EQ(printable("a b\\c\n\t\033[2J\177"), R"(a\ b\\c\n\t\033[2J\177)");
    EXPECT_EQ(printable("K\u00e4se \u65e5"), "K\u00e4se\\ \u65e5");
    EXPECT_EQ(printable("\302\233"), R"(\302\233)") << "a control of 8 bits";
    // NOLINTNEXTLINE(misc-misleading-bidirectional): what is tested
    EXPECT_EQ(printable("\342\200\256"), R"(\342\200\256)") << "right to left from here";
    EXPECT_EQ(printable("K\303"), R"(K\303)") << "cut off";
    EXPECT_EQ(printable("\377\303x"), R"(\377\303x)");
    EXPECT_EQ(printable(std::string_view{"\0a", 2}), R"(\000a)");
    EXPECT_EQ(without_controls("no \\ \"a\nb\""), R"(no \ "a\nb")");
    ASSERT_NE(std::setlocale(LC_CTYPE, "C"), nullptr);
    EXPECT_EQ(printable("K\u00e4se"), R"(K\303\244se)");
}

Evidence evidence_of(const Kinds& traced) {
    Evidence evidence;
    evidence.traced = traced;
    return evidence;
}

constexpr Kinds only(KindNumber kind) {
    Kinds kinds{};
    kinds.at(kind) = true;
    return kinds;
}

TEST(Verdict, ofWindowsAloneIsClean) {
    auto evidence = evidence_of(every_kind());
    EXPECT_EQ(judge(evidence), Verdict::clean);
    EXPECT_EQ(sentence_of(evidence),
              "Clean: no change of credentials in a window, no signal handler in a child and no "
              "leaked descriptor; no child that ran code in its caller's memory.");
    evidence.tallies.at(kind_windows).findings = 3;
    evidence.tallies.at(kind_stalls).findings = 3;
    EXPECT_EQ(judge(evidence), Verdict::clean) << "nothing happened in them";
    EXPECT_NE(sentence_of(evidence).find("; 3 children that ran code in their callers' memory, "
                                         "none of them beside other threads."),
              std::string::npos)
        << sentence_of(evidence);
    evidence.tallies.at(kind_windows).grave = 2;
    EXPECT_NE(sentence_of(evidence).find("2 of them beside other threads that could have"),
              std::string::npos)
        << sentence_of(evidence);
    evidence.asked = only(kind_windows);
    EXPECT_EQ(judge(evidence), Verdict::found) << "that is what was asked";
    EXPECT_EQ(sentence_of(evidence), "Found: 3 children that ran code in their callers' memory.");
}

TEST(Verdict, ofWhatHappenedIsFound) {
    auto evidence = evidence_of(every_kind());
    evidence.tallies.at(kind_creds).findings = 4;
    evidence.tallies.at(kind_fds).findings = 1;
    evidence.tallies.at(kind_creds).grave = 1;
    EXPECT_EQ(judge(evidence), Verdict::found);
    EXPECT_EQ(sentence_of(evidence),
              "Found: 4 changes of credentials in a window (1 let one side write the memory of "
              "another with more privilege) and 1 leaked descriptor.");
    evidence.blind.at(kind_fds) = true;
    EXPECT_EQ(judge(evidence), Verdict::found) << "what was found was found";
    EXPECT_NE(sentence_of(evidence).find("; of fds there may be more"), std::string::npos);
    evidence.asked = only(kind_signals);
    EXPECT_EQ(judge(evidence), Verdict::clean);
    EXPECT_EQ(sentence_of(evidence).find("Clean: no signal handler in a child; "), 0U);
}

TEST(Verdict, ofWhatWasNotSeenIsUnknown) {
    auto evidence = evidence_of(every_kind());
    evidence.blind = only(kind_stalls);
    EXPECT_EQ(judge(evidence), Verdict::clean) << "nobody asked after waits";
    evidence.blind.at(kind_creds) = evidence.blind.at(kind_fds) = true;
    EXPECT_EQ(judge(evidence), Verdict::unknown);
    EXPECT_EQ(sentence_of(evidence),
              "Unknown: nothing was found, but of creds and fds not everything was seen.");

    auto windows = evidence_of(only(kind_windows));
    EXPECT_EQ(judge(windows), Verdict::clean) << "nothing can happen in no window";
    windows.tallies.at(kind_windows).findings = 1;
    EXPECT_EQ(judge(windows), Verdict::unknown) << "what happened in it was not traced";
    EXPECT_EQ(sentence_of(windows),
              "Unknown: there was 1 child that ran code in its caller's memory, but what happens "
              "around windows was not traced (creds, signals, fds).");
    EXPECT_EQ(judge(evidence_of(only(kind_stalls))), Verdict::unknown);
}

} // namespace
