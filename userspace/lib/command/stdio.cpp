// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/stdio.hpp>

#include <utility>

#include "stdio_state.hpp"

namespace kspawn {

Stdio::Stdio(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
Stdio::Stdio(const Stdio&) noexcept = default;
Stdio& Stdio::operator=(const Stdio&) noexcept = default;
Stdio::~Stdio() = default;

Stdio Stdio::inherit() {
    return State::of_kind(State::Kind::inherit);
}
Stdio Stdio::inherit_if_open() {
    return State::of_kind(State::Kind::if_open);
}
Stdio Stdio::null() {
    return file("/dev/null", O_RDWR);
}
Stdio Stdio::closed() {
    return State::of_kind(State::Kind::closed);
}
Stdio Stdio::pipe() {
    return State::of_kind(State::Kind::pipe);
}
Stdio Stdio::pipe_to_child() {
    return State::of_kind(State::Kind::pipe_to);
}
Stdio Stdio::pipe_from_child() {
    return State::of_kind(State::Kind::pipe_from);
}

Stdio Stdio::file(const std::filesystem::path& path, int oflag, mode_t mode) {
    return State::make({.kind = State::Kind::file, .oflag = oflag, .mode = mode, .path = path});
}

Stdio Stdio::descriptor(int number) {
    return State::make({.kind = State::Kind::descriptor, .number = number});
}

Stdio Stdio::descriptor(FileDescriptor owned) {
    const int number = owned.get();
    return State::make({.kind = State::Kind::descriptor,
                        .number = number,
                        .owned = std::make_shared<FileDescriptor>(std::move(owned))});
}

Stdio Stdio::same_as(int child_number) {
    return State::make({.kind = State::Kind::same_as, .number = child_number});
}

} // namespace kspawn
