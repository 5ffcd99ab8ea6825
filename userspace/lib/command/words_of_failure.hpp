// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_WORDS_OF_FAILURE_HPP
#define KSPAWN_LIB_COMMAND_WORDS_OF_FAILURE_HPP

#include <kspawn/failure.h>

#include <cstring>
#include <string>
#include <utility>

#include <kspawn/error.hpp>

namespace kspawn::internal {

/// libkspawn's words for a failure, without the error in words, which
/// std::system_error adds by itself at the end: a remark that follows it here comes
/// before it there.  They are in English: strerror() would say it as the locale has it.
inline std::string without_error(std::string words, int error) {
    const char* const description = ::strerrordesc_np(error);
    const std::string in_words =
        ": " + (description != nullptr ? description : "error " + std::to_string(error));
    if (const auto at = words.rfind(in_words); at != std::string::npos)
        words.erase(at, in_words.size());
    return words;
}

/// What a SpawnError is made of.
struct FailedStep {
    int error = 0;
    Step step = Step::none;
    unsigned index = 0;
    std::string words; ///< without the error

    [[nodiscard]] SpawnError to_error() const { return {error, step, index, words}; }
};

/// What the C library has remembered in this thread of a call that has just returned
/// `error`.
inline FailedStep last_failure(int error) {
    const kspawn_failure* const failure = kspawn_last_failure();
    return {error, static_cast<Step>(failure->step), failure->index,
            without_error(kspawn_strfailure(), error)};
}

} // namespace kspawn::internal

#endif
