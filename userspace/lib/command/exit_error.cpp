// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/exit_error.hpp>

#include <string_view>
#include <utility>

namespace kspawn {

namespace {

// The longest line that is quoted from a standard error.
constexpr std::size_t most_of_line = 200;

// The last line that is not empty.
std::string_view last_line(std::string_view text) noexcept {
    const auto end = text.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos)
        return {};
    text = text.substr(0, end + 1);
    const auto before = text.find_last_of('\n');
    if (before != std::string_view::npos)
        text.remove_prefix(before + 1);
    return text.substr(0, most_of_line);
}

std::string words_of(const std::string& program, const Output& output) {
    auto words =
        program + ": " + (output.timed_out ? "time limit: " : "") + output.status.to_string();
    if (const auto line = last_line(output.err); !line.empty())
        words.append(": ").append(line);
    return words;
}

} // namespace

ExitError::ExitError(const std::string& program, Output output)
    : std::runtime_error(words_of(program, output)),
      output_(std::make_shared<const Output>(std::move(output))) {}
ExitError::ExitError(const ExitError&) noexcept = default;
ExitError& ExitError::operator=(const ExitError&) noexcept = default;
// Here, so that the class has one home for its type information.
ExitError::~ExitError() = default;

ExitStatus ExitError::status() const noexcept {
    return output_->status;
}

const Output& ExitError::output() const noexcept {
    return *output_;
}

} // namespace kspawn
