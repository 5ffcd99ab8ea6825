// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_ACCESS_HPP
#define KSPAWN_LIB_COMMAND_ACCESS_HPP

#include <kspawn/base.hpp>

#include <type_traits>
#include <utility>

namespace kspawn::internal {

/// The friend of the classes that hold a pointer to what they are made of.
struct Access {
    /// The State of an object; constant if the object is.
    template <class Object>
    static auto& state(Object& object) noexcept {
        using State = std::remove_reference_t<decltype(*object.state_)>;
        using Seen = std::conditional_t<std::is_const_v<Object>, const State, State>;
        return static_cast<Seen&>(*object.state_);
    }
    /// The pointer to it, as the object has it.
    template <class Object>
    static auto& pointer(Object& object) noexcept {
        return object.state_;
    }
    /// By a private constructor.
    template <class Object, class Pointer>
    static Object make(Pointer state) {
        return Object(std::move(state));
    }
};

} // namespace kspawn::internal

#endif
