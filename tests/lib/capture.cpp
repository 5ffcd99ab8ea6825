// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn_capture_np(): each member of what is asked for and of what is told; each error; what
// is left in the end, which is nothing.
#include <fcntl.h>
#include <kspawn/capture.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "kit/cgroup.hpp"
#include "kit/owners.hpp"
#include "kit/spawner.hpp"

// The library's, too: there are kernels without cgroup.kill, and modules without pipes.
static std::atomic<bool> no_cgroup_kill = false;
extern "C" int openat(int directory, const char* path, int flags, ...) {
    if (no_cgroup_kill && std::strcmp(path, "cgroup.kill") == 0) {
        errno = ENOENT;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_openat, directory, path, flags, 0600));
}

static std::atomic<bool> older_module = false;

// As a module tells of an action that it does not know.
static bool refuses(const kspawn_args& args) {
    const auto* const actions =
        reinterpret_cast<const kspawn_action*>(static_cast<std::uintptr_t>(args.actions));
    for (unsigned i = 0; i < args.action_count; ++i)
        if (actions[i].op == KSPAWN_ACTION_PIPE || actions[i].op == KSPAWN_ACTION_MEMFD) {
            auto& result =
                *reinterpret_cast<kspawn_result*>(static_cast<std::uintptr_t>(args.result));
            result.error = EINVAL;
            result.step = KSPAWN_STEP_ACTION;
            result.index = i;
            return true;
        }
    return false;
}

extern "C" int ioctl(int descriptor, unsigned long request, ...) noexcept {
    va_list list;
    va_start(list, request);
    void* const argument = va_arg(list, void*);
    va_end(list);
    if (older_module && request == KSPAWN_IOC_SPAWN &&
        refuses(*static_cast<const kspawn_args*>(argument))) {
        errno = EINVAL;
        return -1;
    }
    const auto answer = static_cast<int>(::syscall(SYS_ioctl, descriptor, request, argument));
    if (older_module && request == KSPAWN_IOC_INFO && answer == 0)
        static_cast<kspawn_info*>(argument)->actions &=
            ~(1ULL << KSPAWN_ACTION_PIPE | 1ULL << KSPAWN_ACTION_MEMFD);
    return answer;
}

namespace kspawn::test {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::vector<int> descriptors() {
    std::vector<int> numbers;
    for (const auto& [number, target] : open_descriptors())
        if (target != "/dev/kspawn")
            numbers.push_back(number);
    return numbers;
}

class Capture : public Spawner {
protected:
    void SetUp() override {
        Spawner::SetUp();
        call.envp = environment.get();
        result.usage = &usage;
        before_ = descriptors();
    }
    void TearDown() override {
        kspawn_captured_free_np(&result);
        EXPECT_EQ(descriptors(), before_) << "descriptors are left";
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1) << "a child is left";
    }

    int run(const std::vector<std::string>& command) {
        kspawn_captured_free_np(&result);
        const Strings argv{command};
        const std::string file = command.front();
        call.file = call.program < 0 ? file.c_str() : nullptr;
        call.argv = argv.get();
        const int error = loops ? in_a_loop() : kspawn_capture_np(&call, &result);
        call.file = nullptr;
        call.argv = nullptr;
        return error;
    }
    int shell(const std::string& script) { return run({"/bin/sh", "-c", script}); }

    int in_a_loop() {
        kspawn_capturing* capturing = nullptr;
        if (const int error = kspawn_capture_begin_np(&call, &capturing); error != 0)
            return error;
        int looks = 0;
        while (kspawn_capture_handle_np(capturing) == EAGAIN) {
            pollfd entry{
                .fd = kspawn_capture_descriptor_np(capturing), .events = POLLIN, .revents = 0};
            EXPECT_EQ(::poll(&entry, 1, 20'000), 1) << "nothing to do, and not over";
            EXPECT_LT(++looks, 5000) << "always something to do, and not over";
        }
        return kspawn_capture_end_np(capturing, &result);
    }

    [[nodiscard]] std::string out() const { return {result.out, result.out_size}; }
    [[nodiscard]] std::string err() const { return {result.err, result.err_size}; }
    [[nodiscard]] bool timed_out() const { return (result.flags & KSPAWN_CAPTURED_TIMED_OUT) != 0; }

    kspawn_capture call = KSPAWN_CAPTURE_INIT;
    kspawn_captured result = KSPAWN_CAPTURED_INIT;
    struct rusage usage {};
    bool loops = false;

private:
    std::vector<int> before_;
};

TEST_F(Capture, OutputErrorsStatusAndUsage) {
    ASSERT_EQ(shell("echo out; echo err >&2; exit 5"), 0);
    EXPECT_EQ(out(), "out\n");
    EXPECT_EQ(err(), "err\n");
    EXPECT_STREQ(result.out, "out\n") << "a NUL is behind it";
    EXPECT_EQ(result.out_total, 4U);
    EXPECT_EQ(result.err_total, 4U);
    EXPECT_EQ(result.status, 5 << 8);
    EXPECT_GT(result.pid, 0);
    EXPECT_GT(usage.ru_maxrss, 0);
    EXPECT_FALSE(timed_out());
}

TEST_F(Capture, InALoop) {
    loops = true;
    ASSERT_EQ(shell("cat; echo err >&2; exit 5"), 0);
    EXPECT_EQ(out(), "");
    EXPECT_EQ(err(), "err\n");
    EXPECT_EQ(result.status, 5 << 8);
}

TEST_F(Capture, NothingWritten) {
    ASSERT_EQ(run({"/bin/true"}), 0);
    EXPECT_STREQ(result.out, "");
    EXPECT_STREQ(result.err, "");
}

TEST_F(Capture, SignalIsToldAsWaitTellsIt) {
    ASSERT_EQ(shell("kill -TERM $$"), 0);
    EXPECT_EQ(result.status, SIGTERM);
}

TEST_F(Capture, ProgramThatIsSearchedFor) {
    call.search = "/usr/bin:/bin";
    ASSERT_EQ(run({"echo", "x"}), 0);
    EXPECT_EQ(out(), "x\n");
}

TEST_F(Capture, ProgramByDescriptor) {
    const Descriptor program{::open(helper("child").c_str(), O_PATH | O_CLOEXEC)};
    call.program = program.get();
    ASSERT_EQ(run({"child", "exit", "9"}), 0);
    EXPECT_EQ(result.status, 9 << 8);
    const Descriptor text{::open("/etc/passwd", O_RDONLY | O_CLOEXEC)};
    call.program = text.get();
    EXPECT_EQ(run({"x"}), EACCES);
    EXPECT_EQ(last_failure().error, EACCES);
}

TEST_F(Capture, DirectoryByDescriptor) {
    // One that is not close-on-exec is not for the program all the same.
    const Descriptor directory{::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY)};
    call.directory = directory.get();
    ASSERT_EQ(shell("pwd -P; ls /proc/self/fd"), 0);
    EXPECT_EQ(out(), std::filesystem::canonical(scratch.path()).string() + "\n0\n1\n2\n3\n");
    call.directory = 987;
    EXPECT_EQ(shell("true"), EBADF);
    EXPECT_EQ(last_failure().step, unsigned{KSPAWN_STEP_ACTION});
}

TEST_F(Capture, NoInputIsDevNull) {
    ASSERT_EQ(shell("readlink /proc/self/fd/0"), 0);
    EXPECT_EQ(out(), "/dev/null\n");
}

TEST_F(Capture, InputFromADescriptor) {
    const Descriptor file{::open(scratch.write("in", "from a file\n").c_str(), O_RDONLY)};
    call.input = file.get();
    ASSERT_EQ(shell("cat; ls /proc/self/fd"), 0);
    EXPECT_EQ(out(), "from a file\n0\n1\n2\n3\n");
}

TEST_F(Capture, InputFromMemory) {
    std::string input(300'000, 'x');
    for (std::size_t i = 0; i < input.size(); i += 1000)
        input[i] = static_cast<char>(i / 1000);
    for (const bool piped : {false, true})
        for (const bool looped : {false, true}) {
            loops = looped;
            call.flags = piped ? KSPAWN_CAPTURE_PIPE_INPUT : 0;
            call.input_data = input.data();
            call.input_size = input.size();
            ASSERT_EQ(run({"/bin/cat"}), 0);
            EXPECT_EQ(out(), input);
            ASSERT_EQ(shell("test -p /dev/stdin"), 0);
            EXPECT_EQ(result.status, piped ? 0 : 1 << 8);
            ASSERT_EQ(run({"/bin/true"}), 0);
            EXPECT_EQ(result.status, 0) << "and no SIGPIPE";
        }
    call.flags = 0;
    loops = false;
    input.assign(3'000'000, 'y');
    call.input_data = input.data();
    call.input_size = input.size();
    ASSERT_EQ(run({"/bin/cat"}), 0);
    EXPECT_EQ(out(), input);
    call.input_size = 0;
    ASSERT_EQ(run({"/bin/cat"}), 0);
    EXPECT_EQ(out(), "");
}

TEST_F(Capture, InputThatMayNotBeAFile) {
    EXPECT_EQ(in_a_fork([&]() -> std::string {
                  const rlimit limit{.rlim_cur = 10, .rlim_max = 10};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  call.input_data = "more than ten bytes";
                  call.input_size = 19;
                  const int error = run({"/bin/cat"});
                  return error == 0 && out() == "more than ten bytes" ? "" : "no input";
              }),
              "");
}

TEST_F(Capture, ModuleThatMakesNoPipes) {
    KSPAWN_NOT_THROUGH_LIBC("it is about a module");
    older_module = true;
    for (const bool piped : {false, true}) {
        call.flags = piped ? KSPAWN_CAPTURE_PIPE_INPUT : 0;
        call.input_data = "in";
        call.input_size = 2;
        const int error = shell("cat; echo err >&2; ls /proc/self/fd >&2");
        EXPECT_EQ(error, 0) << kspawn_strfailure();
        EXPECT_EQ(out(), "in");
        EXPECT_EQ(err(), "err\n0\n1\n2\n3\n");
        EXPECT_EQ(kspawn_last_backend(), KSPAWN_BACKEND_KERNEL);
    }
    kspawn_spawn_file_actions_addopen(actions.get(), 9, "/no/such", O_RDONLY, 0);
    call.file_actions = actions.get();
    EXPECT_EQ(shell("true"), ENOENT);
    EXPECT_EQ(last_failure().index, 0U);
    older_module = false;
}

TEST_F(Capture, OnlyWhatIsNamedIsInherited) {
    const Descriptor open{::open("/dev/null", O_RDONLY)};
    ASSERT_EQ(shell("ls /proc/self/fd"), 0);
    EXPECT_EQ(out(), "0\n1\n2\n3\n");
    const Descriptor other{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    kspawn_spawn_file_actions_adddup2(actions.get(), other.get(), 7);
    call.file_actions = actions.get();
    ASSERT_EQ(shell("ls /proc/self/fd"), 0);
    EXPECT_EQ(out(), "0\n1\n2\n3\n7\n");
    call.flags = KSPAWN_CAPTURE_INHERIT;
    call.file_actions = nullptr;
    ASSERT_EQ(shell("readlink /proc/self/fd/" + std::to_string(open.get())), 0);
    EXPECT_EQ(out(), "/dev/null\n");
}

TEST_F(Capture, StreamsThatAreKept) {
    const auto file = scratch.write("out", "");
    kspawn_spawn_file_actions_addopen(actions.get(), 1, file.c_str(), O_WRONLY, 0);
    kspawn_spawn_file_actions_addopen(actions.get(), 0, "/etc/hostname", O_RDONLY, 0);
    call.file_actions = actions.get();
    call.flags = KSPAWN_CAPTURE_KEEP_STDOUT | KSPAWN_CAPTURE_KEEP_STDIN;
    ASSERT_EQ(shell("readlink /proc/self/fd/0; echo x >&2"), 0);
    EXPECT_EQ(result.out, nullptr);
    EXPECT_EQ(err(), "x\n");
    EXPECT_EQ(scratch.read("out"), "/etc/hostname\n");
}

TEST_F(Capture, BothInOne) {
    kspawn_spawn_file_actions_adddup2(actions.get(), 1, 2);
    call.file_actions = actions.get();
    call.flags = KSPAWN_CAPTURE_KEEP_STDERR;
    ASSERT_EQ(shell("echo a; echo b >&2; echo c"), 0);
    EXPECT_EQ(out(), "a\nb\nc\n");
    EXPECT_EQ(result.err, nullptr);
}

TEST_F(Capture, MoreThanTheMaximum) {
    for (const bool looped : {false, true}) {
        loops = looped;
        call.out_max = 10;
        call.err_max = 0;
        ASSERT_EQ(shell("head -c 200000 /dev/zero | tr '\\0' x; echo err >&2"), 0);
        EXPECT_EQ(out(), std::string(10, 'x'));
        EXPECT_EQ(result.out_total, 200'000U);
        EXPECT_STREQ(result.err, "");
        EXPECT_EQ(result.err_total, 4U);
        EXPECT_EQ(result.status, 0);
    }
    call.out_max = 4;
    ASSERT_EQ(shell("echo abc"), 0);
    EXPECT_EQ(out(), "abc\n");
    EXPECT_EQ(result.out_total, 4U);
}

TEST_F(Capture, MoreThanPipesHold) {
    ASSERT_EQ(shell("i=0; while [ $i -lt 20 ]; do head -c 10000 /dev/zero >&2; "
                    "head -c 10000 /dev/zero; i=$((i+1)); done"),
              0);
    EXPECT_EQ(out(), std::string(200'000, '\0'));
    EXPECT_EQ(err(), std::string(200'000, '\0'));
}

TEST_F(Capture, OutputThatIsClosedEarly) {
    for (const bool looped : {false, true}) {
        loops = looped;
        ASSERT_EQ(shell("echo x; exec >&- 2>&-; sleep 0.2; exit 3"), 0);
        EXPECT_EQ(out(), "x\n");
        EXPECT_EQ(result.status, 3 << 8);
    }
}

TEST_F(Capture, AProcessThatIsLeftRunningIsWaitedFor) {
    ASSERT_EQ(shell("(sleep 0.2; echo late) & echo early"), 0);
    EXPECT_EQ(out(), "early\nlate\n");
}

TEST_F(Capture, TimeLimit) {
    for (const bool looped : {false, true}) {
        loops = looped;
        call.time_limit_ms = 3'000; // on a loaded machine a shell takes its time
        const auto began = Clock::now();
        ASSERT_EQ(shell("echo x; exec sleep 60"), 0);
        const auto took = Clock::now() - began;
        EXPECT_TRUE(timed_out());
        EXPECT_EQ(result.status, SIGTERM);
        EXPECT_EQ(out(), "x\n");
        EXPECT_GE(took, milliseconds(3'000));
        EXPECT_LT(took, milliseconds(50'000));
        call.time_limit_ms = 60'000;
        ASSERT_EQ(shell("echo x"), 0);
        EXPECT_FALSE(timed_out());
        EXPECT_EQ(result.status, 0);
    }
}

TEST_F(Capture, GraceThatIsOver) {
    for (const bool looped : {false, true}) {
        loops = looped;
        call.time_limit_ms = 3'000; // on a loaded machine a shell takes its time
        call.grace_ms = 300;
        const auto began = Clock::now();
        ASSERT_EQ(shell("trap '' TERM; echo x; while :; do sleep 0.05; done"), 0);
        EXPECT_GE(Clock::now() - began, milliseconds(3'300));
        EXPECT_TRUE(timed_out());
        EXPECT_EQ(result.status, SIGKILL);
        EXPECT_EQ(out(), "x\n");
    }
}

TEST_F(Capture, NoGrace) {
    call.time_limit_ms = 100;
    call.grace_ms = 0;
    const auto began = Clock::now();
    ASSERT_EQ(shell("trap 'echo trapped' TERM; sleep 60 & wait"), 0);
    EXPECT_LT(Clock::now() - began, milliseconds(30'000)) << "whoever has the pipes";
    EXPECT_EQ(result.status, SIGKILL);
    EXPECT_EQ(out(), "");
}

TEST_F(Capture, NoTimeAtAll) {
    call.time_limit_ms = 0;
    ASSERT_EQ(run({"/bin/sleep", "60"}), 0);
    EXPECT_TRUE(timed_out());
    EXPECT_EQ(result.status, SIGTERM);
}

TEST_F(Capture, TheLimitEndsTheWaitForThoseThatAreLeftRunning) {
    call.time_limit_ms = 300;
    ASSERT_EQ(shell("sleep 3 & echo x"), 0);
    EXPECT_TRUE(timed_out());
    EXPECT_EQ(result.status, 0) << "it had ended";
    EXPECT_EQ(out(), "x\n");
}

TEST_F(Capture, ParentDeath) {
    call.death_signal = SIGUSR1;
    if (through_libc()) {
        EXPECT_EQ(shell("exit 3"), ENOTSUP);
        EXPECT_EQ(last_failure().step, unsigned{KSPAWN_STEP_ACTION});
        EXPECT_EQ(last_failure().index, 0U) << "behind none of the caller's";
        return;
    }
    // A thread runs the call, and a program that outlives it: the signal comes as it exits.
    kspawn_capturing* capturing = nullptr;
    const Strings argv{"sleep", "60"};
    call.file = "/bin/sleep";
    call.argv = argv.get();
    std::thread([&] { EXPECT_EQ(kspawn_capture_begin_np(&call, &capturing), 0); }).join();
    pollfd entry{.fd = kspawn_capture_descriptor_np(capturing), .events = POLLIN, .revents = 0};
    while (kspawn_capture_handle_np(capturing) == EAGAIN)
        ASSERT_EQ(::poll(&entry, 1, 20'000), 1);
    ASSERT_EQ(kspawn_capture_end_np(capturing, &result), 0);
    EXPECT_EQ(result.status, SIGUSR1);
}

TEST_F(Capture, AttributesAndActionsOfTheCallers) {
    kspawn_spawnattr_setpgroup(attributes.get(), 0);
    flags(KSPAWN_SPAWN_SETPGROUP);
    call.attributes = attributes.get();
    ASSERT_EQ(shell("cut -d' ' -f5 /proc/$$/stat"), 0);
    EXPECT_EQ(out(), std::to_string(result.pid) + "\n");
    short now = 0;
    kspawn_spawnattr_getflags(attributes.get(), &now);
    EXPECT_EQ(now, KSPAWN_SPAWN_SETPGROUP) << "they are as they were";

    kspawn_spawn_file_actions_addclose(actions.get(), 40);
    kspawn_spawn_file_actions_addopen(actions.get(), 9, "/no/such", O_RDONLY, 0);
    call.file_actions = actions.get();
    call.input_data = "x";
    call.input_size = 1;
    EXPECT_EQ(shell("true"), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_ACTION, 1,
                                       "file action 1: open /no/such: No such file or directory"}));
}

TEST_F(Capture, NoSuchProgram) {
    EXPECT_EQ(run({"/no/such/program"}), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_EXEC, 0,
                                       "exec /no/such/program: No such file or directory"}));
    EXPECT_EQ(result.out, nullptr);
    EXPECT_EQ(result.status, -1);
    loops = true;
    EXPECT_EQ(run({"/no/such/program"}), ENOENT);
}

TEST_F(Capture, WhatCannotBe) {
    const auto refused = [&](auto change) {
        kspawn_capture other = KSPAWN_CAPTURE_INIT;
        other.file = "/bin/true";
        change(other);
        const int error = kspawn_capture_np(&other, &result);
        if (error != 0) {
            EXPECT_EQ(last_failure().step, unsigned{KSPAWN_STEP_CAPTURE});
            EXPECT_EQ(last_failure().index, KSPAWN_CAPTURE_CALL);
        }
        kspawn_capturing* capturing = nullptr;
        EXPECT_EQ(kspawn_capture_begin_np(&other, &capturing), error);
        return error;
    };
    EXPECT_EQ(refused([](auto& c) { c.size = 8; }), EINVAL);
    EXPECT_EQ(refused([](auto& c) { c.flags = 1U << 20U; }), EINVAL);
    EXPECT_EQ(refused([](auto& c) { c.file = nullptr; }), EINVAL);
    EXPECT_EQ(refused([](auto& c) { c.program = 3; }), EINVAL);
    EXPECT_EQ(refused([](auto& c) { c.input_data = "x", c.input = 0; }), EINVAL);
    EXPECT_EQ(refused([](auto& c) { c.input_size = 1; }), EINVAL);
    EXPECT_EQ(refused([](auto& c) { c.time_limit_ms = -2; }), EINVAL);
    EXPECT_EQ(refused([](auto& c) { c.grace_ms = -1; }), EINVAL);
    EXPECT_EQ(kspawn_capture_np(nullptr, &result), EINVAL);
    call.file = "/bin/true";
    EXPECT_EQ(kspawn_capture_np(&call, nullptr), EINVAL);
    EXPECT_EQ(kspawn_capture_begin_np(&call, nullptr), EINVAL);
    EXPECT_EQ(last_failure().words, "capture: request: Invalid argument");
}

TEST_F(Capture, LaterVersions) {
    struct {
        kspawn_capture call = KSPAWN_CAPTURE_INIT;
        long more = 0;
    } later;
    later.call.size = sizeof(later);
    later.call.file = "/bin/true";
    EXPECT_EQ(kspawn_capture_np(&later.call, &result), 0);
    kspawn_captured_free_np(&result);
    later.more = 1;
    EXPECT_EQ(kspawn_capture_np(&later.call, &result), E2BIG);
}

TEST_F(Capture, ObjectsThatAreNone) {
    kspawn_spawn_file_actions_t none{};
    call.file_actions = &none;
    EXPECT_EQ(shell("true"), EINVAL);
    EXPECT_EQ(last_failure().index, unsigned{KSPAWN_ARG_ACTIONS});
}

TEST_F(Capture, StatusThatIsLost) {
    // Through libc the pidfd can come too late; that is another error.
    KSPAWN_NOT_THROUGH_LIBC("a child that nobody waits for may be gone before its pidfd");
    ::signal(SIGCHLD, SIG_IGN);
    EXPECT_EQ(shell("echo x"), ECHILD);
    ::signal(SIGCHLD, SIG_DFL);
    EXPECT_EQ(last_failure().step, unsigned{KSPAWN_STEP_WAIT});
    EXPECT_EQ(out(), "x\n");
    EXPECT_EQ(result.status, -1);
}

TEST_F(Capture, NoDescriptors) {
    for (const bool looped : {false, true})
        for (int spare = 1; spare < 9; ++spare) // one to look at them
            EXPECT_EQ(in_a_fork([&]() -> std::string {
                          loops = looped;
                          leave_descriptors_free(spare);
                          const auto open = descriptors();
                          const int error = shell("echo x");
                          if (error == 0 ? out() != "x\n" : error != EMFILE)
                              return "error " + std::to_string(error);
                          if (::waitpid(-1, nullptr, WNOHANG | __WALL) != -1)
                              return "a child";
                          return descriptors() == open ? "" : "a descriptor";
                      }),
                      "")
                << spare;
}

TEST_F(Capture, EndOfOneThatIsNotOver) {
    const Strings argv{"sleep", "60"};
    call.file = "/bin/sleep";
    call.argv = argv.get();
    kspawn_capturing* capturing = nullptr;
    ASSERT_EQ(kspawn_capture_begin_np(&call, &capturing), 0);
    EXPECT_EQ(kspawn_capture_handle_np(capturing), EAGAIN);
    EXPECT_EQ(kspawn_capture_end_np(capturing, &result), 0);
    EXPECT_EQ(result.status, SIGKILL);
    ASSERT_EQ(kspawn_capture_begin_np(&call, &capturing), 0);
    EXPECT_EQ(kspawn_capture_end_np(capturing, nullptr), 0);
}

TEST_F(Capture, SignalsDoNotEndIt) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval timer{.it_interval = {.tv_sec = 0, .tv_usec = 10000},
                          .it_value = {.tv_sec = 0, .tv_usec = 10000}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
    ASSERT_EQ(shell("sleep 0.2; echo x; exec >&- 2>&-; sleep 0.2"), 0);
    EXPECT_EQ(out(), "x\n");
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::signal(SIGALRM, SIG_DFL);
}

class CaptureInCgroup : public Capture {
protected:
    void SetUp() override {
        Capture::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        if (!mount_)
            GTEST_SKIP() << "no cgroup2";
    }
    [[nodiscard]] bool cannot() {
        if (!through_libc() || libc_has_cgroups())
            return false;
        EXPECT_EQ(shell("true"), ENOTSUP);
        EXPECT_EQ(last_failure().step, unsigned{KSPAWN_STEP_ATTRIBUTE});
        return true;
    }

    // A daemon: forked twice, in a session of its own, deaf to SIGTERM, and it has the pipes.
    static constexpr auto leaves_a_daemon =
        "(setsid sh -c 'trap \"\" TERM HUP; echo daemon; exec sleep 600' & ) ; sleep 0.3; ";

    CgroupMount mount_;
};

TEST_F(CaptureInCgroup, TheTreeIsKilled) {
    for (const bool without_kill : {false, true})
        for (const bool looped : {false, true}) {
            loops = looped;
            no_cgroup_kill = without_kill;
            Cgroup group(mount_, "one");
            call.cgroup = group.get();
            if (cannot())
                return;
            ASSERT_EQ(shell(std::string(leaves_a_daemon) + "cat /proc/self/cgroup; exit 4"), 0);
            EXPECT_EQ(out(), "daemon\n0::/one\n");
            EXPECT_EQ(result.status, 4 << 8);
            EXPECT_FALSE(timed_out());
            EXPECT_TRUE(group.remove()) << "something is left: " << std::strerror(errno);
        }
    no_cgroup_kill = false;
}

TEST_F(CaptureInCgroup, GroupsBelowAreKilledToo) {
    for (const bool without_kill : {false, true}) {
        no_cgroup_kill = without_kill;
        Cgroup group(mount_, "two");
        const Cgroup below(mount_, "two/below");
        call.cgroup = group.get();
        if (cannot())
            return;
        const auto procs = (below.path() / "cgroup.procs").string();
        ASSERT_EQ(shell("sleep 600 & echo $! >" + procs + "; cat " + procs + " | wc -l"), 0);
        EXPECT_EQ(out(), "1\n");
        EXPECT_EQ(read_file(procs), "");
    }
    no_cgroup_kill = false;
}

TEST_F(CaptureInCgroup, TimeLimit) {
    for (const bool looped : {false, true}) {
        loops = looped;
        Cgroup group(mount_, "three");
        call.cgroup = group.get();
        if (cannot())
            return;
        // Long enough for the shell to have got to its trap, and its daemon to its word.
        call.time_limit_ms = 3000;
        call.grace_ms = 200;
        ASSERT_EQ(shell("trap '' TERM; " + std::string(leaves_a_daemon) + "sleep 600"), 0);
        EXPECT_TRUE(timed_out());
        EXPECT_EQ(result.status, SIGKILL);
        EXPECT_EQ(out(), "daemon\n");
        EXPECT_TRUE(group.remove()) << std::strerror(errno);
    }
}

TEST_F(CaptureInCgroup, StartThatFails) {
    Cgroup group(mount_, "four");
    call.cgroup = group.get();
    if (cannot())
        return;
    kspawn_spawn_file_actions_addopen(actions.get(), 9, "/no/such", O_RDONLY, 0);
    call.file_actions = actions.get();
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(shell("true"), ENOENT);
        ASSERT_TRUE(group.remove()) << std::strerror(errno);
        ASSERT_EQ(::mkdir(group.path().c_str(), 0755), 0);
        const Descriptor again{::open(group.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        ASSERT_EQ(::dup3(again.get(), group.get(), O_CLOEXEC), group.get());
    }
}

TEST_F(CaptureInCgroup, EndOfOneThatIsNotOver) {
    Cgroup group(mount_, "five");
    call.cgroup = group.get();
    if (cannot())
        return;
    const Strings argv{"sh", "-c", "sleep 600 & sleep 600"};
    call.file = "/bin/sh";
    call.argv = argv.get();
    kspawn_capturing* capturing = nullptr;
    ASSERT_EQ(kspawn_capture_begin_np(&call, &capturing), 0);
    ASSERT_EQ(kspawn_capture_end_np(capturing, nullptr), 0);
    EXPECT_TRUE(group.remove()) << std::strerror(errno);
}

TEST_F(CaptureInCgroup, DescriptorsThatAreNoCgroup) {
    const Descriptor directory{::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    call.cgroup = directory.get();
    EXPECT_EQ(shell("true"), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_CGROUP,
                                       "capture: cgroup: No such file or directory"}));
    call.cgroup = 987;
    EXPECT_EQ(shell("true"), EBADF);
}

// Sixteen threads, each with a cgroup of its own, and each call leaves a process behind.
TEST_F(CaptureInCgroup, Storm) {
    if (through_libc() && !libc_has_cgroups())
        GTEST_SKIP() << "libc makes no child in a cgroup";
    const char* const scale = std::getenv("KSPAWN_TEST_SCALE");
    const int rounds = std::max(1, 5 * (scale != nullptr ? std::atoi(scale) : 100) / 100);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&, i] {
            const std::string name = "storm-" + std::to_string(i);
            for (int round = 0; round < rounds; ++round) {
                Cgroup group(mount_, name);
                const auto script = "sleep 600 & echo " + name + "; cat";
                const Strings argv{"sh", "-c", script};
                kspawn_capture own = KSPAWN_CAPTURE_INIT;
                kspawn_captured told = KSPAWN_CAPTURED_INIT;
                own.file = "/bin/sh";
                own.argv = argv.get();
                own.envp = environment.get();
                own.input_data = name.data();
                own.input_size = name.size();
                own.cgroup = group.get();
                own.time_limit_ms = 300'000;
                own.death_signal = through_libc() ? 0 : SIGKILL;
                EXPECT_EQ(kspawn_capture_np(&own, &told), 0) << kspawn_strfailure();
                EXPECT_EQ(std::string(told.out, told.out_size), name + "\n" + name);
                EXPECT_EQ(told.status, 0);
                kspawn_captured_free_np(&told);
                EXPECT_TRUE(group.remove()) << std::strerror(errno);
            }
        });
}

} // namespace

} // namespace kspawn::test
