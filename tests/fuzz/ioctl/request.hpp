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
    // A call of a builder that is made of something else.
    bool misdirected = false;
    std::uint64_t argument = 0;
    // As they were before anybody meddled with them.
    kspawn_args args{};
    // Where the caller looks for the result; null if there is none to look at.
    const kspawn_result* result = nullptr;
    // The operations of its actions, if nobody spoilt them.
    std::vector<unsigned> operations;
    // Where the numbers of the caller's ends are to be stored.
    std::vector<const std::int32_t*> ends;
    std::vector<Meddling> meddling;
};

// At such a place before the call.
constexpr std::int32_t no_end = 0x5a5a5a5a;

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
    // The first of the input.
    Request read();
    // The calls of a builder that the first request has made.
    unsigned steps() { return 1 + reader_.below(5); }
    Request step();

private:
    // Where the arguments will be, and where they are then.
    std::uint8_t* place_for_args(kspawn_args& args);
    void place_args(Request& request, const kspawn_args& args, std::uint8_t* to);
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
    void data(kspawn_action& action, const void* bytes, std::size_t size);
    std::uint64_t end_of_caller(Request& request);
    void made(kspawn_action& action, Request& request);
    void ids(kspawn_action& action);
    void limit(kspawn_action& action);
    void capabilities(kspawn_action& action);
    void process_control(kspawn_action& action);
    void scheduler(kspawn_action& action);
    void exceptions(kspawn_action& action);
    void numbers(kspawn_action& action);
    void state(kspawn_action& action);
    kspawn_action action(Request& request);
    void actions(kspawn_args& args, Request& request);
    void attributes(kspawn_args& args);
    void result(kspawn_args& args);
    std::uint64_t place_for(std::size_t size);
    void flags(kspawn_args& args);
    void patch(void* data, std::size_t size);
    std::vector<Meddling> meddling();
    Request spawn();
    Request builder();
    Request with_actions(unsigned long number);
    Request info();
    Request completion();

    Memory& memory_;
    const Names& names_;
    Reader reader_;
};

} // namespace fuzz

#endif // KSPAWN_FUZZ_REQUEST_HPP
