// SPDX-License-Identifier: LGPL-2.1-or-later
#include "target.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "exit_code.hpp"

namespace kspawn::trace {

namespace {

/// The process that a thread is of; empty: that is not known.
std::string process_of(std::uint32_t tid) {
    static const std::string field = "Tgid:\t";
    std::ifstream status{fmt::format("/proc/{}/status", tid)};
    std::string line;
    while (std::getline(status, line)) {
        if (line.starts_with(field))
            return line.substr(field.size());
    }
    return {};
}

internal::Descriptor open(std::uint32_t pid) {
    internal::Descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (pidfd)
        return pidfd;
    const int error = errno;
    if (const auto process = process_of(pid); !process.empty() && process != std::to_string(pid))
        throw UsageError(fmt::format("--pid {}: that is a thread, of process {}", pid, process));
    // EINVAL: greater than any PID, or a thread that has just ended.
    if (error == ESRCH || error == EINVAL || error == ENOENT)
        throw UsageError(fmt::format("--pid {}: there is no such process", pid));
    throw std::system_error(error, std::generic_category(), "pidfd_open");
}

} // namespace

Target::Target(std::uint32_t pid) : pid_(pid), pidfd_(open(pid)) {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    if (::poll(&ended, 1, 0) > 0)
        throw UsageError(fmt::format("--pid {}: this process has ended", pid));
}

} // namespace kspawn::trace
