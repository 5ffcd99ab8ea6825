// SPDX-License-Identifier: LGPL-2.1-or-later
// Each kind of event is told when it happens, and not when it does not.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tracer.hpp"

namespace {

using kspawn::test::trace;
using kspawn::test::trace_reproducer;
using nlohmann::json;

using Strings = std::vector<std::string>;

/// The events of a kind, as many as there must be.
std::vector<json> told(const kspawn::test::Trace& traced, const char* kind, std::size_t count) {
    auto events = traced.of(kind);
    EXPECT_EQ(events.size(), count) << json(traced.events);
    events.resize(count);
    return events;
}

void expect_clean(const kspawn::test::Trace& traced) {
    EXPECT_TRUE(traced.events.empty()) << json(traced.events);
    EXPECT_EQ(traced.summary.at("verdict"), "clean") << traced.summary;
}

TEST(Windows, ofEachWayAreTold) {
    const auto traced = trace({"--kinds", "windows"},
                              {"vfork", "posix-spawn", "clone-vm", "fork", "kspawn", "vfork-exit"});
    const auto windows = told(traced, "windows", 6);
    std::map<std::string, json> ways;
    for (const auto& window : windows) {
        if (window.at("outcome") == "exec")
            ways[window.at("way")] = window;
        EXPECT_GT(window.at("duration_ns"), 0) << window;
        EXPECT_EQ(window.at("duration_ns"),
                  window.at("end").get<long>() - window.at("start").get<long>())
            << window;
        EXPECT_EQ(window.at("threads"), 2) << window;
        EXPECT_NE(window.at("child").at("pid"), window.at("pid")) << window;
    }
    ASSERT_EQ(ways.size(), 5U) << json(windows);
    for (const auto* const way : {"vfork", "clone_vm_vfork", "clone_vm"}) {
        EXPECT_TRUE(ways.at(way).at("user_code")) << ways.at(way);
        EXPECT_TRUE(ways.at(way).at("shared")) << ways.at(way);
        EXPECT_EQ(ways.at(way).at("sharers"), 3) << ways.at(way);
        EXPECT_EQ(ways.at(way).at("program"), "/bin/true") << ways.at(way);
    }
    EXPECT_TRUE(ways.at("fork").at("user_code"));
    EXPECT_FALSE(ways.at("fork").at("shared"));
    EXPECT_TRUE(ways.at("kspawn").at("shared"));
    EXPECT_FALSE(ways.at("kspawn").at("user_code"));
    EXPECT_EQ(ways.at("kspawn").at("program"), "/bin/true");
    // A caller that waits does so at least as long as the window is open.
    for (const auto* const way : {"vfork", "clone_vm_vfork", "kspawn"})
        EXPECT_GE(ways.at(way).at("blocked_ns"), ways.at(way).at("duration_ns")) << ways.at(way);
    for (const auto* const way : {"clone_vm", "fork"})
        EXPECT_TRUE(ways.at(way).at("blocked_ns").is_null()) << ways.at(way);
    const auto& last = windows.back();
    EXPECT_EQ(last.at("outcome"), "exit") << last;
    EXPECT_TRUE(last.at("program").is_null()) << last;
    EXPECT_EQ(traced.summary.at("counts").at("windows"), 6);
    EXPECT_EQ(traced.summary.at("findings").at("windows"), 4) << "not fork, not kspawn";
}

TEST(Windows, ofThreadsAreNone) {
    expect_clean(trace({"--kinds", "windows"}, {"threads"}));
}

bool ends_with(const json& path, const std::string& name) {
    return path.is_string() && path.get<std::string>().ends_with(name);
}

TEST(Creds, aDropInAWindowIsTold) {
    const auto traced =
        trace_reproducer({"--kinds", "windows,creds"}, {"credentials", "glibc", "--thread"});
    const auto changes = told(traced, "creds", 1);
    const auto& change = changes.front();
    EXPECT_EQ(change.at("by"), "sharer");
    EXPECT_NE(change.at("tid"), change.at("pid"));
    EXPECT_EQ(change.at("before").at("uid"), 0);
    EXPECT_EQ(change.at("after").at("uid"), 65534);
    EXPECT_EQ(change.at("after").at("cap_effective"), "0000000000000000");
    EXPECT_EQ(change.at("other").at("uid"), 0);
    EXPECT_EQ(change.at("exposed"), "child");
    EXPECT_TRUE(ends_with(change.at("program"), "/attacker")) << change;
    const Strings changed = change.at("changed");
    EXPECT_EQ(changed.front(), "uid") << change;
    // The other is of the process that has the threads.
    const auto windows = traced.of("windows");
    ASSERT_EQ(windows.size(), 2U);
    const auto& window = windows.at(windows.front().at("way") == "fork" ? 1 : 0);
    EXPECT_EQ(window.at("window"), change.at("window"));
    EXPECT_GT(change.at("time"), change.at("opened"));
    EXPECT_LT(change.at("time"), change.at("closed"));
}

TEST(Creds, aDropInTheChildIsTold) {
    const auto changes = told(trace({"--kinds", "creds"}, {"drop-in-child"}), "creds", 1);
    EXPECT_EQ(changes.front().at("by"), "child");
    EXPECT_EQ(changes.front().at("exposed"), "caller");
    EXPECT_EQ(changes.front().at("pid"), changes.front().at("child").at("pid"));
}

TEST(Creds, eachSortOfChangeIsTold) {
    const auto changes = told(trace({"--kinds", "creds"}, {"changes"}), "creds", 6);
    const auto changed = [&changes](std::size_t index) -> Strings {
        return changes.at(index).at("changed");
    };
    EXPECT_EQ(changed(0), (Strings{"gid", "egid", "sgid", "fsgid"}));
    EXPECT_EQ(changed(1), Strings{"groups"});
    EXPECT_EQ(changes.at(1).at("after").at("groups"), json::array({100}));
    EXPECT_EQ(changed(2), Strings{"cap_bounding"});
    EXPECT_EQ(changed(3), Strings{"securebits"});
    EXPECT_EQ(changes.at(3).at("after").at("securebits"), 1);
    EXPECT_EQ(changed(4), Strings{"session_keyring"});
    EXPECT_NE(changes.at(4).at("after").at("session_keyring"), 0);
    EXPECT_EQ(changed(5), Strings{"thread_keyring"});
    EXPECT_FALSE(changes.at(4).at("after").at("no_new_privs"));
    EXPECT_TRUE(changes.at(5).at("after").at("no_new_privs"));
    if (std::filesystem::exists("/sys/module/apparmor/parameters/enabled")) {
        EXPECT_EQ(changes.at(0).at("before").at("label"), "unconfined");
    }
}

TEST(Creds, whatWritesTheMemoryInAWindowIsCounted) {
    const auto traced = trace({"--kinds", "windows,creds"}, {"writes"});
    std::vector<json> shared;
    for (const auto& window : traced.of("windows")) {
        if (window.at("shared"))
            shared.push_back(window);
    }
    ASSERT_EQ(shared.size(), 4U) << json(traced.events);
    EXPECT_EQ(shared[0].at("memory"), json({{"process_vm_writev", 1}})) << "process_vm_writev()";
    EXPECT_EQ(shared[1].at("memory"), json({{"remote", 1}})) << "/proc/self/mem";
    EXPECT_EQ(shared[2].at("memory"), json({{"remote", 1}})) << "ptrace()";
    EXPECT_GE(shared[3].at("memory").value("mmap", 0), 1) << shared[3];
    EXPECT_GE(shared[3].at("memory").value("mprotect", 0), 1) << shared[3];
}

TEST(Creds, whatIsNoHazardIsNot) {
    expect_clean(trace({"--kinds", "creds"}, {"drop-nothing", "drop-alone"}));
    expect_clean(trace_reproducer({"--kinds", "creds"}, {"credentials", "kspawn", "--thread"}));
}

TEST(Signals, aHandlerInAChildIsTold) {
    const auto traced = trace_reproducer({"--kinds", "windows,signals"}, {"handler", "vfork"});
    const auto signals = told(traced, "signals", 1);
    const auto& signal = signals.front();
    EXPECT_EQ(signal.at("name"), "SIGWINCH");
    EXPECT_EQ(signal.at("way"), "vfork");
    EXPECT_NE(signal.at("pid"), signal.at("caller").at("pid"));
    // It comes from the process that has made the caller.
    for (const auto& window : traced.of("windows")) {
        if (window.at("child").at("pid") == signal.at("caller").at("pid")) {
            EXPECT_EQ(signal.at("sender"), window.at("pid"));
        }
    }
}

TEST(Signals, aHandlerElsewhereIsNot) {
    expect_clean(trace({"--kinds", "signals"}, {"handler-elsewhere"}));
}

TEST(Fds, aLateMarkIsTold) {
    const auto leaks =
        told(trace_reproducer({"--kinds", "fds", "--fd-gap", "60s"}, {"descriptors", "glibc"}),
             "fds", 1);
    EXPECT_EQ(leaks.front().at("why"), "late_cloexec");
    EXPECT_TRUE(ends_with(leaks.front().at("path"), "/secret")) << leaks.front();
    EXPECT_NE(leaks.front().at("tid"), leaks.front().at("caller").at("tid"));
    EXPECT_GT(leaks.front().at("marked"), leaks.front().at("opened"));
    EXPECT_TRUE(ends_with(leaks.front().at("program"), "/intended")) << leaks.front();
}

TEST(Fds, anAccidentIsToldOfEitherPath) {
    const auto leaks = told(
        trace({"--kinds", "fds", "--fd-gap", "1s"}, {"inherited", "inherited-kspawn"}), "fds", 2);
    EXPECT_EQ(leaks.front().at("why"), "inherited");
    EXPECT_EQ(leaks.front().at("way"), "clone_vm_vfork");
    EXPECT_TRUE(leaks.front().at("marked").is_null());
    EXPECT_EQ(leaks.back().at("why"), "inherited");
    EXPECT_EQ(leaks.back().at("way"), "kspawn");
}

TEST(Fds, whatIsInheritedAgainIsOneFinding) {
    const auto traced = trace({"--kinds", "fds", "--fd-gap", "10s"}, {"inherited-often"});
    const auto leaks = told(traced, "fds", 10);
    std::map<std::string, std::vector<int>> repeats;
    for (const auto& leak : leaks)
        repeats[leak.at("path")].push_back(leak.at("repeat"));
    const std::vector<int> five{0, 1, 2, 3, 4};
    EXPECT_EQ(repeats["/etc/passwd"], five);
    EXPECT_EQ(repeats["/etc/group"], five);
    EXPECT_EQ(traced.summary.at("counts").at("fds"), 10) << traced.summary;
    EXPECT_EQ(traced.summary.at("findings").at("fds"), 2) << traced.summary;
}

TEST(Fds, oneIsToldWhoseNumberMeansAnotherFileByNow) {
    const auto leaks = told(trace({"--kinds", "fds", "--fd-gap", "1s"}, {"reopened"}), "fds", 1);
    EXPECT_EQ(leaks.front().at("path"), "/etc/passwd") << "not the file that came after it";
    EXPECT_EQ(leaks.front().at("why"), "late_cloexec");
}

TEST(Fds, anotherFileInItsPlaceIsNot) {
    expect_clean(trace({"--kinds", "fds", "--fd-gap", "1s"}, {"file-in-its-place"}));
}

TEST(Fds, duplicatesAreToldEachForItself) {
    const auto leaks = told(trace({"--kinds", "fds", "--fd-gap", "1s"}, {"duplicated"}), "fds", 2);
    std::map<std::string, json> by_why;
    for (const auto& leak : leaks)
        by_why[leak.at("why")] = leak;
    ASSERT_EQ(by_why.size(), 2U) << json(leaks);
    EXPECT_EQ(by_why.at("inherited").at("fd"), 40);
    EXPECT_NE(by_why.at("late_cloexec").at("fd"), 40);
}

TEST(Fds, oneIsToldThatAChildHasLongHad) {
    const auto traced = trace({"--kinds", "fds", "--fd-gap", "200ms"}, {"held-long"});
    EXPECT_EQ(traced.of("fds").size(), 1U) << json(traced.events);
}

TEST(Fds, whatIsMeantIsNot) {
    expect_clean(trace({"--kinds", "fds", "--fd-gap", "1s"},
                       {"cloexec", "named", "named-kspawn", "own-descriptor", "old-descriptor"}));
}

TEST(Stalls, theWaitOfACallerIsTold) {
    const auto stalls =
        told(trace_reproducer({"--kinds", "stalls", "--stall-min", "1s"}, {"stall", "vfork"}),
             "stalls", 1);
    EXPECT_EQ(stalls.front().at("cause"), "vfork");
    EXPECT_EQ(stalls.front().at("role"), "caller");
    EXPECT_GE(stalls.front().at("wait_ns"), 1'000'000'000);
    const auto others =
        trace({"--kinds", "stalls", "--stall-min", "250ms"}, {"slow-clone-vm", "vfork-exit"});
    EXPECT_TRUE(others.events.empty()) << json(others.events);
}

TEST(Stalls, aContendedLockIsTold) {
    const auto traced = trace({"--kinds", "stalls", "--stall-min", "0ns"}, {"contention"});
    int waits = 0;
    for (const auto& stall : traced.of("stalls")) {
        // With PREEMPT_RT, a writer that waits for readers owns what is inside of the lock.
        if (stall.at("cause") == "lock" && !stall.at("holder").is_null()) {
            EXPECT_NE(stall.at("holder").at("tid"), stall.at("tid")) << stall;
        }
        if (stall.at("lock") == "mmap_lock" && stall.at("role") == "thread") {
            waits++;
            EXPECT_EQ(stall.at("way"), "vfork") << stall;
            EXPECT_FALSE(stall.at("window").is_null()) << stall;
        }
    }
    EXPECT_GT(waits, 0) << traced.summary;
}

TEST(MissingHook, makesEachKindUnknownThatNeedsIt) {
    const auto traced = trace({"--kinds", "windows,stalls", "--without-hook",
                               "mm_update_next_owner", "--fail-on", "stalls", "--stall-min", "60s"},
                              {"vfork"});
    EXPECT_EQ(traced.status, 2) << traced.summary;
    EXPECT_EQ(traced.summary.at("verdict"), "unknown");
    std::vector<std::string> kinds;
    for (const auto& probe : traced.summary.at("missing")) {
        const auto hook = probe.at("hook").get<std::string>();
        EXPECT_TRUE(hook.ends_with("/mm_update_next_owner")) << hook;
        kinds.push_back(probe.at("kind"));
    }
    EXPECT_EQ(kinds, (std::vector<std::string>{"windows", "stalls"}));
    const auto said = traced.err.find("/mm_update_next_owner");
    EXPECT_NE(said, std::string::npos) << traced.err;
    EXPECT_EQ(traced.err.find("/mm_update_next_owner", said + 1), std::string::npos)
        << "one sentence for both kinds: " << traced.err;
}

} // namespace
