// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "deeds.hpp"
#include "exit_code.hpp"
#include "kspawn_trace.skel.h"
#include "lib/descriptor.hpp"
#include "map.hpp"
#include "notes.hpp"
#include "preemption.hpp"
#include "symbols.hpp"
#include "undisturbed.hpp"

namespace kspawn::trace {

namespace {

// The last words of libbpf, for when it fails: it is too much otherwise.
std::string& said() {
    static std::string text;
    return text;
}

__attribute__((format(printf, 2, 0))) int listen(libbpf_print_level level, const char* format,
                                                 va_list arguments) {
    if (level != LIBBPF_WARN)
        return 0;
    std::string line(512, '\0');
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    line.resize(std::min(line.size() - 1, static_cast<std::size_t>(std::max(length, 0))));
    said() += line;
    return length;
}

std::string words(int error) {
    return std::generic_category().message(error);
}

bool is_there(const char* path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

// Room for the verifier's log of one program; untouched pages cost nothing.
constexpr std::size_t log_size = 1 << 20;
constexpr const char* kernel_btf = "/sys/kernel/btf/vmlinux";

/// @param log what the verifier says of the program that it has refused
[[noreturn]] void fail_to_load(int error, const char* log = "") {
    if (error == EPERM || error == EACCES)
        throw CannotTrace(fmt::format(
            "no privilege to load probes ({}): run it as root, or with CAP_BPF, CAP_PERFMON and "
            "CAP_SYS_RESOURCE.  Without it only `kspawn-trace report` works",
            words(error)));
    throw CannotTrace(
        fmt::format("the kernel does not take the probes: {}\n{}{}", words(error), said(), log));
}

/// Where a probe is: "fentry/commit_creds" is of type "fentry", at "commit_creds"; one of type
/// "tp" is at the event of a tracepoint, as in "tp/lock/contention_end".
struct Place {
    explicit Place(const bpf_program* program) : whole(bpf_program__section_name(program)) {
        type = whole.substr(0, whole.find('/'));
        target = whole.substr(whole.rfind('/') + 1);
    }
    /// The module's types are not among the kernel's.
    [[nodiscard]] bool is_of_module() const {
        return type == "raw_tp" || whole.starts_with("tp/kspawn/");
    }
    std::string whole;
    std::string type;
    std::string target;
};

/// Why it cannot be there; empty: it can.
std::string missing_target(const btf* types, const Place& place) {
    if (place.is_of_module())
        return {};
    const bool tracepoint = place.type == "tp_btf" || place.type == "tp";
    const auto found =
        tracepoint
            ? btf__find_by_name_kind(types, ("btf_trace_" + place.target).c_str(), BTF_KIND_TYPEDEF)
            : btf__find_by_name_kind(types, place.target.c_str(), BTF_KIND_FUNC);
    if (found >= 0)
        return {};
    return tracepoint ? "this kernel has no such tracepoint" : "this kernel has no such function";
}

void check_names(const bpf_object* object, const std::vector<std::string>& targets) {
    for (const auto& target : targets) {
        bool found = false;
        bpf_program* program = nullptr;
        while ((program = bpf_object__next_program(object, program)) != nullptr)
            found = found || Place{program}.target == target;
        if (!found)
            throw UsageError(fmt::format("there is no hook \"{}\"", target));
    }
}

int map_fd(const bpf_map* map) {
    return bpf_map__fd(map);
}

std::optional<bpf_prog_info> info_of(const bpf_program* program) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0)
        return std::nullopt;
    return info;
}

} // namespace

void Session::Delete::operator()(kspawn_trace* skeleton) const noexcept {
    kspawn_trace__destroy(skeleton);
}

void Session::Delete::operator()(ring_buffer* ring) const noexcept {
    ring_buffer__free(ring);
}

void Session::Delete::operator()(bpf_link* link) const noexcept {
    bpf_link__destroy(link);
}

Session::Session(const Options& options, Consumer consumer)
    : consumer_(std::move(consumer)), kinds_(options.kinds), fd_gap_(options.fd_gap),
      preemptible_(kernel_is_preemptible()) {
    libbpf_set_print(listen);
    open(options);
    check_names(skeleton_->obj, options.without_hooks);
    if (!is_there(kernel_btf))
        throw CannotTrace(fmt::format("this kernel has no type information ({}: {}): it must be "
                                      "built with CONFIG_DEBUG_INFO_BTF=y.  Without it only "
                                      "`kspawn-trace report` works",
                                      kernel_btf, words(ENOENT)));
    const auto labels = kinds_.at(kind_creds) && is_there("/sys/module/apparmor")
                            ? address_of_symbol("apparmor_blob_sizes")
                            : 0;
    // A program that the verifier does not take is left out, and all the
    // others are tried again.
    for (;; open(options)) {
        choose_programs(options);
        skeleton_->rodata->apparmor_blob_sizes = labels;
        skeleton_->rodata->sees_returns =
            bpf_program__autoload(skeleton_->progs.on_kernel_clone_return) ||
            bpf_program__autoload(skeleton_->progs.on_kernel_clone_return_unpreempted);
        said().clear();
        const int error = -kspawn_trace__load(skeleton_.get());
        if (error == 0)
            break;
        const auto refused = std::ranges::find_if(
            wanted_, [](const Wanted& wanted) { return wanted.log[0] != '\0'; });
        if (error == EPERM || refused == wanted_.end())
            fail_to_load(error);
        if (refused->probe->base)
            fail_to_load(error, refused->log.get());
        forget(*refused, fmt::format("the kernel does not take the probe: {}", words(error)));
    }
    ring_.reset(ring_buffer__new(
        map_fd(skeleton_->maps.ring),
        [](void* self, void* data, std::size_t size) {
            static_cast<Session*>(self)->consumer_(data, size);
            return 0;
        },
        this, nullptr));
    if (!ring_)
        throw CannotTrace(fmt::format("the ring buffer cannot be mapped: {}", words(errno)));
    if (options.pid)
        follow(*options.pid);
}

Session::~Session() = default;

void Session::open(const Options& options) {
    skeleton_.reset(kspawn_trace__open());
    if (!skeleton_)
        fail_to_load(errno);
    auto& constants = *skeleton_->rodata;
    constants.filter_followed = options.pid || !options.command.empty();
    constants.follow_children = options.children || !options.command.empty();
    constants.filter_uid = options.uid.has_value();
    constants.only_uid = options.uid.value_or(0);
    constants.filter_comm = options.comm.has_value();
    if (options.comm)
        options.comm->copy(std::data(constants.only_comm), TRACE_COMM_LENGTH - 1);
    constants.own_pid = static_cast<std::uint32_t>(::getpid());
    constants.stall_min = options.stall_min;
    constants.fd_gap = options.fd_gap;
    constants.wake_bytes = options.buffer_kib * 1024ULL / 4;
    bpf_map__set_max_entries(skeleton_->maps.ring, options.buffer_kib * 1024);
    for (auto* map : {skeleton_->maps.windows, skeleton_->maps.waiting, skeleton_->maps.memories})
        bpf_map__set_max_entries(map, options.max_windows);
    // Two notes for each descriptor: its own, and that of its file.
    bpf_map__set_max_entries(skeleton_->maps.notes, 2 * options.max_descriptors);
}

// Blinds every kind that needs the probe.
void Session::forget(const Wanted& wanted, const std::string& reason) {
    const auto place = Place{wanted.program}.whole;
    if (wanted.probe->base)
        throw CannotTrace(
            fmt::format("{}: {}; without it {}", place, reason, wanted.probe->effect));
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        const auto& probes = all_kinds.at(kind)->probes;
        const auto probe =
            std::ranges::find(probes, std::string_view{wanted.probe->program}, &Probe::program);
        if (kinds_.at(kind) && probe != probes.end())
            missing_.push_back({probe->program, place, kind, reason, probe->effect});
    }
}

// The first that has its place in this kernel; as a kprobe where that matters (state.bpf.h).
bpf_program* Session::program_of(const Probe& probe, const btf* types) const {
    bpf_program* program = nullptr;
    for (const auto* name : {probe.program, probe.instead}) {
        if (name == nullptr)
            break;
        auto* candidate = bpf_object__find_program_by_name(skeleton_->obj, name);
        auto* const unpreempted = bpf_object__find_program_by_name(
            skeleton_->obj, fmt::format("{}_unpreempted", name).c_str());
        if (preemptible_ && unpreempted != nullptr)
            candidate = unpreempted;
        if (missing_target(types, Place{candidate}).empty())
            return candidate;
        if (program == nullptr)
            program = candidate;
    }
    return program;
}

void Session::choose_programs(const Options& options) {
    wanted_.clear();
    const std::unique_ptr<btf, decltype(&btf__free)> types{btf__load_vmlinux_btf(), &btf__free};
    if (!types)
        throw CannotTrace(fmt::format("{} cannot be read: {}", kernel_btf, words(errno)));
    bpf_program* each = nullptr;
    while ((each = bpf_object__next_program(skeleton_->obj, each)) != nullptr)
        bpf_program__set_autoload(each, false);
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        for (const auto& probe : all_kinds.at(kind)->probes) {
            auto* const program = program_of(probe, types.get());
            const Place place{program};
            // The module's are no loss as long as there is no module.  Some are of two kinds.
            if ((!options.kinds.at(kind) && !probe.base) || bpf_program__autoload(program) ||
                (place.is_of_module() && !is_there("/sys/module/kspawn")) ||
                std::ranges::find(missing_, probe.program, &MissingProbe::program) !=
                    missing_.end())
                continue;
            Wanted wanted{&probe, program, std::make_unique_for_overwrite<char[]>(log_size),
                          nullptr};
            wanted.log[0] = '\0';
            auto reason = missing_target(types.get(), place);
            if (std::ranges::find(options.without_hooks, place.target) !=
                options.without_hooks.end())
                reason = "left out by --without-hook";
            if (!reason.empty()) {
                forget(wanted, reason);
                continue;
            }
            bpf_program__set_autoload(program, true);
            bpf_program__set_log_buf(program, wanted.log.get(), log_size);
            wanted_.push_back(std::move(wanted));
        }
    }
}

// The probes of windows come last: the others need the window that on_exec drops.
void Session::attach() {
    std::for_each(wanted_.rbegin(), wanted_.rend(), [this](Wanted& wanted) {
        wanted.link.reset(bpf_program__attach(wanted.program));
        if (!wanted.link)
            forget(wanted, fmt::format("cannot be attached: {}", words(errno)));
    });
    test_probes();
}

// A compiler may have put the body of a function into its callers, and the function is there
// all the same.  The kernel counts how often a program is run while it is asked to.
void Session::test_probes() {
    const internal::Descriptor counting{bpf_enable_stats(BPF_STATS_RUN_TIME)};
    if (!counting) // that takes CAP_SYS_ADMIN, which the probes do not
        return;
    const auto done = do_each_once();
    for (auto& wanted : wanted_) {
        const auto deed = wanted.probe->deed;
        const auto info = info_of(wanted.program);
        if (!wanted.link || !done.test(static_cast<std::size_t>(deed)) || !info ||
            info->run_cnt != 0)
            continue;
        wanted.link.reset();
        forget(wanted, fmt::format("{} of the tracer's own did not come by there", words_of(deed)));
    }
}

void Session::detach() {
    missed_ = count_missed();
    wanted_.clear();
}

void Session::follow(std::uint32_t pid) {
    const std::uint8_t yes = 1;
    if (bpf_map_update_elem(map_fd(skeleton_->maps.followed), &pid, &yes, BPF_ANY) != 0)
        throw std::system_error(errno, std::generic_category(), "the map of followed processes");
}

bool Session::follows_any() const {
    bool found = false;
    const Undisturbed undisturbed{preemptible_};
    // One whose end the probes have missed is in the map for ever.
    for_each_key<std::uint32_t>(map_fd(skeleton_->maps.followed), [&found](std::uint32_t pid) {
        found = found || ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
    });
    return found;
}

int Session::descriptor() const {
    return ring_buffer__epoll_fd(ring_.get());
}

void Session::consume() {
    if (const int result = ring_buffer__consume(ring_.get()); result < 0)
        throw std::system_error(-result, std::generic_category(), "the ring buffer");
}

void Session::tidy(std::uint64_t now) {
    const Undisturbed undisturbed{preemptible_};
    NoteKeeper{map_fd(skeleton_->maps.notes), fd_gap_}.tidy(open_windows(), now);
}

std::vector<trace_window> Session::open_windows() const {
    std::vector<trace_window> found;
    const int map = map_fd(skeleton_->maps.windows);
    for_each_key<std::uint32_t>(map, [&](std::uint32_t pid) {
        trace_window window{};
        if (bpf_map_lookup_elem(map, &pid, &window) == 0)
            found.push_back(window);
    });
    return found;
}

std::uint64_t Session::count_missed() const {
    std::uint64_t missed = 0;
    for (const auto& wanted : wanted_) {
        if (const auto info = wanted.link ? info_of(wanted.program) : std::nullopt)
            missed += info->recursion_misses;
    }
    return missed;
}

Losses Session::losses() const {
    const auto& counted = skeleton_->bss->losses;
    return {counted.ring, counted.maps, wanted_.empty() ? missed_ : count_missed()};
}

} // namespace kspawn::trace
