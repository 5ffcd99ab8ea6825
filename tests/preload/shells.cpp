// SPDX-License-Identifier: LGPL-2.1-or-later
// popen(), pclose() and system(), whose shells libc starts by itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <string>
#include <thread>
#include <vector>

#include "kit.hpp"

namespace {

std::string read_all(std::FILE* stream) {
    std::string all;
    std::array<char, 256> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), stream) != nullptr)
        all += buffer.data();
    return all;
}

bool close_on_exec(std::FILE* stream) {
    return ::fcntl(::fileno(stream), F_GETFD) == FD_CLOEXEC;
}

TEST(Popen, Reads) {
    std::FILE* const stream = ::popen("echo out; exit 3", "r");
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(read_all(stream), "out\n");
    EXPECT_EQ(::pclose(stream), 3 << 8);
}

TEST(Popen, Writes) {
    std::FILE* const stream = ::popen("read word; test \"$word\" = word", "w");
    ASSERT_NE(stream, nullptr);
    std::fputs("word\n", stream);
    EXPECT_EQ(::pclose(stream), 0);
}

TEST(Popen, CommandThatBeginsWithADash) {
    std::FILE* const stream = ::popen("-x 2>&1; echo said", "r");
    ASSERT_NE(stream, nullptr);
    const auto said = read_all(stream);
    EXPECT_NE(said.find("said\n"), std::string::npos) << said;
    EXPECT_EQ(::pclose(stream), 0);
}

TEST(Popen, ModesThatMeanNothing) {
    for (const char* const mode : {"", "rw", "x", "e", "rb", "r+"}) {
        errno = 0;
        EXPECT_EQ(::popen("exit 0", mode), nullptr) << mode;
        EXPECT_EQ(errno, EINVAL) << mode;
    }
}

TEST(Popen, CloseOnExecIfAskedFor) {
    std::FILE* const inherited = ::popen("exit 0", "r");
    std::FILE* const kept = ::popen("exit 0", "re");
    ASSERT_NE(inherited, nullptr);
    ASSERT_NE(kept, nullptr);
    EXPECT_FALSE(close_on_exec(inherited));
    EXPECT_TRUE(close_on_exec(kept));
    ::pclose(inherited);
    ::pclose(kept);
}

// POSIX: streams of earlier calls are closed in the new child.  Otherwise this
// would never end: the second cat would hold the first one's input open.
TEST(Popen, EarlierStreamsAreClosedInTheChild) {
    std::FILE* const first = ::popen("cat >/dev/null", "w");
    std::FILE* const second = ::popen("cat >/dev/null", "w");
    ASSERT_NE(first, nullptr);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(::pclose(first), 0);
    EXPECT_EQ(::pclose(second), 0);
}

// The pipe's ends take the numbers 0 and 1.
TEST(Popen, WithoutStandardStreams) {
    const int input = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);
    const int output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);
    std::FILE* const stream = ::popen("echo out", "r");
    const auto said = stream != nullptr ? read_all(stream) : "";
    const int status = stream != nullptr ? ::pclose(stream) : -1;
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::close(input);
    ::close(output);
    EXPECT_EQ(said, "out\n");
    EXPECT_EQ(status, 0);
}

#if defined(__GNUC__) && !defined(__clang__)
// The next two tests are about that.
#pragma GCC diagnostic ignored "-Wmismatched-dealloc"
#endif

// As with libc: fclose() waits as well, and pclose() closes any stream.
TEST(Popen, FcloseIsPclose) {
    std::FILE* const stream = ::popen("exit 7", "r");
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(std::fclose(stream), 7 << 8);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Popen, PcloseOfAnotherStream) {
    std::FILE* const popened = ::popen("exit 1", "r");
    std::FILE* const stream = std::fopen("/dev/null", "r");
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(::pclose(stream), 0);
    EXPECT_EQ(::pclose(popened), 1 << 8);
}

// POSIX, and libc.
TEST(Popen, IsByteOriented) {
    for (const char* const mode : {"r", "w"}) {
        std::FILE* const stream = ::popen("exit 0", mode);
        ASSERT_NE(stream, nullptr);
        EXPECT_LT(std::fwide(stream, 0), 0) << mode;
        EXPECT_LT(std::fwide(stream, 1), 0) << mode;
        EXPECT_EQ(::pclose(stream), 0);
    }
}

TEST(Popen, CannotBeSoughtIn) {
    std::FILE* const stream = ::popen("echo out", "r");
    ASSERT_NE(stream, nullptr);
    errno = 0;
    EXPECT_EQ(std::fseek(stream, 0, SEEK_SET), -1);
    EXPECT_EQ(errno, ESPIPE);
    errno = 0;
    EXPECT_EQ(std::ftell(stream), -1);
    EXPECT_EQ(errno, ESPIPE);
    EXPECT_EQ(std::fgetc(stream), 'o');
    EXPECT_EQ(std::fflush(stream), 0);
    EXPECT_EQ(read_all(stream), "ut\n");
    EXPECT_EQ(::pclose(stream), 0);
}

// More than a pipe and a buffer hold, in pieces that fit neither.
TEST(Popen, PassesMuchOn) {
    const std::string much(1'000'003, 'x');
    std::FILE* const writer = ::popen("test $(wc -c) = 1000003", "w");
    ASSERT_NE(writer, nullptr);
    EXPECT_EQ(std::fwrite(much.data(), 1, 7, writer), 7U);
    EXPECT_EQ(std::fwrite(much.data(), 1, much.size() - 7, writer), much.size() - 7);
    EXPECT_EQ(::pclose(writer), 0);

    std::FILE* const reader = ::popen("head -c 1000003 /dev/zero", "r");
    ASSERT_NE(reader, nullptr);
    std::string got(much.size() + 1, 'x');
    EXPECT_EQ(std::fread(got.data(), 1, 11, reader), 11U);
    EXPECT_EQ(std::fread(got.data() + 11, 1, got.size() - 11, reader), much.size() - 11);
    EXPECT_NE(std::feof(reader), 0);
    EXPECT_EQ(got, std::string(much.size(), '\0') + 'x');
    EXPECT_EQ(::pclose(reader), 0);
}

// The reader is gone: an error of the stream, which close tells as well.
TEST(Popen, WritingToNobodyFails) {
    auto* const before = ::signal(SIGPIPE, SIG_IGN);
    std::FILE* const stream = ::popen("exec <&-; exit 0", "w");
    ASSERT_NE(stream, nullptr);
    siginfo_t ended{};
    ::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT);
    std::fputs("lost\n", stream);
    errno = 0;
    EXPECT_EQ(std::fflush(stream), EOF);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_NE(std::ferror(stream), 0);
    EXPECT_EQ(::pclose(stream), 0);
    ::signal(SIGPIPE, before);
}

TEST(Popen, SomebodyElseHasWaited) {
    std::FILE* const stream = ::popen("exit 0", "r");
    ASSERT_NE(stream, nullptr);
    EXPECT_GT(::waitpid(-1, nullptr, 0), 0);
    errno = 0;
    EXPECT_EQ(::pclose(stream), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(Popen, InAChildOfFork) {
    std::FILE* const before = ::popen("exit 0", "r");
    ASSERT_NE(before, nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::FILE* const own = ::popen("exit 4", "r");
        const bool good = own != nullptr && ::pclose(own) == 4 << 8 && ::pclose(before) == -1;
        ::_exit(good ? 0 : 1);
    }
    EXPECT_EQ(wait_status_of(pid), 0);
    EXPECT_EQ(::pclose(before), 0);
}

// Forks at any moment of a popen() in another thread.
TEST(Popen, ForkFromOtherThreads) {
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) {
            if (std::FILE* const stream = ::popen("exit 0", "r"))
                ::pclose(stream);
        }
    });
    for (int i = 0; i < 20; ++i) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            std::FILE* const own = ::popen("exit 4", "r");
            ::_exit(own != nullptr && ::pclose(own) == 4 << 8 ? 0 : 1);
        }
        EXPECT_EQ(wait_status_of(pid), 0);
    }
    stop = true;
    other.join();
}

TEST(System, IsThereAShell) {
    EXPECT_NE(std::system(nullptr), 0);
}

TEST(System, TellsHowItEnded) {
    EXPECT_EQ(std::system("exit 0"), 0);
    EXPECT_EQ(std::system("exit 9"), 9 << 8);
    EXPECT_EQ(std::system("kill -KILL $$"), SIGKILL);
    EXPECT_EQ(WEXITSTATUS(std::system("/no/such/program 2>/dev/null")), 127);
    EXPECT_EQ(std::system("-x 2>/dev/null; exit 5"), 5 << 8);
}

// In a child, which may not come back from what it does to itself.
int in_child(int (*function)()) {
    const pid_t pid = ::fork();
    if (pid == 0)
        ::_exit(function());
    return wait_status_of(pid);
}

constexpr uid_t other_user = 65534;

int system_at_the_process_limit() {
    const rlimit none{0, 0};
    if (::setresuid(other_user, other_user, other_user) != 0 ||
        ::setrlimit(RLIMIT_NPROC, &none) != 0)
        return 2;
    errno = 0;
    if (std::system("exit 3") != -1 || errno != EAGAIN)
        return 1;
    errno = 0;
    if (::popen("exit 3", "r") != nullptr || errno != EAGAIN)
        return 3;
    return std::system(nullptr) != 0 ? 4 : 0;
}

// POSIX: no child can be created.
TEST(System, AtTheProcessLimit) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    EXPECT_EQ(in_child(system_at_the_process_limit), 0);
}

int system_without_a_shell() {
    if (::chroot("/proc/self/fdinfo") != 0 || ::chdir("/") != 0)
        return 2;
    return std::system("exit 0") == 127 << 8 && std::system(nullptr) == 0 ? 0 : 1;
}

// "As if the command language interpreter had terminated by a call of _exit(127)".
TEST(System, WithoutAShell) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    EXPECT_EQ(in_child(system_without_a_shell), 0);
}

// Longer than an argument may be: it is the shell that is not executed.
TEST(System, CommandThatIsTooLong) {
    const std::string command = ": " + std::string(1U << 20U, 'x');
    EXPECT_EQ(std::system(command.c_str()), 127 << 8);
}

bool ignored(int signal) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    return now.sa_handler == SIG_IGN;
}

class Masked {
public:
    explicit Masked(int signal) {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, signal);
        ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    Masked(const Masked&) = delete;
    Masked& operator=(const Masked&) = delete;
    Masked(Masked&&) = delete;
    Masked& operator=(Masked&&) = delete;
    ~Masked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

std::string signals_of_child(const std::string& before = "") {
    const Scratch scratch;
    const auto file = scratch.file("signals");
    EXPECT_EQ(
        std::system(
            (before + "grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f 2 | cut -c 10- >" + file)
                .c_str()),
        0);
    return read_file(file);
}

// The child has the mask and the dispositions that its caller had, but for signals
// 32 and 33, which libc's posix_spawn() ignores.
TEST(System, SignalsOfTheCommand) {
    EXPECT_EQ(signals_of_child(), "0000000\n0000000\n");
    const Masked masked(SIGUSR1);
    auto* const before = ::signal(SIGINT, SIG_IGN);
    EXPECT_EQ(signals_of_child(), "0000200\n0000002\n");
    ::signal(SIGINT, before);
}

std::atomic<int> handled{0};

void count(int /*signal*/) {
    ++handled;
}

// The terminal sends SIGINT and SIGQUIT to both; only the command is ended.  The
// SIGCHLD that was blocked comes later, as with libc.
TEST(System, CallerIgnoresAndBlocksMeanwhile) {
    handled = 0;
    auto* const before_interrupt = ::signal(SIGINT, count);
    EXPECT_EQ(std::system("kill -INT $PPID; kill -QUIT $PPID; kill -INT $$; exit 1"), SIGINT);
    EXPECT_EQ(handled, 0);
    EXPECT_FALSE(ignored(SIGINT));
    EXPECT_FALSE(ignored(SIGQUIT));
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(::sigismember(&mask, SIGCHLD), 0);
    ::signal(SIGINT, before_interrupt);
}

TEST(System, FromManyThreads) {
    constexpr int count = 4;
    std::vector<std::thread> threads;
    threads.reserve(count);
    std::atomic<int> wrong{0};
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&wrong, i] {
            const auto command = "exit " + std::to_string(i);
            for (int n = 0; n < 5; ++n)
                wrong += std::system(command.c_str()) == i << 8 ? 0 : 1;
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_FALSE(ignored(SIGINT));
}

// Prints the system call in which the caller of system() sleeps, once it does.
const std::string print_call = "call=running; while [ $call = running ]; do "
                               "read call rest </proc/$PPID/syscall; done; echo $call";

int system_call_of_caller() {
    const Scratch scratch;
    const auto file = scratch.file("call");
    if (std::system(("(" + print_call + ") >" + file).c_str()) != 0)
        return -1;
    return std::stoi(read_file(file));
}

// In a new program, which has had no thread but its first.
TEST(System, IsOneCallWithoutOtherThreads) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const auto said = run_shell("python3 -c 'import os; os.system(\"" + print_call + "\")'");
    EXPECT_EQ(said.output, std::to_string(have_kernel() ? SYS_ioctl : SYS_wait4) + "\n");
    std::jthread other([](const std::stop_token& stop) {
        while (!stop.stop_requested())
            ::usleep(1000);
    });
    EXPECT_EQ(system_call_of_caller(), SYS_wait4) << "where it can be cancelled";
}

// A handler that runs meanwhile ends the kernel's wait, and another follows.
TEST(System, IsNotInterrupted) {
    const auto said = run_shell("python3 -c 'import os, signal\n"
                                "signal.signal(signal.SIGALRM, lambda *_: print(\"handled\"))\n"
                                "signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)\n"
                                "print(os.system(\"sleep 0.5; exit 4\"))'");
    EXPECT_NE(said.output.find("handled\n"), std::string::npos) << said.output;
    EXPECT_NE(said.output.find(std::to_string(4 << 8)), std::string::npos) << said.output;
}

int system_with_sigchld_ignored() {
    ::signal(SIGCHLD, SIG_IGN);
    errno = 0;
    return std::system("exit 3") == -1 && errno == ECHILD ? 0 : 1;
}

TEST(System, StatusThatIsLost) {
    EXPECT_EQ(in_child(system_with_sigchld_ignored), 0);
}

void* run_for_long(void* argument) {
    const auto* const command = static_cast<const std::string*>(argument);
    return std::system(command->c_str()) == 0 ? argument : nullptr;
}

// A cancellation point, as POSIX has it; the command does not live on.
TEST(System, CancellationKillsTheCommand) {
    const Scratch scratch;
    const auto file = scratch.file("pid");
    std::string command = "echo $$ >" + file + "; exec sleep 1000";
    pthread_t thread{};
    ASSERT_EQ(::pthread_create(&thread, nullptr, run_for_long, &command), 0);
    std::string pid;
    while (pid.empty() || pid.back() != '\n') {
        ::usleep(1000);
        pid = read_file(file);
    }
    ASSERT_EQ(::pthread_cancel(thread), 0);
    void* result = nullptr;
    ASSERT_EQ(::pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
    EXPECT_EQ(::kill(std::stoi(pid), 0), -1);
    EXPECT_EQ(errno, ESRCH);
    EXPECT_FALSE(ignored(SIGINT));
    EXPECT_EQ(std::system("exit 2"), 2 << 8);
}

} // namespace
