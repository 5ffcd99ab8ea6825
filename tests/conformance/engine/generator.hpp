// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_CONFORMANCE_GENERATOR_HPP
#define KSPAWN_CONFORMANCE_GENERATOR_HPP

#include <cstdint>
#include <random>

#include "specification.hpp"

namespace conformance {

/// Makes specifications up.  The same seed makes the same ones, everywhere.
class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}
    Specification next();

private:
    using Step = nlohmann::json;

    // std::uniform_int_distribution is not the same everywhere.
    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
    bool one_in(int n) { return below(n) == 0; }
    template <class Value>
    Value one_of(std::initializer_list<Value> values) {
        return *(values.begin() + below(static_cast<int>(values.size())));
    }

    int descriptor();
    int signal();
    std::string file();
    std::string open_flags();
    Step signals(const char* verb);
    void open_something(Step& parent);
    void parent_step(Step& parent);
    void watcher(Step& parent);
    static void process_limit(Step& parent);
    static bool can_open_device(const Step& parent);
    Step attribute();
    Step action();
    void program(Specification& specification);

    std::mt19937_64 random_;
};

} // namespace conformance

#endif
