// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats.hpp"

#include <gnu/libc-version.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "next.hpp"
#include "stats_target.hpp"
#include "userspace/lib/errno_guard.hpp"
#include "userspace/lib/words.hpp"

namespace kspawn::preload::stats {

namespace {

using Counter = std::atomic<unsigned long>;

struct Counters {
    // The process that counts here: a child of vfork() that ends with _exit() has our memory but
    // not our numbers to tell.
    std::atomic<pid_t> owner;
    std::atomic<bool> loaded; ///< the owner has loaded the library: it was not forked
    std::atomic<bool> told;
    Counter kernel;
    Counter failed;
    std::array<Counter, entries> by_entry;
    std::array<Counter, reasons> by_reason;
    std::array<std::atomic<int>, reasons> last_error;
    std::array<Counter, others> by_other;
};

constexpr std::array<std::string_view, entries> entry_names{
    "posix_spawn", "posix_spawnp", "pidfd_spawn", "pidfd_spawnp", "popen", "system"};
constexpr std::array<std::string_view, others> other_names{"fork", "vfork", "clone", "exec"};

constinit Target target = Target::nowhere;
constinit std::atomic<bool> begun{false};
// In pages of their own, which a child of fork() finds filled with zeros, however it
// was forked: it begins anew without any handler.  Null if nobody wants to know.
constinit std::atomic<Counters*> counters{nullptr};

Counters* make_counters() noexcept {
    void* const pages = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return nullptr;
    ::madvise(pages, sizeof(Counters), MADV_WIPEONFORK);
    return static_cast<Counters*>(pages);
}

// Whoever comes first in a child of fork() makes the counters that process's.
Counters* begun_counters() noexcept {
    auto* const own = counters.load(std::memory_order_acquire);
    pid_t nobody = 0;
    if (own != nullptr && own->owner == nobody)
        own->owner.compare_exchange_strong(nobody, ::getpid());
    return own;
}

// Null if nobody wants to know.
Counters* own_counters() noexcept {
    if (!begun.load(std::memory_order_acquire)) [[unlikely]]
        begin(); // another library's constructor starts a program before ours ran
    return begun_counters();
}

// Null also for a child of vfork().
Counters* counters_to_tell() noexcept {
    auto* const own = own_counters();
    return own != nullptr && own->owner == ::getpid() ? own : nullptr;
}

void increase(Counter& counter) noexcept {
    counter.fetch_add(1, std::memory_order_relaxed);
}

template <class Enum>
constexpr std::size_t index_of(Enum value) noexcept {
    return static_cast<std::size_t>(value);
}

[[gnu::destructor]] void end() {
    report();
}

void describe(internal::Words& words, Reason reason, int error) noexcept {
    switch (reason) {
    case Reason::forced:
        words << "KSPAWN_BACKEND=libc";
        break;
    case Reason::device: {
        const char* const text = ::strerrordesc_np(error);
        words << "/dev/kspawn: "
              << (text != nullptr ? std::string_view(text) : std::string_view("unknown error"));
        break;
    }
    case Reason::seccomp:
        words << "the caller runs under seccomp or may use I/O ports";
        break;
    case Reason::layout:
        words << "the objects of glibc " << std::string_view(::gnu_get_libc_version())
              << " are not understood";
        break;
    case Reason::object:
        words << "an object of <spawn.h> that is not understood, or too large";
        break;
    case Reason::old_version:
        words << "posix_spawn@GLIBC_2.2.5, which may start a shell";
        break;
    }
}

// Each number is told once: those of several lines may be added up.
unsigned long take(Counter& counter) noexcept {
    return counter.exchange(0, std::memory_order_relaxed);
}

template <std::size_t size>
std::array<unsigned long, size> take(std::array<Counter, size>& all) noexcept {
    std::array<unsigned long, size> taken{};
    std::transform(all.begin(), all.end(), taken.begin(),
                   [](Counter& counter) { return take(counter); });
    return taken;
}

struct Counts {
    unsigned long kernel;
    unsigned long failed;
    std::array<unsigned long, entries> by_entry;
    std::array<unsigned long, reasons> by_reason;
    std::array<unsigned long, others> by_other;

    explicit Counts(Counters& from) noexcept
        : kernel(take(from.kernel)), failed(take(from.failed)), by_entry(take(from.by_entry)),
          by_reason(take(from.by_reason)), by_other(take(from.by_other)) {}

    [[nodiscard]] unsigned long libc() const noexcept {
        unsigned long sum = 0;
        for (const auto count : by_reason)
            sum += count;
        return sum;
    }
    [[nodiscard]] bool any() const noexcept {
        const auto counted = [](unsigned long count) { return count != 0; };
        return kernel + failed + libc() != 0 ||
               std::any_of(by_other.begin(), by_other.end(), counted);
    }
};

// program_invocation_short_name is argv[0]'s, which is anything.
void begin_line(internal::Words& words, const Counters& own) noexcept {
    const auto* const name =
        static_cast<const char* const*>(libc_variable("program_invocation_short_name"));
    words << "kspawn-preload: ";
    words.name(name != nullptr && *name != nullptr ? *name : "", 64)
        << "[" << static_cast<long long>(own.owner.load()) << "]:";
}

void tell(internal::Words& words, const Counters& own, const Counts& counts) noexcept {
    const auto number = [](unsigned long value) { return static_cast<long long>(value); };
    const auto if_any = [&](std::string_view name, unsigned long value) {
        if (value != 0)
            words << " " << name << "=" << number(value);
    };
    begin_line(words, own);
    words << " kernel=" << number(counts.kernel) << " failed=" << number(counts.failed)
          << " libc=" << number(counts.libc());
    for (std::size_t entry = 0; entry < entry_names.size(); ++entry)
        if_any(entry_names[entry], counts.by_entry[entry]);
    for (std::size_t other = 0; other < other_names.size(); ++other)
        if_any(other_names[other], counts.by_other[other]);
    words << "\n";
    for (std::size_t reason = 0; reason < counts.by_reason.size(); ++reason) {
        if (counts.by_reason[reason] == 0)
            continue;
        begin_line(words, own);
        words << " libc=" << number(counts.by_reason[reason]) << ": ";
        describe(words, static_cast<Reason>(reason), own.last_error[reason]);
        words << "\n";
    }
}

} // namespace

// Two threads may come here at once only before main(), in constructors; the second
// one's counters are then lost, and nothing else.
void begin() noexcept {
    if (begun.load(std::memory_order_acquire))
        return;
    const internal::ErrnoGuard keep_errno;
    target = find_target();
    if (target != Target::nowhere) {
        counters = make_counters();
        static_cast<void>(::at_quick_exit(report)); // nobody could be told
    }
    begun.store(true, std::memory_order_release);
    if (auto* const own = begun_counters())
        own->loaded = true;
}

void begin_unasked() noexcept {
    begun.store(true, std::memory_order_release);
}

void count_kernel(Entry entry) noexcept {
    if (auto* const own = own_counters()) {
        increase(own->kernel);
        increase(own->by_entry[index_of(entry)]);
    }
}

void count_failed(Entry entry) noexcept {
    if (auto* const own = own_counters()) {
        increase(own->failed);
        increase(own->by_entry[index_of(entry)]);
    }
}

void count_libc(Entry entry, Reason reason, int error) noexcept {
    if (auto* const own = own_counters()) {
        increase(own->by_reason[index_of(reason)]);
        increase(own->by_entry[index_of(entry)]);
        own->last_error[index_of(reason)].store(error, std::memory_order_relaxed);
    }
}

void count_other(Other other) noexcept {
    if (auto* const own = own_counters())
        increase(own->by_other[index_of(other)]);
}

bool wanted() noexcept {
    return own_counters() != nullptr;
}

bool lost_by_exec() noexcept {
    const auto* const own = counters_to_tell();
    if (own == nullptr)
        return false;
    const auto counted = [](const Counter& counter) { return counter != 0; };
    return own->loaded || std::any_of(own->by_entry.begin(), own->by_entry.end(), counted) ||
           std::any_of(own->by_other.begin(), own->by_other.begin() + index_of(Other::exec),
                       counted);
}

// Most processes start nothing, and people read what is on stderr.  A file is for
// programs, to which a line of noughts says that the library was there.
void report() noexcept {
    auto* const own = counters_to_tell();
    if (own == nullptr)
        return;
    const Counts counts{*own};
    const bool noughts = target == Target::file && own->loaded && !own->told;
    if (!counts.any() && !noughts)
        return;
    const internal::ErrnoGuard keep_errno;
    own->told = true;
    std::array<char, 2048> text{};
    internal::Words words{text};
    tell(words, *own, counts);
    write_to(target, text.data(), counts.any());
}

} // namespace kspawn::preload::stats
