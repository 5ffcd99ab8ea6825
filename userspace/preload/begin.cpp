// SPDX-License-Identifier: LGPL-2.1-or-later
// The cost to a process that has loaded the library and asks it for nothing: no function
// is called in here, because to look the first one up costs more than all of this.
#include "inherit.hpp"
#include "next.hpp"
#include "stats.hpp"

// This library is linked without the compiler's startup files, which would have it.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;
void* __dso_handle = nullptr;

namespace kspawn::preload {

namespace {

bool is_for_us(const char* variable) noexcept {
    for (const char* prefix = "KSPAWN_"; *prefix != '\0'; ++prefix, ++variable) {
        if (*variable != *prefix)
            return false;
    }
    return true;
}

// glibc gives a library's constructors what main() gets.
[[gnu::constructor]] void begin(int /*argc*/, char** /*argv*/, char** environment) {
    know_own_place();
    for (; *environment != nullptr; ++environment) {
        if (is_for_us(*environment)) {
            stats::begin();
            obey_inherit();
            return;
        }
    }
    stats::begin_unasked();
}

} // namespace

} // namespace kspawn::preload
