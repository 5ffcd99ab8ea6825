// SPDX-License-Identifier: LGPL-2.1-or-later
/// Owners of descriptors, pipes and libraries, for all tests in C++.
#ifndef KSPAWN_TESTS_OWNERS_HPP
#define KSPAWN_TESTS_OWNERS_HPP

#include <dlfcn.h>

#include <memory>
#include <string>

#include "userspace/lib/descriptor.hpp"

namespace kspawn::test {

using internal::Descriptor;

/// All that comes until the end of a file, or of what can be had without waiting.
std::string read_all(const Descriptor& descriptor);

/// A pipe; both ends close-on-exec.
struct Pipe {
    /// @param flags O_NONBLOCK, or 0
    explicit Pipe(int flags = 0);

    Descriptor reader;
    Descriptor writer;
};

struct CloseLibrary {
    void operator()(void* handle) const { ::dlclose(handle); }
};
/// A library that dlopen() has opened.
using Library = std::unique_ptr<void, CloseLibrary>;

} // namespace kspawn::test

#endif
