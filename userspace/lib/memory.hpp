// SPDX-License-Identifier: LGPL-2.1-or-later
/// Memory of malloc(), not new: the library is for C programs, which need not load
/// a C++ library for it.
#ifndef KSPAWN_LIB_MEMORY_HPP
#define KSPAWN_LIB_MEMORY_HPP

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>

namespace kspawn::internal {

// NOLINTBEGIN(cppcoreguidelines-no-malloc)
struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
};

/// Zeroed; null if there is no memory.
template <class Type>
std::unique_ptr<Type, Free> allocate(std::size_t count = 1) noexcept {
    return std::unique_ptr<Type, Free>{static_cast<Type*>(std::calloc(count, sizeof(Type)))};
}

inline void* resize(void* memory, std::size_t size) noexcept {
    return std::realloc(memory, size);
}
// NOLINTEND(cppcoreguidelines-no-malloc)

/// A list that grows, of what may be moved as bytes.
template <class Value>
class List {
    static_assert(std::is_trivially_copyable_v<Value>);

public:
    /// false: there is no memory; the list is as it was.
    [[nodiscard]] bool push(const Value& value) noexcept {
        if (size_ == capacity_ && !grow())
            return false;
        memory_.get()[size_++] = value;
        return true;
    }
    [[nodiscard]] std::span<Value> all() noexcept { return {memory_.get(), size_}; }
    [[nodiscard]] std::span<const Value> all() const noexcept { return {memory_.get(), size_}; }

private:
    bool grow() noexcept {
        constexpr std::size_t first = 32;
        if (capacity_ > std::numeric_limits<std::size_t>::max() / sizeof(Value) / 2)
            return false;
        const std::size_t capacity = capacity_ == 0 ? first : capacity_ * 2;
        void* const memory = resize(memory_.get(), capacity * sizeof(Value));
        if (memory == nullptr)
            return false;
        static_cast<void>(memory_.release()); // resize() has freed it
        memory_.reset(static_cast<Value*>(memory));
        capacity_ = capacity;
        return true;
    }

    std::unique_ptr<Value, Free> memory_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace kspawn::internal

#endif
