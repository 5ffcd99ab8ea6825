// SPDX-License-Identifier: LGPL-2.1-or-later
// What is computed from what was seen.
#include <gtest/gtest.h>

#include "credentials.hpp"
#include "histogram.hpp"

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
    for (const int percent : {1, 50, 90, 99}) {
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

} // namespace
