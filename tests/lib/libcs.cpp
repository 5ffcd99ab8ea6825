// SPDX-License-Identifier: LGPL-2.1-or-later
// The library compiled for older versions of glibc, and for musl: what <kspawn/backend.h>
// says of each.
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "kit/process.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

using Lines = std::map<std::string, std::string>;

std::string failed(int error, unsigned step, unsigned index) {
    return " error " + std::to_string(error) + ", step " + std::to_string(step) + ", index " +
           std::to_string(index) + "\n";
}

// The outcome of each start.
Lines all_done() {
    return {{"plain", " 0 1 2 30 31 500\n"},
            {"pidfd", " 0 1 2 30 31 500\n"},
            {"closefrom", " 0 1 2 30\n"},
            {"close_range", " 0 1 2 500\n"},
            {"cloexec_default", " 1 30\n"},
            {"chdir", " 0 1 2 31 500\n"},
            {"tcsetpgrp", failed(ENOTTY, KSPAWN_STEP_ACTION, 1)},
            {"scheduler", " 0 1 2 30 31 500\n"},
            {"missing", failed(ENOENT, KSPAWN_STEP_EXEC, 0)},
            {"open", failed(ENOENT, KSPAWN_STEP_ACTION, 0)}};
}

std::string unsupported(unsigned step, unsigned index) {
    return failed(ENOTSUP, step, index);
}

Lines run_as(const std::string& libc, const std::string& backend) {
    const auto ended = run({helper("libc_user" + libc)}, {"KSPAWN_BACKEND=" + backend});
    EXPECT_EQ(ended.status, 0) << ended.err;
    Lines lines;
    for (std::size_t at = 0; at < ended.out.size();) {
        const auto end = ended.out.find('\n', at);
        const auto colon = ended.out.find(':', at);
        lines[ended.out.substr(at, colon - at)] = ended.out.substr(colon + 1, end - colon);
        at = end + 1;
    }
    return lines;
}

bool mentions(const std::string& libc, const std::string& name) {
    std::ifstream file{helper("libc_user" + libc), std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.find(name) != std::string::npos;
}

struct Libc {
    const char* suffix;
    bool chdir, strerrordesc, closefrom, tcsetpgrp, scheduler;
};

class Libcs : public ::testing::TestWithParam<Libc> {};

TEST_P(Libcs, DoWhatTheyCan) {
    auto expected = all_done();
    const auto& libc = GetParam();
    if (!libc.chdir)
        expected["chdir"] = unsupported(KSPAWN_STEP_ACTION, 1);
    if (!libc.tcsetpgrp)
        expected["tcsetpgrp"] = unsupported(KSPAWN_STEP_ACTION, 1);
    if (!libc.scheduler)
        expected["scheduler"] = unsupported(KSPAWN_STEP_ATTRIBUTE, KSPAWN_SPAWN_SETSCHEDULER);
    EXPECT_EQ(run_as(libc.suffix, "libc"), expected);
}

TEST_P(Libcs, DoAllThroughTheKernel) {
    KSPAWN_NOT_THROUGH_LIBC("there is no module");
    KSPAWN_NEED_DEVICE();
    EXPECT_EQ(run_as(GetParam().suffix, "kernel"), all_done());
}

// A function that an older libc lacks would keep the program from being loaded there.
TEST_P(Libcs, NeedNothingThatTheyLack) {
    const auto& libc = GetParam();
    const std::string prefix = "posix_spawn_file_actions_add";
    EXPECT_EQ(mentions(libc.suffix, prefix + "chdir_np"), libc.chdir);
    EXPECT_EQ(mentions(libc.suffix, prefix + "closefrom_np"), libc.closefrom);
    EXPECT_EQ(mentions(libc.suffix, prefix + "tcsetpgrp_np"), libc.tcsetpgrp);
    EXPECT_EQ(mentions(libc.suffix, "strerrordesc_np"), libc.strerrordesc);
}

INSTANTIATE_TEST_SUITE_P(Libc, Libcs,
                         ::testing::Values(Libc{"", true, true, true, true, true},
                                           Libc{"_glibc_2_34", true, true, true, false, true},
                                           Libc{"_glibc_2_31", true, false, false, false, true},
                                           Libc{"_glibc_2_28", false, false, false, false, true},
                                           Libc{"_musl", true, false, false, false, false}),
                         [](const auto& libc) {
                             const std::string suffix = libc.param.suffix;
                             return suffix.empty() ? "this" : suffix.substr(1);
                         });

} // namespace

} // namespace kspawn::test
