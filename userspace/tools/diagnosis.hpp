// SPDX-License-Identifier: LGPL-2.1-or-later
/// The findings of `kspawn doctor`, and how they are printed.
#ifndef KSPAWN_TOOLS_DIAGNOSIS_HPP
#define KSPAWN_TOOLS_DIAGNOSIS_HPP

#include <string>
#include <utility>
#include <vector>

#include "module_advice.hpp"

namespace kspawn::tool {

enum class Severity { good, note, bad };

struct Finding {
    Severity severity;
    std::string subject;
    std::string finding;
    Advice advice;
};

class Diagnosis {
public:
    void add(Severity severity, std::string subject, std::string finding, Advice advice = {}) {
        findings_.push_back({severity, std::move(subject), std::move(finding), std::move(advice)});
    }
    [[nodiscard]] bool usable() const;
    /// The command of the first thing that stands in the way; "" if no command removes that.
    [[nodiscard]] std::string command() const;
    void print() const;
    void print_json() const;

private:
    [[nodiscard]] const Finding* first_bad() const;

    std::vector<Finding> findings_;
};

} // namespace kspawn::tool

#endif
