// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn run: every option, and every exit status.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

using Arguments = std::vector<std::string>;

Arguments operator+(Arguments left, const Arguments& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

std::string tool() {
    return (build_directory() / "kspawn").string();
}

class ToolRun : public Spawner {
protected:
    static Ended kspawn_run(const Arguments& arguments, const Arguments& variables = {}) {
        return test::run(Arguments{tool(), "run"} + arguments, variables);
    }
    // The report of a child on itself that was started with these options.
    Json report_with(const Arguments& options, const Arguments& variables = {}) {
        const auto ended =
            kspawn_run(options + Arguments{"--", helper("child"), "report", scratch.file("report")},
                       variables);
        EXPECT_EQ(ended.status, 0) << ended.err;
        EXPECT_EQ(ended.err, "");
        return ended.status == 0 ? read_report(scratch.read("report")) : Json{};
    }
};

TEST_F(ToolRun, PassesArgumentsOutputAndStatusThrough) {
    expect(kspawn_run({"sh", "-c", "echo \"$@\"; echo err >&2; exit 7", "x", "--stdin", "-v", "--",
                       "a b"}),
           7, "err\n", "--stdin -v -- a b\n");
    expect(kspawn_run({"--", "echo", "-n", "x"}), 0, "", "x");
}

TEST_F(ToolRun, StatusOfAKilledProgram) {
    for (const int number : {SIGKILL, SIGTERM, SIGUSR1, SIGSEGV})
        EXPECT_EQ(kspawn_run({helper("child"), "kill", std::to_string(number)}).status,
                  128 + number);
}

TEST_F(ToolRun, StatusOfWhatCannotBeExecuted) {
    const auto file = scratch.write("file", "no program", 0644);
    expect(kspawn_run({file}), 126, "kspawn: exec " + file + ": Permission denied\n");
    const auto text = scratch.write("text", "no program", 0755);
    expect(kspawn_run({text}), 126, "kspawn: exec " + text + ": Exec format error\n");
    expect(kspawn_run({"/"}), 126, "kspawn: exec /: Permission denied\n");
}

TEST_F(ToolRun, StatusOfWhatIsNotThere) {
    expect(kspawn_run({"/no/such/program"}), 127,
           "kspawn: exec /no/such/program: No such file or directory\n");
    expect(kspawn_run({"no-such-program"}, {"PATH=/usr/bin:/bin"}), 127,
           "kspawn: search no-such-program in /usr/bin:/bin: No such file or directory\n");
    expect(kspawn_run({"--path", "/srv:/mnt", "nope"}), 127,
           "kspawn: search nope in /srv:/mnt: No such file or directory\n");
    EXPECT_EQ(kspawn_run({""}).status, 127);
    const auto script = scratch.write("script", "#!/no/such/interpreter\n", 0755);
    for (const auto* call : {"spawn", "async", "wait"})
        expect(kspawn_run({"--call", call, script}), 127,
               "kspawn: exec " + script +
                   ": No such file or directory (the file exists; the interpreter that it "
                   "names does not?)\n");
}

TEST_F(ToolRun, StatusOfOurOwnFailures) {
    expect(kspawn_run({"--chdir", "/no/such", "true"}), 125,
           "kspawn: --chdir /no/such: No such file or directory\n");
    expect(kspawn_run({"--stdin", "/no/such", "true"}), 125,
           "kspawn: --stdin /no/such: No such file or directory\n");
    expect(kspawn_run({"--stdout", "/dev/null", "--stderr", "/no/such/file", "true"}), 125,
           "kspawn: --stderr /no/such/file: No such file or directory\n");
    expect(kspawn_run({"--pgroup=4194303", "true"}), 125,
           "kspawn: --pgroup=4194303: Operation not permitted\n");
    expect(kspawn_run({"--cgroup", "/no/such", "true"}), 125,
           "kspawn: --cgroup /no/such: No such file or directory\n");
    expect(kspawn_run({"--cgroup", "/tmp", "true"}), 125,
           "kspawn: --cgroup /tmp: not a directory of cgroup version 2\n");
}

TEST(ToolUsage, MistakesAreOneLineAndStatus125) {
    const std::pair<Arguments, std::string> mistakes[] = {
        {{}, "PROGRAM is required"},
        {{"--"}, "PROGRAM is required"},
        {{"--no-such-option", "true"}, "there is no option --no-such-option"},
        {{"--chdir"}, "--chdir needs a DIR"},
        {{"--env", "NAME", "true"}, "--env: NAME=VALUE is wanted"},
        {{"--env", "=x", "true"}, "--env: NAME=VALUE is wanted"},
        {{"--unset", "A=B", "true"}, "--unset: a variable's name is wanted"},
        {{"--close-from", "-1", "true"}, "--close-from: a descriptor's number is wanted"},
        {{"--close-from", "x", "true"}, "--close-from: a descriptor's number is wanted"},
        {{"--pgroup=x", "true"}, "--pgroup: PGID is a process group's number"},
        {{"--sched", "best", "true"}, "--sched: POLICY is one of other, batch, idle, fifo, rr"},
        {{"--sched", "fifo:x", "true"}, "--sched: PRIORITY is a number"},
        {{"--ignore-signal", "NOPE", "true"}, "--ignore-signal: there is no signal NOPE"},
        {{"--default-signal", "0", "true"}, "--default-signal: there is no signal 0"},
        {{"--block-signal", "65", "true"}, "--block-signal: there is no signal 65"},
        {{"--block-signal", "RTMIN+99", "true"}, "--block-signal: there is no signal RTMIN+99"},
        {{"--path", "/bin", "--no-search", "true"}, "--path excludes --no-search"},
        {{"--stdin", "a", "--stdin", "b", "true"}, "--stdin was given more than once"},
        {{"--backend", "solaris", "true"}, "--backend: BACKEND is one of auto, kernel, libc"},
        {{"--pgroup", "--setsid", "true"}, "--pgroup excludes --setsid"},
        {{"--limit", "nofile", "true"}, "--limit: RES=SOFT:HARD is wanted"},
        {{"--limit", "nofile=:", "true"}, "--limit: RES=SOFT:HARD is wanted"},
        {{"--limit", "files=3", "true"}, "--limit: there is no resource files"},
        {{"--limit", "nofile=x", "true"}, "--limit: a limit is a number, or unlimited"},
        {{"--setns", "net", "true"}, "--setns: a file's path, or TYPE:PID, is wanted"},
        {{"--setns", "net:0", "true"}, "--setns: a file's path, or TYPE:PID, is wanted"},
        {{"--unshare", "disk", "true"}, "--unshare: there is no namespace disk"},
        {{"--cpu-list", "3-1", "true"}, "--cpu-list: LIST is numbers and ranges, as in 0,4-7"},
        {{"--cpu-list", "32768", "true"}, "--cpu-list: LIST is numbers and ranges, as in 0,4-7"},
        {{"--ionice", "fast", "true"},
         "--ionice: CLASS is one of none, realtime, best-effort, idle"},
        {{"--ionice", "idle:8", "true"}, "--ionice: LEVEL is 0 to 7"},
        {{"--mempolicy", "x", "true"},
         "--mempolicy: POLICY is one of default, preferred, bind, interleave, local"},
        {{"--personality", "x", "true"}, "--personality: there is no x"},
        {{"--inh-caps", "chown", "true"}, "--inh-caps: each NAME has a + or a - before it"},
        {{"--inh-caps", "+cap_64", "true"}, "--inh-caps: there is no cap_64"},
        {{"--groups", "x", "true"}, "--groups: GID is a number"},
        {{"--ctty", "true"}, "--ctty requires --setsid"},
        {{"--sched-runtime", "5", "true"}, "--sched-runtime requires --sched-deadline"},
        {{"--close-except", "-1", "true"}, "--close-except: N is a descriptor's number"},
    };
    for (const auto& [arguments, message] : mistakes) {
        const auto ended = run(Arguments{tool(), "run"} + arguments);
        EXPECT_EQ(ended.status, 125) << message;
        EXPECT_EQ(ended.err, "kspawn: " + message + " (see kspawn run --help)\n");
        EXPECT_EQ(ended.out, "");
    }
}

TEST(ToolUsage, HelpNamesEveryOption) {
    const auto ended = run({tool(), "run", "--help"});
    EXPECT_EQ(ended.status, 0);
    for (const auto* const option : {"--path LIST",
                                     "--no-search",
                                     "--argv0 NAME",
                                     "--chdir DIR",
                                     "--clear-env",
                                     "--unset NAME",
                                     "--env NAME=VALUE",
                                     "--stdin FILE",
                                     "--stdout FILE",
                                     "--stderr FILE",
                                     "--append",
                                     "--close-from N",
                                     "--close-others",
                                     "--pgroup[=PGID]",
                                     "--setsid",
                                     "--default-signals",
                                     "--default-signal SIGNAL",
                                     "--ignore-signal SIGNAL",
                                     "--block-signal SIGNAL",
                                     "--reset-ids",
                                     "--cgroup DIR",
                                     "--sched POLICY[:PRIO]",
                                     "--close-except N",
                                     "--ctty",
                                     "--setns FILE|TYPE:PID",
                                     "--unshare TYPE",
                                     "--root DIR",
                                     "--umask MASK",
                                     "--limit RES=SOFT:HARD",
                                     "--nice N",
                                     "--oom-score N",
                                     "--ionice CLASS[:LEVEL]",
                                     "--cpu-list LIST",
                                     "--mempolicy POLICY[:NODES]",
                                     "--sched-runtime NS",
                                     "--sched-deadline NS",
                                     "--sched-period NS",
                                     "--reset-on-fork",
                                     "--personality NAME",
                                     "--timer-slack NS",
                                     "--subreaper",
                                     "--group GID",
                                     "--groups GID",
                                     "--user UID",
                                     "--inh-caps +NAME,-NAME",
                                     "--ambient-caps +NAME,-NAME",
                                     "--bounding-set +NAME,-NAME",
                                     "--securebits +NAME,-NAME",
                                     "--no-new-privs",
                                     "--parent-death-signal SIGNAL",
                                     "--stopped",
                                     "--backend BACKEND",
                                     "--verbose"})
        EXPECT_NE(ended.out.find(option), std::string::npos) << option;
}

TEST(ToolUsage, HelpAndVersionInAllTheirForms) {
    const auto help = run({tool(), "--help"});
    EXPECT_EQ(help.status, 0);
    for (const Arguments& form : {Arguments{"help"}, {"help", "help"}, {"-h"}})
        EXPECT_EQ(run(Arguments{tool()} + form).out, help.out) << form.front();
    for (const std::string command : {"run", "pipe", "doctor", "stats"}) {
        const auto asked = run({tool(), "help", command});
        EXPECT_EQ(asked.status, 0);
        EXPECT_TRUE(asked.out.find("Usage: kspawn " + command) != std::string::npos) << asked.out;
        EXPECT_EQ(asked.out, run({tool(), command, "--help"}).out);
        EXPECT_NE(help.out.find(command), std::string::npos);
    }
    const auto nobody = run({tool(), "help", "nosuch"});
    EXPECT_EQ(nobody.status, 125);
    EXPECT_EQ(nobody.err, "kspawn: there is no command nosuch (see kspawn --help)\n");
    EXPECT_EQ(run({tool(), "-V"}).out, run({tool(), "--version"}).out);
    EXPECT_EQ(run({tool()}).err, "kspawn: COMMAND is required (see kspawn --help)\n");
    EXPECT_EQ(run({tool(), "stats", "more"}).err,
              "kspawn: more was not expected (see kspawn --help)\n");
}

// No device of that name; what is tested is the same on a machine without the module.
class ToolWithoutModule : public ::testing::Test {
protected:
    static Ended kspawn_run(const Arguments& arguments, const Arguments& more = {}) {
        const std::string script = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && "
                                   "exec \"$0\" run \"$@\"";
        const Arguments hide{"/usr/bin/unshare", "-m", "/bin/sh", "-c", script, tool()};
        return test::run(hide + arguments, Arguments{"PATH=/usr/bin:/bin"} + more);
    }
    static void expect(const Ended& ended, int status, const std::string& err) {
        EXPECT_EQ(ended.status, status) << ended.err;
        EXPECT_EQ(ended.err, err);
    }
};

TEST_F(ToolWithoutModule, LibcStartsIt) {
    const auto ended = kspawn_run({"-v", "sh", "-c", "exit 7"});
    EXPECT_EQ(ended.status, 7) << ended.err;
    EXPECT_NE(ended.err.find(" through libc\n"), std::string::npos) << ended.err;
    EXPECT_EQ(kspawn_run({"--close-others", "sh", "-c", "exit 0"}).status, 0);
}

TEST_F(ToolWithoutModule, ExitStatusesAreTheSame) {
    expect(kspawn_run({"nosuch"}), 127,
           "kspawn: search nosuch in /usr/bin:/bin: No such file or directory\n");
    expect(kspawn_run({"/etc/passwd"}), 126, "kspawn: exec /etc/passwd: Permission denied\n");
    expect(kspawn_run({"--stdin", "/nope", "true"}), 125,
           "kspawn: --stdin /nope: No such file or directory\n");
    expect(kspawn_run({"--chdir", "/nope", "true"}), 125,
           "kspawn: --chdir /nope: No such file or directory\n");
    expect(kspawn_run({"--sched", "fifo:100", "true"}), 125,
           "kspawn: --sched fifo:100: Invalid argument\n");
}

TEST_F(ToolWithoutModule, SaysWhatToDoIfItIsNeeded) {
    const std::string words =
        "kspawn: device /dev/kspawn: No such file or directory (is the module kspawn loaded?); "
        "kspawn doctor says what to do, and --backend auto lets libc start it\n";
    expect(kspawn_run({"--backend", "kernel", "true"}), 125, words);
    for (const auto* const call : {"wait", "spawn", "async"})
        expect(kspawn_run({"--backend", "kernel", "--call", call, "true"}), 125, words);
    expect(kspawn_run({"true"}, {"KSPAWN_BACKEND=kernel"}), 125, words);
    EXPECT_EQ(kspawn_run({"--backend", "auto", "true"}, {"KSPAWN_BACKEND=kernel"}).status, 0);
}

TEST_F(ToolRun, CloseOthersWithOneOfThemClosed) {
    // Only those of the three can be kept that there are.
    EXPECT_EQ(run({"/bin/sh", "-c", "exec \"$0\" run --close-others true <&-", tool()}).status, 0);
}

TEST_F(ToolRun, Chdir) {
    const auto directory = scratch.directory("here");
    EXPECT_EQ(report_with({"--chdir", directory})["cwd"], directory);
    EXPECT_EQ(report_with({"-C", directory})["cwd"], directory);
}

TEST_F(ToolRun, EnvironmentIsInheritedSetAndRemoved) {
    const Arguments variables{"A=1", "B=2", "PATH=/usr/bin:/bin"};
    EXPECT_EQ(report_with({}, variables)["env"], Json(variables));
    EXPECT_EQ(report_with({"--env", "C=3", "-e", "A=x=y", "--unset", "B"}, variables)["env"],
              Json({"PATH=/usr/bin:/bin", "C=3", "A=x=y"}));
    EXPECT_EQ(report_with({"--clear-env"}, variables)["env"], Json::array());
    EXPECT_EQ(report_with({"-i", "-e", "A=", "-u", "A"}, variables)["env"], Json({"A="}));
}

TEST_F(ToolRun, SearchesThePathThatTheProgramSees) {
    scratch.directory("bin");
    scratch.write("bin/tool", "#!/bin/sh\necho found\n", 0755);
    const auto list = scratch.file("bin");
    expect(kspawn_run({"--env", "PATH=" + list, "tool"}), 0, "", "found\n");
    expect(kspawn_run({"--path", "/absent:" + list, "tool"}), 0, "", "found\n");
    EXPECT_EQ(kspawn_run({"--path", list, "--env", "PATH=/absent", "tool"}).status, 0);
    EXPECT_EQ(kspawn_run({"--path", "/absent", "true"}).status, 127);
    EXPECT_EQ(kspawn_run({"--clear-env", "true"}).status, 0) << "then the system's own list";
    EXPECT_EQ(kspawn_run({"--no-search", "true"}).status, 127);
    EXPECT_EQ(kspawn_run({"--no-search", "--chdir", list, "tool"}).status, 0);
}

TEST_F(ToolRun, Argv0) {
    const auto report = report_with({"--argv0", "-other"});
    EXPECT_EQ(report["argv"][0], "-other");
    EXPECT_EQ(report["exe"], helper("child"));
}

TEST_F(ToolRun, StandardStreams) {
    const auto input = scratch.write("in", "hello");
    const auto output = scratch.file("out");
    expect(kspawn_run({"--stdin", input, "--stdout", output, "cat"}), 0, "");
    EXPECT_EQ(scratch.read("out"), "hello");
    expect(kspawn_run({"--stdin", "/dev/null", "--stdout", output, "cat"}), 0, "");
    EXPECT_EQ(scratch.read("out"), "") << "emptied";
    expect(kspawn_run({"--append", "--stdout", output, "echo", "one"}), 0, "");
    expect(kspawn_run({"--append", "--stdout", output, "echo", "two"}), 0, "");
    EXPECT_EQ(scratch.read("out"), "one\ntwo\n");
    expect(kspawn_run({"--stderr", scratch.file("err"), "sh", "-c", "echo wrong >&2"}), 0, "");
    EXPECT_EQ(scratch.read("err"), "wrong\n");
}

TEST_F(ToolRun, OneFileForBothStreams) {
    const auto output = scratch.file("both");
    expect(kspawn_run({"--stdout", output, "--stderr", output, "sh", "-c",
                       "echo first; echo second >&2; echo third"}),
           0, "");
    EXPECT_EQ(scratch.read("both"), "first\nsecond\nthird\n");
}

TEST_F(ToolRun, FilesAreRelativeToWhereWeAre) {
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(scratch.path());
    scratch.directory("there");
    expect(kspawn_run({"--stdout", "out", "--chdir", "there", "pwd"}), 0, "");
    std::filesystem::current_path(before);
    EXPECT_EQ(scratch.read("out"), scratch.file("there") + "\n");
}

TEST_F(ToolRun, CloseFromAndCloseOthers) {
    const Descriptor low{::open("/dev/null", O_RDONLY)};
    const Descriptor high{::dup2(low.get(), 100)};
    EXPECT_TRUE(report_with({})["descriptors"].contains("100"));
    const auto first = report_with({"--close-from", "3"})["descriptors"];
    for (const auto& [name, unused] : first.items())
        EXPECT_LT(std::stoi(name), 3);
    const auto others = report_with({"--close-others"})["descriptors"];
    EXPECT_EQ(others.size(), 3U) << others.dump();
    const auto redirected = report_with(
        {"--close-others", "--stdin", "/dev/null", "--stdout", scratch.file("out")})["descriptors"];
    EXPECT_EQ(redirected.size(), 3U) << redirected.dump();
    EXPECT_EQ(redirected["0"]["target"], "/dev/null");
}

TEST_F(ToolRun, NothingOfOursIsInherited) {
    const auto ours = open_descriptors();
    const auto descriptors = report_with({})["descriptors"];
    for (const auto& [name, descriptor] : descriptors.items())
        EXPECT_TRUE(ours.contains(std::stoi(name))) << descriptor.dump();
}

TEST_F(ToolRun, ProcessGroupAndSession) {
    const auto plain = report_with({});
    EXPECT_EQ(plain["pgid"], ::getpgrp());
    const auto grouped = report_with({"--pgroup"});
    EXPECT_EQ(grouped["pgid"], grouped["pid"]);
    EXPECT_EQ(grouped["sid"], ::getsid(0));
    EXPECT_EQ(report_with({"--pgroup=" + std::to_string(::getpgrp())})["pgid"], ::getpgrp());
    const auto session = report_with({"--setsid"});
    EXPECT_EQ(session["sid"], session["pid"]);
}

TEST_F(ToolRun, SignalDispositions) {
    ::signal(SIGUSR1, SIG_IGN);
    ::signal(SIGUSR2, SIG_IGN);
    const auto bits = [this](const Arguments& options) {
        return signal_bits(report_with(options), "SigIgn");
    };
    const auto both = bit(SIGUSR1) | bit(SIGUSR2);
    EXPECT_EQ(bits({}) & both, both);
    EXPECT_EQ(bits({"--default-signals"}), 0U);
    EXPECT_EQ(bits({"--default-signal", "USR1"}) & both, bit(SIGUSR2));
    EXPECT_EQ(bits({"--default-signal", "sigusr1,12"}) & both, 0U);
    EXPECT_EQ(
        bits({"--default-signals", "--ignore-signal", "INT,TERM", "--ignore-signal", "RTMIN+1"}),
        bit(SIGINT) | bit(SIGTERM) | bit(SIGRTMIN + 1));
    ::signal(SIGUSR1, SIG_DFL);
    ::signal(SIGUSR2, SIG_DFL);
}

TEST_F(ToolRun, SignalMask) {
    EXPECT_EQ(signal_bits(report_with({}), "SigBlk"), 0U) << "ours must not show";
    EXPECT_EQ(
        signal_bits(report_with({"--block-signal", "HUP", "--block-signal", "RTMAX"}), "SigBlk"),
        bit(SIGHUP) | bit(SIGRTMAX));
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &set, &before);
    const auto report = report_with({"--block-signal", "HUP"});
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(signal_bits(report, "SigBlk"), bit(SIGHUP) | bit(SIGALRM));
}

TEST_F(ToolRun, IgnoredSigchldIsInheritedAndSurvived) {
    // Through a program that ignores it, as nohup and some daemons do.
    const auto report_file = scratch.file("report");
    const std::string script = "import signal, subprocess, sys\n"
                               "def ignore(): signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
                               "sys.exit(subprocess.Popen(sys.argv[1:], preexec_fn=ignore).wait())";
    const auto ended = run(
        {"/usr/bin/python3", "-c", script, tool(), "run", helper("child"), "report", report_file});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_NE(signal_bits(read_report(scratch.read("report")), "SigIgn") & bit(SIGCHLD), 0U);
}

TEST_F(ToolRun, ResetIds) {
    const auto wrong = in_a_fork([this]() -> std::string {
        if (::setresuid(2001, 2002, 2002) != 0)
            return "setresuid";
        const auto kept = report_with({})["ids"]["uid"];
        const auto reset = report_with({"--reset-ids"})["ids"]["uid"];
        if (kept != Json({2001, 2002, 2002}))
            return "kept: " + kept.dump();
        return reset == Json({2001, 2001, 2001}) ? "" : "reset: " + reset.dump();
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(ToolRun, State) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    const auto seen = report_with({"--umask", "27", "--nice", "3", "--oom-score", "66",
                                   "--no-new-privs", "--parent-death-signal", "TERM"});
    EXPECT_EQ(seen["status"]["Umask"], "0027");
    EXPECT_EQ(seen["scheduling"]["nice"], 3);
    EXPECT_EQ(seen["oom_score_adj"], "66\n");
    EXPECT_EQ(seen["status"]["NoNewPrivs"], "1");
    EXPECT_EQ(seen["prctl"]["pdeathsig"], SIGTERM);
    const auto ids = report_with({"--user", "2001", "--group", "2002"});
    EXPECT_EQ(ids["ids"]["uid"], Json({2001, 2001, 2001}));
    EXPECT_EQ(ids["ids"]["gid"], Json({2002, 2002, 2002}));
    const auto refused = run({tool(), "run", "--oom-score", "5000", "--", "true"});
    EXPECT_EQ(refused.status, 125);
    EXPECT_NE(refused.err.find("--oom-score 5000"), std::string::npos) << refused.err;
    EXPECT_EQ(run({tool(), "run", "--umask", "8", "--", "true"}).status, 125);
    EXPECT_EQ(run({tool(), "run", "--umask", "7777", "--", "true"}).status, 125);
}

TEST_F(ToolRun, Limits) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    const auto seen = report_with({"--limit", "nofile=64:128", "--limit", "core=0", "--limit",
                                   "stack=unlimited", "--limit", "cpu=100:"})["limits"]
                          .get<std::string>();
    const auto expect_limit = [&seen](const std::string& line) {
        EXPECT_NE(seen.find(line), std::string::npos) << line << "\n" << seen;
    };
    expect_limit("Max open files            64                   128 ");
    expect_limit("Max core file size        0                    0 ");
    expect_limit("Max stack size            unlimited            unlimited ");
    expect_limit("Max cpu time              100                  unlimited ");
    expect(kspawn_run({"--limit", "nofile=9:8", "true"}), 125,
           "kspawn: --limit nofile=9:8: Invalid argument\n");
}

TEST_F(ToolRun, Priorities) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    auto seen = report_with({"--ionice", "best-effort:6", "--cpu-list", "0", "--mempolicy",
                             "bind:0", "--timer-slack", "4321", "--subreaper", "--personality",
                             "addr-no-randomize,sticky-timeouts"});
    EXPECT_EQ(seen["scheduling"]["ioprio"], 2 << 13 | 6);
    EXPECT_EQ(seen["status"]["Cpus_allowed_list"], "0");
    EXPECT_EQ(seen["prctl"]["timerslack"], 4321);
    EXPECT_EQ(seen["prctl"]["subreaper"], 1);
    EXPECT_EQ(seen["personality"], "04040000\n");
    seen = report_with({"--ionice", "idle"});
    EXPECT_EQ(seen["scheduling"]["ioprio"], 3 << 13);
    expect(kspawn_run({"--cpu-list", "32767", "true"}), 125,
           "kspawn: --cpu-list 32767: Invalid argument\n");
    expect(kspawn_run({"--mempolicy", "bind", "true"}), 125,
           "kspawn: --mempolicy bind: Invalid argument\n");
}

TEST_F(ToolRun, Deadlines) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    const Arguments deadlines{"--sched-runtime", "1000000", "--sched-deadline", "50000000"};
    const auto seen =
        report_with(deadlines + Arguments{"--sched-period", "60000000", "--reset-on-fork"});
    EXPECT_EQ(seen["scheduling"]["policy"].get<int>() & 0xff, 6);
    // Shorter than the kernel can do.
    expect(kspawn_run({"--sched-runtime", "1", "--sched-deadline", "2", "true"}), 125,
           "kspawn: --sched-runtime 1: Invalid argument\n");
}

TEST_F(ToolRun, Namespaces) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    const auto here = report_with({})["namespaces"];
    const auto made = report_with({"--unshare", "uts,mount"})["namespaces"];
    EXPECT_NE(made["uts"], here["uts"]);
    EXPECT_NE(made["mnt"], here["mnt"]);
    EXPECT_EQ(made["net"], here["net"]);
    // Into ours again, which a file and a process name.
    const auto self = std::to_string(::getpid());
    const auto back =
        report_with({"--setns", "/proc/self/ns/uts", "--setns", "mnt,net:" + self})["namespaces"];
    EXPECT_EQ(back, here);
    expect(kspawn_run({"--setns", "/no/such/file", "true"}), 125,
           "kspawn: --setns /no/such/file: No such file or directory\n");
    expect(kspawn_run({"--setns", "/dev/null", "true"}), 125,
           "kspawn: --setns /dev/null: Invalid argument\n");
    expect(kspawn_run({"--setns", "net:4194304", "true"}), 125,
           "kspawn: --setns net:4194304: No such process\n");
}

// Those of another process, in namespaces of its own.
TEST_F(ToolRun, NamespacesOfAnother) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    ASSERT_EQ(start(tool(), {"kspawn", "run", "--unshare", "uts", "sleep", "1000"}), 0);
    const auto named = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
    std::string sleeper;
    for (int tries = 0; tries < 1000; ++tries) {
        ::usleep(10'000);
        sleeper = read_file(named + "/children");
        sleeper.erase(sleeper.find_last_not_of(' ') + 1);
        if (!sleeper.empty() && read_file("/proc/" + sleeper + "/comm") == "sleep\n")
            break; // else it is not in its namespaces yet
    }
    const auto theirs = std::filesystem::read_symlink("/proc/" + sleeper + "/ns/uts");
    EXPECT_EQ(report_with({"--setns", "uts:" + sleeper})["namespaces"]["uts"], theirs.string());
    EXPECT_EQ(report_with({"--setns", "/proc/" + sleeper + "/ns/uts"})["namespaces"]["uts"],
              theirs.string());
    ::kill(pid, SIGTERM);
    EXPECT_EQ(exit_code_of(pid), 128 + SIGTERM);
}

TEST_F(ToolRun, Capabilities) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    const auto seen =
        report_with({"--user", "2001", "--group", "2002", "--groups", "7,8", "--inh-caps",
                     "+cap_net_raw,+kill,+cap_3", "--ambient-caps", "-all,+net_raw,+kill",
                     "--bounding-set", "-all,+net_raw,+kill"})["status"];
    // CAP_FOWNER is 3, CAP_KILL 5, CAP_NET_RAW 13.
    EXPECT_EQ(seen["CapInh"], "0000000000002028");
    EXPECT_EQ(seen["CapAmb"], "0000000000002020");
    EXPECT_EQ(seen["CapBnd"], "0000000000002020");
    EXPECT_EQ(seen["CapEff"], "0000000000002020");
    EXPECT_EQ(seen["Groups"].get<std::string>().substr(0, 3), "7 8");
    EXPECT_EQ(seen["Uid"].get<std::string>().substr(0, 4), "2001");
    const auto bits = report_with({"--securebits", "+noroot,+noroot_locked"});
    EXPECT_EQ(bits["prctl"]["securebits"], 3);
    EXPECT_EQ(bits["status"]["CapEff"], "0000000000000000") << "root is nobody special then";
    expect(kspawn_run({"--ambient-caps", "+chown", "true"}), 125,
           "kspawn: --ambient-caps +chown: Operation not permitted\n");
}

TEST_F(ToolRun, ControllingTerminal) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has these");
    const Descriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    ASSERT_TRUE(master);
    ASSERT_EQ(::unlockpt(master.get()), 0);
    const std::string terminal = ::ptsname(master.get());
    expect(kspawn_run({"--setsid", "--ctty", "--stdin", terminal, "--", "sh", "-c",
                       "exec 3<>/dev/tty && tty"}),
           0, "", terminal + "\n");
    expect(kspawn_run({"--setsid", "--ctty", "--stdin", "/dev/null", "true"}), 125,
           "kspawn: --ctty: Inappropriate ioctl for device\n");
}

TEST_F(ToolRun, CloseExcept) {
    KSPAWN_NOT_THROUGH_LIBC("no libc has this");
    const Descriptor null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const Descriptor first{::dup2(null.get(), 101)};
    const Descriptor second{::dup2(null.get(), 102)};
    const Descriptor third{::dup2(null.get(), 103)};
    const auto seen = report_with({"--close-except", "103,101"})["descriptors"];
    EXPECT_TRUE(seen.contains("101"));
    EXPECT_FALSE(seen.contains("102"));
    EXPECT_TRUE(seen.contains("103"));
}

TEST(ToolRunState, IsRefusedThroughLibc) {
    const std::pair<Arguments, std::string> options[] = {
        {{"--limit", "nofile=64:128"}, "--limit nofile=64:128"},
        {{"--unshare", "uts"}, "--unshare uts"},
        {{"--setns", "/proc/self/ns/uts"}, "--setns /proc/self/ns/uts"},
        {{"--cpu-list", "0"}, "--cpu-list 0"},
        {{"--ionice", "idle"}, "--ionice idle"},
        {{"--sched-runtime", "1", "--sched-deadline", "2"}, "--sched-runtime 1"},
        {{"--securebits", "+noroot"}, "--securebits +noroot"},
        {{"--groups", "1,2"}, "--groups 1,2"},
        {{"--setsid", "--ctty"}, "--ctty"},
        {{"--close-except", "9"}, "--close-except"},
        {{"--root", "/"}, "--root /"},
    };
    for (const auto& [given, words] : options) {
        const auto ended =
            run(Arguments{tool(), "run", "--backend", "libc"} + given + Arguments{"--", "true"});
        EXPECT_EQ(ended.status, 125) << words;
        EXPECT_EQ(ended.err,
                  "kspawn: " + words + ": Operation not supported (libc cannot do this)\n");
    }
}

TEST_F(ToolRun, Scheduling) {
    const auto seen = [this](const std::string& wanted) {
        const auto scheduling = report_with({"--sched", wanted})["scheduling"];
        return std::pair<int, int>{scheduling["policy"], scheduling["priority"]};
    };
    EXPECT_EQ(seen("fifo:10"), std::pair(SCHED_FIFO, 10));
    EXPECT_EQ(seen("rr"), std::pair(SCHED_RR, 1));
    EXPECT_EQ(seen("batch"), std::pair(SCHED_BATCH, 0));
    EXPECT_EQ(seen("idle"), std::pair(SCHED_IDLE, 0));
    EXPECT_EQ(seen("other:0"), std::pair(SCHED_OTHER, 0));
    expect(kspawn_run({"--sched", "fifo:100", "true"}), 125,
           "kspawn: --sched fifo:100: Invalid argument\n");
}

TEST_F(ToolRun, Cgroup) {
    const auto mounted = scratch.directory("cgroup");
    if (::mount("none", mounted.c_str(), "cgroup2", 0, nullptr) != 0)
        GTEST_SKIP() << "no cgroup2: " << std::strerror(errno);
    const auto group = mounted + "/kspawn-tool-test";
    EXPECT_EQ(::mkdir(group.c_str(), 0755), 0);
    EXPECT_EQ(report_with({"--cgroup", group})["cgroup"], "0::/kspawn-tool-test\n");
    ::rmdir(group.c_str());
    ::umount2(mounted.c_str(), MNT_DETACH);
}

TEST_F(ToolRun, Verbose) {
    const auto ended = kspawn_run({"--verbose", helper("child"), "report", scratch.file("report")});
    const auto process = read_report(scratch.read("report"))["pid"].dump();
    EXPECT_EQ(ended.err, "kspawn: started " + helper("child") + " as process " + process +
                             "\nkspawn: " + process + " exited with 0\n");
    const auto killed = kspawn_run({"-v", helper("child"), "kill", "9"});
    EXPECT_NE(killed.err.find(" was killed by SIGKILL\n"), std::string::npos) << killed.err;
}

// Every call of the library, with the same results.
class ToolRunBy : public ToolRun, public ::testing::WithParamInterface<const char*> {
protected:
    static Ended run_by(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"--call", GetParam()});
        return kspawn_run(arguments);
    }
};

TEST_P(ToolRunBy, Statuses) {
    EXPECT_EQ(run_by({helper("child"), "exit", "42"}).status, 42);
    EXPECT_EQ(run_by({helper("child"), "kill", std::to_string(SIGTERM)}).status, 128 + SIGTERM);
    expect(run_by({"/no/such/program"}), 127,
           "kspawn: exec /no/such/program: No such file or directory\n");
    expect(run_by({"--chdir", "/no/such", "true"}), 125,
           "kspawn: --chdir /no/such: No such file or directory\n");
}

TEST_P(ToolRunBy, Verbose) {
    const auto ended = run_by({"--verbose", "sh", "-c", "echo $$; exit 3"});
    EXPECT_EQ(ended.status, 3);
    auto shell = ended.out;
    shell.pop_back();
    EXPECT_EQ(ended.err, "kspawn: started sh as process " + shell +
                             (through_libc() ? " through libc" : "") + "\nkspawn: " + shell +
                             " exited with 3\n");
}

// A signal for us is a signal for the program.
TEST_P(ToolRunBy, PassesSignalsOn) {
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT}) {
        ASSERT_EQ(kspawn_spawn_file_actions_addopen(actions.get(), 1, scratch.file("ready").c_str(),
                                                    O_WRONLY | O_CREAT | O_TRUNC, 0600),
                  0);
        ASSERT_EQ(start(tool(), {"kspawn", "run", "--call", GetParam(), helper("child"), "signal",
                                 std::to_string(number), "33"}),
                  0);
        for (int tries = 0; tries < 1000; ++tries) {
            if (std::filesystem::exists(scratch.file("ready")) && !scratch.read("ready").empty())
                break;
            ::usleep(10'000);
        }
        ::kill(pid, number);
        EXPECT_EQ(exit_code_of(pid), 33) << number;
        std::filesystem::remove(scratch.file("ready"));
    }
}

INSTANTIATE_TEST_SUITE_P(Calls, ToolRunBy, ::testing::Values("wait", "spawn", "async"),
                         [](const auto& call) { return std::string(call.param); });

TEST_F(ToolRun, IgnoredSignalsAreNotPassedOn) {
    ::signal(SIGHUP, SIG_IGN);
    const auto report = report_with({});
    ::signal(SIGHUP, SIG_DFL);
    EXPECT_NE(signal_bits(report, "SigIgn") & bit(SIGHUP), 0U);
}

TEST_F(ToolRun, LeavesTheProgramItsDefaultSignals) {
    // The program dies of a signal that we have a handler for.
    ASSERT_EQ(start(tool(), {"kspawn", "run", helper("child"), "kill", std::to_string(SIGTERM)}),
              0);
    EXPECT_EQ(exit_code_of(pid), 128 + SIGTERM);
}

TEST_F(ToolRun, ThroughLibcIfToldSo) {
    const auto ended =
        kspawn_run({"--verbose", "true"}, {"PATH=/usr/bin:/bin", "KSPAWN_BACKEND=libc"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_NE(ended.err.find(" through libc\n"), std::string::npos) << ended.err;
}

} // namespace

} // namespace kspawn::test
