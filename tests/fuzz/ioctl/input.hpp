// SPDX-License-Identifier: LGPL-2.1-or-later
// An input is a string of bytes that a request is read from: each byte decides
// something.  A byte behind the end reads as 0, so that every string is an input.
#ifndef KSPAWN_FUZZ_INPUT_HPP
#define KSPAWN_FUZZ_INPUT_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

namespace fuzz {

using Input = std::vector<std::uint8_t>;

// The same numbers for the same seed, with every standard library.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }

private:
    std::mt19937_64 engine_;
};

class Reader {
public:
    explicit Reader(const Input& input) : input_(input) {}
    std::uint8_t byte() { return at_ < input_.size() ? input_[at_++] : 0; }
    std::uint64_t number(unsigned bytes);
    // bound is at most 256.
    unsigned below(unsigned bound) { return byte() % bound; }
    bool one_in(unsigned n) { return below(n) == n - 1; }
    template <typename T>
    T one_of(std::initializer_list<T> all) {
        return *(all.begin() + below(static_cast<unsigned>(all.size())));
    }

private:
    const Input& input_;
    std::size_t at_ = 0;
};

Input random_input(Random& random);
Input mutated(const Input& from, const Input& other, Random& random);

std::string to_hex(const Input& input);
// Throws std::invalid_argument.
Input from_hex(const std::string& text);

} // namespace fuzz

#endif // KSPAWN_FUZZ_INPUT_HPP
