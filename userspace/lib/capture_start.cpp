// SPDX-License-Identifier: LGPL-2.1-or-later
#include "capture_start.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "attributes.hpp"
#include "descriptor.hpp"
#include "failure.hpp"
#include "file_actions.hpp"
#include "memory.hpp"
#include "start.hpp"

namespace kspawn::internal {

namespace {

// More is passed through a pipe, so that it is not in memory three times.
constexpr std::size_t most_in_memory = 1U << 20U;

// A file that may not be so large would be SIGXFSZ.
bool may_be_a_file(std::size_t size) noexcept {
    rlimit limit{};
    return size <= most_in_memory && ::getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
           size <= limit.rlim_cur;
}

bool is_inherited(int descriptor) noexcept {
    const int flags = ::fcntl(descriptor, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

/// Ours, the caller's, and ours again.
class Actions {
public:
    Actions(const kspawn_capture& call, CaptureStarted& ends) noexcept
        : call_(call), ends_(ends), object_() {
        object_.private_members.magic = file_actions::magic;
        object_.private_members.fallback = 1;
    }

    /// 0, or the error of opening /dev/null.
    int make() noexcept {
        if (call_.directory >= 0)
            push(file_actions::make(KSPAWN_ACTION_FCHDIR, call_.directory));
        if (!has(KSPAWN_CAPTURE_KEEP_STDIN)) {
            if (const int error = push_input(); error != 0)
                return error;
        }
        if (!has(KSPAWN_CAPTURE_KEEP_STDOUT))
            push_pipe(1, O_WRONLY, ends_.out);
        if (!has(KSPAWN_CAPTURE_KEEP_STDERR))
            push_pipe(2, O_WRONLY, ends_.err);
        first_ = count();
        for (const auto& action : theirs())
            push(action);
        if (!has(KSPAWN_CAPTURE_INHERIT)) {
            push_close(call_.directory);
            push_close(call_.input);
        }
        if (call_.death_signal != 0) {
            auto action = file_actions::make(KSPAWN_ACTION_PDEATHSIG);
            action.value = static_cast<std::uint32_t>(call_.death_signal);
            push(action);
        }
        return enough_ ? 0 : ENOMEM;
    }

    const kspawn_spawn_file_actions_t* get() noexcept {
        object_.private_members.actions = list_.all().data();
        object_.private_members.count = count();
        return &object_;
    }

    /// For the words of a failure: the caller's come first.
    unsigned put_theirs_first(unsigned index) noexcept {
        const auto all = list_.all();
        // Not std::ranges::rotate(), which clang 14 cannot compile with libstdc++ 12.
        std::rotate(all.begin(), all.begin() + first_, all.end());
        return index >= first_ ? index - first_ : index + count() - first_;
    }

private:
    [[nodiscard]] bool has(unsigned flag) const noexcept { return (call_.flags & flag) != 0; }
    [[nodiscard]] unsigned count() const noexcept {
        return static_cast<unsigned>(list_.all().size());
    }
    [[nodiscard]] std::span<kspawn_action> theirs() const noexcept {
        if (call_.file_actions == nullptr)
            return {};
        return file_actions::actions_of(*call_.file_actions);
    }
    void push(const kspawn_action& action) noexcept { enough_ = list_.push(action) && enough_; }

    void push_pipe(int number, int direction, int& end) noexcept {
        auto action = file_actions::make(KSPAWN_ACTION_PIPE, 0, number);
        action.oflag = O_NONBLOCK;
        action.mode = static_cast<unsigned>(direction);
        action.path = reinterpret_cast<std::uintptr_t>(&end);
        push(action);
    }

    int push_input() noexcept {
        if (call_.input_data != nullptr && call_.input_size != 0) {
            if (has(KSPAWN_CAPTURE_PIPE_INPUT) || !may_be_a_file(call_.input_size)) {
                push_pipe(0, O_RDONLY, ends_.in);
                return 0;
            }
            auto action = file_actions::make(KSPAWN_ACTION_MEMFD, 0, 0);
            action.path = reinterpret_cast<std::uintptr_t>(call_.input_data);
            action.mode = call_.input_size;
            push(action);
            return 0;
        }
        int source = call_.input;
        if (source < 0) {
            // A child that opens a file has an empty memory made for that: this is cheaper.
            null_ = Descriptor{::open("/dev/null", O_RDWR | O_CLOEXEC)};
            if (!null_)
                return errno;
            source = null_.get();
        }
        push(file_actions::make(KSPAWN_ACTION_DUP2, source, 0));
        return 0;
    }

    // A descriptor that we alone have named is not for the program.
    void push_close(int descriptor) noexcept {
        if (descriptor <= 2 || !is_inherited(descriptor))
            return;
        const auto names = [&](const kspawn_action& action) {
            return made_by(action) == descriptor ||
                   (action.op == KSPAWN_ACTION_INHERIT && action.fd == descriptor);
        };
        if (std::ranges::none_of(theirs(), names))
            push(file_actions::make(KSPAWN_ACTION_CLOSE, descriptor));
    }

    const kspawn_capture& call_;
    CaptureStarted& ends_;
    kspawn_spawn_file_actions_t object_;
    List<kspawn_action> list_;
    unsigned first_ = 0; // of theirs
    bool enough_ = true;
    Descriptor null_;
};

kspawn_spawnattr_t attributes_of(const kspawn_capture& call) noexcept {
    kspawn_spawnattr_t attributes;
    if (call.attributes != nullptr)
        attributes = *call.attributes;
    else
        kspawn_spawnattr_init(&attributes);
    auto& own = attributes.private_members;
    if ((call.flags & KSPAWN_CAPTURE_INHERIT) == 0)
        own.flags |= KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP;
    if (call.cgroup >= 0) {
        own.flags |= KSPAWN_SPAWN_SETCGROUP;
        own.cgroup = call.cgroup;
    }
    return attributes;
}

} // namespace

[[gnu::cold]] int fail_capture(int error, unsigned index) noexcept {
    failure::remember({}, Result::failed(error, KSPAWN_STEP_CAPTURE, index));
    return error;
}

int start_captured(const kspawn_capture& call, CaptureStarted& started) noexcept {
    Request request{call.file, call.search, call.file_actions, call.attributes, call.argv,
                    call.envp, true,        &started.pid,      &started.pidfd};
    request.program = call.program;
    if (call.program >= 0)
        request.path = "";
    if (const int part = invalid_part(request); part >= 0) [[unlikely]]
        return refuse(request, static_cast<unsigned>(part)).error;
    const auto attributes = attributes_of(call);
    request.attributes = &attributes;
    Actions actions(call, started);
    if (const int error = actions.make(); error != 0) [[unlikely]]
        return fail_capture(error, KSPAWN_CAPTURE_STDIN);
    request.file_actions = actions.get();
    Result result = start_by_choice(request);
    if (result.error == 0) [[likely]]
        return 0;
    if (result.step == KSPAWN_STEP_ACTION)
        result.index = actions.put_theirs_first(result.index);
    return fail(request, result).error;
}

} // namespace kspawn::internal
