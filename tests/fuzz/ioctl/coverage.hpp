// SPDX-License-Identifier: LGPL-2.1-or-later
// The code of the module that the calling thread has run (KCOV).
#ifndef KSPAWN_FUZZ_COVERAGE_HPP
#define KSPAWN_FUZZ_COVERAGE_HPP

#include <cstddef>
#include <unordered_set>

namespace fuzz {

class Coverage {
public:
    // That of the thread that makes it; nothing where the kernel has no KCOV.
    Coverage();
    ~Coverage();
    Coverage(const Coverage&) = delete;
    Coverage& operator=(const Coverage&) = delete;
    Coverage(Coverage&&) = delete;
    Coverage& operator=(Coverage&&) = delete;

    explicit operator bool() const { return area_ != nullptr; }
    void begin();
    // Whether a place was reached that never was before.
    bool end();
    std::size_t places() const { return places_.size(); }

private:
    int fd_;
    unsigned long* area_ = nullptr;
    std::unordered_set<unsigned long> places_;
};

} // namespace fuzz

#endif // KSPAWN_FUZZ_COVERAGE_HPP
