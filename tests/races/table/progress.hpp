// SPDX-License-Identifier: LGPL-2.1-or-later
/// How far the trials are, which take a minute and more.
#ifndef KSPAWN_TESTS_RACES_PROGRESS_HPP
#define KSPAWN_TESTS_RACES_PROGRESS_HPP

#include <cstddef>
#include <mutex>
#include <string>

#include "userspace/lib/descriptor.hpp"

namespace kspawn::races {

/// Says so on a descriptor: one line that moves on a terminal, a line for every tenth
/// elsewhere.  Any thread may call it.
class Progress {
public:
    /// The progress through `total` steps, by name.
    Progress(std::string what, std::size_t total, int descriptor);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    Progress(Progress&&) = delete;
    Progress& operator=(Progress&&) = delete;
    ~Progress();

    /// One more step is done.
    void step();

private:
    void write(const std::string& text) const;

    std::mutex lock_;
    std::string what_;
    std::size_t total_;
    std::size_t done_ = 0;
    int descriptor_;
    bool terminal_;
};

/// Lets a descendant whose own stderr is kept from the user speak on this process's: by
/// KSPAWN_RACES_PROGRESS in the environment.
void lend_stderr();

/// The stderr that was lent; this process's own if none was, or if it cannot be opened.
internal::Descriptor lent_stderr();

} // namespace kspawn::races

#endif
