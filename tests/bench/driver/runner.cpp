// SPDX-License-Identifier: LGPL-2.1-or-later
#include "runner.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <sstream>
#include <system_error>

namespace bench {

namespace {

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

class FileActions {
public:
    FileActions() { ::posix_spawn_file_actions_init(&m_actions); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    FileActions(FileActions&&) = delete;
    FileActions& operator=(FileActions&&) = delete;
    ~FileActions() { ::posix_spawn_file_actions_destroy(&m_actions); }
    void dup2(const Descriptor& from, int to) {
        ::posix_spawn_file_actions_adddup2(&m_actions, from.get(), to);
    }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &m_actions; }

private:
    posix_spawn_file_actions_t m_actions{};
};

} // namespace

Descriptor::~Descriptor() {
    if (m_fd >= 0)
        ::close(m_fd);
}

Runner::Runner(const std::string& program, const std::string& scene, const std::string& directory,
               const std::string& preload) {
    Pipe commands = make_pipe();
    Pipe answers = make_pipe();
    FileActions actions;
    actions.dup2(commands.read, STDIN_FILENO);
    actions.dup2(answers.write, STDOUT_FILENO);
    std::string name = program;
    std::string scene_argument = scene;
    std::string directory_argument = directory;
    std::string variable = "LD_PRELOAD=" + preload;
    std::array<char*, 4> argv{name.data(), scene_argument.data(), directory_argument.data(),
                              nullptr};
    std::string backend = "KSPAWN_BACKEND=kernel";
    std::array<char*, 3> envp{};
    if (!preload.empty())
        envp = {variable.data(), backend.data(), nullptr};
    const int error =
        ::posix_spawn(&m_pid, program.c_str(), actions.get(), nullptr, argv.data(), envp.data());
    if (error != 0)
        throw std::system_error(error, std::generic_category(), program);
    m_commands = std::move(commands.write);
    m_answers = std::move(answers.read);
}

Runner::~Runner() {
    m_commands = Descriptor();
    // It ends when there are no more commands, but nobody wants to wait for
    // gigabytes to be given back in good order.
    ::kill(m_pid, SIGKILL);
    while (::waitpid(m_pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::string Runner::ask(const std::string& command) {
    const std::string line = command + '\n';
    // A runner that is gone may have left its reason.
    if (::write(m_commands.get(), line.data(), line.size()) < 0 && errno != EPIPE)
        throw std::system_error(errno, std::generic_category(), "the runner's commands");
    for (;;) {
        const auto end = m_pending.find('\n');
        if (end != std::string::npos) {
            std::string answer = m_pending.substr(0, end);
            m_pending.erase(0, end + 1);
            if (answer.starts_with("error: "))
                throw RunnerError(answer.substr(7));
            return answer;
        }
        std::array<char, 512> buffer{};
        const ssize_t got = ::read(m_answers.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            throw RunnerError("the runner has ended without a word");
        m_pending.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

void Runner::use(std::string_view way) {
    const std::string answer = ask("way " + std::string(way));
    if (answer != "ready")
        throw RunnerError("strange answer: " + answer);
}

Runner::Times Runner::run(std::uint64_t count) {
    const std::string answer = ask("run " + std::to_string(count));
    Times times;
    const char* const end = answer.data() + answer.size();
    const auto [middle, error] = std::from_chars(answer.data(), end, times.total);
    if (error != std::errc{} || middle == end ||
        std::from_chars(middle + 1, end, times.blocked).ec != std::errc{})
        throw RunnerError("strange answer: " + answer);
    std::istringstream words(answer);
    for (std::string word; words >> word;)
        if (const auto equals = word.find('='); equals != std::string::npos)
            times.extras[word.substr(0, equals)] = std::stod(word.substr(equals + 1));
    return times;
}

} // namespace bench
