// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>
#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <list>
#include <map>
#include <tuple>

#include "assembler.hpp"

namespace kspawn::trace {

namespace {

constexpr std::array probes{
    Probe{"on_fd_install", "descriptors are not seen to be opened", Deed::open},
    Probe{"on_file_free", "a descriptor may be taken for that of a file which is gone",
          Deed::close},
    Probe{"on_set_close_on_exec", "descriptors are not seen to be marked close-on-exec",
          Deed::mark},
    Probe{"on_do_dup2", "what a child does with its descriptors is not seen", Deed::duplicate},
    Probe{"on_kspawn_action",
          "a descriptor that an action of kspawn leaves in its place is taken for inherited"},
    Probe{"on_exec_with_descriptors", "descriptors are not seen to reach a program", Deed::exec},
};

// Magic numbers of file systems that cannot be mounted; <linux/magic.h> knows only one.
constexpr std::uint32_t pipe_fs = 0x50495045;
constexpr std::uint32_t socket_fs = 0x534f434b;
constexpr std::uint32_t pid_fs = 0x50494446;

/// Path of a descriptor's file, or its kind, as /proc/PID/fd would have it.
std::string path_of(const trace_descriptor_record& record) {
    switch (record.magic) {
    case pipe_fs:
        return "pipe:";
    case socket_fs:
        return "socket:";
    case ANON_INODE_FS_MAGIC:
        return fmt::format("anon_inode:{}", std::data(record.path[0]));
    case pid_fs:
        return "pidfd:";
    default:
        break;
    }
    std::string path;
    const auto parts = std::min<std::uint32_t>(record.depth, TRACE_PATH_PARTS);
    for (std::uint32_t part = 0; part < parts; part++)
        path.insert(0, fmt::format("/{}", std::data(record.path[part])));
    if (record.depth > TRACE_PATH_PARTS)
        path.insert(0, "...");
    return path.empty() ? "/" : path;
}

/// All mistakes that a process makes with one descriptor are one finding, in however many of
/// the programs that it starts the descriptor turns up.  Grave: it was meant to be closed.
Count count(std::int64_t repeat, bool late) {
    if (repeat > 0)
        return Count::none;
    return late ? Count::grave : Count::finding;
}

bool is_late(const Json& fields) {
    return text_at(fields, "why") == "late_cloexec";
}

Count count_of(const Json& fields) {
    return count(number_at(fields, "repeat").value_or(0), is_late(fields));
}

class Fds : public Decoder {
public:
    using Decoder::Decoder;

    void take(const Record& record) override {
        if (const auto* reached = record.as<trace_descriptor_record>(TRACE_DESCRIPTOR))
            waiting_.push_back(*reached);
        if (const auto* mark = record.as<trace_marked_record>(TRACE_MARKED))
            tell_if([mark](trace_descriptor_record& one) {
                const bool same =
                    one.files == mark->files && one.fd == mark->fd && one.opened == mark->opened;
                if (same)
                    one.marked = mark->marked;
                return same;
            });
    }
    // A mark may come late.
    void pass(std::uint64_t now) override {
        tell_if([this, now](const trace_descriptor_record& one) {
            return one.marked != 0 || one.time + assembler().options().fd_gap < now;
        });
    }
    void finish(const std::vector<trace_window>& /*open*/) override {
        tell_if([](const trace_descriptor_record&) { return true; });
    }

private:
    template <typename Predicate>
    void tell_if(Predicate predicate) {
        waiting_.remove_if([&](trace_descriptor_record& one) {
            const bool due = predicate(one);
            if (due)
                tell(one);
            return due;
        });
    }

    void tell(const trace_descriptor_record& record) {
        const auto path = path_of(record);
        const auto repeat =
            told_[{record.caller.pid, record.files, record.fd, record.marked != 0, path}]++;
        assembler().tell(kind_fds, record.window, record.way, record.opener, record.time,
                         count(repeat, record.marked != 0), [&]() -> Json {
                             return {{"why", record.marked != 0 ? "late_cloexec" : "inherited"},
                                     {"repeat", repeat},
                                     {"fd", record.fd},
                                     {"path", path},
                                     {"opened", assembler().since_start(record.opened)},
                                     {"marked", record.marked != 0
                                                    ? Json(assembler().since_start(record.marked))
                                                    : Json(nullptr)},
                                     {"caller", json_of(record.caller)},
                                     {"child", json_of(record.child)},
                                     {"gap_ns", record.start - record.opened},
                                     {"program", text_or_null(std::data(record.program))}};
                         });
    }

    std::list<trace_descriptor_record> waiting_;
    /// How often a descriptor has been told, by the caller's process and table, its number,
    /// whether it was marked too late, and its path.
    std::map<std::tuple<std::uint32_t, std::uint64_t, int, bool, std::string>, std::int64_t> told_;
};

std::string path_in(const Json& fields) {
    return text_at(fields, "path", "a file of unknown name");
}

std::string words(const Finding& finding, const Manner& manner) {
    const auto& fields = finding.fields;
    const auto fd = number_at(fields, "fd");
    const auto program = text_at(fields, "program");
    auto text = fmt::format(
        "{} opened {} as descriptor {}, {} before {} started {}, which has it",
        manner.task(finding.task), manner.name(path_in(fields)), fd ? std::to_string(*fd) : "?",
        manner.time(number_at(fields, "gap_ns").value_or(0)),
        manner.task(task_at(fields, "caller")), program.empty() ? "?" : manner.name(program));
    const auto marked = number_at(fields, "marked");
    const auto opened = number_at(fields, "opened");
    if (is_late(fields) && marked && opened)
        text += fmt::format(", and marked it close-on-exec {} after opening it: too late. "
                            "O_CLOEXEC in open() would have been in time.",
                            manner.time(*marked - *opened));
    else
        text += ". No action of the start names it, and it was never marked close-on-exec.";
    return text;
}

Heading heading(const Finding& finding) {
    const auto& fields = finding.fields;
    const auto late = is_late(fields);
    return {late ? Weight::danger : Weight::doubt,
            late ? "A descriptor leaked before it was marked close-on-exec"
                 : "A descriptor was inherited that nobody asked for",
            path_in(fields) + '\n' + text_at(fields, "program") + '\n' + text_at(fields, "why"),
            number_at(fields, "gap_ns").value_or(0)};
}

std::string total(const Tally& tally, const Options& /*options*/) {
    auto text = counted(tally.findings, "descriptor") + " reached a program by accident";
    if (tally.findings != 0)
        text += fmt::format(", {} in all;\n         {} marked close-on-exec, too late",
                            counted(tally.events, "time"),
                            counted(tally.grave, "of them was", "of them were"));
    return text;
}

} // namespace

const Kind kinds::fds{
    .name = "fds",
    .label = "fd",
    .one = "leaked descriptor",
    .many = "leaked descriptors",
    .judged = true,
    .title = "descriptors",
    .tile = "descriptors that reached a program by accident",
    .explanation = "A descriptor was open, and not yet close-on-exec, when another thread started "
                   "a program, which now has it. Open with O_CLOEXEC.",
    .probes = probes,
    .decoder = make_decoder<Fds>,
    .count = count_of,
    .words = words,
    .heading = heading,
    .total = total,
};

} // namespace kspawn::trace
