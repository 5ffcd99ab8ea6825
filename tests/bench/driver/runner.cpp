// SPDX-License-Identifier: LGPL-2.1-or-later
#include "runner.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sstream>
#include <system_error>
#include <utility>

namespace bench {

Runner::Runner(std::vector<std::string> command, std::string setting, std::string directory,
               const std::string& preload) {
    command.insert(command.end(), {std::move(setting), std::move(directory)});
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::system_error(errno, std::generic_category(), "socketpair");
    m_stream.reset(::fdopen(ends[0], "r"));
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string variable = "LD_PRELOAD=" + preload;
    std::string backend = "KSPAWN_BACKEND=kernel";
    std::vector<char*> argv(command.size() + 1);
    std::ranges::transform(command, argv.begin(), [](std::string& word) { return word.data(); });
    std::array<char*, 3> envp{};
    if (!preload.empty())
        envp = {variable.data(), backend.data(), nullptr};
    const int error = ::posix_spawn(&m_pid, argv[0], &actions, nullptr, argv.data(), envp.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (error != 0 || !m_stream)
        throw std::system_error(error, std::generic_category(), command[0]);
}

Runner::~Runner() {
    // It ends when there are no more commands, but nobody wants to wait for
    // gigabytes to be given back in good order.
    ::kill(m_pid, SIGKILL);
    while (::waitpid(m_pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::string Runner::ask(const std::string& command) {
    const std::string line = command + '\n';
    // A runner that is gone may have left its reason.
    if (::send(::fileno(m_stream.get()), line.data(), line.size(), MSG_NOSIGNAL) < 0 &&
        errno != EPIPE)
        throw std::system_error(errno, std::generic_category(), "the runner's commands");
    std::array<char, 1024> buffer{};
    if (std::fgets(buffer.data(), buffer.size(), m_stream.get()) == nullptr)
        throw RunnerError("the runner has ended without a word");
    std::string answer = buffer.data();
    if (answer.ends_with('\n'))
        answer.pop_back();
    if (answer.starts_with("error: "))
        throw RunnerError(answer.substr(7));
    return answer;
}

void Runner::use(std::string_view way) {
    const std::string answer = ask("way " + std::string(way));
    if (answer != "ready")
        throw RunnerError("strange answer: " + answer);
}

Runner::Figures Runner::run(std::uint64_t count) {
    const std::string answer = ask("run " + std::to_string(count));
    Figures figures;
    std::istringstream words(answer);
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        if (equals == std::string::npos)
            throw RunnerError("strange answer: " + answer);
        figures[word.substr(0, equals)] = std::stod(word.substr(equals + 1));
    }
    for (const char* name : {"total", "blocked", "mean"})
        if (!figures.contains(name))
            throw RunnerError("strange answer: " + answer);
    return figures;
}

} // namespace bench
