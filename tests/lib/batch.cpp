// SPDX-License-Identifier: LGPL-2.1-or-later
// Several starts in one call.
#include <fcntl.h>
#include <kspawn/batch.h>
#include <kspawn/spawn_async.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <deque>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

using Command = std::vector<std::string>;

Command shell(const std::string& script) {
    return {"/bin/sh", "-c", script};
}

volatile sig_atomic_t sigchlds = 0;

extern "C" void count_sigchld(int) {
    sigchlds = sigchlds + 1;
}

extern "C" void do_nothing(int) {}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ASSERT_EQ(::sigaction(signal, &action, nullptr), 0);
}

class Batch : public Spawner {
protected:
    void TearDown() override {
        ::signal(SIGCHLD, SIG_DFL);
        ::signal(SIGALRM, SIG_DFL);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    }

    void add(const Command& command) {
        const auto& argv = arguments.emplace_back(command);
        kspawn_batch_start start{};
        start.file = argv.get()[0];
        start.argv = argv.get();
        start.envp = environment.get();
        starts.push_back(start);
    }
    void add(std::initializer_list<Command> commands) {
        for (const auto& command : commands)
            add(command);
    }
    // Three that leave a file each.
    void add_three_that_leave_files() {
        for (const char* const name : {"ran0", "ran1", "ran2"})
            add(shell(": > " + scratch.file(name)));
    }
    [[nodiscard]] bool ran(int place) const {
        return std::filesystem::exists(scratch.file("ran" + std::to_string(place)));
    }

    int call(unsigned flags) {
        failed = 4711;
        return kspawn_spawn_batch_np(starts.data(), starts.size(), flags, &failed);
    }
    // The wait status of one that the call has not waited for.
    int status_of(std::size_t place) {
        const auto& result = starts[place].result;
        if (result.pidfd >= 0)
            ::close(result.pidfd);
        int status = -1;
        EXPECT_EQ(::waitpid(result.pid, &status, 0), result.pid);
        return status;
    }
    // Each has been started, and succeeds.
    void expect_success_of_all() {
        for (std::size_t place = 0; place < starts.size(); ++place) {
            EXPECT_EQ(starts[place].result.error, 0) << place;
            EXPECT_EQ(status_of(place), 0) << place;
        }
    }
    void expect_result(std::size_t place, int error, unsigned step, unsigned index) {
        const auto& result = starts[place].result;
        EXPECT_EQ(result.error, error) << place;
        EXPECT_EQ(result.step, step) << place;
        EXPECT_EQ(result.index, index) << place;
        EXPECT_EQ(result.pid, 0) << place;
        EXPECT_EQ(result.pidfd, -1) << place;
    }
    // The pipe `out` is the standard output of the last start.
    void collect_output_of_last() {
        ASSERT_EQ(kspawn_spawn_file_actions_adddup2(actions.get(), out.writer.get(), 1), 0);
        starts.back().file_actions = actions.get();
    }
    std::string output() {
        out.writer = Descriptor{};
        return read_all(out.reader);
    }

    std::deque<Strings> arguments;
    std::vector<kspawn_batch_start> starts;
    std::size_t failed = 0;
    Pipe out;
};

TEST_F(Batch, PipesConnectInOrder) {
    add({shell("echo one; echo two"), shell("while read l; do echo $l; echo $l; done"),
         shell("while read l; do printf %s, $l; done")});
    collect_output_of_last();
    ASSERT_EQ(call(KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT), 0) << kspawn_strfailure();
    EXPECT_EQ(output(), "one,one,two,two,");
    EXPECT_EQ(failed, 4711U);
    for (const auto& start : starts) {
        EXPECT_EQ(start.result.status, 0);
        EXPECT_GT(start.result.pid, 0);
        EXPECT_EQ(start.result.pidfd, -1) << "none was wanted";
    }
}

TEST_F(Batch, EachHasItsStatusUsageAndPidfd) {
    add({{helper("child"), "exit", "3"}, {helper("child"), "kill", "15"}});
    std::array<struct rusage, 2> usage{};
    starts[0].usage = &usage[0];
    starts[1].usage = &usage[1];
    ASSERT_EQ(call(KSPAWN_BATCH_WAIT | KSPAWN_BATCH_PIDFDS), 0) << kspawn_strfailure();
    EXPECT_EQ(starts[0].result.status, 3 << 8);
    EXPECT_EQ(starts[1].result.status, 15);
    for (std::size_t place = 0; place < 2; ++place) {
        EXPECT_GT(usage.at(place).ru_maxrss, 0);
        const Descriptor pidfd{starts[place].result.pidfd};
        EXPECT_EQ(::syscall(SYS_pidfd_send_signal, pidfd.get(), 0, nullptr, 0), -1);
        EXPECT_EQ(errno, ESRCH) << "it is that of the child, which has been waited for";
    }
}

TEST_F(Batch, WithoutWaitTheChildrenAreTheCallers) {
    add({{helper("child"), "exit", "3"}, {helper("child"), "exit", "4"}});
    ASSERT_EQ(call(KSPAWN_BATCH_PIDFDS), 0);
    for (std::size_t place = 0; place < 2; ++place) {
        EXPECT_GE(starts[place].result.pidfd, 0);
        EXPECT_EQ(status_of(place), static_cast<int>(3 + place) << 8);
    }
}

// The file actions of a start come after its pipes, as in a shell.
TEST_F(Batch, ActionsReplaceAPipe) {
    add({shell("echo to stderr >&2; echo to stdout"), {"/bin/cat"}});
    const Descriptor null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    internal::FileActions first;
    first.dup2(1, 2); // the pipe
    first.dup2(null.get(), 1);
    starts[0].file_actions = first.get();
    collect_output_of_last();
    ASSERT_EQ(call(KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT), 0) << kspawn_strfailure();
    EXPECT_EQ(output(), "to stderr\n");
}

TEST_F(Batch, PipesAreThereWithoutOtherDescriptors) {
    flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    add({{helper("child"), "exit", "0"}, {helper("child"), "cat"}});
    starts[0].attributes = attributes.get();
    starts[1].attributes = attributes.get();
    ASSERT_EQ(call(KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT), 0) << kspawn_strfailure();
    EXPECT_EQ(starts[1].result.status >> 8, 0) << "it could read";
}

TEST_F(Batch, OneIsMissing) {
    add({{helper("child"), "exit", "0"}, {"/no/such/program"}, {helper("child"), "exit", "0"}});
    EXPECT_EQ(call(0), ENOENT);
    EXPECT_EQ(failed, 1U);
    EXPECT_EQ(last_failure(),
              (Failure{ENOENT, KSPAWN_STEP_EXEC, 0,
                       "start 1: exec /no/such/program: No such file or directory"}));
    expect_result(1, ENOENT, KSPAWN_STEP_EXEC, 0);
    EXPECT_EQ(starts[0].result.error, 0);
    EXPECT_EQ(starts[2].result.error, 0);
    EXPECT_EQ(status_of(0), 0);
    EXPECT_EQ(status_of(2), 0);
}

TEST_F(Batch, InterpreterThatIsMissingIsSaid) {
    const auto script = scratch.write("script", "#!/no/such/interpreter\n", 0755);
    add({{helper("child"), "exit", "0"}, {script}});
    EXPECT_EQ(call(0), ENOENT);
    EXPECT_EQ(last_failure().words,
              "start 1: exec " + script +
                  ": No such file or directory (the file exists; the interpreter that it names "
                  "does not?)");
    EXPECT_EQ(status_of(0), 0);
}

TEST_F(Batch, ActionOfOneFails) {
    add({{helper("child"), "exit", "0"}, {helper("child"), "exit", "0"}});
    ASSERT_EQ(kspawn_spawn_file_actions_addclose(actions.get(), 30), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/no/such/directory"), 0);
    starts[1].file_actions = actions.get();
    EXPECT_EQ(call(KSPAWN_BATCH_PIPES), ENOENT);
    EXPECT_EQ(last_failure(),
              (Failure{ENOENT, KSPAWN_STEP_ACTION, 1,
                       "start 1: file action 1: chdir /no/such/directory: No such file or "
                       "directory"}));
    expect_result(1, ENOENT, KSPAWN_STEP_ACTION, 1);
    EXPECT_EQ(status_of(0), 0);
}

TEST_F(Batch, ProgramsAreSearchedFor) {
    const auto directory = helper("child").substr(0, helper("child").rfind('/'));
    add({{"child", "exit", "5"}, {"child", "exit", "6"}});
    starts[0].search = directory.c_str();
    starts[1].search = directory.c_str();
    ASSERT_EQ(call(KSPAWN_BATCH_WAIT), 0) << kspawn_strfailure();
    EXPECT_EQ(starts[0].result.status, 5 << 8);
    EXPECT_EQ(starts[1].result.status, 6 << 8);
}

TEST_F(Batch, MisuseIsRefused) {
    const Failure refused{EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS, "request: Invalid argument"};
    EXPECT_EQ(kspawn_spawn_batch_np(nullptr, 1, 0, nullptr), EINVAL);
    EXPECT_EQ(last_failure(), refused);
    EXPECT_EQ(call(0), EINVAL) << "none";
    EXPECT_EQ(last_failure(), refused);
    add({helper("child"), "exit", "0"});
    EXPECT_EQ(call(0x8000), EINVAL) << "unknown flag";
    EXPECT_EQ(last_failure(), refused);
    EXPECT_EQ(failed, 1U) << "not that of a start";
    starts[0].reserved[3] = 1;
    EXPECT_EQ(call(0), EINVAL);
    EXPECT_EQ(last_failure(), refused);
    starts[0].reserved[3] = 0;
    EXPECT_EQ(kspawn_spawn_batch_async_np(starts.data(), 1, KSPAWN_BATCH_WAIT, -1, nullptr),
              EINVAL);
    EXPECT_EQ(last_failure(), refused);
}

TEST_F(Batch, ObjectThatIsNotValidFailsAll) {
    add_three_that_leave_files();
    kspawn_spawnattr_t nothing{};
    starts[1].attributes = &nothing;
    EXPECT_EQ(call(0), EINVAL);
    EXPECT_EQ(failed, 1U);
    EXPECT_EQ(last_failure(), (Failure{EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES,
                                       "start 1: attributes object: Invalid argument"}));
    expect_result(0, ECANCELED, KSPAWN_STEP_BATCH, 0);
    expect_result(1, EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES);
    expect_result(2, ECANCELED, KSPAWN_STEP_BATCH, 0);
    EXPECT_FALSE(ran(0));
}

TEST_F(Batch, TooMany) {
    for (int i = 0; i < 1000; ++i)
        add({helper("child"), "exit", "0"});
    EXPECT_EQ(call(0), E2BIG);
    EXPECT_EQ(failed, 1000U);
    EXPECT_EQ(last_failure(), (Failure{E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS,
                                       "request: Argument list too long"}));
}

TEST_F(Batch, AsManyAsThereMayBe) {
    add(shell("echo x"));
    while (starts.size() < KSPAWN_BATCH_MAX)
        add({"/bin/cat"});
    collect_output_of_last();
    ASSERT_EQ(call(KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT), 0) << kspawn_strfailure();
    EXPECT_EQ(output(), "x\n");
    std::set<pid_t> pids;
    for (const auto& start : starts) {
        EXPECT_EQ(start.result.status, 0);
        pids.insert(start.result.pid);
    }
    EXPECT_EQ(pids.size(), std::size_t{KSPAWN_BATCH_MAX});
}

TEST_F(Batch, ProcessGroup) {
    add({{helper("child"), "pause"}, {helper("child"), "pause"}, {helper("child"), "pause"}});
    ASSERT_EQ(call(KSPAWN_BATCH_PGROUP), 0) << kspawn_strfailure();
    for (const auto& start : starts)
        EXPECT_EQ(::getpgid(start.result.pid), starts[0].result.pid);
    EXPECT_NE(starts[0].result.pid, ::getpgrp());
    EXPECT_EQ(::kill(-starts[0].result.pid, SIGKILL), 0);
    for (std::size_t place = 0; place < 3; ++place)
        EXPECT_EQ(status_of(place), SIGKILL);
}

TEST_F(Batch, ProcessGroupIsOfTheBatchAlone) {
    add({{helper("child"), "exit", "0"}, {helper("child"), "exit", "0"}});
    for (const int flag : {KSPAWN_SPAWN_SETPGROUP, KSPAWN_SPAWN_SETSID}) {
        flags(flag);
        starts[1].attributes = attributes.get();
        EXPECT_EQ(call(KSPAWN_BATCH_PGROUP), EINVAL);
        EXPECT_EQ(failed, 1U);
        EXPECT_EQ(last_failure(), (Failure{EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES,
                                           "start 1: attributes object: Invalid argument"}));
        expect_result(1, EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES);
        EXPECT_EQ(starts[0].result.error, ECANCELED);
        EXPECT_EQ(starts[0].result.step, unsigned{KSPAWN_STEP_BATCH});
    }
}

TEST_F(Batch, SignalEndsTheWaitAndNoChild) {
    handle(SIGALRM, do_nothing);
    add({{helper("child"), "exit", "9"}, {helper("child"), "pause"}});
    const itimerval timer{.it_interval = {}, .it_value = {.tv_sec = 1, .tv_usec = 0}};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &timer, nullptr), 0);
    ASSERT_EQ(call(KSPAWN_BATCH_WAIT), EINTR);
    EXPECT_EQ(failed, 1U);
    EXPECT_EQ(last_failure(), (Failure{EINTR, KSPAWN_STEP_WAIT, 0,
                                       "start 1: wait for the child: Interrupted system call"}));
    EXPECT_EQ(starts[0].result.error, 0);
    EXPECT_EQ(starts[0].result.status, 9 << 8);
    ASSERT_GT(starts[1].result.pid, 0);
    EXPECT_EQ(::kill(starts[1].result.pid, SIGKILL), 0);
    EXPECT_EQ(status_of(1), SIGKILL);
}

TEST_F(Batch, EndOfOneDoesNotEndTheWait) {
    handle(SIGCHLD, count_sigchld);
    add({{helper("child"), "exit", "0"}, shell("sleep 0.3; exit 4")});
    ASSERT_EQ(call(KSPAWN_BATCH_WAIT), 0) << kspawn_strfailure();
    EXPECT_EQ(starts[1].result.status, 4 << 8);
}

// Which files cannot be executed, and how it is said.
struct Broken {
    const char* name;
    std::string text;
    int error;
};

void PrintTo(const Broken& broken, std::ostream* stream) {
    *stream << broken.name;
}

class BatchAllOrNone : public Batch, public ::testing::WithParamInterface<Broken> {};

// At each place: no program has run, nothing is left, and nobody is told.
TEST_P(BatchAllOrNone, NoProgramRuns) {
    if (through_libc()) {
        add({helper("child"), "exit", "0"});
        EXPECT_EQ(call(KSPAWN_BATCH_ALL_OR_NONE), ENOTSUP);
        EXPECT_EQ(failed, 1U);
        EXPECT_EQ(last_failure().step, unsigned{KSPAWN_STEP_BATCH});
        EXPECT_EQ(last_failure().index, unsigned{KSPAWN_BATCH_ALL_OR_NONE});
        EXPECT_TRUE(last_failure().words.starts_with(
            "batch ALL_OR_NONE: Operation not supported (libc cannot do this"))
            << last_failure().words;
        expect_result(0, ENOTSUP, KSPAWN_STEP_BATCH, KSPAWN_BATCH_ALL_OR_NONE);
        return;
    }
    const auto& broken = GetParam();
    auto path = scratch.file("missing");
    if (!broken.text.empty())
        path = scratch.write("broken", broken.text, 0755);
    handle(SIGCHLD, count_sigchld);
    sigchlds = 0;
    for (const unsigned flags : {unsigned{KSPAWN_BATCH_ALL_OR_NONE | KSPAWN_BATCH_PIDFDS},
                                 unsigned{KSPAWN_BATCH_ALL_OR_NONE | KSPAWN_BATCH_PIPES |
                                          KSPAWN_BATCH_PGROUP | KSPAWN_BATCH_WAIT}}) {
        for (std::size_t place = 0; place < 3; ++place) {
            starts.clear();
            arguments.clear();
            add_three_that_leave_files();
            starts[place].file = path.c_str();
            const auto before = open_descriptors();
            EXPECT_EQ(call(flags), broken.error) << kspawn_strfailure();
            EXPECT_EQ(open_descriptors(), before);
            EXPECT_EQ(failed, place);
            EXPECT_EQ(last_failure().step, unsigned{KSPAWN_STEP_EXEC});
            EXPECT_TRUE(last_failure().words.starts_with("start " + std::to_string(place) + ": "))
                << last_failure().words;
            for (std::size_t other = 0; other < 3; ++other) {
                if (other == place)
                    expect_result(other, broken.error, KSPAWN_STEP_EXEC, 0);
                else
                    expect_result(other, ECANCELED, KSPAWN_STEP_BATCH, KSPAWN_BATCH_ALL_OR_NONE);
            }
            EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie";
        }
    }
    ::usleep(50'000); // for a program that should not be there
    for (int place = 0; place < 3; ++place)
        EXPECT_FALSE(ran(place)) << place;
    EXPECT_EQ(sigchlds, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BatchAllOrNone,
    ::testing::Values(Broken{"Missing", "", ENOENT}, Broken{"Text", "no program\n", ENOEXEC},
                      Broken{"Interpreter", "#!/no/such/interpreter\n", ENOENT},
                      Broken{"Elf",
                             std::string("\x7f"
                                         "ELF\x02\x01\x01") +
                                 std::string(200, '\0'),
                             ENOEXEC}),
    [](const auto& kind) { return std::string(kind.param.name); });

TEST_F(Batch, AllOrNoneThatCan) {
    KSPAWN_NOT_THROUGH_LIBC("libc starts one after the other");
    add_three_that_leave_files();
    ASSERT_EQ(call(KSPAWN_BATCH_ALL_OR_NONE | KSPAWN_BATCH_WAIT), 0) << kspawn_strfailure();
    for (int place = 0; place < 3; ++place)
        EXPECT_TRUE(ran(place)) << place;
}

TEST_F(Batch, EventsTellOfEach) {
    add({{helper("child"), "exit", "0"}, {helper("child"), "exit", "0"}});
    starts[0].cookie = 7;
    starts[1].cookie = 8;
    int queue = -1;
    ASSERT_EQ(kspawn_completion_open_np(&queue, 4, 0), 0) << kspawn_strfailure();
    const Descriptor completion{queue};
    ASSERT_EQ(kspawn_spawn_batch_async_np(starts.data(), 2, KSPAWN_BATCH_PIPES, queue, &failed), 0)
        << kspawn_strfailure();
    std::set<unsigned long long> cookies;
    while (cookies.size() < 2) {
        kspawn_event event{};
        std::size_t count = 0;
        ASSERT_EQ(kspawn_completion_read_np(queue, &event, 1, &count), 0);
        EXPECT_EQ(event.error, 0);
        EXPECT_EQ(event.pid, starts.at(event.cookie - 7).result.pid);
        EXPECT_TRUE(cookies.insert(event.cookie).second);
    }
    expect_success_of_all();
}

TEST_F(Batch, EventsNeedRoom) {
    while (starts.size() < 3)
        add({helper("child"), "exit", "0"});
    const Pipe none;
    EXPECT_EQ(kspawn_spawn_batch_async_np(starts.data(), 3, 0, none.reader.get(), &failed), EBADF);
    EXPECT_EQ(last_failure().index, unsigned{KSPAWN_ARG_COMPLETION});
    KSPAWN_NOT_THROUGH_LIBC("there is always room for 340 events");
    int queue = -1;
    ASSERT_EQ(kspawn_completion_open_np(&queue, 2, 0), 0);
    const Descriptor completion{queue};
    EXPECT_EQ(kspawn_spawn_batch_async_np(starts.data(), 3, 0, queue, &failed), EAGAIN);
    EXPECT_EQ(failed, 2U);
    EXPECT_EQ(last_failure(),
              (Failure{EAGAIN, KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION,
                       "start 2: completion descriptor: Resource temporarily unavailable"}));
}

// No end of a pipe is ever a descriptor of the caller, so no fork() can inherit one: a
// child of another thread that has one keeps a reader waiting.
TEST_F(Batch, NoForkInheritsAnEnd) {
    KSPAWN_NOT_THROUGH_LIBC("the pipes are the caller's for a moment");
    constexpr int rounds = 500;
    const auto before = open_descriptors();
    std::set<int> known;
    for (const auto& [number, target] : before)
        known.insert(number);
    std::atomic<bool> done{false};
    std::atomic<int> leaks{0};
    std::atomic<int> forks{0};
    const auto fork_on = [&] {
        while (!done) {
            const pid_t child = ::fork();
            if (child == 0) {
                int found = 0;
                for (int number = 0; number < 64; ++number)
                    found +=
                        static_cast<int>(!known.contains(number) && ::fcntl(number, F_GETFD) >= 0 &&
                                         ::lseek(number, 0, SEEK_CUR) < 0 && errno == ESPIPE);
                ::_exit(found != 0 ? 1 : 0);
            }
            int status = 0;
            if (child > 0 && ::waitpid(child, &status, 0) == child) {
                leaks += static_cast<int>(status != 0);
                ++forks;
            }
        }
    };
    add({{helper("child"), "exit", "0"}, {helper("child"), "exit", "0"}});
    // The device's descriptor is there from the first start on.
    ASSERT_EQ(call(KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT), 0);
    {
        const std::jthread other(fork_on);
        for (int round = 0; round < rounds; ++round)
            if (call(KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT) != 0)
                ADD_FAILURE() << kspawn_strfailure();
        done = true;
    }
    EXPECT_EQ(leaks, 0);
    EXPECT_GT(forks, 0);
}

} // namespace

} // namespace kspawn::test
