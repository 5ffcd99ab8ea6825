// SPDX-License-Identifier: LGPL-2.1-or-later
// To be loaded costs a process more than one start by the kernel saves it, so that
// the library is of no use to the children of a program that start none themselves,
// such as make's.
#include "inherit.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "userspace/lib/memory.hpp"

namespace kspawn::preload {

namespace {

constexpr const char* variable = "LD_PRELOAD";
// The characters that the dynamic linker takes for a separator.
constexpr std::string_view separators = ": ";

// Not substr(): it can throw, and for that the C++ library would be loaded.
std::string_view file_name(std::string_view path) noexcept {
    path.remove_prefix(path.rfind('/') + 1); // npos + 1 is 0
    return path;
}

// In place, as setenv() and unsetenv() do it to a variable that is there: main()'s
// third argument, which make passes on, is the same array.
void leave_list(const char* list, std::string_view own) noexcept {
    const auto rest = internal::allocate<char>(std::strlen(list) + 1);
    if (rest == nullptr)
        return;
    char* end = rest.get();
    for (std::string_view left = list; !left.empty();) {
        auto entry = left;
        entry.remove_suffix(left.size() - std::min(left.find_first_of(separators), left.size()));
        left.remove_prefix(entry.size() < left.size() ? entry.size() + 1 : entry.size());
        if (entry.empty() || file_name(entry) == file_name(own))
            continue;
        if (end != rest.get())
            *end++ = separators.front();
        end = std::copy(entry.begin(), entry.end(), end);
    }
    *end = '\0';
    if (end == rest.get())
        ::unsetenv(variable);
    else
        static_cast<void>(::setenv(variable, rest.get(), 1)); // no memory: then it is inherited
}

} // namespace

void obey_inherit() noexcept {
    const char* const wish = ::secure_getenv("KSPAWN_INHERIT");
    if (wish == nullptr || std::string_view(wish) != "0")
        return;
    Dl_info own{};
    const char* const list = std::getenv(variable);
    if (list != nullptr && ::dladdr(&variable, &own) != 0 && own.dli_fname != nullptr)
        leave_list(list, own.dli_fname);
}

} // namespace kspawn::preload
