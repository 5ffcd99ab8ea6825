// SPDX-License-Identifier: LGPL-2.1-or-later
#include "command.hpp"

#include <fcntl.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace kspawn::trace {

namespace {

using internal::Descriptor;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            fail("pipe");
        read = Descriptor{ends[0]};
        write = Descriptor{ends[1]};
    }
    Descriptor read;
    Descriptor write;
};

// In the child: wait at the gate, then become the command, or say why not.
[[noreturn]] void become(std::vector<char*>& argv, int gate, int failure) {
    char go = 0;
    if (::read(gate, &go, 1) != 1)
        ::_exit(0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execvp(argv.front(), argv.data());
    const int error = errno;
    // If nobody reads it any more, nobody misses it.
    if (::write(failure, &error, sizeof(error)) != sizeof(error))
        ::_exit(126);
    ::_exit(127);
}

} // namespace

Command::Command(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (auto& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);

    Pipe gate;
    Pipe failure;
    const pid_t child = ::fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        // Else it would hold open what tells it that we are gone.
        ::close(gate.write.get());
        become(argv, gate.read.get(), failure.write.get());
    }
    pid_ = child;
    gate_ = std::move(gate.write);
    failure_ = std::move(failure.read);
    pidfd_ = Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
    if (!pidfd_) {
        const int error = errno;
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
        errno = error;
        fail("pidfd_open");
    }
}

Command::~Command() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

void Command::begin() {
    if (::write(gate_.get(), "", 1) != 1)
        fail("write");
    int error = 0;
    // At the end of the file the command has been executed.
    if (::read(failure_.get(), &error, sizeof(error)) == sizeof(error)) {
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
        throw std::system_error(error, std::generic_category());
    }
}

void Command::kill(int signal) const {
    if (pid_ > 0)
        ::kill(pid_, signal);
}

std::optional<int> Command::end() {
    int status = 0;
    const auto ended = ::waitpid(std::exchange(pid_, -1), &status, WNOHANG);
    if (ended <= 0)
        return {};
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace kspawn::trace
