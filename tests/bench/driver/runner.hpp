// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver's end of a runner (see runner/main.c).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace bench {

/// A file descriptor that is closed in the end.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : m_fd(fd) {}
    Descriptor(Descriptor&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(m_fd, other.m_fd);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();

    [[nodiscard]] int get() const { return m_fd; }

private:
    int m_fd = -1;
};

/// What a runner could not do, in its own words.
class RunnerError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Runner {
public:
    /// Of one start: the median of those of a run.
    struct Times {
        std::uint64_t total = 0;   // ns
        std::uint64_t blocked = 0; // ns
        std::map<std::string, double> extras;
    };

    /// Starts `program` in the scene; `preload` is for LD_PRELOAD and may be empty.
    /// It has nothing else in its environment.
    Runner(const std::string& program, const std::string& scene, const std::string& directory,
           const std::string& preload);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    Runner(Runner&&) = delete;
    Runner& operator=(Runner&&) = delete;
    ~Runner();

    void use(std::string_view way);
    Times run(std::uint64_t count);

private:
    std::string ask(const std::string& command);

    Descriptor m_commands;
    Descriptor m_answers;
    std::string m_pending;
    pid_t m_pid = -1;
};

} // namespace bench
