// SPDX-License-Identifier: LGPL-2.1-or-later
/// From functions that report a std::error_code to functions that throw.
#ifndef KSPAWN_LIB_COMMAND_CHECKED_HPP
#define KSPAWN_LIB_COMMAND_CHECKED_HPP

#include <cerrno>
#include <system_error>
#include <type_traits>

namespace kspawn::internal {

inline std::error_code error_of(int number) noexcept {
    return {number, std::generic_category()};
}
inline std::error_code last_error() noexcept {
    return error_of(errno);
}

/// Calls function(error), and throws if that sets an error.
template <class Function>
auto checked(const char* what, Function&& function) {
    std::error_code error;
    if constexpr (std::is_void_v<std::invoke_result_t<Function, std::error_code&>>) {
        function(error);
        if (error)
            throw std::system_error(error, what);
    } else {
        auto result = function(error);
        if (error)
            throw std::system_error(error, what);
        return result;
    }
}

} // namespace kspawn::internal

#endif
