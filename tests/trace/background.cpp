// SPDX-License-Identifier: LGPL-2.1-or-later
#include "background.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>

namespace kspawn::test {

using namespace std::chrono_literals;

Background::Background(const std::vector<std::string>& command, const std::string& out,
                       const std::string& err)
    : pid_(::fork()) {
    // -1 would be every process, for kill().
    if (pid_ < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ != 0)
        return;
    std::vector<char*> argv;
    auto arguments = command;
    argv.reserve(arguments.size() + 1);
    for (auto& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    for (const auto& [path, number] : {std::pair{out, STDOUT_FILENO}, {err, STDERR_FILENO}}) {
        if (!path.empty())
            ::dup2(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), number);
    }
    ::execv(argv.front(), argv.data());
    ::_exit(127);
}

Background::~Background() {
    if (!ended_) {
        kill(SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

void Background::kill(int signal) const {
    ::kill(pid_, signal);
}

std::optional<int> Background::end(std::chrono::seconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) != pid_) {
        if (std::chrono::steady_clock::now() > until)
            return {};
        std::this_thread::sleep_for(20ms);
    }
    ended_ = true;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string contents(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool comes_to_contain(const std::string& path, const std::string& text) {
    for (int i = 0; i < 600; i++) {
        if (contents(path).find(text) != std::string::npos)
            return true;
        std::this_thread::sleep_for(100ms);
    }
    return false;
}

} // namespace kspawn::test
