// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver's end of a runner (see runner/main.c).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// A runner could not do something; the words are its own.
class RunnerError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Runner {
public:
    /// By name: "total" and "blocked" of one start, in nanoseconds, and others.
    using Figures = std::map<std::string, double>;

    /// Starts the program of `command` in the setting; `preload` is for LD_PRELOAD and may be
    /// empty.  It has nothing else in its environment.
    Runner(std::vector<std::string> command, std::string setting, std::string directory,
           const std::string& preload);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    Runner(Runner&&) = delete;
    Runner& operator=(Runner&&) = delete;
    ~Runner();

    [[nodiscard]] pid_t pid() const { return m_pid; }
    void use(std::string_view way);
    Figures run(std::uint64_t count);

private:
    struct Close {
        void operator()(std::FILE* stream) const { (void)std::fclose(stream); }
    };

    std::string ask(const std::string& command);

    std::unique_ptr<std::FILE, Close> m_stream; // a socket; read from it only
    pid_t m_pid = -1;
};

} // namespace bench
