// SPDX-License-Identifier: LGPL-2.1-or-later
#include "made_up.hpp"

#include <sstream>

namespace kspawn::test {

namespace {

constexpr std::int64_t pid = 100;
constexpr std::int64_t tid = 101;

Json credentials(std::int64_t uid) {
    return {{"uid", uid}, {"gid", 0}, {"euid", uid}, {"cap_permitted", "000001ffffffffff"}};
}

Json task(std::int64_t number) {
    return {{"pid", number}, {"tid", number}, {"comm", "daemon"}};
}

Json event(const char* kind, std::int64_t window, std::int64_t time) {
    return {{"kind", kind},     {"time", time},     {"pid", pid},    {"tid", tid},
            {"comm", "daemon"}, {"window", window}, {"way", "vfork"}};
}

} // namespace

MadeUp::MadeUp()
    : start_{{"kind", "start"},
             {"version", 1},
             {"kernel", "6.12.0"},
             {"wall_time", 86400.5},
             {"kinds", {"windows", "creds", "signals", "fds", "stalls"}},
             {"command", {"make", "-j4"}},
             {"filter", {{"pid", nullptr}, {"comm", nullptr}, {"uid", nullptr}}},
             {"missing", Json::array()}},
      summary_{{"kind", "summary"},
               {"time", 1'000'000'000},
               {"drops", {{"ring", 0}, {"maps", 0}, {"missed", 0}, {"total", 0}}},
               {"complete", true},
               {"verdict", "clean"},
               {"command_status", 0}} {}

MadeUp MadeUp::full() {
    MadeUp made_up;
    for (const auto* way : {"vfork", "clone_vm_vfork", "clone_vm", "kspawn", "fork"})
        made_up.window(way, 1'000'000, 250'000);
    made_up.creds(1, 1'100'000);
    made_up.signal(1, 1'100'000);
    made_up.descriptor(1, 900'000);
    made_up.stall("lock", 1'200'000, 3'000'000);
    made_up.stall("vfork", 1'200'000, 4'000'000);
    return made_up;
}

Json& MadeUp::add(Json added) {
    events_.push_back(std::move(added));
    return events_.back();
}

Json& MadeUp::window(const std::string& way, std::int64_t start, std::int64_t duration) {
    auto made = event("windows", ++windows_, start);
    made["way"] = way;
    made["child"] = task(1000 + windows_);
    made["start"] = start;
    made["end"] = start + duration;
    made["duration_ns"] = duration;
    made["outcome"] = "exec";
    made["blocked_ns"] = duration + 1;
    made["threads"] = 2;
    made["sharers"] = 3;
    made["shared"] = way != "fork";
    made["user_code"] = way != "kspawn";
    made["program"] = "/bin/true";
    made["memory"] = Json::object();
    return add(std::move(made));
}

Json& MadeUp::creds(std::int64_t window, std::int64_t time) {
    auto made = event("creds", window, time);
    made["tid"] = tid + 1;
    made["child"] = task(1000 + window);
    made["by"] = "sharer";
    made["before"] = credentials(0);
    made["after"] = credentials(65534);
    made["other"] = credentials(0);
    made["changed"] = {"uid", "euid", "cap_permitted"};
    made["exposed"] = "child";
    made["memory"] = {{"mmap", 2}};
    made["opened"] = time - 1000;
    made["closed"] = time + 2'500'000;
    made["outcome"] = "exec";
    made["program"] = "/bin/true";
    return add(std::move(made));
}

Json& MadeUp::signal(std::int64_t window, std::int64_t time) {
    auto made = event("signals", window, time);
    made["pid"] = made["tid"] = 1000 + window;
    made["caller"] = {{"pid", pid}, {"tid", tid}, {"comm", "daemon"}};
    made["signal"] = 28;
    made["name"] = "SIGWINCH";
    made["handler"] = "0x401000";
    made["sender"] = 1;
    made["code"] = 0;
    return add(std::move(made));
}

Json& MadeUp::descriptor(std::int64_t window, std::int64_t time) {
    auto made = event("fds", window, time);
    made["why"] = "late_cloexec";
    made["fd"] = 7;
    made["path"] = "/etc/secret";
    made["opened"] = time;
    made["marked"] = time + 5000;
    made["caller"] = {{"pid", pid}, {"tid", tid}, {"comm", "daemon"}};
    made["child"] = task(1000 + window);
    made["gap_ns"] = 1500;
    made["program"] = "/bin/true";
    return add(std::move(made));
}

Json& MadeUp::stall(const std::string& cause, std::int64_t time, std::int64_t wait) {
    auto made = event("stalls", 0, time);
    made["window"] = nullptr;
    made["way"] = nullptr;
    made["cause"] = cause;
    made["lock"] = cause == "lock" ? Json("mmap_lock") : Json();
    made["role"] = cause == "lock" ? "thread" : "caller";
    made["wait_ns"] = wait;
    made["holder"] = nullptr;
    return add(std::move(made));
}

std::string MadeUp::text(bool cut_off) const {
    const auto line = [](const Json& json) {
        return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    };
    auto text = line(start_);
    for (const auto& made : events_)
        text += line(made);
    return cut_off ? text : text + line(summary_);
}

trace::report::Trace MadeUp::read() const {
    std::istringstream input(text());
    return trace::report::read_trace(input);
}

} // namespace kspawn::test
