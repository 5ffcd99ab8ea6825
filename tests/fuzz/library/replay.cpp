// SPDX-License-Identifier: LGPL-2.1-or-later
// In place of libFuzzer: the inputs of a file (hexadecimal, one a line), and
// mutations of them, the same ones each time.
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../ioctl/input.hpp"
#include "bytes.hpp"

namespace {

int replay(const std::string& path, std::uint64_t mutations) {
    std::vector<fuzz::Input> corpus;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (!line.empty() && line[0] != '#')
            corpus.push_back(fuzz::from_hex(line));
    if (corpus.empty())
        throw std::runtime_error(path + ": no inputs");
    for (const auto& input : corpus)
        LLVMFuzzerTestOneInput(input.data(), input.size());
    fuzz::Random random(1);
    for (std::uint64_t i = 0; i < mutations; ++i) {
        const auto& one = corpus[random.below(corpus.size())];
        const auto input = fuzz::mutated(one, corpus[random.below(corpus.size())], random);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::cout << corpus.size() << " inputs and " << mutations << " mutations\n";
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3)
            throw std::runtime_error("usage: replay FILE MUTATIONS");
        return replay(argv[1], std::strtoull(argv[2], nullptr, 10));
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
