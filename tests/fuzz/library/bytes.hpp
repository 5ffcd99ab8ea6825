// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads numbers and strings out of what a fuzzer provides.
#ifndef KSPAWN_FUZZ_BYTES_HPP
#define KSPAWN_FUZZ_BYTES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

namespace fuzz {

class Bytes {
public:
    explicit Bytes(std::span<const std::uint8_t> data) : data_(data) {}

    bool empty() const { return data_.empty(); }

    std::uint8_t byte() {
        if (data_.empty())
            return 0;
        const auto first = data_.front();
        data_ = data_.subspan(1);
        return first;
    }

    int number() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i)
            value = value << 8U | byte();
        return static_cast<int>(value);
    }

    // Up to a NUL, which may be missing, and no more than what is left.
    std::string string() {
        const auto end = std::find(data_.begin(), data_.end(), 0);
        std::string text(data_.begin(), end);
        data_ = data_.subspan(std::min(data_.size(), text.size() + 1));
        return text;
    }

private:
    std::span<const std::uint8_t> data_;
};

// Abort in every build if a condition does not hold.
inline void require(bool condition) {
    if (!condition)
        std::abort();
}

} // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

#endif // KSPAWN_FUZZ_BYTES_HPP
