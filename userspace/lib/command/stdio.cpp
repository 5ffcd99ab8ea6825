// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/stdio.hpp>

#include <utility>

namespace kspawn {

Stdio Stdio::inherit() {
    return Stdio(Kind::inherit);
}
Stdio Stdio::inherit_if_open() {
    return Stdio(Kind::if_open);
}
Stdio Stdio::null() {
    return file("/dev/null", O_RDWR);
}
Stdio Stdio::closed() {
    return Stdio(Kind::closed);
}
Stdio Stdio::pipe() {
    return Stdio(Kind::pipe);
}
Stdio Stdio::pipe_to_child() {
    return Stdio(Kind::pipe_to);
}
Stdio Stdio::pipe_from_child() {
    return Stdio(Kind::pipe_from);
}

Stdio Stdio::file(const std::filesystem::path& path, int oflag, mode_t mode) {
    Stdio stdio(Kind::file);
    stdio.path_ = path;
    stdio.oflag_ = oflag;
    stdio.mode_ = mode;
    return stdio;
}

Stdio Stdio::descriptor(int number) {
    Stdio stdio(Kind::descriptor);
    stdio.number_ = number;
    return stdio;
}

Stdio Stdio::descriptor(FileDescriptor owned) {
    Stdio stdio(Kind::descriptor);
    stdio.number_ = owned.get();
    stdio.owned_ = std::make_shared<FileDescriptor>(std::move(owned));
    return stdio;
}

Stdio Stdio::same_as(int child_number) {
    Stdio stdio(Kind::same_as);
    stdio.number_ = child_number;
    return stdio;
}

} // namespace kspawn
