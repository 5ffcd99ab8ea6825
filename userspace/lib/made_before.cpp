// SPDX-License-Identifier: LGPL-2.1-or-later
#include "made_before.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "cancel_guard.hpp"
#include "device.hpp"
#include "errno_guard.hpp"

namespace kspawn::internal {

namespace {

bool is_made(const kspawn_action& action) noexcept {
    return action.op == KSPAWN_ACTION_PIPE || action.op == KSPAWN_ACTION_MEMFD;
}

int* end_of(const kspawn_action& action) noexcept {
    return reinterpret_cast<int*>(static_cast<std::uintptr_t>(action.path));
}

// The file is at offset 0 in the end.
int write_all(int file, const char* data, std::size_t size) noexcept {
    for (std::size_t done = 0; done < size;) {
        const auto count = ::pwrite(file, data + done, size - done, static_cast<off_t>(done));
        if (count < 0 && errno != EINTR)
            return errno;
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return 0;
}

} // namespace

bool MadeBefore::wanted(const Request& request) noexcept {
    return request.file_actions != nullptr && request.file_actions->private_members.fallback != 0 &&
           std::ranges::any_of(file_actions::actions_of(*request.file_actions), is_made);
}

bool MadeBefore::is_known(const Request& request) noexcept {
    const ErrnoGuard keep_errno;
    kspawn_info info{};
    if (device::get_info(device::lease().descriptor, info) != 0)
        return true;
    return std::ranges::none_of(file_actions::actions_of(*request.file_actions),
                                [&](const kspawn_action& action) {
                                    return is_made(action) && (info.actions >> action.op & 1U) == 0;
                                });
}

MadeBefore::MadeBefore() noexcept : object_() {
    object_.private_members.magic = file_actions::magic;
}

MadeBefore::~MadeBefore() {
    const CancelGuard no_cancellation;
    for (const auto& made : made_.all()) {
        const Descriptor theirs{made.theirs};
        const Descriptor ours{made.ours};
    }
}

int MadeBefore::move_away(Descriptor& descriptor) const noexcept {
    const auto is_target = [&](int number) {
        return std::ranges::any_of(said_, [&](const kspawn_action& action) {
            return made_by(action) == number ||
                   (action.op == KSPAWN_ACTION_INHERIT && action.fd == number);
        });
    };
    while (is_target(descriptor.get())) {
        Descriptor moved{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, descriptor.get() + 1)};
        if (!moved)
            return errno == EINVAL ? EMFILE : errno;
        descriptor = std::move(moved);
    }
    return 0;
}

int MadeBefore::make_pipe(const kspawn_action& action, Made& made) const noexcept {
    constexpr unsigned of_both = O_DIRECT;
    std::array<int, 2> ends{};
    const auto flags = static_cast<int>(action.oflag & of_both);
    if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0)
        return errno;
    const bool reads = action.mode == O_RDONLY;
    Descriptor theirs{ends[reads ? 0 : 1]};
    Descriptor ours{ends[reads ? 1 : 0]};
    if (const int error = move_away(theirs); error != 0)
        return error;
    if ((action.oflag & O_NONBLOCK) != 0) {
        const int now = ::fcntl(ours.get(), F_GETFL);
        if (now < 0 || ::fcntl(ours.get(), F_SETFL, now | O_NONBLOCK) != 0)
            return errno;
    }
    made = {theirs.release(), ours.release(), end_of(action)};
    return 0;
}

int MadeBefore::make_file(const kspawn_action& action, Made& made) const noexcept {
    Descriptor file{::memfd_create("kspawn", MFD_CLOEXEC)};
    if (!file)
        return errno;
    if (const int error = write_all(file.get(), path_of(action), action.mode); error != 0)
        return error;
    if (const int error = move_away(file); error != 0)
        return error;
    made = {file.release(), -1, nullptr};
    return 0;
}

int MadeBefore::make(kspawn_action& action) noexcept {
    // dup2() makes no descriptor that is close-on-exec.
    if ((action.oflag & O_CLOEXEC) != 0)
        return ENOTSUP;
    Made made{-1, -1, nullptr};
    const bool is_pipe = action.op == KSPAWN_ACTION_PIPE;
    const int error = is_pipe ? make_pipe(action, made) : make_file(action, made);
    if (error != 0)
        return error;
    if (!made_.push(made)) {
        const Descriptor theirs{made.theirs};
        const Descriptor ours{made.ours};
        return ENOMEM;
    }
    action = file_actions::make(KSPAWN_ACTION_DUP2, made.theirs, action.newfd);
    return 0;
}

Result MadeBefore::make(const kspawn_spawn_file_actions_t& said) noexcept {
    const CancelGuard no_cancellation;
    said_ = file_actions::actions_of(said);
    for (const auto& action : said_)
        if (action.op == KSPAWN_ACTION_PIPE)
            *end_of(action) = -1;
    unsigned index = 0;
    for (auto action : said_) {
        if (const int error = is_made(action) ? make(action) : 0; error != 0)
            return Result::failed(error, KSPAWN_STEP_ACTION, index);
        if (!actions_.push(action))
            return Result::failed(ENOMEM, KSPAWN_STEP_COPY, KSPAWN_ARG_ACTIONS);
        ++index;
    }
    return {};
}

const kspawn_spawn_file_actions_t* MadeBefore::get() noexcept {
    const auto actions = actions_.all();
    object_.private_members.actions = actions.data();
    object_.private_members.count = static_cast<unsigned>(actions.size());
    return &object_;
}

void MadeBefore::hand_over() noexcept {
    for (auto& made : made_.all())
        if (made.end != nullptr)
            *made.end = std::exchange(made.ours, -1);
}

Result start_with_made(const Request& request, Result (*start)(const Request&) noexcept) noexcept {
    const ErrnoGuard keep_errno;
    MadeBefore made;
    if (Result result = made.make(*request.file_actions); result.error != 0)
        return result;
    Request with_made = request;
    with_made.file_actions = made.get();
    Result result = start(with_made);
    if (result.error == 0)
        made.hand_over();
    return result;
}

} // namespace kspawn::internal
