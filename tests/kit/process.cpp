// SPDX-License-Identifier: LGPL-2.1-or-later
#include "process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>
#include <utility>

#include "owners.hpp"
#include "scratch.hpp"

namespace kspawn::test {

namespace fs = std::filesystem;

int wait_status_of(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, __WALL) < 0) {
        if (errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "waitpid");
    }
    return status;
}

int exit_code_of(pid_t pid) {
    const int status = wait_status_of(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void limit_descriptors(int most) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(most);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw std::system_error(errno, std::generic_category(), "setrlimit");
}

void use_up_descriptors() {
    while (::dup(0) >= 0) {
    }
}

void leave_descriptors_free(int count) {
    limit_descriptors(40);
    int last = -1;
    for (int number = ::dup(0); number >= 0; number = ::dup(0))
        last = number;
    for (; count > 0; --count, --last)
        ::close(last);
}

std::map<int, std::string> open_descriptors() {
    std::map<int, std::string> result;
    const auto own = fs::path("/proc/self/fd");
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(own))
        names.push_back(entry.path().filename().string());
    for (const auto& name : names) {
        std::error_code gone; // the one that the listing itself used
        const auto target = fs::read_symlink(own / name, gone);
        int number = 0;
        std::from_chars(name.data(), name.data() + name.size(), number);
        if (!gone)
            result.emplace(number, target.string());
    }
    return result;
}

std::vector<int> device_descriptors() {
    std::vector<int> result;
    for (const auto& [number, target] : open_descriptors()) {
        if (target == "/dev/kspawn")
            result.push_back(number);
    }
    return result;
}

std::string in_a_fork(const std::function<std::string()>& body) {
    Pipe pipe;
    const pid_t pid = ::fork();
    if (pid < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (pid == 0) {
        std::string wrong;
        try {
            wrong = body();
        } catch (const std::exception& error) {
            wrong = std::string("exception: ") + error.what();
        }
        const auto written = ::write(pipe.writer.get(), wrong.data(), wrong.size());
        ::_exit(written == static_cast<ssize_t>(wrong.size()) ? 0 : 1);
    }
    pipe.writer = Descriptor{};
    auto wrong = read_all(pipe.reader);
    if (exit_code_of(pid) != 0)
        wrong += " (the forked process did not end well)";
    return wrong;
}

fs::path build_directory() {
    // .../build/tests/<suite>/<test>
    return fs::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path();
}

std::string helper(std::string_view name) {
    const auto* const suite = name == "child" ? "kit" : "lib";
    return (build_directory() / "tests" / suite / "helpers" / name).string();
}

void expect(const Ended& ended, int status, const std::string& err, const std::string& out) {
    EXPECT_EQ(ended.status, status);
    EXPECT_EQ(ended.err, err);
    EXPECT_EQ(ended.out, out);
}

Ended run(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
    const Scratch scratch;
    const Strings argv{command};
    std::vector<std::string> variables = environment;
    if (variables.empty()) {
        for (char** entry = environ; *entry != nullptr; ++entry)
            variables.emplace_back(*entry);
    }
    const Strings envp{std::move(variables)};

    // Files, not pipes: nobody need read while the program runs.
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, 1, scratch.file("out").c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, scratch.file("err").c_str(), flags, 0600);
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, command.front().c_str(), &actions, nullptr, argv.get(), envp.get());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        throw std::system_error(error, std::generic_category(), command.front());
    const int status = wait_status_of(pid);
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return {code, scratch.read("out"), scratch.read("err")};
}

} // namespace kspawn::test
