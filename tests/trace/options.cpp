// SPDX-License-Identifier: LGPL-2.1-or-later
// Filters, exit statuses, and what is lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "background.hpp"
#include "kind.hpp"
#include "kit/process.hpp"
#include "kit/scratch.hpp"
#include "tracer.hpp"

namespace {

using kspawn::test::Background;
using kspawn::test::run;
using kspawn::test::Scratch;
using kspawn::test::subject;
using kspawn::test::trace;
using kspawn::test::tracer;
using nlohmann::json;

/// The subject, spawning until the object goes.
Background spawner(const std::vector<std::string>& before = {}) {
    std::vector<std::string> command{subject(), "forever"};
    command.insert(command.begin() + 1, before.begin(), before.end());
    return Background{command};
}

TEST(Filter, pid) {
    const auto one = spawner();
    const auto other = spawner();
    const auto traced =
        trace({"--kinds", "windows", "--duration", "2", "--pid", std::to_string(one.pid())});
    EXPECT_FALSE(traced.events.empty());
    for (const auto& event : traced.events)
        EXPECT_EQ(event.at("pid"), one.pid()) << event;
    EXPECT_EQ(traced.start.at("filter").at("pid"), one.pid());
}

TEST(Filter, uid) {
    const auto root = spawner();
    const auto nobody = spawner({"nobody"});
    const auto traced = trace({"--kinds", "windows", "--duration", "2", "--uid", "nobody"});
    EXPECT_FALSE(traced.events.empty());
    for (const auto& event : traced.events)
        EXPECT_EQ(event.at("pid"), nobody.pid()) << event;
}

TEST(Filter, comm) {
    const auto one = spawner();
    const auto traced = trace({"--kinds", "windows", "--duration", "2", "--comm", "subject"});
    EXPECT_FALSE(traced.events.empty());
    for (const auto& event : traced.events)
        EXPECT_EQ(event.at("comm"), "subject") << event;
    const auto none = trace({"--kinds", "windows", "--duration", "1", "--comm", "subjec"});
    EXPECT_TRUE(none.events.empty()) << json(none.events);
}

TEST(Filter, aCommandIsFollowedWithItsDescendants) {
    const auto other = spawner();
    const auto ended = run(
        {tracer(), "--json", "--kinds", "windows", "--", "/bin/sh", "-c", subject() + " vfork; :"});
    EXPECT_NE(ended.out.find("\"way\":\"vfork\",\"child\""), std::string::npos) << ended.out;
    EXPECT_NE(ended.out.find("\"counts\":{\"windows\":2}"), std::string::npos) << ended.out;
}

TEST(Status, saysWhatWasFound) {
    EXPECT_EQ(trace({"--kinds", "creds", "--fail-on", "creds"}, {"vfork"}).status, 0);
    EXPECT_EQ(trace({"--kinds", "windows", "--fail-on", "windows"}, {"vfork"}).status, 1);
    EXPECT_EQ(trace({"--kinds", "windows", "--fail-on", "windows"}, {"kspawn", "fork"}).status, 0);
    EXPECT_EQ(trace({"--kinds", "windows,creds", "--fail-on", "creds"}, {"vfork"}).status, 0)
        << "windows were found, but that is not asked";
    EXPECT_EQ(trace({"--kinds", "windows"}, {"vfork"}).status, 0);
}

TEST(Status, ofMistakes) {
    for (const auto& options :
         std::vector<std::vector<std::string>>{{"--no-such"},
                                               {"--fail-on", "window"},
                                               {"--kinds", "creds", "--fail-on", "fds"},
                                               {"--duration", "x"},
                                               {"--uid", "no such user"},
                                               {"--fd-gap", "1 lightyear"},
                                               {"--buffer", "5"},
                                               {"--without-hook", "no_such"},
                                               {"--pid", "1", "--", "true"},
                                               {"--"}}) {
        std::vector<std::string> command{tracer()};
        command.insert(command.end(), options.begin(), options.end());
        const auto ended = run(command);
        EXPECT_EQ(ended.status, 125) << json(options);
        EXPECT_EQ(ended.err.find("kspawn-trace: "), 0U) << ended.err;
        EXPECT_EQ(ended.out, "");
    }
}

TEST(Status, ofACommandThatIsNotThere) {
    const auto ended = run({tracer(), "--kinds", "windows", "--", "/no/such/command"});
    EXPECT_EQ(ended.status, 127);
    EXPECT_NE(ended.err.find("/no/such/command: No such file or directory"), std::string::npos)
        << ended.err;
}

TEST(Status, withoutPrivilege) {
    const auto ended =
        run({"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tracer()});
    EXPECT_EQ(ended.status, 126);
    EXPECT_NE(ended.err.find("CAP_BPF"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("kspawn-trace report"), std::string::npos) << ended.err;
}

TEST(Status, withoutBtf) {
    const auto ended = run({"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                            "mount -t tmpfs none /sys/kernel/btf && exec " + tracer()});
    EXPECT_EQ(ended.status, 126);
    EXPECT_NE(ended.err.find("CONFIG_DEBUG_INFO_BTF"), std::string::npos) << ended.err;
}

TEST(MissingHook, isNamedAndMakesItsKindUnknown) {
    const auto traced =
        trace({"--kinds", "windows,creds", "--without-hook", "commit_creds", "--fail-on", "creds"},
              {"drop-in-child", "vfork"});
    EXPECT_EQ(traced.status, 2);
    EXPECT_EQ(traced.of("windows").size(), 2U) << "the other kind works";
    ASSERT_EQ(traced.summary.at("missing").size(), 1U);
    const auto hook = traced.summary.at("missing").front().at("hook").get<std::string>();
    EXPECT_TRUE(hook.ends_with("/commit_creds")) << hook;
    EXPECT_EQ(traced.summary.at("missing").front().at("kind"), "creds");
    EXPECT_NE(traced.err.find("/commit_creds"), std::string::npos) << traced.err;
    EXPECT_FALSE(traced.summary.at("complete"));
}

TEST(MissingHook, ofEverythingEndsTheTrace) {
    const auto ended = run({tracer(), "--without-hook", "wake_up_new_task", "--", "/bin/true"});
    EXPECT_EQ(ended.status, 126);
    EXPECT_NE(ended.err.find("/wake_up_new_task"), std::string::npos) << ended.err;
}

/// The kernel takes kprobes and does not run them, for as long as this lives.
class NoKprobes {
public:
    NoKprobes() { write('0'); }
    NoKprobes(const NoKprobes&) = delete;
    NoKprobes& operator=(const NoKprobes&) = delete;
    NoKprobes(NoKprobes&&) = delete;
    NoKprobes& operator=(NoKprobes&&) = delete;
    ~NoKprobes() { write('1'); }

private:
    static void write(char value) {
        std::ofstream file{"/sys/kernel/debug/kprobes/enabled"};
        EXPECT_TRUE(file << value << std::flush);
    }
};

// A kernel that can be preempted has kprobes only, others have one.
TEST(SelfTest, noticesAProbeThatIsNeverRun) {
    const NoKprobes none;
    const auto ended =
        run({tracer(), "-s", "--kinds", "creds", "--fail-on", "creds", "--", "/bin/true"});
    const std::string everything =
        "kprobe/wake_up_new_task: fork() of the tracer's own did not come by there; without it "
        "nothing can be traced";
    const std::string one = "kprobe/pin_user_pages_remote: process_vm_writev() of the tracer's "
                            "own did not come by there; changes of the shared memory are not all "
                            "counted; all else works";
    if (ended.status == 126) {
        EXPECT_NE(ended.err.find(everything), std::string::npos) << ended.err;
    } else {
        EXPECT_EQ(ended.status, 2) << ended.err;
        EXPECT_NE(ended.err.find(one), std::string::npos) << ended.err;
    }
}

TEST(SelfTest, findsNothingMissing) {
    const auto traced = trace({"--kinds", "windows,creds,signals,fds,stalls"}, {"flood"});
    EXPECT_TRUE(traced.summary.at("missing").empty()) << traced.summary;
    EXPECT_EQ(traced.err.find("the tracer's own"), std::string::npos) << traced.err;
}

TEST(Losses, ofTheBufferAreCounted) {
    const auto traced =
        trace({"--kinds", "windows", "--buffer", "4", "--fail-on", "windows"}, {"flood"});
    const auto told = traced.of("windows").size();
    EXPECT_LT(told, 100U);
    EXPECT_GT(traced.summary.at("drops").at("ring"), 0);
    EXPECT_EQ(traced.status, 1) << "what was found was found";
    EXPECT_FALSE(traced.summary.at("complete"));

    EXPECT_GT(told + traced.summary.at("drops").at("ring").get<std::size_t>(), 100U)
        << "records, of which a window has two";
    const auto text =
        run({tracer(), "-s", "-k", "windows", "--buffer", "4", "--", subject(), "flood"});
    EXPECT_NE(text.err.find(" records had no room in the buffer (--buffer), "), std::string::npos)
        << text.err;

    const auto unknown =
        trace({"--kinds", "windows,creds", "--buffer", "4", "--fail-on", "creds"}, {"flood"});
    EXPECT_EQ(unknown.status, 2) << unknown.summary;
    EXPECT_EQ(unknown.summary.at("verdict"), "unknown");
}

TEST(Losses, ofTheMapsAreCounted) {
    // The shell's child is one window, and stays; its own is the second.
    const auto ended =
        run({tracer(), "--json", "--kinds", "windows,creds", "--max-windows", "1", "--fail-on",
             "creds", "--", "/bin/sh", "-c", "(" + subject() + " vfork; :) & wait"});
    const auto last =
        json::parse(ended.out.substr(ended.out.rfind('\n', ended.out.size() - 2) + 1));
    EXPECT_GT(last.at("drops").at("maps"), 0) << last;
    EXPECT_EQ(ended.status, 2) << last;
}

TEST(Losses, areNoneAsLongAsWindowsFit) {
    // Not each kind has a probe that sees how long a caller waits.
    for (const auto& kind : kspawn::trace::names_of(kspawn::trace::every_kind())) {
        const auto traced = trace({"--kinds", kind, "--max-windows", "2"}, {"vfork-in-threads"});
        EXPECT_EQ(traced.summary.at("drops").at("maps"), 0) << kind << traced.summary;
    }
}

TEST(Losses, ofDescriptorsAreCounted) {
    const std::vector<std::string> options{"--kinds", "fds", "--fail-on", "fds"};
    const auto enough = trace(options, {"many-descriptors"});
    EXPECT_EQ(enough.status, 0) << enough.summary;
    auto few = options;
    few.insert(few.end(), {"--max-descriptors", "10"});
    const auto traced = trace(few, {"many-descriptors"});
    EXPECT_GT(traced.summary.at("drops").at("maps"), 0) << traced.summary;
    EXPECT_EQ(traced.status, 2) << traced.summary;
}

TEST(Output, toAFileIsWrittenQuietlyToo) {
    const Scratch scratch;
    for (const bool as_json : {true, false}) {
        const auto path = scratch.file(as_json ? "json" : "text");
        std::vector<std::string> command{tracer(), "--kinds", "windows", "--quiet", "-o", path};
        if (as_json)
            command.emplace_back("--json");
        command.insert(command.end(), {"--without-hook", "kernel_clone", "--", subject(), "vfork"});
        const auto ended = run(command);
        EXPECT_EQ(ended.status, 0);
        EXPECT_EQ(ended.out + ended.err, "") << "not even that a hook is missing";
        std::ifstream file{path};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        if (as_json) {
            EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
            EXPECT_NE(text.find("\"kind\":\"windows\""), std::string::npos) << text;
            EXPECT_NE(text.find("\"kind\":\"summary\""), std::string::npos) << text;
        } else {
            EXPECT_NE(text.find("kspawn-trace: 1 child "), std::string::npos) << text;
            EXPECT_NE(text.find("/kernel_clone: left out by"), std::string::npos) << text;
        }
    }
}

TEST(Output, isAsWanted) {
    const auto quiet = run({tracer(), "--kinds", "windows", "-q", "--", subject(), "vfork"});
    EXPECT_EQ(quiet.out + quiet.err, "");
    const auto text =
        run({tracer(), "--kinds", "windows,creds", "--", subject(), "drop-in-child", "kspawn"});
    EXPECT_EQ(text.out, "") << "it is the command's";
    EXPECT_NE(text.err.find(" made child "), std::string::npos) << text.err;
    EXPECT_NE(text.err.find("can write the memory of one with more"), std::string::npos)
        << text.err;
    EXPECT_NE(text.err.find("kspawn-trace: 2 children"), std::string::npos) << text.err;
    const auto summary =
        run({tracer(), "--kinds", "windows", "--summary", "--", subject(), "vfork"});
    EXPECT_EQ(summary.err.find(" made child "), std::string::npos) << summary.err;
    EXPECT_NE(summary.err.find("kspawn-trace: 1 child "), std::string::npos) << summary.err;
}

TEST(Output, isOfOneFindingALine) {
    const auto text =
        run({tracer(), "-k", "fds", "--fd-gap", "10s", "--", subject(), "inherited-often"});
    std::size_t lines = 0;
    for (auto at = text.err.find("] opened "); at != std::string::npos;
         at = text.err.find("] opened ", at + 1))
        lines++;
    EXPECT_EQ(lines, 2U) << text.err;
    EXPECT_NE(
        text.err.find("fds      2 descriptors reached a program by accident, 10 times in all"),
        std::string::npos)
        << text.err;
}

TEST(Output, countsChildrenWhateverIsTraced) {
    const auto text = run({tracer(), "-k", "creds", "--", subject(), "drop-in-child", "fork"});
    EXPECT_NE(text.err.find("kspawn-trace: 2 children "), std::string::npos) << text.err;
    EXPECT_NE(text.err.find("creds    1 change of credentials"), std::string::npos) << text.err;
}

TEST(Verdict, isOneForAll) {
    const auto verdict_of = [](const char* behaviour) {
        auto traced = trace({"--stall-min", "1s"}, {behaviour});
        const auto text = run({tracer(), "--summary", "--", subject(), behaviour}).err;
        const std::string sentence = traced.summary.value("verdict_text", "none");
        EXPECT_NE(text.find('\n' + sentence + '\n'), std::string::npos) << sentence << text;
        return std::pair{traced.summary.at("verdict"), sentence.substr(0, sentence.find(' '))};
    };
    EXPECT_EQ(verdict_of("kspawn"), std::pair(json("clean"), std::string{"Clean:"}));
    EXPECT_EQ(verdict_of("vfork"), std::pair(json("clean"), std::string{"Clean:"}))
        << "there were windows, and nothing happened in them";
    EXPECT_EQ(verdict_of("drop-in-child"), std::pair(json("found"), std::string{"Found:"}));
}

} // namespace
