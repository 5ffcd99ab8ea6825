// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a request to /dev/kspawn out of an input: mostly one that could be
// meant, with something wrong in it.
#ifndef KSPAWN_FUZZ_REQUEST_HPP
#define KSPAWN_FUZZ_REQUEST_HPP

#include <string>
#include <vector>

#include "input.hpp"
#include "kspawn.h"
#include "memory.hpp"

namespace fuzz {

struct Request {
    unsigned long number = KSPAWN_IOC_SPAWN;
    std::uint64_t argument = 0;
    // As they were before anybody meddled with them.
    kspawn_args args{};
    // Where the caller looks for the result; null if there is none to look at.
    const kspawn_result* result = nullptr;
    std::vector<Meddling> meddling;
};

// Files that requests name; see main.cpp, which makes them.
struct Names {
    std::string programs; // a directory that cannot be written to
    int cgroup = -1;
    int completion = -1;
};

class RequestReader {
public:
    RequestReader(Memory& memory, const Names& names, const Input& input)
        : memory_(memory), names_(names), reader_(input) {}
    Request read();

private:
    std::uint64_t bad_pointer();
    std::uint64_t put(const void* data, std::size_t size);
    std::uint64_t string(const std::string& text);
    std::uint64_t program();
    std::uint64_t search();
    std::uint64_t list();
    std::uint64_t path_of_action();
    int descriptor();
    int directory();
    void how(kspawn_action& action);
    kspawn_action action();
    void actions(kspawn_args& args);
    void attributes(kspawn_args& args);
    void result(kspawn_args& args);
    std::uint64_t place_for(std::size_t size);
    void flags(kspawn_args& args);
    void patch(void* data, std::size_t size);
    std::vector<Meddling> meddling();
    Request spawn();
    Request info();
    Request completion();

    Memory& memory_;
    const Names& names_;
    Reader reader_;
};

} // namespace fuzz

#endif // KSPAWN_FUZZ_REQUEST_HPP
