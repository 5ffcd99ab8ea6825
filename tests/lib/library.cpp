// SPDX-License-Identifier: LGPL-2.1-or-later
// The library as a file: what it exports, what it needs, who can use it.
#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <kspawn/spawn.h>
#include <link.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "kit/owners.hpp"
#include "kit/process.hpp"
#include "kit/scratch.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

std::string library() {
    return (build_directory() / "libkspawn.so.0").string();
}

// Strings of the dynamic section, as the loader has it.
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

// The functions that a header declares, and since when: what it says of one, or of all.
void read_header(const std::filesystem::path& header, std::map<std::string, std::string>& all) {
    static const std::regex since{"Since kspawn ([0-9.]*[0-9])"};
    static const std::regex function{R"(\b(kspawn_\w+)\()"};
    std::string of_all;
    std::string of_one;
    bool comment = false;
    std::ifstream stream{header};
    for (std::string line; std::getline(stream, line);) {
        std::smatch found;
        if (line.starts_with("/*")) {
            comment = true;
            of_one = of_all;
        }
        if (comment && std::regex_search(line, found, since))
            (of_all.empty() ? of_all : of_one) = found[1];
        if (!comment && !line.starts_with('#') && std::regex_search(line, found, function))
            all[found[1]] = "KSPAWN_" + of_one;
        comment = comment && line.find("*/") == std::string::npos;
    }
}

std::map<std::string, std::string> functions_of_headers() {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(KSPAWN_INCLUDE_DIRECTORY))
        if (entry.path().extension() == ".h" && entry.path().filename() != "uapi.h")
            read_header(entry.path(), all);
    return all;
}

TEST(Library, ExportsEveryFunctionWithItsVersion) {
    const Library handle{::dlopen(library().c_str(), RTLD_NOW | RTLD_LOCAL)};
    ASSERT_TRUE(handle) << ::dlerror();
    const auto functions = functions_of_headers();
    EXPECT_GE(functions.size(), 50U);
    EXPECT_EQ(functions.at("kspawn_spawn"), "KSPAWN_0.1");
    EXPECT_EQ(functions.at("kspawn_spawn_async_np"), "KSPAWN_0.2");
    for (const auto& [name, version] : functions)
        EXPECT_NE(::dlvsym(handle.get(), name.c_str(), version.c_str()), nullptr)
            << name << ' ' << version;
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

// Whether a file of this name is in the memory of this process.
bool is_mapped(const std::string& name) {
    return read_file("/proc/self/maps").find("/" + name) != std::string::npos;
}

// In a thread as well: what is a thread's own must not hold the library.
TEST(Library, ForCppIsUnloadedWithTheLastThatUsesIt) {
    for (const bool in_a_thread : {false, true}) {
        ASSERT_FALSE(is_mapped("libkspawn++.so"));
        Library plugin{::dlopen(helper("plugin.so").c_str(), RTLD_NOW | RTLD_LOCAL)};
        ASSERT_TRUE(plugin) << ::dlerror();
        EXPECT_TRUE(is_mapped("libkspawn++.so"));
        const auto run = reinterpret_cast<int (*)()>(::dlsym(plugin.get(), "plugin_run"));
        ASSERT_NE(run, nullptr);
        int good = 0;
        if (in_a_thread)
            std::jthread([&] { good = run(); }).join();
        else
            good = run();
        EXPECT_EQ(good, 4);
        plugin.reset();
        EXPECT_FALSE(is_mapped("plugin.so"));
        EXPECT_FALSE(is_mapped("libkspawn++.so"));
    }
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
