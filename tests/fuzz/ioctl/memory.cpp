// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memory.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace fuzz {

namespace {

std::uint8_t* map(void* at, std::size_t size, int flags) {
    void* const got =
        mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (got == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    return static_cast<std::uint8_t*>(got);
}

void pause(unsigned rounds) {
    for (; rounds > 0; --rounds)
        __builtin_ia32_pause();
}

} // namespace

// The kernel writes its result where a request says, and a spoilt address is to
// be nobody's: with any of its lower five bytes changed it is still far from all
// that the loader maps.
Memory::Memory()
    : data_(map(reinterpret_cast<void*>(0x1000'0000'0000), size + page, MAP_FIXED_NOREPLACE)) {
    mprotect(data_ + size, page, PROT_NONE);
}

Memory::~Memory() {
    munmap(data_, size + page);
}

void Memory::reset() {
    map(data_, size, MAP_FIXED);
    used_ = 0;
}

std::uint8_t* Memory::place(std::size_t bytes, bool at_end) {
    // The upper half is for what ends at the guard.
    if (bytes > size / 2)
        return nullptr;
    if (at_end)
        return data_ + size - bytes;
    if (used_ + bytes > size / 2)
        return nullptr;
    auto* const here = data_ + used_;
    used_ += bytes;
    return here;
}

Meddler::Meddler(Memory& memory) : memory_(memory), thread_([this] { run(); }) {}

Meddler::~Meddler() {
    state_ = State::leaving;
    state_.notify_all();
    thread_.join();
}

void Meddler::begin(std::vector<Meddling> plan) {
    plan_ = std::move(plan);
    state_ = State::working;
    state_.notify_all();
}

void Meddler::end() {
    state_ = State::stopping;
    while (state_ != State::idle)
        state_.wait(State::stopping);
}

void Meddler::carry_out(const Meddling& meddling) const {
    auto* const where = memory_.data() + meddling.where % (Memory::size - sizeof(std::uint64_t));
    auto* const page = memory_.data() + meddling.where % Memory::pages * Memory::page;
    switch (meddling.kind) {
    case Meddling::Kind::flip: // of a page that nobody else unmaps: we are the only thread
        __atomic_fetch_xor(where, static_cast<std::uint8_t>(1U << meddling.other % 8U),
                           __ATOMIC_RELAXED);
        break;
    case Meddling::Kind::copy:
        __atomic_store_n(where, memory_.data()[meddling.other % Memory::size], __ATOMIC_RELAXED);
        break;
    case Meddling::Kind::unmap:
        munmap(page, Memory::page);
        pause(meddling.pause);
        map(page, Memory::page, MAP_FIXED);
        break;
    case Meddling::Kind::protect:
        mprotect(page, Memory::page, PROT_NONE);
        pause(meddling.pause);
        mprotect(page, Memory::page, PROT_READ | PROT_WRITE);
        break;
    case Meddling::Kind::discard:
        madvise(page, Memory::page, MADV_DONTNEED);
        break;
    }
}

void Meddler::run() {
    for (;;) {
        state_.wait(State::idle);
        while (state_ == State::working)
            for (const auto& meddling : plan_) {
                carry_out(meddling);
                pause(meddling.pause);
            }
        if (state_ == State::leaving)
            return;
        state_ = State::idle;
        state_.notify_all();
    }
}

} // namespace fuzz
