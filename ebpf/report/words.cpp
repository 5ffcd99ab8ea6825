// SPDX-License-Identifier: LGPL-2.1-or-later
#include "words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "statistics.hpp"

namespace kspawn::trace::report {

namespace {

std::string who(const Task& task) {
    return task.pid == task.tid
               ? fmt::format("{} (process {})", task.comm, task.pid)
               : fmt::format("{} (thread {} of {})", task.comm, task.tid, task.pid);
}

std::string program_of(const Json& json) {
    const auto name = text_at(json, "program");
    return name.empty() ? "no program" : name;
}

const Json& member(const Json& object, const char* name) {
    static const Json none = Json::object();
    const auto found = object.find(name);
    return found != object.end() && found->is_object() ? *found : none;
}

std::string number_text(const Json& object, const char* name) {
    const auto number = number_at(object, name);
    return number ? std::to_string(*number) : "?";
}

/// "uid 0 to 65534, gid 0 to 65534"; what has no short words is named only.
std::string changes(const Json& json) {
    const auto& before = member(json, "before");
    const auto& after = member(json, "after");
    const auto found = json.find("changed");
    std::string text;
    if (found == json.end() || !found->is_array())
        return text;
    for (const auto& entry : *found) {
        if (!entry.is_string())
            continue;
        const auto name = entry.get<std::string>();
        if (!text.empty())
            text += ", ";
        text += name;
        const auto left = number_at(before, name.c_str());
        const auto right = number_at(after, name.c_str());
        if (left && right)
            text += fmt::format(" {} to {}", *left, *right);
    }
    return text;
}

std::string memory_in_words(const Json& json) {
    const auto& memory = member(json, "memory");
    std::string text;
    for (const auto& [name, count] : memory.items())
        if (count.is_number_integer())
            text +=
                fmt::format("{}{} {}", text.empty() ? "" : ", ", count.get<std::int64_t>(), name);
    return text;
}

struct Told {
    Weight weight;
    std::string title;
    std::string text;
    Nanoseconds worst;
    std::string key;
};

std::string exposure(const std::string& exposed, const std::string& changer,
                     const std::string& child) {
    if (exposed == "child")
        return fmt::format("Whoever runs with what {} has left can write the memory that {}, which "
                           "has more, still executes from: and so choose what it starts, with its "
                           "privileges.",
                           changer, child);
    if (exposed == "caller")
        return fmt::format("The side with less privilege, {}, can write the memory of one with "
                           "more.",
                           child);
    if (exposed == "both")
        return "Each side can write the memory of another that has privileges which it lacks.";
    return "Neither side gained power over the other.";
}

Told creds_in_words(const Trace& trace, const Event& event) {
    const auto exposed = text_at(event.json, "exposed", "none");
    const auto child = task_at(event.json, "child");
    const auto opened = number_at(event.json, "opened");
    const auto closed = number_at(event.json, "closed");
    const auto by_child = text_at(event.json, "by") == "child";
    auto text =
        by_child
            ? fmt::format("The child {} changed its own credentials before exec ({}), in "
                          "memory that it still shared with its caller. ",
                          child.pid, changes(event.json))
            : fmt::format("{} changed its credentials ({}) while child {}, which was to "
                          "execute {}, still ran in the same memory. ",
                          who(event.task), changes(event.json), child.pid, program_of(event.json));
    text += exposure(exposed, by_child ? "the caller" : event.task.comm,
                     fmt::format("the child {}", child.pid));
    Nanoseconds open_for = 0;
    if (closed) {
        open_for = std::max<Nanoseconds>(*closed - event.time, 0);
        text += fmt::format(" It stayed so for {}.", duration_in_words(open_for));
    } else if (opened) {
        text += " The window was still open when the trace ended.";
    }
    if (const auto memory = memory_in_words(event.json); !memory.empty())
        text += fmt::format(" System calls that changed this memory in the window: {}.", memory);
    static_cast<void>(trace);
    const auto harmless = exposed == "none";
    return {harmless ? Weight::note : Weight::danger,
            harmless ? "Credentials changed in a window, to nobody's advantage"
                     : "Credentials changed in a window: memory is shared across privileges",
            text, open_for,
            event.task.comm + '\n' + exposed + '\n' + changes(event.json) + '\n' +
                program_of(event.json)};
}

Told signal_in_words(const Trace&, const Event& event) {
    const auto caller = task_at(event.json, "caller");
    const auto name = text_at(event.json, "name", "a signal");
    const auto sender = number_at(event.json, "sender");
    return {Weight::danger, fmt::format("A handler of {} ran in a child that shared memory", name),
            fmt::format("The handler at {} for {} was called in child {} of {}, before exec. It "
                        "ran with the caller's memory, so whatever it wrote, the caller has. The "
                        "signal came from {}.",
                        text_at(event.json, "handler", "?"), name, event.task.pid, who(caller),
                        sender ? fmt::format("process {}", *sender) : "the kernel"),
            0, caller.comm + '\n' + name};
}

Told descriptor_in_words(const Trace&, const Event& event) {
    const auto path = text_at(event.json, "path", "a file of unknown name");
    const auto caller = task_at(event.json, "caller");
    const auto gap = number_at(event.json, "gap_ns").value_or(0);
    const auto late = text_at(event.json, "why") == "late_cloexec";
    auto text =
        fmt::format("Descriptor {}, {}, reached {}. {} opened it {} before {} made the child",
                    number_text(event.json, "fd"), path, program_of(event.json), who(event.task),
                    duration_in_words(gap), who(caller));
    const auto marked = number_at(event.json, "marked");
    const auto opened = number_at(event.json, "opened");
    if (late && marked && opened)
        text += fmt::format(", and marked it close-on-exec {} after opening it: too late. "
                            "O_CLOEXEC in open() would have been in time.",
                            duration_in_words(*marked - *opened));
    else
        text += ". No action of the start names it, and it was never marked close-on-exec.";
    return {late ? Weight::danger : Weight::doubt,
            late ? "A descriptor leaked before it was marked close-on-exec"
                 : "A descriptor was inherited that nobody asked for",
            text, gap, path + '\n' + program_of(event.json) + '\n' + text_at(event.json, "why")};
}

Told stall_in_words(const Trace&, const Event& event) {
    const auto wait = number_at(event.json, "wait_ns").value_or(0);
    const auto role = text_at(event.json, "role");
    if (text_at(event.json, "cause") == "vfork")
        return {Weight::note, "The caller waited for its child",
                fmt::format("{} was kept in clone() for {}, until its child had executed a program "
                            "or ended.",
                            who(event.task), duration_in_words(wait)),
                wait, "vfork\n" + event.task.comm + '\n' + event.way};
    const auto lock = text_at(event.json, "lock", "a lock");
    const auto holder = event.json.find("holder");
    return {role == "thread" ? Weight::doubt : Weight::note,
            role == "thread" ? fmt::format("Another thread waited for {}", lock)
                             : fmt::format("The {} waited for {}", role, lock),
            fmt::format("{} waited {} for {}{}.", who(event.task), duration_in_words(wait), lock,
                        holder != event.json.end() && holder->is_object()
                            ? fmt::format(", which {} held", who(task_at(event.json, "holder")))
                            : ""),
            wait, lock + '\n' + event.task.comm + '\n' + role};
}

Told tell(const Trace& trace, const Event& event) {
    if (event.kind == "creds")
        return creds_in_words(trace, event);
    if (event.kind == "signals")
        return signal_in_words(trace, event);
    if (event.kind == "fds")
        return descriptor_in_words(trace, event);
    return stall_in_words(trace, event);
}

constexpr std::array<WayWords, 5> known_ways{{
    {"vfork", "vfork", "vfork(): the child runs on its caller's very stack"},
    {"clone_vm_vfork", "posix_spawn of libc",
     "clone(CLONE_VM | CLONE_VFORK) with a stack of its own, as in posix_spawn() of glibc and "
     "musl"},
    {"clone_vm", "clone(CLONE_VM)", "memory is shared, and the caller does not wait in clone()"},
    {"kspawn", "kspawn", "the kernel sets the child up; no user code runs before exec"},
    {"fork", "fork", "memory is copied, not shared; for comparison"},
}};

} // namespace

std::string duration_in_words(Nanoseconds value) {
    constexpr std::array<std::pair<double, std::string_view>, 3> units{
        {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}}};
    const auto number = static_cast<double>(value);
    for (const auto& [size, name] : units) {
        const auto scaled = number / size;
        if (scaled >= 100)
            return fmt::format("{:.0f} {}", scaled, name);
        if (scaled >= 10)
            return fmt::format("{:.1f} {}", scaled, name);
        if (scaled >= 1)
            return fmt::format("{:.2f} {}", scaled, name);
    }
    return fmt::format("{} ns", value);
}

std::string with_commas(std::uint64_t value) {
    auto text = std::to_string(value);
    for (auto at = static_cast<int>(text.size()) - 3; at > 0; at -= 3)
        text.insert(static_cast<std::size_t>(at), ",");
    return text;
}

std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural) {
    if (count == 1)
        return fmt::format("1 {}", singular);
    return plural.empty() ? fmt::format("{} {}s", with_commas(count), singular)
                          : fmt::format("{} {}", with_commas(count), plural);
}

WayWords way_in_words(std::string_view name) {
    const auto* found = std::ranges::find(known_ways, name, &WayWords::name);
    return found != known_ways.end() ? *found
                                     : WayWords{name, name, "a way that is not known here"};
}

std::size_t way_rank(std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(known_ways, name, &WayWords::name) -
                                    known_ways.begin());
}

std::vector<Finding> findings_of(const Trace& trace) {
    std::map<std::pair<std::string, std::string>, Finding> groups;
    for (std::size_t i = 0; i < trace.events.size(); i++) {
        const auto& event = trace.events[i];
        auto told = tell(trace, event);
        auto& finding = groups[{event.kind, told.key}];
        if (finding.events.empty() || told.worst > finding.worst) {
            finding.kind = event.kind;
            finding.weight = told.weight;
            finding.title = std::move(told.title);
            finding.text = std::move(told.text);
            finding.worst = told.worst;
        }
        finding.events.push_back(i);
    }
    std::vector<Finding> result;
    result.reserve(groups.size());
    for (auto& [key, finding] : groups)
        result.push_back(std::move(finding));
    std::ranges::stable_sort(result, {}, [](const Finding& finding) {
        return std::tuple(finding.weight, -static_cast<std::int64_t>(finding.events.size()));
    });
    return result;
}

std::string event_in_words(const Trace& trace, const Event& event) {
    return tell(trace, event).text;
}

std::string overview_of(const Trace& trace) {
    if (trace.windows.empty() && trace.events.empty())
        return "No program was started while the trace ran.";
    const auto fates = fates_of(trace);
    std::size_t risky = 0;
    std::size_t kernel = 0;
    std::size_t fork = 0;
    for (const auto& window : trace.windows) {
        risky += window.shared && window.user_code ? 1U : 0U;
        kernel += window.way == "kspawn" ? 1U : 0U;
        fork += window.shared ? 0U : 1U;
    }
    auto text = fmt::format("In {}, {} executed a program.", duration_in_words(trace.length()),
                            fates.executed == 0 ? "no child"
                                                : counted(fates.executed, "child", "children"));
    if (fates.without > 0)
        text += fmt::format(" {} ended without executing one.",
                            counted(fates.without, "child", "children"));
    if (fates.open > 0)
        text += fmt::format(" {} had executed none yet when the trace ended.",
                            counted(fates.open, "child", "children"));
    if (risky > 0)
        text += fmt::format(" {} in the memory of {} caller: each such time is a window, in which "
                            "the hazards below can happen.",
                            risky == 1 ? "1 child ran code of its own"
                                       : with_commas(risky) + " children ran code of their own",
                            risky == 1 ? "its" : "their");
    if (kernel > 0)
        text += fmt::format(" {} by kspawn: set up inside the kernel, without a window for user "
                            "code.",
                            kernel == 1 ? "1 was started" : with_commas(kernel) + " were started");
    if (fork > 0)
        text += fmt::format(" {} made by fork, with a copy of the memory.",
                            fork == 1 ? "1 was" : with_commas(fork) + " were");
    return text;
}

} // namespace kspawn::trace::report
