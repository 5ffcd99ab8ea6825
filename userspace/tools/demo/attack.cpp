// SPDX-License-Identifier: LGPL-2.1-or-later
// Three parties: the server, which is a process with three threads; the helper that it starts;
// and we, who look on, and hold the helper's start up for as long as it takes.
#include "attack.hpp"

#include <fcntl.h>
#include <kspawn/file_descriptor.hpp>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "lib/command/objects.hpp"
#include "lib/signals_blocked.hpp"
#include "tools/scratch.hpp"

namespace kspawn::tool {

namespace {

using namespace std::chrono_literals;

constexpr uid_t nobody = 65534;
constexpr const char* shell = "/bin/sh";
// Longer than it takes on a slow machine.
constexpr auto patience = 60s;
constexpr auto moment = 1ms;

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw std::system_error(errno, std::generic_category(), "pipe");
        reader = FileDescriptor(ends[0]);
        writer = FileDescriptor(ends[1]);
    }
    FileDescriptor reader;
    FileDescriptor writer;
};

/// All that threads of the server share.
class Server {
public:
    Server(StartHelper start, std::string fifo, int output, int news)
        : start_(start), fifo_(std::move(fifo)), output_(output), news_(news) {
        std::strcpy(command_.data(), server_command);
    }

    /// Serves one request; returns whether the helper was started and has ended well.
    bool run() {
        std::jthread intruder([this] { intrude(); });
        std::jthread worker([this] { serve(); });
        while (!over_ && !has_child())
            std::this_thread::sleep_for(moment);
        // It works, so it needs to be root no longer.  This waits for the worker; all other
        // threads have lost their privileges by then.
        const bool dropped = ::setuid(nobody) == 0;
        worker.join();
        intruder.join();
        return dropped && helper_well_;
    }

private:
    /// Whether the helper is there, which will not be executed before it has opened the FIFO.
    static bool has_child() {
        siginfo_t info{};
        return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    }

    void serve() {
        static char name[] = "sh";
        static char option[] = "-c";
        std::array<char*, 4> argv{name, option, command_.data(), nullptr};
        pid_t pid = 0;
        int status = 0;
        helper_well_ = start_(&pid, shell, fifo_.c_str(), output_, argv.data()) == 0 &&
                       ::waitpid(pid, &status, 0) == pid && status == 0;
        over_ = true;
    }

    void intrude() {
        while (!over_ && ::geteuid() != nobody)
            std::this_thread::sleep_for(moment);
        if (over_)
            return; // too late
        std::strcpy(command_.data(), attacker_command);
        // The reader of news_ lets the helper go on now.
        if (::write(news_, "!", 1) != 1)
            ::abort();
    }

    StartHelper start_;
    std::string fifo_;
    int output_;
    int news_;
    std::array<char, 128> command_{};
    std::atomic<bool> over_ = false;
    std::atomic<bool> helper_well_ = false;
};
static_assert(std::char_traits<char>::length(server_command) < 128 &&
              std::char_traits<char>::length(attacker_command) < 128);

/// The process of the server.
class ServerProcess {
public:
    explicit ServerProcess(pid_t pid) : pid_(pid) {}
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ServerProcess(ServerProcess&&) = delete;
    ServerProcess& operator=(ServerProcess&&) = delete;
    ~ServerProcess() {
        if (pid_ < 0)
            return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    /// Waits for its end, which must be a good one.
    void finish() {
        int status = 0;
        if (::waitpid(std::exchange(pid_, -1), &status, 0) < 0 || status != 0)
            throw std::runtime_error("the server has failed");
    }

private:
    pid_t pid_;
};

/// Waits until something can be read, or there is nobody left to write.
void await(const FileDescriptor& descriptor) {
    pollfd polled{.fd = descriptor.get(), .events = POLLIN, .revents = 0};
    const auto limit = std::chrono::milliseconds(patience).count();
    if (::poll(&polled, 1, static_cast<int>(limit)) != 1)
        throw std::runtime_error("the server has waited for too long");
}

std::string read_to_end(FileDescriptor& descriptor) {
    std::string text;
    std::array<std::byte, 512> part{};
    do {
        await(descriptor);
        const auto count = descriptor.read(part);
        if (count == 0)
            return text;
        text.append(reinterpret_cast<const char*>(part.data()), count);
    } while (true);
}

pid_t fork_server(StartHelper start, const std::string& fifo, Pipe& output, Pipe& news) {
    const pid_t pid = ::fork();
    if (pid < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (pid == 0) {
        Server server(start, fifo, output.writer.get(), news.writer.get());
        ::_exit(server.run() ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return pid;
}

} // namespace

int start_helper_by_libc(pid_t* pid, const char* path, const char* fifo, int output,
                         char* const* argv) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, fifo, O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    const int error = ::posix_spawn(pid, path, &actions, nullptr, argv, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
}

int start_helper_by_kspawn(pid_t* pid, const char* path, const char* fifo, int output,
                           char* const* argv) {
    internal::FileActions actions;
    actions.open(STDIN_FILENO, fifo, O_RDONLY, 0);
    actions.dup2(output, STDOUT_FILENO);
    return kspawn_spawn(pid, path, actions.get(), nullptr, argv, environ);
}

std::string attack(StartHelper start) {
    const Scratch scratch("kspawn-demo");
    const auto fifo = scratch.file("fifo");
    if (::mkfifo(fifo.c_str(), 0600) != 0)
        throw std::system_error(errno, std::generic_category(), fifo);
    Pipe output;
    Pipe news;
    // An interrupted tour would leave a helper of root that waits for ever.
    const internal::AllBlocked undisturbed;
    ServerProcess server(fork_server(start, fifo, output, news));
    output.writer.close();
    news.writer.close();
    await(news.reader);
    std::array<std::byte, 1> word{};
    const bool in_time = news.reader.read(word) == 1;
    // To read and to write: so it does not wait for the helper, which may have ended.
    const FileDescriptor release(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
    if (!release)
        throw std::system_error(errno, std::generic_category(), fifo);
    const auto said = read_to_end(output.reader);
    server.finish();
    if (!in_time)
        throw std::runtime_error("the attacker came too late");
    return said;
}

} // namespace kspawn::tool
