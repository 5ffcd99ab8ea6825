// SPDX-License-Identifier: LGPL-2.1-or-later
// The memory that a request lives in: pages with one behind them that cannot
// be read, and a thread that spoils them while the kernel reads.
#ifndef KSPAWN_FUZZ_MEMORY_HPP
#define KSPAWN_FUZZ_MEMORY_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace fuzz {

class Memory {
public:
    static constexpr std::size_t page = 4096;
    static constexpr std::size_t pages = 64;
    static constexpr std::size_t size = page * pages;

    Memory();
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    Memory(Memory&&) = delete;
    Memory& operator=(Memory&&) = delete;

    // All of it readable, writable and zero again.
    void reset();
    // Room for an object; at_end: its last byte is the last before the guard.
    // Objects at the end may overlap.  Null when there is no more room.
    std::uint8_t* place(std::size_t bytes, bool at_end);
    std::uint8_t* data() const { return data_; }
    std::uint8_t* guard() const { return data_ + size; }

private:
    std::uint8_t* data_;
    std::size_t used_ = 0;
};

// One thing that is done to the memory.
struct Meddling {
    enum class Kind { flip, copy, unmap, protect, discard } kind;
    std::uint32_t where;
    std::uint32_t other;
    std::uint32_t pause;
};

// Does a list of them, over and over, from begin() to end().
class Meddler {
public:
    explicit Meddler(Memory& memory);
    ~Meddler();
    Meddler(const Meddler&) = delete;
    Meddler& operator=(const Meddler&) = delete;
    Meddler(Meddler&&) = delete;
    Meddler& operator=(Meddler&&) = delete;

    void begin(std::vector<Meddling> plan);
    void end();

private:
    enum class State { idle, working, stopping, leaving };
    void run();
    void carry_out(const Meddling& meddling) const;

    Memory& memory_;
    std::vector<Meddling> plan_;
    std::atomic<State> state_{State::idle};
    std::thread thread_;
};

} // namespace fuzz

#endif // KSPAWN_FUZZ_MEMORY_HPP
