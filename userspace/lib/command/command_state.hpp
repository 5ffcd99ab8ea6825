// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_COMMAND_STATE_HPP
#define KSPAWN_LIB_COMMAND_COMMAND_STATE_HPP

#include <kspawn/command.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "access.hpp"
#include "failure.hpp"

namespace kspawn {

/// The description of a program, and the ways to start it.
struct KSPAWN_HIDDEN Command::State {
    using Failure = internal::Failure;
    // In place of a descriptor below: none was named, or a negative one was.
    static constexpr int unsaid = -1;
    static constexpr int impossible = -2;
    static int possible_or_not(int descriptor) noexcept {
        return descriptor < 0 ? impossible : descriptor;
    }
    /// Adds to file actions, with the number by which the child has a descriptor of the
    /// caller's; an error number.
    using AddSetting = std::function<int(kspawn_spawn_file_actions_t*, int)>;
    /// One of the state of the program.
    struct Setting {
        std::string words;
        int descriptor; // unsaid: there is none
        AddSetting add;
    };

    explicit State(std::string name);

    State& flag(int flag, bool wanted = true) noexcept;
    void put(int child_number, Stdio what) {
        descriptors.insert_or_assign(child_number, std::move(what));
    }
    [[nodiscard]] bool says(int child_number) const noexcept {
        return descriptors.contains(child_number);
    }
    [[nodiscard]] bool has_pipes() const noexcept;
    [[nodiscard]] const char* search_list() const noexcept;
    [[nodiscard]] std::string shell_line() const;

    [[nodiscard]] Child start(Failure& failure) const;
    /// All in one call, with KSPAWN_BATCH_* flags; the children that there are, in their order.
    /// Through the kernel there are all or none.
    /// With KSPAWN_BATCH_WAIT they have been waited for, unless a signal has ended that.
    static std::vector<Child> start_batch(const std::vector<Command>& commands, unsigned flags,
                                          Failure& failure);
    /// Without descriptors: those of a command are the caller's.
    void apply_to(int builder, Failure& failure) const;
    [[nodiscard]] Child start_in(int builder, Failure& failure) const;
    /// Nothing: it has been started only, and there are pipes to serve.
    std::optional<ExitStatus> start_and_wait(Child& child, Failure& failure,
                                             std::error_code& error) const;
    ExitStatus start_and_wait(pid_t& pid, int& pidfd, Failure& failure,
                              std::error_code& error) const;
    pid_t start_async(CompletionQueue::State& queue, std::uint64_t cookie, Failure& failure) const;
    ExitStatus status(Failure& failure, std::error_code& error) const;
    Output output(std::string_view input, Failure& failure, std::error_code& error) const;
    Output capture(Failure& failure) const;
    [[nodiscard]] State for_output(bool with_input) const;
    [[nodiscard]] State for_capture() const;

    std::string program;
    std::optional<std::string> arg0{};
    std::vector<std::string> args{};
    bool searches_path = true;
    // Where, if PATH is not searched; nothing: the program is a path.
    std::optional<std::string> search{};
    bool env_clear = false;
    std::map<std::string, std::optional<std::string>> env{}; // nothing: removed
    std::optional<std::filesystem::path> directory{};
    int directory_descriptor = unsaid;
    std::map<int, Stdio> descriptors{};
    bool close_others = false;
    int close_from = unsaid;
    std::optional<std::pair<int, std::vector<int>>> close_from_except{}; // the first, and the kept
    int terminal = unsaid;
    std::vector<Setting> settings{};
    kspawn_spawnattr_t attributes{};
    std::optional<int> wrong_policy{}; // is told when it is started
    std::optional<std::filesystem::path> cgroup{};
    std::optional<std::string> input{};
    std::size_t out_limit = SIZE_MAX;
    std::size_t err_limit = SIZE_MAX;
    std::int64_t time_limit_ms = unsaid;
    std::int64_t grace_ms = 1000;
    int tree = unsaid;
};

} // namespace kspawn

#endif
