// SPDX-License-Identifier: LGPL-2.1-or-later
/// A process beside the test, until the object goes.
#ifndef KSPAWN_TESTS_TRACE_BACKGROUND_HPP
#define KSPAWN_TESTS_TRACE_BACKGROUND_HPP

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace kspawn::test {

class Background {
public:
    /// Its output goes to these files, if their names are not empty.
    explicit Background(const std::vector<std::string>& command, const std::string& out = {},
                        const std::string& err = {});
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    Background(Background&&) = delete;
    Background& operator=(Background&&) = delete;
    ~Background();

    [[nodiscard]] pid_t pid() const { return pid_; }
    void kill(int signal) const;
    /// Its status, as the shell has it; none if it has not ended by then.
    std::optional<int> end(std::chrono::seconds limit);

private:
    pid_t pid_;
    bool ended_ = false;
};

/// All that is in a file; "" without one.
std::string contents(const std::string& path);
/// Waits until a file contains this, a minute at most.
bool comes_to_contain(const std::string& path, const std::string& text);

} // namespace kspawn::test

#endif
