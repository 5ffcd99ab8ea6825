// SPDX-License-Identifier: LGPL-2.1-or-later
/// Owning without new and delete: this library is loaded into programs in C, and
/// must not bring a C++ library along.
#ifndef KSPAWN_PRELOAD_MEMORY_HPP
#define KSPAWN_PRELOAD_MEMORY_HPP

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace kspawn::preload {

// NOLINTBEGIN(cppcoreguidelines-no-malloc)
struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
};

/// Zeroed; null if there is no memory.
template <class Type>
std::unique_ptr<Type, Free> allocate(std::size_t count = 1) noexcept {
    return std::unique_ptr<Type, Free>{static_cast<Type*>(std::calloc(count, sizeof(Type)))};
}
// NOLINTEND(cppcoreguidelines-no-malloc)

} // namespace kspawn::preload

#endif
