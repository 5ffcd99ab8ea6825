// SPDX-License-Identifier: LGPL-2.1-or-later
// Attribute objects by themselves; no device is needed.
#include <gtest/gtest.h>
#include <kspawn/spawn.h>
#include <spawn.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

// Sources written for <spawn.h> keep their numbers.
static_assert(KSPAWN_SPAWN_RESETIDS == POSIX_SPAWN_RESETIDS);
static_assert(KSPAWN_SPAWN_SETPGROUP == POSIX_SPAWN_SETPGROUP);
static_assert(KSPAWN_SPAWN_SETSIGDEF == POSIX_SPAWN_SETSIGDEF);
static_assert(KSPAWN_SPAWN_SETSIGMASK == POSIX_SPAWN_SETSIGMASK);
static_assert(KSPAWN_SPAWN_SETSCHEDPARAM == POSIX_SPAWN_SETSCHEDPARAM);
static_assert(KSPAWN_SPAWN_SETSCHEDULER == POSIX_SPAWN_SETSCHEDULER);
static_assert(KSPAWN_SPAWN_USEVFORK == POSIX_SPAWN_USEVFORK);
static_assert(KSPAWN_SPAWN_SETSID == POSIX_SPAWN_SETSID);
static_assert(KSPAWN_SPAWN_SETCGROUP == 0x100); // glibc 2.39

constexpr short all_flags = 0x7ff;

class AttributeObject : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(kspawn_spawnattr_init(&object), 0); }
    void TearDown() override { kspawn_spawnattr_destroy(&object); }

    kspawn_spawnattr_t object{};
};

bool same(const sigset_t& left, const sigset_t& right) {
    for (int number = 1; number <= 64; ++number) {
        if (sigismember(&left, number) != sigismember(&right, number))
            return false;
    }
    return true;
}

sigset_t empty_set() {
    sigset_t set;
    sigemptyset(&set);
    return set;
}

TEST_F(AttributeObject, StartsEmpty) {
    short flags = -1;
    EXPECT_EQ(kspawn_spawnattr_getflags(&object, &flags), 0);
    EXPECT_EQ(flags, 0);
    pid_t pgroup = -1;
    EXPECT_EQ(kspawn_spawnattr_getpgroup(&object, &pgroup), 0);
    EXPECT_EQ(pgroup, 0);
    int policy = -1;
    EXPECT_EQ(kspawn_spawnattr_getschedpolicy(&object, &policy), 0);
    EXPECT_EQ(policy, SCHED_OTHER);
    sched_param parameters{};
    parameters.sched_priority = -1;
    EXPECT_EQ(kspawn_spawnattr_getschedparam(&object, &parameters), 0);
    EXPECT_EQ(parameters.sched_priority, 0);
    int cgroup = -1;
    EXPECT_EQ(kspawn_spawnattr_getcgroup_np(&object, &cgroup), 0);
    EXPECT_EQ(cgroup, 0);
    for (const auto get : {kspawn_spawnattr_getsigdefault, kspawn_spawnattr_getsigignore_np,
                           kspawn_spawnattr_getsigmask}) {
        sigset_t set;
        sigfillset(&set);
        EXPECT_EQ(get(&object, &set), 0);
        EXPECT_TRUE(same(set, empty_set()));
    }
}

TEST_F(AttributeObject, EveryFlagIsKept) {
    for (unsigned flag = 1; flag <= 0x8000; flag <<= 1U) {
        const bool known = (static_cast<unsigned>(all_flags) & flag) != 0;
        const auto value = static_cast<short>(flag);
        EXPECT_EQ(kspawn_spawnattr_setflags(&object, value), known ? 0 : EINVAL) << flag;
        short flags = -1;
        EXPECT_EQ(kspawn_spawnattr_getflags(&object, &flags), 0);
        if (known) {
            EXPECT_EQ(flags, value);
        }
    }
    EXPECT_EQ(kspawn_spawnattr_setflags(&object, all_flags), 0);
    EXPECT_EQ(kspawn_spawnattr_setflags(&object, -1), EINVAL);
    short flags = 0;
    EXPECT_EQ(kspawn_spawnattr_getflags(&object, &flags), 0);
    EXPECT_EQ(flags, all_flags) << "a refused value must not replace the old one";
}

TEST_F(AttributeObject, NumbersAreKept) {
    EXPECT_EQ(kspawn_spawnattr_setpgroup(&object, 4711), 0);
    pid_t pgroup = 0;
    EXPECT_EQ(kspawn_spawnattr_getpgroup(&object, &pgroup), 0);
    EXPECT_EQ(pgroup, 4711);

    EXPECT_EQ(kspawn_spawnattr_setcgroup_np(&object, 12), 0);
    int cgroup = 0;
    EXPECT_EQ(kspawn_spawnattr_getcgroup_np(&object, &cgroup), 0);
    EXPECT_EQ(cgroup, 12);

    sched_param parameters{};
    parameters.sched_priority = 42;
    EXPECT_EQ(kspawn_spawnattr_setschedparam(&object, &parameters), 0);
    sched_param read_back{};
    EXPECT_EQ(kspawn_spawnattr_getschedparam(&object, &read_back), 0);
    EXPECT_EQ(read_back.sched_priority, 42);
}

TEST_F(AttributeObject, PoliciesThatTheKernelHas) {
    for (const int policy : {SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE}) {
        EXPECT_EQ(kspawn_spawnattr_setschedpolicy(&object, policy), 0) << policy;
        int read_back = -1;
        EXPECT_EQ(kspawn_spawnattr_getschedpolicy(&object, &read_back), 0);
        EXPECT_EQ(read_back, policy);
    }
    for (const int policy : {-1, 4, SCHED_DEADLINE, 7, 1000})
        EXPECT_EQ(kspawn_spawnattr_setschedpolicy(&object, policy), EINVAL) << policy;
    int policy = -1;
    EXPECT_EQ(kspawn_spawnattr_getschedpolicy(&object, &policy), 0);
    EXPECT_EQ(policy, SCHED_IDLE) << "a refused value must not replace the old one";
}

using SetSignals = int (*)(kspawn_spawnattr_t*, const sigset_t*);
using GetSignals = int (*)(const kspawn_spawnattr_t*, sigset_t*);
constexpr std::pair<SetSignals, GetSignals> signal_sets[] = {
    {kspawn_spawnattr_setsigdefault, kspawn_spawnattr_getsigdefault},
    {kspawn_spawnattr_setsigignore_np, kspawn_spawnattr_getsigignore_np},
    {kspawn_spawnattr_setsigmask, kspawn_spawnattr_getsigmask},
};

TEST_F(AttributeObject, EachSignalIsKeptBySetAndBySet) {
    for (const auto& [set_signals, get_signals] : signal_sets) {
        for (int number = 1; number <= 64; ++number) {
            // By hand: sigaddset() refuses the two that libc keeps for itself.
            sigset_t set = empty_set();
            const auto bits = 1ULL << static_cast<unsigned>(number - 1);
            std::memcpy(&set, &bits, sizeof(bits));
            ASSERT_EQ(set_signals(&object, &set), 0);
            sigset_t read_back;
            sigfillset(&read_back);
            ASSERT_EQ(get_signals(&object, &read_back), 0);
            EXPECT_TRUE(same(set, read_back)) << number;
        }
    }
}

TEST_F(AttributeObject, SignalSetsAreIndependent) {
    for (const auto& [set_signals, get_signals] : signal_sets) {
        ASSERT_EQ(kspawn_spawnattr_init(&object), 0);
        sigset_t full;
        sigfillset(&full);
        ASSERT_EQ(set_signals(&object, &full), 0);
        for (const auto& [unused, get_other] : signal_sets) {
            sigset_t read_back;
            ASSERT_EQ(get_other(&object, &read_back), 0);
            EXPECT_TRUE(same(read_back, get_other == get_signals ? full : empty_set()));
        }
    }
}

TEST_F(AttributeObject, CopiesAreIndependent) {
    EXPECT_EQ(kspawn_spawnattr_setpgroup(&object, 1), 0);
    kspawn_spawnattr_t copy = object;
    EXPECT_EQ(kspawn_spawnattr_setpgroup(&copy, 2), 0);
    pid_t pgroup = 0;
    EXPECT_EQ(kspawn_spawnattr_getpgroup(&object, &pgroup), 0);
    EXPECT_EQ(pgroup, 1);
    EXPECT_EQ(kspawn_spawnattr_destroy(&copy), 0);
    EXPECT_EQ(kspawn_spawnattr_getpgroup(&object, &pgroup), 0);
}

// Every function, on an object it must not touch.
std::vector<std::pair<std::string, std::function<int(kspawn_spawnattr_t*)>>> all_functions() {
    static sigset_t set = empty_set();
    static sched_param parameters{};
    static short flags = 0;
    static int number = 0;
    using Object = kspawn_spawnattr_t*;
    return {
        {"destroy", kspawn_spawnattr_destroy},
        {"getflags", [](Object o) { return kspawn_spawnattr_getflags(o, &flags); }},
        {"setflags", [](Object o) { return kspawn_spawnattr_setflags(o, 0); }},
        {"getpgroup", [](Object o) { return kspawn_spawnattr_getpgroup(o, &number); }},
        {"setpgroup", [](Object o) { return kspawn_spawnattr_setpgroup(o, 0); }},
        {"getsigdefault", [](Object o) { return kspawn_spawnattr_getsigdefault(o, &set); }},
        {"setsigdefault", [](Object o) { return kspawn_spawnattr_setsigdefault(o, &set); }},
        {"getsigignore", [](Object o) { return kspawn_spawnattr_getsigignore_np(o, &set); }},
        {"setsigignore", [](Object o) { return kspawn_spawnattr_setsigignore_np(o, &set); }},
        {"getsigmask", [](Object o) { return kspawn_spawnattr_getsigmask(o, &set); }},
        {"setsigmask", [](Object o) { return kspawn_spawnattr_setsigmask(o, &set); }},
        {"getschedpolicy", [](Object o) { return kspawn_spawnattr_getschedpolicy(o, &number); }},
        {"setschedpolicy", [](Object o) { return kspawn_spawnattr_setschedpolicy(o, 0); }},
        {"getschedparam", [](Object o) { return kspawn_spawnattr_getschedparam(o, &parameters); }},
        {"setschedparam", [](Object o) { return kspawn_spawnattr_setschedparam(o, &parameters); }},
        {"getcgroup", [](Object o) { return kspawn_spawnattr_getcgroup_np(o, &number); }},
        {"setcgroup", [](Object o) { return kspawn_spawnattr_setcgroup_np(o, 0); }},
    };
}

TEST_F(AttributeObject, UnusableObjectsAreRefusedByEveryFunction) {
    kspawn_spawnattr_t zeroes{};
    kspawn_spawnattr_t garbage;
    std::memset(&garbage, 0xff, sizeof(garbage));
    kspawn_spawnattr_t destroyed;
    ASSERT_EQ(kspawn_spawnattr_init(&destroyed), 0);
    ASSERT_EQ(kspawn_spawnattr_destroy(&destroyed), 0);
    for (const auto& [name, call] : all_functions()) {
        EXPECT_EQ(call(nullptr), EINVAL) << name;
        EXPECT_EQ(call(&zeroes), EINVAL) << name;
        EXPECT_EQ(call(&garbage), EINVAL) << name;
        EXPECT_EQ(call(&destroyed), EINVAL) << name;
    }
    EXPECT_EQ(kspawn_spawnattr_init(nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawnattr_init(&destroyed), 0) << "it may be used again";
    for (const auto& [name, call] : all_functions()) {
        if (name != "destroy") {
            EXPECT_EQ(call(&destroyed), 0) << name;
        }
    }
}

TEST_F(AttributeObject, NullPointersAreRefused) {
    EXPECT_EQ(kspawn_spawnattr_getflags(&object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawnattr_getpgroup(&object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawnattr_getschedpolicy(&object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawnattr_getschedparam(&object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawnattr_setschedparam(&object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawnattr_getcgroup_np(&object, nullptr), EINVAL);
    for (const auto& [set_signals, get_signals] : signal_sets) {
        EXPECT_EQ(set_signals(&object, nullptr), EINVAL);
        EXPECT_EQ(get_signals(&object, nullptr), EINVAL);
    }
}

TEST_F(AttributeObject, ErrnoIsLeftAlone) {
    errno = 4711;
    EXPECT_EQ(kspawn_spawnattr_setflags(&object, -1), EINVAL);
    EXPECT_EQ(kspawn_spawnattr_setschedpolicy(&object, -1), EINVAL);
    EXPECT_EQ(errno, 4711);
}

} // namespace
