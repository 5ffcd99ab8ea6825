// SPDX-License-Identifier: LGPL-2.1-or-later
// Sets and removes variables, and compares with a map.
#include "tools/environment.hpp"

#include <map>
#include <string>

#include "bytes.hpp"

namespace {

void compare(kspawn::tool::Environment& environment,
             const std::map<std::string, std::string>& all) {
    const auto pointers = environment.pointers();
    fuzz::require(pointers.size() == all.size() + 1 && pointers.back() == nullptr);
    for (const auto& [name, value] : all)
        fuzz::require(environment.get(name) == value);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Bytes bytes({data, size});
    kspawn::tool::Environment environment;
    std::map<std::string, std::string> all;
    while (!bytes.empty()) {
        const auto what = bytes.byte() % 8U;
        auto text = bytes.string();
        if (what == 0) {
            environment.clear();
            all.clear();
            continue;
        }
        // As the command line lets them through: a name is not empty, and has no '='.
        const auto equals = text.find('=');
        if (equals == 0 || text.empty())
            continue;
        const auto name = text.substr(0, equals);
        if (what < 3 || equals == std::string::npos) {
            environment.remove(name);
            all.erase(name);
        } else {
            all[name] = text.substr(equals + 1);
            environment.set(std::move(text));
        }
    }
    compare(environment, all);
    return 0;
}
