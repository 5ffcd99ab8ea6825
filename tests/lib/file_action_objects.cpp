// SPDX-License-Identifier: LGPL-2.1-or-later
// File action objects by themselves; no device is needed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kspawn/spawn.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kit/process.hpp"
#include "userspace/lib/file_actions.hpp"

namespace {

using Object = kspawn_spawn_file_actions_t*;

class FileActionObject : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(kspawn_spawn_file_actions_init(&object), 0); }
    void TearDown() override { kspawn_spawn_file_actions_destroy(&object); }

    kspawn_spawn_file_actions_t object{};
};

struct Function {
    std::string name;
    std::function<int(Object, int)> call; // with a descriptor
};

const std::vector<Function>& functions_with_a_descriptor() {
    static const std::vector<Function> all{
        {"addopen",
         [](Object o, int fd) {
             return kspawn_spawn_file_actions_addopen(o, fd, "/", O_RDONLY, 0);
         }},
        {"addclose", kspawn_spawn_file_actions_addclose},
        {"adddup2 from",
         [](Object o, int fd) { return kspawn_spawn_file_actions_adddup2(o, fd, 1); }},
        {"adddup2 to",
         [](Object o, int fd) { return kspawn_spawn_file_actions_adddup2(o, 1, fd); }},
        {"addpass_np from",
         [](Object o, int fd) { return kspawn_spawn_file_actions_addpass_np(o, fd, 1, 0); }},
        {"addpass_np to",
         [](Object o, int fd) {
             return kspawn_spawn_file_actions_addpass_np(o, 1, fd, O_CLOEXEC);
         }},
        {"addfchdir", kspawn_spawn_file_actions_addfchdir},
        {"addfchdir_np", kspawn_spawn_file_actions_addfchdir_np},
        {"addclosefrom_np", kspawn_spawn_file_actions_addclosefrom_np},
        {"addinherit_np", kspawn_spawn_file_actions_addinherit_np},
        {"addclose_range_np from",
         [](Object o, int fd) {
             return kspawn_spawn_file_actions_addclose_range_np(o, fd, 0x7fffffff);
         }},
        {"addtcsetpgrp_np", kspawn_spawn_file_actions_addtcsetpgrp_np},
    };
    return all;
}

std::vector<Function> all_functions() {
    auto all = functions_with_a_descriptor();
    all.push_back({"destroy", [](Object o, int) { return kspawn_spawn_file_actions_destroy(o); }});
    all.push_back(
        {"addchdir", [](Object o, int) { return kspawn_spawn_file_actions_addchdir(o, "/"); }});
    all.push_back({"addchdir_np",
                   [](Object o, int) { return kspawn_spawn_file_actions_addchdir_np(o, "/"); }});
    return all;
}

std::size_t count(const kspawn_spawn_file_actions_t& object) {
    return kspawn::internal::file_actions::actions_of(object).size();
}

TEST_F(FileActionObject, DescriptorsThatCannotBeAreRefused) {
    const auto limit = static_cast<int>(::sysconf(_SC_OPEN_MAX));
    for (const auto& [name, call] : functions_with_a_descriptor()) {
        for (const int fd : {-1, -100, limit, limit + 1, 0x7fffffff})
            EXPECT_EQ(call(&object, fd), EBADF) << name << ' ' << fd;
        EXPECT_EQ(count(object), 0U) << name;
    }
    for (const auto& [name, call] : functions_with_a_descriptor()) {
        EXPECT_EQ(call(&object, 0), 0) << name;
        EXPECT_EQ(call(&object, limit - 1), 0) << name;
    }
}

TEST_F(FileActionObject, RangesAreChecked) {
    const auto add = kspawn_spawn_file_actions_addclose_range_np;
    EXPECT_EQ(add(&object, 5, 4), EINVAL);
    EXPECT_EQ(add(&object, 5, -1), EBADF);
    EXPECT_EQ(count(object), 0U);
    EXPECT_EQ(add(&object, 5, 5), 0);
    EXPECT_EQ(add(&object, 5, 0x7fffffff), 0);
}

TEST_F(FileActionObject, PassedDescriptorsAreCloseOnExecOrNot) {
    for (const int oflag : {O_RDWR, O_CLOEXEC | O_APPEND, -1})
        EXPECT_EQ(kspawn_spawn_file_actions_addpass_np(&object, 0, 5, oflag), EINVAL) << oflag;
    EXPECT_EQ(count(object), 0U);
}

TEST_F(FileActionObject, TheLimitIsThatOfTheMoment) {
    EXPECT_EQ(kspawn_spawn_file_actions_addclose(&object, 99), 0);
    const auto wrong = kspawn::test::in_a_fork([this]() -> std::string {
        kspawn::test::limit_descriptors(99);
        if (kspawn_spawn_file_actions_addclose(&object, 99) != EBADF)
            return "99 was taken";
        return kspawn_spawn_file_actions_addclose(&object, 98) == 0 ? "" : "98 was refused";
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(FileActionObject, UnusableObjectsAreRefusedByEveryFunction) {
    kspawn_spawn_file_actions_t zeroes{};
    kspawn_spawn_file_actions_t garbage;
    std::memset(&garbage, 0xff, sizeof(garbage));
    kspawn_spawn_file_actions_t destroyed;
    ASSERT_EQ(kspawn_spawn_file_actions_init(&destroyed), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_destroy(&destroyed), 0);
    for (const auto& [name, call] : all_functions()) {
        EXPECT_EQ(call(nullptr, 1), EINVAL) << name;
        EXPECT_EQ(call(&zeroes, 1), EINVAL) << name;
        EXPECT_EQ(call(&garbage, 1), EINVAL) << name;
        EXPECT_EQ(call(&destroyed, 1), EINVAL) << name;
    }
    EXPECT_EQ(kspawn_spawn_file_actions_init(nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_init(&destroyed), 0) << "it may be used again";
    EXPECT_EQ(kspawn_spawn_file_actions_addclose(&destroyed, 1), 0);
    EXPECT_EQ(kspawn_spawn_file_actions_destroy(&destroyed), 0);
}

TEST_F(FileActionObject, NullPathsAreRefused) {
    EXPECT_EQ(kspawn_spawn_file_actions_addopen(&object, 1, nullptr, O_RDONLY, 0), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addchdir(&object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addchdir_np(&object, nullptr), EINVAL);
    EXPECT_EQ(count(object), 0U);
}

TEST_F(FileActionObject, HoldsWhatWasAdded) {
    std::string path = "/some/file";
    ASSERT_EQ(kspawn_spawn_file_actions_addopen(&object, 5, path.c_str(), O_WRONLY | O_CREAT, 0640),
              0);
    path.assign(path.size(), '#'); // it must be a copy
    ASSERT_EQ(kspawn_spawn_file_actions_addopen(&object, 6, "x", O_RDONLY, 0777), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_adddup2(&object, 7, 8), 0);
    const auto actions = kspawn::internal::file_actions::actions_of(object);
    ASSERT_EQ(actions.size(), 3U);
    EXPECT_EQ(actions[0].fd, 5);
    EXPECT_EQ(actions[0].oflag, static_cast<unsigned>(O_WRONLY | O_CREAT));
    EXPECT_EQ(actions[0].mode, 0640U);
    EXPECT_STREQ(reinterpret_cast<const char*>(actions[0].path), "/some/file");
    EXPECT_EQ(actions[1].mode, 0U) << "a mode without O_CREAT means nothing";
    EXPECT_EQ(actions[2].fd, 7);
    EXPECT_EQ(actions[2].newfd, 8);
}

TEST_F(FileActionObject, GrowsWithoutLimit) {
    constexpr int many = 70'000; // more than a kernel takes
    for (int number = 0; number < many; ++number)
        ASSERT_EQ(kspawn_spawn_file_actions_addclose(&object, number % 1000), 0);
    const auto actions = kspawn::internal::file_actions::actions_of(object);
    ASSERT_EQ(actions.size(), static_cast<std::size_t>(many));
    for (int number = 0; number < many; ++number) {
        ASSERT_EQ(actions[static_cast<std::size_t>(number)].fd, number % 1000);
    }
}

TEST_F(FileActionObject, DestroyFreesEverything) {
    const auto round = [] {
        kspawn_spawn_file_actions_t other;
        ASSERT_EQ(kspawn_spawn_file_actions_init(&other), 0);
        for (int number = 0; number < 100; ++number) {
            ASSERT_EQ(kspawn_spawn_file_actions_addopen(&other, 1, "/some/file", O_RDONLY, 0), 0);
            ASSERT_EQ(kspawn_spawn_file_actions_addchdir(&other, "/some/directory"), 0);
        }
        ASSERT_EQ(kspawn_spawn_file_actions_destroy(&other), 0);
    };
    // Memory that malloc() keeps at hand counts as used: first it is to have all that it keeps.
    for (int number = 0; number < 10; ++number)
        round();
    const auto before = ::mallinfo2().uordblks;
    for (int number = 0; number < 10; ++number)
        round();
    EXPECT_EQ(::mallinfo2().uordblks, before);
}

TEST_F(FileActionObject, MayBeMoved) {
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(&object, "/one"), 0);
    kspawn_spawn_file_actions_t moved;
    std::memcpy(&moved, &object, sizeof(moved));
    std::memset(&object, 0, sizeof(object));
    EXPECT_EQ(kspawn_spawn_file_actions_addchdir(&moved, "/two"), 0);
    EXPECT_EQ(count(moved), 2U);
    EXPECT_EQ(kspawn_spawn_file_actions_destroy(&moved), 0);
}

// Out of memory in the middle: an error, and an object that is as it was.
TEST_F(FileActionObject, SurvivesWantOfMemory) {
    const auto wrong = kspawn::test::in_a_fork([this]() -> std::string {
        rlimit limit{};
        limit.rlim_cur = limit.rlim_max = 256UL << 20U;
        if (::setrlimit(RLIMIT_AS, &limit) != 0)
            return "setrlimit";
        const std::string path(1U << 20U, 'x');
        int error = 0;
        std::size_t added = 0;
        for (; added < 1000 && error == 0; ++added)
            error = kspawn_spawn_file_actions_addchdir(&object, path.c_str());
        if (error != ENOMEM)
            return "no ENOMEM";
        if (count(object) != added - 1)
            return "the failed one was kept";
        if (kspawn_spawn_file_actions_destroy(&object) != 0)
            return "destroy";
        if (kspawn_spawn_file_actions_init(&object) != 0)
            return "init";
        return kspawn_spawn_file_actions_addchdir(&object, path.c_str()) == 0 ? "" : "not freed";
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(FileActionObject, ErrnoIsLeftAlone) {
    errno = 4711;
    EXPECT_EQ(kspawn_spawn_file_actions_addclose(&object, -1), EBADF);
    EXPECT_EQ(kspawn_spawn_file_actions_addclose(&object, 1), 0);
    EXPECT_EQ(kspawn_spawn_file_actions_addchdir(&object, nullptr), EINVAL);
    EXPECT_EQ(errno, 4711);
}

} // namespace
