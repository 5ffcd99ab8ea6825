// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state_options.hpp"

#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/personality.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "command_line.hpp"
#include "signal_names.hpp"

namespace kspawn::tool {

namespace {

/// A word of the command line, and its number.
template <class Number>
using Names = std::span<const std::pair<std::string_view, Number>>;

using NumberNames = std::pair<std::string_view, int>;
using BitNames = std::pair<std::string_view, std::uint64_t>;

// As prlimit(1) has them.
constexpr auto resources = std::to_array<NumberNames>({{"as", RLIMIT_AS},
                                                       {"core", RLIMIT_CORE},
                                                       {"cpu", RLIMIT_CPU},
                                                       {"data", RLIMIT_DATA},
                                                       {"fsize", RLIMIT_FSIZE},
                                                       {"locks", RLIMIT_LOCKS},
                                                       {"memlock", RLIMIT_MEMLOCK},
                                                       {"msgqueue", RLIMIT_MSGQUEUE},
                                                       {"nice", RLIMIT_NICE},
                                                       {"nofile", RLIMIT_NOFILE},
                                                       {"nproc", RLIMIT_NPROC},
                                                       {"rss", RLIMIT_RSS},
                                                       {"rtprio", RLIMIT_RTPRIO},
                                                       {"rttime", RLIMIT_RTTIME},
                                                       {"sigpending", RLIMIT_SIGPENDING},
                                                       {"stack", RLIMIT_STACK}});

// As unshare(1) and nsenter(1) have them, and /proc/PID/ns.
constexpr auto namespaces = std::to_array<NumberNames>({{"mount", CLONE_NEWNS},
                                                        {"mnt", CLONE_NEWNS},
                                                        {"uts", CLONE_NEWUTS},
                                                        {"ipc", CLONE_NEWIPC},
                                                        {"net", CLONE_NEWNET},
                                                        {"pid", CLONE_NEWPID},
                                                        {"user", CLONE_NEWUSER},
                                                        {"cgroup", CLONE_NEWCGROUP},
                                                        {"time", 0x00000080}}); // CLONE_NEWTIME

// IOPRIO_CLASS_* of <linux/ioprio.h>, which is not C++.
constexpr int realtime = 1;
constexpr int best_effort = 2;
constexpr int idle = 3;
// As ionice(1) has them.
constexpr auto io_classes = std::to_array<NumberNames>(
    {{"none", 0}, {"realtime", realtime}, {"best-effort", best_effort}, {"idle", idle}});

constexpr auto memory_policies = std::to_array<NumberNames>({{"default", MPOL_DEFAULT},
                                                             {"preferred", MPOL_PREFERRED},
                                                             {"bind", MPOL_BIND},
                                                             {"interleave", MPOL_INTERLEAVE},
                                                             {"local", MPOL_LOCAL}});

// As setarch(8) has them.
constexpr auto personalities =
    std::to_array<NumberNames>({{"addr-no-randomize", ADDR_NO_RANDOMIZE},
                                {"fdpic-funcptrs", FDPIC_FUNCPTRS},
                                {"mmap-page-zero", MMAP_PAGE_ZERO},
                                {"addr-compat-layout", ADDR_COMPAT_LAYOUT},
                                {"read-implies-exec", READ_IMPLIES_EXEC},
                                {"32bit", ADDR_LIMIT_32BIT},
                                {"short-inode", SHORT_INODE},
                                {"whole-seconds", WHOLE_SECONDS},
                                {"sticky-timeouts", STICKY_TIMEOUTS},
                                {"3gb", ADDR_LIMIT_3GB},
                                {"uname-2.6", 0x0020000}}); // UNAME26

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

// As setpriv(1) has them.
constexpr auto secure_bits =
    std::to_array<BitNames>({{"noroot", SECBIT_NOROOT},
                             {"noroot_locked", SECBIT_NOROOT_LOCKED},
                             {"no_setuid_fixup", SECBIT_NO_SETUID_FIXUP},
                             {"no_setuid_fixup_locked", SECBIT_NO_SETUID_FIXUP_LOCKED},
                             {"keep_caps_locked", SECBIT_KEEP_CAPS_LOCKED}});

constexpr auto capabilities =
    std::to_array<BitNames>({{"chown", bit(CAP_CHOWN)},
                             {"dac_override", bit(CAP_DAC_OVERRIDE)},
                             {"dac_read_search", bit(CAP_DAC_READ_SEARCH)},
                             {"fowner", bit(CAP_FOWNER)},
                             {"fsetid", bit(CAP_FSETID)},
                             {"kill", bit(CAP_KILL)},
                             {"setgid", bit(CAP_SETGID)},
                             {"setuid", bit(CAP_SETUID)},
                             {"setpcap", bit(CAP_SETPCAP)},
                             {"linux_immutable", bit(CAP_LINUX_IMMUTABLE)},
                             {"net_bind_service", bit(CAP_NET_BIND_SERVICE)},
                             {"net_broadcast", bit(CAP_NET_BROADCAST)},
                             {"net_admin", bit(CAP_NET_ADMIN)},
                             {"net_raw", bit(CAP_NET_RAW)},
                             {"ipc_lock", bit(CAP_IPC_LOCK)},
                             {"ipc_owner", bit(CAP_IPC_OWNER)},
                             {"sys_module", bit(CAP_SYS_MODULE)},
                             {"sys_rawio", bit(CAP_SYS_RAWIO)},
                             {"sys_chroot", bit(CAP_SYS_CHROOT)},
                             {"sys_ptrace", bit(CAP_SYS_PTRACE)},
                             {"sys_pacct", bit(CAP_SYS_PACCT)},
                             {"sys_admin", bit(CAP_SYS_ADMIN)},
                             {"sys_boot", bit(CAP_SYS_BOOT)},
                             {"sys_nice", bit(CAP_SYS_NICE)},
                             {"sys_resource", bit(CAP_SYS_RESOURCE)},
                             {"sys_time", bit(CAP_SYS_TIME)},
                             {"sys_tty_config", bit(CAP_SYS_TTY_CONFIG)},
                             {"mknod", bit(CAP_MKNOD)},
                             {"lease", bit(CAP_LEASE)},
                             {"audit_write", bit(CAP_AUDIT_WRITE)},
                             {"audit_control", bit(CAP_AUDIT_CONTROL)},
                             {"setfcap", bit(CAP_SETFCAP)},
                             {"mac_override", bit(CAP_MAC_OVERRIDE)},
                             {"mac_admin", bit(CAP_MAC_ADMIN)},
                             {"syslog", bit(CAP_SYSLOG)},
                             {"wake_alarm", bit(CAP_WAKE_ALARM)},
                             {"block_suspend", bit(CAP_BLOCK_SUSPEND)},
                             {"audit_read", bit(CAP_AUDIT_READ)},
                             {"perfmon", bit(CAP_PERFMON)},
                             {"bpf", bit(CAP_BPF)},
                             {"checkpoint_restore", bit(CAP_CHECKPOINT_RESTORE)}});

constexpr unsigned most_in_list = 32767;
constexpr unsigned most_capabilities = 64;

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stopped != end)
        return {};
    return number;
}

template <class Number>
std::optional<Number> find(Names<Number> names, std::string_view name) {
    const auto found = std::ranges::find(names, name, &Names<Number>::value_type::first);
    if (found == names.end())
        return {};
    return found->second;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos)
            return parts;
        text.remove_prefix(at + 1);
    }
}

[[noreturn]] void refuse(const char* option, std::string words) {
    throw CLI::ValidationError(option, std::move(words));
}

template <class Number>
Number number_or_refuse(const char* option, std::string_view text, const char* words) {
    const auto number = number_of<Number>(text);
    if (!number)
        refuse(option, words);
    return *number;
}

// "0,5,8-11,16-24:2", as taskset(1) has it.
std::vector<unsigned> list_of(const char* option, std::string_view text) {
    constexpr auto* words = "LIST is numbers and ranges, as in 0,4-7";
    std::vector<unsigned> numbers;
    for (const auto part : split(text, ',')) {
        const auto stride = split(part, ':');
        const auto range = split(stride.front(), '-');
        const auto first = number_or_refuse<unsigned>(option, range.front(), words);
        const auto last = number_or_refuse<unsigned>(option, range.back(), words);
        const auto step =
            stride.size() == 1 ? 1 : number_or_refuse<unsigned>(option, stride.back(), words);
        if (stride.size() > 2 || range.size() > 2 || first > last || last > most_in_list ||
            step == 0 || step > most_in_list)
            refuse(option, words);
        for (auto number = first; number <= last; number += step)
            numbers.push_back(number);
    }
    return numbers;
}

std::optional<rlim_t> limit_of(std::string_view text) {
    if (text.empty())
        return {};
    if (text == "unlimited")
        return RLIM_INFINITY;
    return number_or_refuse<rlim_t>("--limit", text, "a limit is a number, or unlimited");
}

Limit limits_of(std::string_view text) {
    const auto equals = text.find('=');
    const auto resource = find<int>(resources, text.substr(0, equals));
    if (!resource)
        refuse("--limit", fmt::format("there is no resource {}", text.substr(0, equals)));
    const auto values =
        equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1);
    const auto colon = values.find(':');
    if (values.size() <= (colon == 0 ? 1 : 0))
        refuse("--limit", "RES=SOFT:HARD is wanted");
    if (colon == std::string_view::npos)
        return {*resource, limit_of(values), limit_of(values)};
    return {*resource, limit_of(values.substr(0, colon)), limit_of(values.substr(colon + 1))};
}

int namespaces_of(const char* option, std::string_view text) {
    int types = 0;
    for (const auto name : split(text, ',')) {
        const auto type = find<int>(namespaces, name);
        if (!type)
            refuse(option, fmt::format("there is no namespace {}", name));
        types |= *type;
    }
    return types;
}

NamespaceSource namespace_of(std::string_view text) {
    if (text.find('/') != std::string_view::npos)
        return {std::string(text), 0, 0};
    const auto colon = text.find(':');
    const auto process =
        colon == std::string_view::npos ? std::nullopt : number_of<pid_t>(text.substr(colon + 1));
    if (process.value_or(0) <= 0)
        refuse("--setns", "a file's path, or TYPE:PID, is wanted");
    return {{}, *process, namespaces_of("--setns", text.substr(0, colon))};
}

// "+a,-b"
template <class Find>
BitChange change_of(const char* option, std::string_view text, std::uint64_t all, Find find) {
    BitChange change;
    for (const auto part : split(text, ',')) {
        const bool adds = part.starts_with('+');
        if (!adds && !part.starts_with('-'))
            refuse(option, "each NAME has a + or a - before it");
        const auto name = part.substr(1);
        const auto bits = name == "all" ? all : find(name);
        if (bits == 0)
            refuse(option, fmt::format("there is no {}", name));
        change.added = adds ? change.added | bits : change.added & ~bits;
        change.removed = adds ? change.removed & ~bits : change.removed | bits;
    }
    return change;
}

std::uint64_t capability_of(std::string_view name) {
    constexpr std::string_view prefix = "cap_";
    if (name.starts_with(prefix))
        name.remove_prefix(prefix.size());
    if (const auto number = number_of<unsigned>(name))
        return *number < most_capabilities ? bit(*number) : 0;
    return find<std::uint64_t>(capabilities, name).value_or(0);
}

std::uint64_t secure_bit_of(std::string_view name) {
    return find<std::uint64_t>(secure_bits, name).value_or(0);
}

BitChange capabilities_of(const char* option, const std::string& text) {
    return change_of(option, text, ~std::uint64_t{0}, capability_of);
}

BitChange secure_bits_of(const char* option, const std::string& text) {
    std::uint64_t all = 0;
    for (const auto& [name, bits] : secure_bits)
        all |= bits;
    return change_of(option, text, all, secure_bit_of);
}

IoPriority io_priority_of(std::string_view text) {
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    auto io_class = find<int>(io_classes, name);
    if (!io_class)
        io_class = number_of<int>(name);
    if (io_class.value_or(-1) < 0 || *io_class > idle)
        refuse("--ionice", "CLASS is one of none, realtime, best-effort, idle");
    const bool has_levels = *io_class == realtime || *io_class == best_effort;
    int level = has_levels ? 4 : 0;
    if (colon != std::string_view::npos)
        level = number_or_refuse<int>("--ionice", text.substr(colon + 1), "LEVEL is 0 to 7");
    if (level < 0 || level > 7)
        refuse("--ionice", "LEVEL is 0 to 7");
    return {*io_class, level};
}

MemoryPolicy memory_policy_of(std::string_view text) {
    const auto colon = text.find(':');
    const auto mode = find<int>(memory_policies, text.substr(0, colon));
    if (!mode)
        refuse("--mempolicy", "POLICY is one of default, preferred, bind, interleave, local");
    if (colon == std::string_view::npos)
        return {*mode, {}};
    return {*mode, list_of("--mempolicy", text.substr(colon + 1))};
}

unsigned personality_of(std::string_view text) {
    unsigned flags = 0;
    for (const auto name : split(text, ',')) {
        const auto flag = find<int>(personalities, name);
        if (!flag)
            refuse("--personality", fmt::format("there is no {}", name));
        flags |= static_cast<unsigned>(*flag);
    }
    return flags;
}

mode_t mask_of(std::string_view text) {
    mode_t mask = 01000;
    const auto* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, mask, 8);
    if (error != std::errc() || stopped != end || mask > 0777)
        refuse("--umask", "MASK is an octal number up to 777");
    return mask;
}

// An option that is given once.
template <class Read>
CLI::Option* add(CLI::App& app, const char* name, const char* type, const char* help, Read read) {
    return app.add_option_function<std::string>(name, std::move(read), help)->type_name(type);
}

// An option whose text is kept beside what it means.
template <class Value, class Parse>
void add_said(CLI::App& app, const char* name, const char* type, const char* help,
              std::optional<Said<Value>>& said, Parse parse) {
    add(app, name, type, help, [&said, parse](const std::string& text) {
        said = Said<Value>{parse(text), text};
    });
}

// The same, given any number of times.
template <class Value, class Parse>
void add_several(CLI::App& app, const char* name, const char* type, const char* help,
                 std::vector<Said<Value>>& said, Parse parse) {
    app.add_option_function<std::vector<std::string>>(
           name,
           [&said, parse](const std::vector<std::string>& texts) {
               for (const auto& text : texts)
                   said.push_back({parse(text), text});
           },
           help)
        ->allow_extra_args(false)
        ->type_name(type);
}

void add_namespaces(CLI::App& app, StateOptions& options) {
    add_several(app, "--setns", "FILE|TYPE:PID",
                "Enter a namespace: a file of it, or its type (mount, uts, ipc, net, pid, user, "
                "cgroup, time) and a process that is in it",
                options.enter, namespace_of);
    add_said(app, "--unshare", "TYPE", "Make new namespaces; several with commas", options.unshare,
             [](const auto& text) { return namespaces_of("--unshare", text); });
    app.add_option("--root", options.root, "Change the root directory, before --chdir")
        ->type_name("DIR");
}

void add_resources(CLI::App& app, StateOptions& options) {
    add(app, "--umask", "MASK", "Set the file mode creation mask",
        [&options](const std::string& text) { options.umask = mask_of(text); });
    add_several(app, "--limit", "RES=SOFT:HARD",
                "Set a limit, as prlimit(1): nofile=64:128, core=0, as=unlimited", options.limits,
                limits_of);
    app.add_option("--nice", options.nice, "Set the nice value: from -20 to 19")->type_name("N");
    app.add_option("--oom-score", options.oom_score,
                   "Set how ready the OOM killer is to choose it: from -1000 to 1000")
        ->type_name("N");
    add_said(app, "--ionice", "CLASS[:LEVEL]",
             "Class (none, realtime, best-effort, idle) and level of input and output",
             options.io_priority, io_priority_of);
    add_said(app, "--cpu-list", "LIST", "Run it on these CPUs only, as 0,4-7", options.cpus,
             [](const auto& text) { return list_of("--cpu-list", text); });
    add_said(app, "--mempolicy", "POLICY[:NODES]",
             "Set the NUMA policy: default, preferred, bind, interleave, local",
             options.memory_policy, memory_policy_of);
}

void add_scheduling(CLI::App& app, StateOptions& options) {
    auto* const runtime =
        app.add_option("--sched-runtime", options.runtime,
                       "Schedule it by deadlines (SCHED_DEADLINE): time in each period")
            ->type_name("NS");
    auto* const deadline =
        app.add_option("--sched-deadline", options.deadline, "The deadline in each period")
            ->type_name("NS");
    runtime->needs(deadline);
    deadline->needs(runtime);
    app.add_option("--sched-period", options.period, "The period; otherwise the deadline")
        ->type_name("NS")
        ->needs(runtime);
    app.add_flag("--reset-on-fork", options.reset_on_fork, "Children of it have no deadlines")
        ->needs(runtime);
    add_said(app, "--personality", "NAME",
             "Set flags of its execution domain, as setarch(8): addr-no-randomize, ...",
             options.personality, personality_of);
    app.add_option("--timer-slack", options.timer_slack, "How late its timers may be")
        ->type_name("NS");
    app.add_flag("--subreaper", options.subreaper, "Make it the parent of its orphans");
}

void add_privileges(CLI::App& app, StateOptions& options) {
    app.add_option("--group", options.group, "Run it with this group ID, and no other groups")
        ->type_name("GID");
    add_said(app, "--groups", "GID", "Set the supplementary groups; several with commas",
             options.groups, [](const auto& text) {
                 std::vector<gid_t> groups;
                 for (const auto part : split(text, ','))
                     groups.push_back(number_or_refuse<gid_t>("--groups", part, "GID is a number"));
                 return groups;
             });
    app.add_option("--user", options.user, "Run it with this user ID")->type_name("UID");
    const auto change = [&app](const char* name, const char* help, auto& said, auto parse) {
        add_said(app, name, "+NAME,-NAME", help, said,
                 [name, parse](const auto& text) { return parse(name, text); });
    };
    change("--inh-caps", "Change the inheritable capabilities, as setpriv(1)", options.inheritable,
           capabilities_of);
    change("--ambient-caps", "Change the ambient capabilities", options.ambient, capabilities_of);
    change("--bounding-set", "Remove capabilities from the bounding set", options.bounding_set,
           capabilities_of);
    change("--securebits", "Change the secure bits", options.secure_bits, secure_bits_of);
    app.add_flag("--no-new-privs", options.no_new_privileges,
                 "Let no program gain privileges by being executed");
    add(app, "--parent-death-signal", "SIGNAL", "Send it this signal if kspawn ends first",
        [&options](const std::string& text) {
            options.parent_death_signal = signal_number(text);
            if (!options.parent_death_signal)
                refuse("--parent-death-signal", fmt::format("there is no signal {}", text));
        });
    app.add_flag("--stopped", options.stopped, "Start it stopped; SIGCONT lets it go");
}

} // namespace

void add_state_options(CLI::App& app, StateOptions& options) {
    add_namespaces(app, options);
    add_resources(app, options);
    add_scheduling(app, options);
    add_privileges(app, options);
}

} // namespace kspawn::tool
