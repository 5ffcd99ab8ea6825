// SPDX-License-Identifier: LGPL-2.1-or-later
// How threads agree on the library's one descriptor: the steps of two threads, one after
// the other.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>

#include "kit/process.hpp"
#include "userspace/lib/device.hpp"

namespace kspawn::test {

namespace {

namespace device = internal::device;

class DeviceLease : public ::testing::Test {
protected:
    void SetUp() override {
        device::let_go();
        none = device::state.load();
        if (device::lease().descriptor >= 0)
            return;
        if (std::getenv("KSPAWN_KERNEL") != nullptr)
            FAIL() << "the device cannot be opened";
        GTEST_SKIP() << "the device cannot be opened; run it by qemu/vm";
    }
    static bool is_ours(int descriptor) {
        kspawn_info info{};
        return device::get_info(descriptor, info) == 0;
    }

    std::uint64_t none = 0; // as a thread saw it that has been slow since
};

TEST_F(DeviceLease, SlowThreadTakesWhatIsOpenByThen) {
    const auto first = device::lease();
    const auto late = device::reopen(none);
    EXPECT_EQ(late.descriptor, first.descriptor);
    EXPECT_EQ(late.error, 0);
    EXPECT_EQ(late.state, first.state);
    EXPECT_EQ(device_descriptors().size(), 1U);
}

// Near the limit on descriptors the first gives its own away for a pidfd.
TEST_F(DeviceLease, SlowThreadOpensItWhenTheFirstHasLetGo) {
    device::let_go();
    const auto late = device::reopen(none);
    EXPECT_TRUE(is_ours(late.descriptor)) << late.descriptor;
    EXPECT_EQ(late.error, 0);
    EXPECT_EQ(device::lease().descriptor, late.descriptor);
    EXPECT_EQ(device::lease().state, late.state);
    EXPECT_EQ(device_descriptors().size(), 1U);
}

TEST_F(DeviceLease, NoOpeningIsTakenForAnEarlierOne) {
    const auto first = device::lease();
    device::let_go();
    const auto second = device::lease();
    EXPECT_NE(second.state, first.state);
    EXPECT_EQ(device::reopen_if_current(first.state).state, second.state);
}

} // namespace

} // namespace kspawn::test
