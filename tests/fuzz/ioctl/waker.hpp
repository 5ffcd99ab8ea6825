// SPDX-License-Identifier: LGPL-2.1-or-later
// Has children go on that start stopped, also those of a call that waits for them.
#ifndef KSPAWN_FUZZ_WAKER_HPP
#define KSPAWN_FUZZ_WAKER_HPP

#include <thread>

namespace fuzz {

class Waker {
public:
    // The children of the thread that makes it.
    Waker();
    ~Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    Waker(Waker&&) = delete;
    Waker& operator=(Waker&&) = delete;

private:
    int children_; // a file of /proc
    std::jthread thread_;
};

} // namespace fuzz

#endif // KSPAWN_FUZZ_WAKER_HPP
