// SPDX-License-Identifier: LGPL-2.1-or-later
#include "generator.hpp"

namespace conformance {

using nlohmann::json;

// Few numbers, so that steps meet each other.
int Generator::descriptor() {
    if (one_in(40))
        return one_of({63, 64, 200, 255});
    return below(10);
}

int Generator::signal() {
    return one_of({1, 2, 3, 10, 12, 13, 15, 17, 20, 23, 36, 64});
}

std::string Generator::file() {
    if (!one_in(4))
        return one_of<const char*>({"a", "b", "d/inner", "link", "/dev/null"});
    return one_of<const char*>({"new", "d/new", "d", "missing/x", "secret", "dangling", "loop",
                                "closed/x", "a/x", "", "/proc/self/fd/5", "/dev/zero", "d/deep"});
}

std::string Generator::open_flags() {
    std::string flags = one_of<const char*>({"rdonly", "wronly", "rdwr", "rdwr"});
    for (const char* const more : {"|creat", "|trunc", "|append", "|cloexec", "|nonblock"})
        if (one_in(4))
            flags += more;
    for (const char* const more : {"|excl", "|directory", "|nofollow", "|path"})
        if (one_in(25))
            flags += more;
    return flags;
}

Generator::Step Generator::signals(const char* verb) {
    Step step = json::array({verb});
    if (one_in(6)) {
        step.push_back("all");
        return step;
    }
    for (int i = below(5); i > 0; --i)
        step.push_back(signal());
    return step;
}

void Generator::open_something(Step& parent) {
    const int cloexec = below(2);
    switch (below(9)) {
    case 0:
        parent.push_back({"pipe", descriptor(), descriptor() + 10, cloexec});
        break;
    case 1:
        parent.push_back({"dup", descriptor(), descriptor() + 1, cloexec});
        break;
    case 2:
        parent.push_back({"socket", descriptor(), cloexec});
        break;
    case 3:
        parent.push_back({"memfd", descriptor(), cloexec});
        break;
    case 4:
        parent.push_back({"close", below(4)});
        break;
    case 5:
        parent.push_back(
            {"open", descriptor(), "d", cloexec ? "rdonly|directory|cloexec" : "rdonly|directory"});
        break;
    case 6:
        parent.push_back({"eventfd", descriptor(), cloexec});
        break;
    default: {
        const int fd = descriptor();
        parent.push_back({"open", fd, one_of<const char*>({"a", "b", "d/inner"}),
                          cloexec ? "rdwr|cloexec" : "rdwr"});
        if (one_in(3))
            parent.push_back({"seek", fd, below(20)});
        break;
    }
    }
}

// Somebody who looks, or interrupts, while the start is under way.
void Generator::watcher(Step& parent) {
    switch (below(3)) {
    case 0:
        parent.push_back({"alarm_every", one_of({10000, 30000, 50000})});
        break;
    case 1:
        parent.push_back({"watch_waits"});
        break;
    default:
        parent.push_back({"alarm_every", one_of({20000, 50000})});
        parent.push_back({"watch_waits"});
        break;
    }
}

// A user who may have no more processes.
void Generator::process_limit(Step& parent) {
    parent.push_back({"limit", "nproc", 1, 1});
    parent.push_back({"resuid", 4200, 4200, 4200});
}

void Generator::parent_step(Step& parent) {
    switch (below(30)) {
    case 0:
        parent.push_back({"ignore", signal()});
        break;
    case 1:
        parent.push_back({"handle", signal(), one_of({0, 0x40000000, 4})});
        break;
    case 2:
        parent.push_back({"block", signal()});
        break;
    case 3: {
        const int number = signal();
        parent.push_back({"block", number});
        parent.push_back({"raise", number});
        break;
    }
    case 4:
        parent.push_back({"chdir", one_of<const char*>({"d", "/", "d/deep"})});
        break;
    case 5:
        parent.push_back({"umask", one_of({0, 077, 0777, 022, 0277})});
        break;
    case 6:
        parent.push_back({"limit",
                          one_of<const char*>(
                              {"core", "fsize", "memlock", "stack", "msgqueue", "rtprio", "nice"}),
                          1 << 23, 1 << 24});
        break;
    case 7:
        parent.push_back({"limit", "nofile", one_of({6, 8, 10, 12, 64}), 1024});
        break;
    case 8:
        parent.push_back({"resgid", one_of({0, 4200}), one_of({0, 4201}), one_of({0, 4202})});
        break;
    case 9:
        parent.push_back({"resuid", one_of({0, 4200}), one_of({0, 4201}), one_of({0, 4202})});
        break;
    case 10:
        parent.push_back({"groups", 4210, 4211, below(3)});
        break;
    case 11:
        parent.push_back({"capabilities",
                          one_of<const char*>({"drop", "ineffective", "inheritable", "bounding"}),
                          one_of({1 << 7, 1 << 6, 1 << 1, 0x00a000c2, 1 << 23})});
        break;
    case 12:
        parent.push_back({"secure_bits", one_of({0, 1, 4, 16})});
        break;
    case 13:
        parent.push_back({"no_new_privileges"});
        break;
    case 14:
        parent.push_back({"death_signal", signal()});
        break;
    case 15:
        parent.push_back({"subreaper", 1});
        break;
    case 16:
        parent.push_back({"timer_slack", 12345});
        break;
    case 17:
        parent.push_back({"personality", one_of({0x0040000, 0x0020000, 0x0400000})});
        break;
    case 18:
        parent.push_back({"oom_score_adj", std::to_string(below(500))});
        break;
    case 19:
        parent.push_back({"coredump_filter", "0x7"});
        break;
    case 20:
        parent.push_back({"nice", one_of({1, 5, -5})});
        break;
    case 21:
        parent.push_back(
            {"scheduler", one_of<const char*>({"batch", "idle", "other"}), 0, below(2)});
        break;
    case 22:
        parent.push_back(
            {"scheduler", one_of<const char*>({"fifo", "rr"}), 1 + below(5), below(2)});
        break;
    case 23:
        parent.push_back({"cpus", below(2)});
        break;
    case 24:
        parent.push_back({"session"});
        if (one_in(2))
            parent.push_back({"terminal", descriptor(), below(2), 1});
        break;
    case 25:
        parent.push_back({"process_group"});
        break;
    case 26:
        parent.push_back({"threads", 1 + below(3)});
        break;
    case 27:
        parent.push_back({"lock"});
        break;
    case 28:
        parent.push_back({one_of<const char*>({"posix_timer", "signal_stack", "lock_memory"})});
        break;
    default:
        parent.push_back({"timer", below(3)});
        break;
    }
}

Generator::Step Generator::attribute() {
    switch (below(10)) {
    case 0:
        return {"resetids"};
    case 1:
        return {"setsid"};
    case 2:
    case 3:
        return {"setpgroup", one_of<const char*>({"own", "own", "own", "parent's", "parent's",
                                                  "helper", "helper", "1", "-5"})};
    case 4:
    case 5:
        return signals("setsigdef");
    case 6:
    case 7:
        return signals("setsigmask");
    case 8:
        return {"setschedparam", one_of({0, 0, 0, 0, 1, 5, 100})};
    default:
        return {"setscheduler", one_of<const char*>({"other", "fifo", "rr"}),
                one_of({0, 1, 5, 100})};
    }
}

Generator::Step Generator::action() {
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
        return {"open", descriptor(), file(), open_flags(), one_of({0, 0600, 0666, 04755})};
    case 3:
    case 4:
        return {"close", descriptor()};
    case 5:
    case 6:
        return {"dup2", below(3), descriptor()}; // which are mostly open
    case 7:
        return {"dup2", descriptor(), descriptor()};
    case 8:
        if (!one_in(4))
            return {"chdir", one_of<const char*>({"d", ".", "/tmp", "/"})};
        return {"chdir", one_of<const char*>({"..", "d/deep", "a", "missing", "closed", ""})};
    case 9:
        return {one_of<const char*>({"fchdir", "close", "close"}), descriptor()};
    case 10:
        if (one_in(4))
            return {"tcsetpgrp", descriptor()};
        return {"close", descriptor()};
    default:
        if (one_in(2))
            return {"closefrom", below(20)};
        return {"dup2", descriptor(), descriptor()};
    }
}

void Generator::program(Specification& specification) {
    if (one_in(8))
        specification["program"] = {
            "path", one_of<const char*>({"d/prog", "prog", "missing", "noexec", "garbage", "script",
                                         "badscript", "text", "d", "", "@setuid", "@setgid",
                                         "@unreadable", "@rootonly", "loop", "a/x", "closed/x",
                                         "../w/d/prog", "dangling"})};
    else if (one_in(6)) {
        specification["program"] = {
            "file", one_of<const char*>({"reporter", "prog", "noexec", "garbage", "text", "missing",
                                         "", "./d/prog", "setuid", "script"})};
        specification["parent"].push_back(
            {"setenv", "PATH",
             one_of<const char*>({"@", "d", "missing:@", "closed:d:@", ":@", "a:d",
                                  "closed:missing", ".:d", "", "d:@"})});
    }
    if (one_in(6))
        specification["argv"] = one_of<json>({json::array(), {""}, {"a", "", "b c"}});
    if (one_in(6))
        specification["env"] = one_of<json>({json::array(), {"A=1", "A=2", "=", "x"}});
}

// The library opens it anew: with the rights, and within the limits, of the parent.
bool Generator::can_open_device(const Step& parent) {
    for (const auto& step : parent)
        for (const char* const verb : {"limit", "resuid", "resgid", "groups", "capabilities"})
            if (step.at(0) == verb)
                return false;
    return true;
}

Specification Generator::next() {
    Specification specification{{"parent", json::array()}};
    auto& parent = specification["parent"];
    for (int i = below(5); i > 0; --i)
        open_something(parent);
    for (int i = below(4); i > 0; --i)
        parent_step(parent);
    for (int i = below(3); i > 0; --i)
        specification["attributes"].push_back(attribute());
    for (int i = below(6); i > 0; --i)
        specification["actions"].push_back(action());
    for (const auto& step : specification.value("attributes", json::array()))
        if (step.at(0) == "setpgroup" && step.at(1) == "helper")
            parent.push_back({"helper"});
    program(specification);
    if (one_in(8))
        specification["in_thread"] = true;
    if (one_in(6))
        watcher(parent);
    if (one_in(30) && !specification.contains("in_thread"))
        process_limit(parent);
    else if (one_in(10) && can_open_device(parent))
        parent.push_back({"unused"});
    return specification;
}

} // namespace conformance
