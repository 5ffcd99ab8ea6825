// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <fmt/format.h>
#include <kspawn/file_descriptor.hpp>
#include <kspawn/spawn.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <vector>

#include "tools/demo/steps.hpp"
#include "tools/demo/tiny_program.hpp"
#include "tools/scratch.hpp"

namespace kspawn::tool {

namespace {

constexpr std::size_t wanted_descriptors = 10'000;
constexpr std::size_t spare_descriptors = 64;
constexpr std::size_t rounds = 9;

/// Descriptors as a server has them: close-on-exec, so that no child is to have them.
std::vector<FileDescriptor> open_many() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    constexpr rlim_t wanted = wanted_descriptors + spare_descriptors;
    // Only root may have more than there may be at most.
    const rlimit more{wanted, std::max(limit.rlim_max, wanted)};
    const rlimit most{std::min(limit.rlim_max, wanted), limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &more) != 0 && ::setrlimit(RLIMIT_NOFILE, &most) != 0)
        throw std::system_error(errno, std::generic_category(), "setrlimit");
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    std::vector<FileDescriptor> descriptors;
    while (descriptors.size() < limit.rlim_cur - spare_descriptors) {
        descriptors.emplace_back(::fcntl(null.get(), F_DUPFD_CLOEXEC, 0));
        if (!descriptors.back())
            throw std::system_error(errno, std::generic_category(), "/dev/null");
    }
    return descriptors;
}

int by_fork(pid_t* pid, const char* program, char* const* argv) {
    *pid = ::fork();
    if (*pid == 0) {
        ::execve(program, argv, environ);
        ::_exit(127);
    }
    return *pid < 0 ? errno : 0;
}

int by_libc(pid_t* pid, const char* program, char* const* argv) {
    return ::posix_spawn(pid, program, nullptr, nullptr, argv, environ);
}

int by_kspawn(pid_t* pid, const char* program, char* const* argv) {
    return kspawn_spawn(pid, program, nullptr, nullptr, argv, environ);
}

struct Way {
    const char* name;
    int (*start)(pid_t* pid, const char* program, char* const* argv);
    std::vector<double> times{}; // seconds
};

/// The time from a start until the wait for its end is over.
double time_of(const Way& way, const std::string& program) {
    static char name[] = "tiny";
    std::array<char*, 2> argv{name, nullptr};
    pid_t pid = 0;
    int status = 0;
    const auto began = std::chrono::steady_clock::now();
    if (const int error = way.start(&pid, program.c_str(), argv.data()); error != 0)
        throw std::system_error(error, std::generic_category(), way.name);
    if (::waitpid(pid, &status, 0) != pid || status != 0)
        throw std::system_error(errno, std::generic_category(), program);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

} // namespace

void show_costs(Tour& tour) {
    const Scratch scratch("kspawn-demo");
    const auto program = scratch.file("tiny");
    write_tiny_program(program);
    const auto descriptors = open_many();
    tour.say(fmt::format("A server with many connections has a descriptor for each, and no program "
                         "that it starts is to have them. fork() and posix_spawn() copy all of "
                         "them for the child, which then closes them one by one. The module does "
                         "not copy what is not inherited. With {} descriptors open: the start of "
                         "a program that ends at once, and its end, by the clock (the median of "
                         "{}):",
                         descriptors.size(), rounds));
    std::array<Way, 3> ways{
        {{"fork, execve", by_fork}, {"posix_spawn of libc", by_libc}, {"kspawn", by_kspawn}}};
    for (std::size_t round = 0; round < rounds; ++round)
        for (auto& way : ways)
            way.times.push_back(time_of(way, program));
    std::vector<Tour::Bar> bars;
    for (const auto& way : ways) {
        const auto value = median(way.times);
        bars.push_back({way.name, value, fmt::format("{:8.3f} ms", value * 1000)});
    }
    tour.bars(bars);
    // No more is checked: a busy machine, or an emulated one, has times of its own.
    tour.check(true,
               fmt::format("All {} programs were started and have ended.", rounds * ways.size()));
    const auto factor = std::min(bars[0].value, bars[1].value) / bars[2].value;
    tour.say(fmt::format("kspawn took {:.2f} of the time of the faster of the others, this time.",
                         1 / factor));
}

} // namespace kspawn::tool
