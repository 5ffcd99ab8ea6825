// SPDX-License-Identifier: LGPL-2.1-or-later
/// Looking at processes, and running them, by means other than the library's.
#ifndef KSPAWN_TESTS_PROCESS_HPP
#define KSPAWN_TESTS_PROCESS_HPP

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kspawn::test {

/// Waits for a process; its wait status.
int wait_status_of(pid_t pid);

/// argv or envp.
class Strings {
public:
    Strings(std::initializer_list<std::string> texts) : Strings(std::vector<std::string>(texts)) {}
    explicit Strings(std::vector<std::string> texts) : texts_(std::move(texts)) {
        for (auto& text : texts_)
            pointers_.push_back(text.data());
        pointers_.push_back(nullptr);
    }
    Strings(const Strings&) = delete;
    Strings& operator=(const Strings&) = delete;
    Strings(Strings&&) = delete;
    Strings& operator=(Strings&&) = delete;
    ~Strings() = default;
    [[nodiscard]] char* const* get() const { return pointers_.data(); }

private:
    std::vector<std::string> texts_;
    std::vector<char*> pointers_;
};

/// Waits for a process, which must exit by itself; -1 if it did not.
int exit_code_of(pid_t pid);

/// The descriptors that are open in this process, and what they are.
std::map<int, std::string> open_descriptors();

/// Numbers of the descriptors of /dev/kspawn that this process has.
std::vector<int> device_descriptors();

/// Sets how many descriptors this process may have; throws std::system_error.
void limit_descriptors(int most);
/// Opens descriptors until there may be no more.
void use_up_descriptors();
/// Limits them to few, of which so many are free.
void leave_descriptors_free(int count);

/// Runs something in a forked process and returns what is wrong there, "" if
/// nothing is.  For what a process cannot take back: identity, filters, mounts.
std::string in_a_fork(const std::function<std::string()>& body);

/// Where the build put things.
std::filesystem::path build_directory();
/// "child" is kit/child.c; the others are of tests/lib.
std::string helper(std::string_view name);

/// A program's way to its end, as seen from outside.
struct Ended {
    int status; ///< 128+N if signal N killed it, as the shell has it
    std::string out;
    std::string err;
};

/// It has ended so, and written that.
void expect(const Ended& ended, int status, const std::string& err, const std::string& out = "");

/// Runs a program by means of libc and collects what it wrote.
Ended run(const std::vector<std::string>& command,
          const std::vector<std::string>& environment = {});

} // namespace kspawn::test

#endif
