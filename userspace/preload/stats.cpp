// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats.hpp"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "userspace/lib/descriptor.hpp"
#include "userspace/lib/errno_guard.hpp"
#include "userspace/lib/words.hpp"

namespace kspawn::preload::stats {

namespace {

using Counter = std::atomic<unsigned long>;

struct Counters {
    Counter kernel;
    Counter failed;
    std::array<Counter, entries> by_entry;
    std::array<Counter, reasons> by_reason;
    std::array<std::atomic<int>, reasons> last_error;
};
constinit Counters counters{};

constexpr std::array<std::string_view, entries> entry_names{
    "posix_spawn", "posix_spawnp", "pidfd_spawn", "pidfd_spawnp", "popen", "system"};

// Where to.  The variable's own memory is the program's to overwrite.
enum class Target { nowhere, standard_error, file };
constinit Target target = Target::nowhere;
// Not an array: its pages would be mapped in every process that asks for nothing.
constinit char* file_name = nullptr;
// The process that has counted: a child of vfork() that ends with _exit() has
// our memory but not our numbers to tell.
constinit pid_t owner = 0;
constinit std::atomic<bool> reported{false};

void increase(Counter& counter) noexcept {
    counter.fetch_add(1, std::memory_order_relaxed);
}

unsigned long value_of(const Counter& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
}

void start_anew() noexcept {
    owner = ::getpid();
    counters.kernel = 0;
    counters.failed = 0;
    for (auto& counter : counters.by_entry)
        counter = 0;
    for (auto& counter : counters.by_reason)
        counter = 0;
    reported = false;
}

// The program may change its directory before it ends.
bool set_file(const char* value) noexcept {
    std::array<char, PATH_MAX> name{};
    internal::Words words{name};
    if (*value != '/') {
        std::array<char, PATH_MAX> directory{};
        if (::getcwd(directory.data(), directory.size()) == nullptr)
            return false;
        words << std::string_view(directory.data()) << "/";
    }
    words << std::string_view(value);
    if (std::strlen(name.data()) + 1 >= name.size())
        return false;
    // Kept to the end: _exit() may be called in a signal handler.
    file_name = ::strdup(name.data());
    return file_name != nullptr;
}

Target target_of_environment() noexcept {
    // Not for a program that has more privileges than its caller.
    const char* const value = ::secure_getenv("KSPAWN_STATS");
    if (value == nullptr)
        return Target::nowhere;
    const std::string_view wish = value;
    if (wish.empty() || wish == "0")
        return Target::nowhere;
    if (wish == "1")
        return Target::standard_error;
    return set_file(value) ? Target::file : Target::nowhere;
}

[[gnu::constructor]] void begin() {
    target = target_of_environment();
    if (target == Target::nowhere)
        return;
    owner = ::getpid();
    ::pthread_atfork(nullptr, nullptr, start_anew);
    static_cast<void>(::at_quick_exit(report)); // nobody could be told
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
        words << "the caller runs under seccomp";
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

// program_invocation_short_name is argv[0]'s, which is anything.
void begin_line(internal::Words& words) noexcept {
    words << "kspawn-preload: ";
    words.name(::program_invocation_short_name, 64) << "[" << static_cast<long long>(owner) << "]:";
}

void tell(internal::Words& words, unsigned long by_libc) noexcept {
    const auto number = [](unsigned long value) { return static_cast<long long>(value); };
    begin_line(words);
    words << " kernel=" << number(value_of(counters.kernel))
          << " failed=" << number(value_of(counters.failed)) << " libc=" << number(by_libc);
    for (std::size_t entry = 0; entry < entry_names.size(); ++entry) {
        if (const auto count = value_of(counters.by_entry.at(entry)); count != 0)
            words << " " << entry_names.at(entry) << "=" << number(count);
    }
    words << "\n";
    for (int reason = 0; reason < reasons; ++reason) {
        const auto index = static_cast<std::size_t>(reason);
        const auto count = value_of(counters.by_reason[index]);
        if (count == 0)
            continue;
        begin_line(words);
        words << " libc=" << number(count) << ": ";
        describe(words, static_cast<Reason>(reason), counters.last_error[index]);
        words << "\n";
    }
}

void write_all(int descriptor, std::string_view text) noexcept {
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace

void count_kernel(Entry entry) noexcept {
    increase(counters.kernel);
    increase(counters.by_entry[static_cast<std::size_t>(entry)]);
}

void count_failed(Entry entry) noexcept {
    increase(counters.failed);
    increase(counters.by_entry[static_cast<std::size_t>(entry)]);
}

void count_libc(Entry entry, Reason reason, int error) noexcept {
    increase(counters.by_reason[static_cast<std::size_t>(reason)]);
    increase(counters.by_entry[static_cast<std::size_t>(entry)]);
    counters.last_error[static_cast<std::size_t>(reason)].store(error, std::memory_order_relaxed);
}

void report() noexcept {
    if (target == Target::nowhere || owner != ::getpid() || reported.exchange(true))
        return;
    unsigned long by_libc = 0;
    for (const auto& counter : counters.by_reason)
        by_libc += value_of(counter);
    // Most processes start nothing, and people read what is on stderr.
    if (value_of(counters.kernel) + value_of(counters.failed) + by_libc == 0)
        return;

    const internal::ErrnoGuard keep_errno;
    std::array<char, 2048> text{};
    internal::Words words{text};
    tell(words, by_libc);
    if (target == Target::standard_error) {
        write_all(STDERR_FILENO, text.data());
        return;
    }
    const internal::Descriptor file{
        ::open(file_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666)};
    if (file)
        write_all(file.get(), text.data());
}

} // namespace kspawn::preload::stats
