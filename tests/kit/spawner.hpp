// SPDX-License-Identifier: LGPL-2.1-or-later
/// The ground for tests that start programs.
#ifndef KSPAWN_TESTS_SPAWNER_HPP
#define KSPAWN_TESTS_SPAWNER_HPP

#include <gtest/gtest.h>
#include <kspawn/backend.h>
#include <kspawn/spawn.h>

#include <string>
#include <vector>

#include "process.hpp"
#include "report.hpp"
#include "scratch.hpp"
#include "userspace/lib/command/objects.hpp"

namespace kspawn::test {

/// "" if programs can be started here, or why not.
std::string why_unusable();

/// Whether these tests are about starts through libc: KSPAWN_TEST_BACKEND=libc.
/// Then the library decides by itself, and must decide for libc: KSPAWN_BACKEND
/// says so, or there is no module.
bool through_libc();

/// Without the device the test is skipped; in a guest of the test runner, which
/// must have it, the test fails.
#define KSPAWN_NEED_DEVICE()                                                                       \
    do {                                                                                           \
        if (const auto why = ::kspawn::test::why_unusable(); !why.empty()) {                       \
            if (std::getenv("KSPAWN_KERNEL") != nullptr)                                           \
                FAIL() << why;                                                                     \
            GTEST_SKIP() << why << "; run it by qemu/vm";                                          \
        }                                                                                          \
    } while (false)

/// For tests of what only the kernel can do; the reason is for people to read.
#define KSPAWN_NOT_THROUGH_LIBC(why)                                                               \
    do {                                                                                           \
        if (::kspawn::test::through_libc())                                                        \
            GTEST_SKIP() << "through libc: " << (why);                                             \
    } while (false)

/// For tests that become another user or take a scheduler's policy, which root may, as in a guest.
#define KSPAWN_NEED_ROOT()                                                                         \
    do {                                                                                           \
        if (::geteuid() != 0)                                                                      \
            GTEST_SKIP() << "takes root";                                                          \
    } while (false)

class Spawner : public ::testing::Test {
protected:
    void SetUp() override {
        if (through_libc()) {
            ASSERT_EQ(kspawn_effective_backend(), KSPAWN_BACKEND_LIBC);
            return;
        }
        KSPAWN_NEED_DEVICE();
        // These tests are about the kernel, and not about libc in its place.
        ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_KERNEL), 0);
    }

    /// Starts a program with our actions and attributes; the error number.
    int start(const std::string& path, const std::vector<std::string>& arguments = {});
    int start_child(const std::vector<std::string>& arguments);
    /// The report of kit/child.c on itself.
    Json report();
    void flags(int flags);
    /// Through libc only: the start must fail as not supported, and name the
    /// feature.  Then there is nothing more to see, and this returns true.
    bool cannot_through_libc(const std::string& feature);

    Scratch scratch;
    internal::FileActions actions;
    internal::Attributes attributes;
    Strings environment{"PATH=/usr/bin:/bin", "KSPAWN_TEST=yes"};
    pid_t pid = -1;
};

/// The 64 bits of "SigBlk" and its kind in a report's status.
unsigned long long signal_bits(const Json& report, const char* field);
constexpr unsigned long long bit(int number) {
    return 1ULL << static_cast<unsigned>(number - 1);
}

/// The last failure as one value, to compare at once.
struct Failure {
    int error;
    unsigned step;
    unsigned index;
    std::string words;
    bool operator==(const Failure&) const = default;
};
Failure last_failure();
void PrintTo(const Failure& failure, std::ostream* stream);

} // namespace kspawn::test

#endif
