// SPDX-License-Identifier: LGPL-2.1-or-later
/// Traces that nobody has recorded, line by line as FORMAT.md has them.
#ifndef KSPAWN_TESTS_REPORT_MADE_UP_HPP
#define KSPAWN_TESTS_REPORT_MADE_UP_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ebpf/report/trace.hpp"

namespace kspawn::test {

using Json = nlohmann::json;

class MadeUp {
public:
    /// A trace of `make -j4`.
    MadeUp();
    /// One of everything: a window of each way, five events.
    static MadeUp full();
    Json& start() { return start_; }
    Json& summary() { return summary_; }
    std::vector<Json>& events() { return events_; }
    /// Each can be changed until the trace is read.
    Json& window(const std::string& way, std::int64_t start, std::int64_t duration);
    Json& creds(std::int64_t window, std::int64_t time);
    Json& signal(std::int64_t window, std::int64_t time);
    Json& descriptor(std::int64_t window, std::int64_t time);
    Json& stall(const std::string& cause, std::int64_t time, std::int64_t wait);

    [[nodiscard]] std::string text(bool cut_off = false) const;
    [[nodiscard]] trace::report::Trace read() const;

private:
    Json& add(Json added);
    Json start_;
    Json summary_;
    std::vector<Json> events_;
    std::int64_t windows_ = 0;
};

} // namespace kspawn::test

#endif
