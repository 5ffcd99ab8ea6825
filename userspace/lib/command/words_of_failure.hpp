// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_WORDS_OF_FAILURE_HPP
#define KSPAWN_LIB_COMMAND_WORDS_OF_FAILURE_HPP

#include <string>
#include <system_error>
#include <utility>

namespace kspawn::internal {

/// libkspawn's words for a failure, without the error in words, which
/// std::system_error adds by itself at the end: a remark that follows it here comes
/// before it there.
inline std::string without_error(std::string words, int error) {
    const std::string in_words = ": " + std::generic_category().message(error);
    if (const auto at = words.rfind(in_words); at != std::string::npos)
        words.erase(at, in_words.size());
    return words;
}

} // namespace kspawn::internal

#endif
