// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "assembler.hpp"
#include "credentials.hpp"

namespace kspawn::trace {

namespace {

constexpr const char* no_memory = "changes of the shared memory are not all counted";

constexpr std::array probes{
    Probe{"on_commit_creds", "changes of credentials are not seen", Deed::credentials},
    Probe{"on_mmap", no_memory, Deed::map},
    Probe{"on_munmap", no_memory, Deed::unmap},
    Probe{"on_mprotect", no_memory, Deed::protect},
    Probe{"on_mremap", no_memory, Deed::remap},
    Probe{"on_pin_user_pages_remote", no_memory, Deed::write_pages},
    Probe{"on_access_remote_vm", no_memory, Deed::write_memory},
};

std::string hexadecimal(std::uint64_t set) {
    return fmt::format("{:016x}", set);
}

Json json_of(const trace_credentials& creds) {
    Json groups = Json::array();
    for (std::uint32_t i = 0; i < creds.group_count && i < TRACE_GROUPS; i++)
        groups.push_back(creds.groups[i]);
    return {{"uid", creds.uid},
            {"gid", creds.gid},
            {"euid", creds.euid},
            {"egid", creds.egid},
            {"suid", creds.suid},
            {"sgid", creds.sgid},
            {"fsuid", creds.fsuid},
            {"fsgid", creds.fsgid},
            {"groups", std::move(groups)},
            {"group_count", creds.group_count},
            {"cap_inheritable", hexadecimal(creds.cap_inheritable)},
            {"cap_permitted", hexadecimal(creds.cap_permitted)},
            {"cap_effective", hexadecimal(creds.cap_effective)},
            {"cap_bounding", hexadecimal(creds.cap_bounding)},
            {"cap_ambient", hexadecimal(creds.cap_ambient)},
            {"securebits", creds.securebits},
            {"no_new_privs", creds.no_new_privs != 0},
            {"session_keyring", creds.session_keyring},
            {"process_keyring", creds.process_keyring},
            {"thread_keyring", creds.thread_keyring},
            {"label", text_or_null(std::data(creds.label))}};
}

/// Grave: memory is exposed to somebody with less privilege.
Count count(std::string_view exposed) {
    return exposed == "none" ? Count::finding : Count::grave;
}

Count count_of(const Json& fields) {
    return count(text_at(fields, "exposed", "none"));
}

class Creds : public Decoder {
public:
    using Decoder::Decoder;

    void take(const Record& record) override {
        const auto* change = record.as<trace_creds_record>(TRACE_CREDS);
        // A change that changes nothing, as of setuid() to the present ID, is none.
        if (change != nullptr && !changed_fields(change->before, change->after).empty())
            pending_[change->window].push_back(*change);
    }
    void closed(const Window& window) override { tell(window.id, &window); }
    void finish(const std::vector<trace_window>& /*open*/) override {
        while (!pending_.empty())
            tell(pending_.begin()->first, nullptr);
    }

private:
    /// Null: it is not known how it closed.
    void tell(std::uint64_t id, const Window* window) {
        auto changes = pending_.extract(id);
        if (!changes)
            return;
        for (const auto& change : changes.mapped())
            assembler().tell(kind_creds, id, change.way, change.who, change.time,
                             count(exposed(change)), [&] { return fields_of(change, window); });
    }

    [[nodiscard]] Json fields_of(const trace_creds_record& record, const Window* window) const {
        const bool closed = window != nullptr && !window->is_open();
        return {{"child", trace::json_of(record.child)},
                {"by", record.by_child != 0 ? "child" : "sharer"},
                {"before", json_of(record.before)},
                {"after", json_of(record.after)},
                {"other", json_of(record.other)},
                {"changed", changed_fields(record.before, record.after)},
                {"exposed", exposed(record)},
                {"memory", closed ? memory_of(*window, assembler().options()) : Json(nullptr)},
                {"opened", assembler().since_start(record.opened)},
                {"closed", closed ? Json(assembler().since_start(window->end)) : Json(nullptr)},
                {"outcome",
                 window != nullptr ? Json(name_of(outcome_names, window->outcome)) : Json(nullptr)},
                {"program", closed ? text_or_null(window->program.c_str()) : Json(nullptr)}};
    }

    std::unordered_map<std::uint64_t, std::vector<trace_creds_record>> pending_;
};

/// A number as it is, a set of capabilities without the zeros in front.
std::string value_of(const Json& creds, const char* name) {
    if (const auto number = number_at(creds, name))
        return std::to_string(*number);
    const auto text = text_at(creds, name);
    return text.size() == 16 ? text.substr(std::min(text.find_first_not_of('0'), text.size() - 1))
                             : text;
}

/// "uid 0 to 65534, gid 0 to 65534"; what has no short words is named only.
std::string changes(const Json& fields, std::string (*put)(std::string_view)) {
    const auto& before = list_at(fields, "before");
    const auto& after = list_at(fields, "after");
    std::string text;
    for (const auto& entry : list_at(fields, "changed")) {
        if (!entry.is_string())
            continue;
        const auto name = entry.get<std::string>();
        const auto left = value_of(before, name.c_str());
        const auto right = value_of(after, name.c_str());
        text += (text.empty() ? "" : ", ") + put(name);
        if (!left.empty() && !right.empty() && left != right)
            text += fmt::format(" {} to {}", put(left), put(right));
    }
    return text;
}

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

/// From the change to the end of the window; none: that is not known.
std::optional<Nanoseconds> lasted(const Finding& finding) {
    const auto closed = number_at(finding.fields, "closed");
    if (!closed)
        return {};
    return std::max<Nanoseconds>(*closed - finding.time, 0);
}

std::string words(const Finding& finding, const Manner& manner) {
    const auto& fields = finding.fields;
    const auto child = fmt::format("child {}", task_at(fields, "child").pid);
    const auto program = text_at(fields, "program");
    const auto by_child = text_at(fields, "by") == "child";
    auto text = fmt::format("{} changed its {}credentials ({}) ", manner.task(finding.task),
                            by_child ? "own " : "", changes(fields, manner.name));
    text += by_child ? "before exec, in memory that it still shared with its caller. "
                     : fmt::format("while {}, which was to execute {}, still ran in the same "
                                   "memory. ",
                                   child, program.empty() ? "no program" : manner.name(program));
    text += exposure(text_at(fields, "exposed", "none"),
                     by_child ? "the caller" : manner.name(finding.task.comm), "the " + child);
    if (const auto time = lasted(finding))
        text += fmt::format(" It stayed so for {}.", manner.time(*time));
    else if (number_at(fields, "opened"))
        text += " The window was still open when the trace ended.";
    if (const auto& other = list_at(fields, "other"); !other.empty())
        text +=
            fmt::format(" The other side had uid {}, euid {}, gid {}, egid {}, capabilities {}.",
                        value_of(other, "uid"), value_of(other, "euid"), value_of(other, "gid"),
                        value_of(other, "egid"), value_of(other, "cap_effective"));
    if (const auto memory = memory_in_words(fields, manner); !memory.empty())
        text += fmt::format(" System calls that changed this memory in the window: {}.", memory);
    return text;
}

Heading heading(const Finding& finding) {
    const auto& fields = finding.fields;
    const auto harmless = count_of(fields) != Count::grave;
    constexpr auto as_it_is = [](std::string_view name) { return std::string{name}; };
    auto alike = finding.task.comm + '\n' + text_at(fields, "exposed") + '\n' +
                 changes(fields, as_it_is) + '\n' + text_at(fields, "program");
    return {harmless ? Weight::note : Weight::danger,
            harmless ? "Credentials changed in a window, to nobody's advantage"
                     : "Credentials changed in a window: memory is shared across privileges",
            std::move(alike), lasted(finding).value_or(0)};
}

std::string total(const Tally& tally, const Options& /*options*/) {
    auto text =
        counted(tally.findings, "change") + " of credentials while a child shared the memory";
    if (tally.findings != 0)
        text += fmt::format(
            ";\n         {} let one with less privilege write the memory of one with more",
            tally.grave);
    return text;
}

} // namespace

const Kind kinds::creds{
    .name = "creds",
    .label = "creds",
    .one = "change of credentials in a window",
    .many = "changes of credentials in a window",
    .grave = "let one side write the memory of another with more privilege",
    .judged = true,
    .title = "credentials",
    .tile = "changes of credentials in a window",
    .explanation = "A thread gave up privileges while such a child still had them. One who has "
                   "less can then write the memory from which one who has more executes. Set "
                   "privileges before threads start programs, or hold a lock over both.",
    .probes = probes,
    .decoder = make_decoder<Creds>,
    .count = count_of,
    .words = words,
    .heading = heading,
    .total = total,
};

} // namespace kspawn::trace
