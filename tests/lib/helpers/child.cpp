// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests start.  It looks at itself and writes down what it sees, so that
// the tests need not take the library's or the module's word for anything.
//
//   child                             exit with 40 + argc
//   child report FILE [ARGUMENT...]   write all that it sees of itself as JSON
//   child exit CODE
//   child kill SIGNAL                 end by that signal
//   child cat                         copy standard input to standard output
//   child sleep                       until a signal ends it
//   child signal NUMBER CODE          exit with CODE when this signal comes
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int no_action = 40;

std::string text_of(const char* file) {
    std::ifstream stream{file};
    return {std::istreambuf_iterator<char>(stream), {}};
}

// "Name:\tvalue" lines of /proc/self/status.
Json status() {
    Json result = Json::object();
    std::ifstream stream{"/proc/self/status"};
    for (std::string line; std::getline(stream, line);) {
        const auto colon = line.find(":\t");
        if (colon != std::string::npos)
            result[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return result;
}

Json descriptor(int number, const fs::path& link) {
    struct stat file {};
    ::fstat(number, &file);
    Json result;
    result["target"] = fs::read_symlink(link).string();
    result["flags"] = ::fcntl(number, F_GETFL);
    result["cloexec"] = (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0;
    result["offset"] = ::lseek(number, 0, SEEK_CUR);
    result["inode"] = file.st_ino;
    return result;
}

Json descriptors() {
    std::vector<fs::path> links;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd"))
        links.push_back(entry.path());
    Json result = Json::object();
    for (const auto& link : links) {
        const auto name = link.filename().string();
        if (::fcntl(std::stoi(name), F_GETFD) >= 0) // not the one of the listing
            result[name] = descriptor(std::stoi(name), link);
    }
    return result;
}

Json identity() {
    std::array<uid_t, 3> users{};
    std::array<gid_t, 3> groups{};
    ::getresuid(users.data(), &users[1], &users[2]);
    ::getresgid(groups.data(), &groups[1], &groups[2]);
    return {{"uid", users}, {"gid", groups}};
}

Json scheduling() {
    sched_param parameters{};
    ::sched_getparam(0, &parameters);
    return {{"policy", ::sched_getscheduler(0)},
            {"priority", parameters.sched_priority},
            {"nice", ::getpriority(PRIO_PROCESS, 0)}};
}

Json look_at_myself(const std::vector<std::string>& arguments) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    Json environment = Json::array();
    for (char** entry = environ; *entry != nullptr; ++entry)
        environment.push_back(*entry);

    Json me;
    me["descriptors"] = descriptors();
    me["argv"] = arguments;
    me["env"] = environment;
    me["cwd"] = fs::current_path().string();
    me["exe"] = fs::read_symlink("/proc/self/exe").string();
    me["pid"] = ::getpid();
    me["ppid"] = ::getppid();
    me["pgid"] = ::getpgrp();
    me["sid"] = ::getsid(0);
    me["umask"] = mask;
    me["ids"] = identity();
    me["scheduling"] = scheduling();
    me["cgroup"] = text_of("/proc/self/cgroup");
    me["foreground"] = ::tcgetpgrp(STDIN_FILENO);
    me["status"] = status();
    return me;
}

int report(const std::vector<std::string>& arguments) {
    const auto me = look_at_myself(arguments);
    // Under another name first: who waits for the file must not read half of it.
    const auto unfinished = arguments.at(2) + ".part";
    {
        std::ofstream stream{unfinished};
        // Names of files may be any bytes.
        stream << me.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
        if (!stream.flush())
            return 3;
    }
    fs::rename(unfinished, arguments.at(2));
    return 0;
}

int cat() {
    std::array<char, 4096> part{};
    for (ssize_t count = 0; (count = ::read(STDIN_FILENO, part.data(), part.size())) > 0;) {
        if (::write(STDOUT_FILENO, part.data(), static_cast<std::size_t>(count)) != count)
            return 3;
    }
    return 0;
}

int wait_for_signal(int number, int code) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    std::puts("ready");
    std::fflush(stdout);
    int received = 0;
    return ::sigwait(&set, &received) == 0 && received == number ? code : 3;
}

int act(const std::vector<std::string>& arguments) {
    const std::string action = arguments.size() > 1 ? arguments[1] : "";
    if (action == "report")
        return report(arguments);
    if (action == "exit")
        return std::stoi(arguments.at(2));
    if (action == "kill")
        return ::raise(std::stoi(arguments.at(2)));
    if (action == "cat")
        return cat();
    if (action == "sleep")
        return ::pause();
    if (action == "signal")
        return wait_for_signal(std::stoi(arguments.at(2)), std::stoi(arguments.at(3)));
    return no_action + static_cast<int>(arguments.size());
}

} // namespace

int main(int argc, char* argv[]) {
    try {
        return act({argv, argv + argc});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "child: %s\n", error.what());
        return 3;
    }
}
