// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_WORDS_HPP
#define KSPAWN_LIB_WORDS_HPP

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string_view>

namespace kspawn::internal {

/// Writes a sentence into a fixed buffer, always with a NUL at its end.  It does
/// not allocate: it is used when there may be no memory.
class Words {
public:
    explicit Words(std::span<char> buffer) noexcept : buffer_(buffer) { terminate(); }

    Words& operator<<(std::string_view text) noexcept {
        const auto length = std::min(text.size(), room());
        std::copy_n(text.begin(), length, buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
        used_ += length;
        terminate();
        return *this;
    }

    Words& operator<<(long long number) noexcept {
        std::array<char, 24> digits{};
        const auto* const end = std::to_chars(digits.begin(), digits.end(), number).ptr;
        return *this << std::string_view(digits.data(),
                                         static_cast<std::size_t>(end - digits.data()));
    }

    /// A name from outside, cut in its middle to at most `most` bytes, which
    /// tells more than its beginning alone.
    Words& name(std::string_view text, std::size_t most) noexcept {
        constexpr std::string_view gap = "...";
        if (text.size() <= most)
            return *this << text;
        const auto kept = most - gap.size();
        auto head = text;
        head.remove_suffix(text.size() - kept / 2);
        auto tail = text;
        tail.remove_prefix(text.size() - (kept - kept / 2));
        return *this << head << gap << tail;
    }

private:
    [[nodiscard]] std::size_t room() const noexcept { return buffer_.size() - used_ - 1; }
    void terminate() noexcept { buffer_[used_] = '\0'; }

    std::span<char> buffer_;
    std::size_t used_ = 0;
};

} // namespace kspawn::internal

#endif
