// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever way a trace ends, it leaves nothing behind in the kernel.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "background.hpp"
#include "kit/process.hpp"
#include "tracer.hpp"

namespace {

using kspawn::test::Background;
using kspawn::test::run;
using kspawn::test::tracer;
using namespace std::chrono_literals;

/// How many there are of what bpftool lists.  It fails if one goes meanwhile.
std::size_t listed(const char* what) {
    auto list = run({"/usr/sbin/bpftool", "-j", what, "list"});
    for (int i = 0; i < 20 && list.status != 0; i++) {
        std::this_thread::sleep_for(50ms);
        list = run({"/usr/sbin/bpftool", "-j", what, "list"});
    }
    EXPECT_EQ(list.status, 0) << list.out << list.err;
    if (list.status != 0 || list.out.empty())
        return 0;
    return nlohmann::json::parse(list.out).size();
}

/// How many programs and links of BPF there are.
std::size_t probes() {
    return listed("prog") + listed("link");
}

/// Whether the number of probes comes to be that: the kernel frees after a grace period.
bool become(std::size_t wanted) {
    for (int i = 0; i < 100 && probes() != wanted; i++)
        std::this_thread::sleep_for(200ms);
    return probes() == wanted;
}

void end_by(int signal) {
    const auto before = probes();
    Background tracing{{tracer(), "-q"}};
    for (int i = 0; i < 100 && probes() < before + 30; i++)
        std::this_thread::sleep_for(200ms);
    EXPECT_GE(probes(), before + 30) << "it is attached";
    tracing.kill(signal);
    EXPECT_EQ(tracing.end(60s), signal == SIGKILL ? 128 + SIGKILL : 0);
    EXPECT_TRUE(become(before)) << run({"/usr/sbin/bpftool", "prog", "list"}).out;
}

TEST(Detaching, atAnEndThatWasAskedFor) {
    end_by(SIGINT);
}

TEST(Detaching, whenKilled) {
    end_by(SIGKILL);
}

TEST(Detaching, atTheEndOfACommand) {
    const auto before = probes();
    EXPECT_EQ(run({tracer(), "-q", "--", "/bin/true"}).status, 0);
    EXPECT_TRUE(become(before));
}

} // namespace
