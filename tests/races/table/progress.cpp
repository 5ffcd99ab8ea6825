// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace kspawn::races {

namespace {

constexpr const char* variable = "KSPAWN_RACES_PROGRESS";

} // namespace

Progress::Progress(std::string what, std::size_t total, int descriptor)
    : what_(std::move(what)), total_(total), descriptor_(descriptor),
      terminal_(::isatty(descriptor) == 1) {
    write(terminal_ ? what_ : what_ + ": 0 of " + std::to_string(total_));
}

Progress::~Progress() {
    if (terminal_)
        write("");
}

void Progress::step() {
    const std::scoped_lock hold(lock_);
    const auto before = done_ * 10 / total_;
    done_++;
    if (terminal_ || done_ * 10 / total_ != before)
        write(what_ + ": " + std::to_string(done_) + " of " + std::to_string(total_));
}

void Progress::write(const std::string& text) const {
    const auto line = terminal_ ? "\r\033[K" + text : text + "\n";
    // Progress that nobody can be told of is none the less made.
    [[maybe_unused]] const auto written = ::write(descriptor_, line.data(), line.size());
}

void lend_stderr() {
    const auto path = "/proc/" + std::to_string(::getpid()) + "/fd/2";
    ::setenv(variable, path.c_str(), 1);
}

internal::Descriptor lent_stderr() {
    const char* path = std::getenv(variable);
    if (path != nullptr) {
        internal::Descriptor lent{::open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY)};
        if (lent.get() >= 0)
            return lent;
    }
    return internal::Descriptor{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};
}

} // namespace kspawn::races
