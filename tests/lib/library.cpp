// SPDX-License-Identifier: LGPL-2.1-or-later
// The library as a file: what it exports, what it needs, who can use it.
#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <kspawn/spawn.h>
#include <link.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "support/owners.hpp"
#include "support/process.hpp"
#include "support/spawner.hpp"

namespace kspawn::test {

namespace {

std::string library() {
    return (build_directory() / "libkspawn.so.0").string();
}

// What the dynamic section says, as the loader has it.
std::vector<std::string> dynamic_strings(void* handle, ElfW(Sxword) tag) {
    link_map* map = nullptr;
    if (::dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
        return {};
    const char* names = nullptr;
    for (const auto* entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
        if (entry->d_tag == DT_STRTAB)
            names = reinterpret_cast<const char*>(entry->d_un.d_ptr);
    }
    std::vector<std::string> result;
    for (const auto* entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
        if (entry->d_tag == tag)
            result.emplace_back(names + entry->d_un.d_val);
    }
    return result;
}

// The names that the version script gives to the world.
std::set<std::string> names_of_headers() {
    static const char* const names[] = {
        "kspawn_available",
        "kspawn_last_failure",
        "kspawn_pidfd_spawn",
        "kspawn_pidfd_spawnp",
        "kspawn_query",
        "kspawn_spawn",
        "kspawn_spawn_file_actions_addchdir",
        "kspawn_spawn_file_actions_addchdir_np",
        "kspawn_spawn_file_actions_addclose",
        "kspawn_spawn_file_actions_addclose_range_np",
        "kspawn_spawn_file_actions_addclosefrom_np",
        "kspawn_spawn_file_actions_adddup2",
        "kspawn_spawn_file_actions_addfchdir",
        "kspawn_spawn_file_actions_addfchdir_np",
        "kspawn_spawn_file_actions_addinherit_np",
        "kspawn_spawn_file_actions_addopen",
        "kspawn_spawn_file_actions_addtcsetpgrp_np",
        "kspawn_spawn_file_actions_destroy",
        "kspawn_spawn_file_actions_init",
        "kspawn_spawn_search_np",
        "kspawn_spawnattr_destroy",
        "kspawn_spawnattr_getcgroup_np",
        "kspawn_spawnattr_getflags",
        "kspawn_spawnattr_getpgroup",
        "kspawn_spawnattr_getschedparam",
        "kspawn_spawnattr_getschedpolicy",
        "kspawn_spawnattr_getsigdefault",
        "kspawn_spawnattr_getsigignore_np",
        "kspawn_spawnattr_getsigmask",
        "kspawn_spawnattr_init",
        "kspawn_spawnattr_setcgroup_np",
        "kspawn_spawnattr_setflags",
        "kspawn_spawnattr_setpgroup",
        "kspawn_spawnattr_setschedparam",
        "kspawn_spawnattr_setschedpolicy",
        "kspawn_spawnattr_setsigdefault",
        "kspawn_spawnattr_setsigignore_np",
        "kspawn_spawnattr_setsigmask",
        "kspawn_spawnp",
        "kspawn_strfailure",
        "kspawn_strfailure_r",
        "kspawn_version",
    };
    return {std::begin(names), std::end(names)};
}

TEST(Library, ExportsEveryFunctionWithItsVersion) {
    const Library handle{::dlopen(library().c_str(), RTLD_NOW | RTLD_LOCAL)};
    ASSERT_TRUE(handle) << ::dlerror();
    for (const auto& name : names_of_headers())
        EXPECT_NE(::dlvsym(handle.get(), name.c_str(), "KSPAWN_0.1"), nullptr) << name;
}

TEST(Library, ExportsNothingElse) {
    const Library handle{::dlopen(library().c_str(), RTLD_NOW | RTLD_LOCAL)};
    ASSERT_TRUE(handle) << ::dlerror();
    for (const auto* const name :
         {"start_by_kernel", "_ZN6kspawn8internal15start_by_kernelERKNS0_7RequestE",
          "_ZN6kspawn8internal6device5stateE"})
        EXPECT_EQ(::dlsym(handle.get(), name), nullptr) << name;
}

TEST(Library, NeedsLibcOnly) {
    const Library handle{::dlopen(library().c_str(), RTLD_NOW | RTLD_LOCAL)};
    ASSERT_TRUE(handle) << ::dlerror();
    EXPECT_EQ(dynamic_strings(handle.get(), DT_SONAME), std::vector<std::string>{"libkspawn.so.0"});
    const auto needed = dynamic_strings(handle.get(), DT_NEEDED);
    EXPECT_FALSE(needed.empty());
    for (const auto& name : needed)
        EXPECT_TRUE(name == "libc.so.6" || name.starts_with("ld-linux")) << name;
}

TEST(Library, VersionIsThatOfTheHeaders) {
    EXPECT_EQ(std::string(kspawn_version()), std::to_string(KSPAWN_VERSION_MAJOR) + "." +
                                                 std::to_string(KSPAWN_VERSION_MINOR) + "." +
                                                 std::to_string(KSPAWN_VERSION_PATCH));
}

// A C program, C99 to the letter, linked by the C compiler to the archive.
TEST(Library, ServesAStrictCProgram) {
    const auto ended = run({helper("c_user")});
    EXPECT_EQ(ended.status, 0);
    const Failure failure{ENOENT, KSPAWN_STEP_ACTION, 1,
                          "file action 1: chdir /no/such/directory: No such file or directory"};
    EXPECT_EQ(ended.out, failure.words + "\n");
    EXPECT_EQ(ended.err, "");
}

} // namespace

} // namespace kspawn::test
