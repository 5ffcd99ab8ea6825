// SPDX-License-Identifier: LGPL-2.1-or-later
#include "objects.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "libc.hpp"
#include "userspace/lib/attributes.hpp"
#include "userspace/lib/errno_guard.hpp"
#include "userspace/lib/file_actions.hpp"

namespace kspawn::preload::objects {

namespace {

// posix_spawnattr_t as glibc 2.39 has it in <spawn.h>.  Before, the cgroup was
// the first of the reserved members, which init sets to zero.
struct GlibcAttributes {
    short flags;
    pid_t pgroup;
    sigset_t sigdefault;
    sigset_t sigmask;
    sched_param parameters;
    int policy;
    int cgroup;
    std::array<int, 15> reserved;
};
static_assert(sizeof(GlibcAttributes) == sizeof(posix_spawnattr_t));

// posix_spawn_file_actions_t: public, but for the type that is pointed to.
struct GlibcFileActions {
    int allocated;
    int used;
    const struct GlibcAction* actions;
    std::array<int, 16> reserved;
};
static_assert(sizeof(GlibcFileActions) == sizeof(posix_spawn_file_actions_t));

enum class Operation : unsigned { close, dup2, open, chdir, fchdir, closefrom, tcsetpgrp };

struct GlibcAction {
    Operation operation;
    union {
        int descriptor; // close, fchdir, closefrom, tcsetpgrp
        struct {
            int from;
            int to;
        } dup2;
        struct {
            int descriptor;
            const char* path;
            int flags;
            mode_t mode;
        } open;
        const char* path; // chdir
    } of;
};

// They are the program's, of types that it knows by another name.
template <class Type, class Object>
Type copy_of(const Object* object) noexcept {
    static_assert(sizeof(Type) == sizeof(Object));
    Type copy{};
    std::memcpy(&copy, object, sizeof(copy));
    return copy;
}

unsigned long long bits_of(const sigset_t& set) noexcept {
    unsigned long long bits = 0;
    std::memcpy(&bits, &set, sizeof(bits));
    return bits;
}

constexpr unsigned known_flags =
    KSPAWN_SPAWN_RESETIDS | KSPAWN_SPAWN_SETPGROUP | KSPAWN_SPAWN_SETSIGDEF |
    KSPAWN_SPAWN_SETSIGMASK | KSPAWN_SPAWN_SETSCHEDPARAM | KSPAWN_SPAWN_SETSCHEDULER |
    KSPAWN_SPAWN_USEVFORK | KSPAWN_SPAWN_SETSID | KSPAWN_SPAWN_SETCGROUP;

std::uint64_t address(const char* path) noexcept {
    return reinterpret_cast<std::uintptr_t>(path);
}

bool convert(kspawn_action& to, const GlibcAction& from) noexcept {
    switch (from.operation) {
    case Operation::close:
        to.op = KSPAWN_ACTION_CLOSE;
        to.fd = from.of.descriptor;
        return true;
    case Operation::dup2:
        to.op = KSPAWN_ACTION_DUP2;
        to.fd = from.of.dup2.from;
        to.newfd = from.of.dup2.to;
        return true;
    case Operation::open:
        to.op = KSPAWN_ACTION_OPEN;
        to.fd = from.of.open.descriptor;
        to.dirfd = AT_FDCWD;
        to.path = address(from.of.open.path);
        to.oflag = static_cast<unsigned>(from.of.open.flags) &
                   kspawn::internal::file_actions::known_open_flags;
        // As libkspawn's addopen has it: a mode that means nothing is none.
        if ((from.of.open.flags & O_CREAT) != 0 || (from.of.open.flags & O_TMPFILE) == O_TMPFILE)
            to.mode = from.of.open.mode & 07777U;
        return true;
    case Operation::chdir:
        to.op = KSPAWN_ACTION_CHDIR;
        to.dirfd = AT_FDCWD;
        to.path = address(from.of.path);
        return true;
    case Operation::fchdir:
        to.op = KSPAWN_ACTION_FCHDIR;
        to.fd = from.of.descriptor;
        return true;
    case Operation::closefrom:
        to.op = KSPAWN_ACTION_CLOSEFROM;
        to.fd = from.of.descriptor;
        return true;
    case Operation::tcsetpgrp:
        to.op = KSPAWN_ACTION_TCSETPGRP;
        to.fd = from.of.descriptor;
        return true;
    }
    return false;
}

// The values of the self-test: no two members of an operation are the same, and
// all descriptors are below any limit that a process can live with.
constexpr const char* open_path = "/o";
constexpr const char* chdir_path = "/c";
constexpr int open_flags = O_CREAT | O_WRONLY | O_APPEND;
constexpr mode_t open_mode = 0640;
constexpr unsigned operations = 7;

enum class Answer { unknown, yes, no };

// An object of libc's for as long as a test takes.
class Made {
public:
    Made() noexcept { made_ = libc().actions_init(&object_) == 0; }
    Made(const Made&) = delete;
    Made& operator=(const Made&) = delete;
    Made(Made&&) = delete;
    Made& operator=(Made&&) = delete;
    ~Made() {
        if (made_)
            libc().actions_destroy(&object_);
    }
    bool fill() noexcept {
        const auto& c = libc();
        return made_ && c.actions_addclose(&object_, 2) == 0 &&
               c.actions_adddup2(&object_, 1, 2) == 0 &&
               c.actions_addopen(&object_, 1, open_path, open_flags, open_mode) == 0 &&
               c.actions_addchdir(&object_, chdir_path) == 0 &&
               c.actions_addfchdir(&object_, 1) == 0 && c.actions_addclosefrom(&object_, 2) == 0 &&
               c.actions_addtcsetpgrp(&object_, 1) == 0;
    }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &object_; }

private:
    bool made_ = false;
    posix_spawn_file_actions_t object_{};
};

bool is(const kspawn_action& action, unsigned operation, int fd, int newfd = 0) noexcept {
    return action.op == operation && action.fd == fd && action.newfd == newfd;
}

std::string_view path_of(const kspawn_action& action) noexcept {
    return reinterpret_cast<const char*>(static_cast<std::uintptr_t>(action.path));
}

Answer test_file_actions() noexcept {
    Made made;
    // No memory, or next to no descriptors allowed: that says nothing.
    if (!made.fill())
        return Answer::unknown;
    FileActions file_actions;
    // Read with care: an address is followed only after the numbers are right.
    if (file_actions.read(made.get()) != Verdict::read || file_actions.get() == nullptr)
        return Answer::no;
    const auto actions = internal::file_actions::actions_of(*file_actions.get());
    const bool same =
        actions.size() == operations && is(actions[0], KSPAWN_ACTION_CLOSE, 2) &&
        is(actions[1], KSPAWN_ACTION_DUP2, 1, 2) && is(actions[2], KSPAWN_ACTION_OPEN, 1) &&
        actions[2].oflag == open_flags && actions[2].mode == open_mode &&
        is(actions[3], KSPAWN_ACTION_CHDIR, 0) && is(actions[4], KSPAWN_ACTION_FCHDIR, 1) &&
        is(actions[5], KSPAWN_ACTION_CLOSEFROM, 2) && is(actions[6], KSPAWN_ACTION_TCSETPGRP, 1) &&
        path_of(actions[2]) == open_path && path_of(actions[3]) == chdir_path;
    return same ? Answer::yes : Answer::no;
}

Answer test_attributes() noexcept {
    const auto& c = libc();
    constexpr short flags = 0x3f | POSIX_SPAWN_SETSID;
    constexpr pid_t pgroup = 12345;
    constexpr int priority = 67;
    constexpr int cgroup = 89;
    sigset_t set;
    posix_spawnattr_t made;
    sched_param parameters{};
    parameters.sched_priority = priority;
    std::memset(&made, 0x55, sizeof(made));
    c.attr_init(&made);
    c.attr_setflags(&made, flags);
    c.attr_setpgroup(&made, pgroup);
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR1);
    c.attr_setsigdefault(&made, &set);
    ::sigaddset(&set, SIGRTMAX);
    c.attr_setsigmask(&made, &set);
    c.attr_setschedpolicy(&made, SCHED_RR);
    c.attr_setschedparam(&made, &parameters);
    if (c.attr_setcgroup != nullptr)
        c.attr_setcgroup(&made, cgroup);
    else
        set_cgroup(&made, cgroup); // into what must be reserved: the rest stays

    Attributes attributes;
    const bool read = attributes.read(&made) == Verdict::read && attributes.get() != nullptr;
    c.attr_destroy(&made);
    if (!read)
        return Answer::no;
    constexpr unsigned long long usr1 = 1ULL << (SIGUSR1 - 1);
    constexpr unsigned long long last = 1ULL << 63U;
    const auto& own = attributes.get()->private_members;
    const bool same = own.flags == static_cast<unsigned>(flags) && own.pgroup == pgroup &&
                      own.sigdefault == usr1 && own.sigmask == (usr1 | last) &&
                      own.sched_policy == SCHED_RR && own.sched_priority == priority &&
                      own.cgroup == cgroup;
    return same ? Answer::yes : Answer::no;
}

constinit std::atomic<Answer> answer{Answer::unknown};

} // namespace

Verdict Attributes::read(const posix_spawnattr_t* from) noexcept {
    if (from == nullptr)
        return Verdict::read;
    const auto copy = copy_of<GlibcAttributes>(from);
    const auto flags = static_cast<unsigned short>(copy.flags);
    const bool reserved = std::any_of(copy.reserved.begin(), copy.reserved.end(),
                                      [](int member) { return member != 0; });
    if ((flags & ~known_flags) != 0 || reserved)
        return Verdict::unknown;
    auto& own = object_.private_members;
    own.magic = internal::attributes::magic;
    own.flags = flags & ~static_cast<unsigned>(KSPAWN_SPAWN_USEVFORK);
    own.pgroup = copy.pgroup;
    own.sched_policy = copy.policy;
    own.sched_priority = copy.parameters.sched_priority;
    own.cgroup = copy.cgroup;
    own.sigdefault = bits_of(copy.sigdefault);
    own.sigmask = bits_of(copy.sigmask);
    present_ = true;
    return Verdict::read;
}

Verdict FileActions::read(const posix_spawn_file_actions_t* from) noexcept {
    if (from == nullptr)
        return Verdict::read;
    const auto copy = copy_of<GlibcFileActions>(from);
    const bool reserved = std::any_of(copy.reserved.begin(), copy.reserved.end(),
                                      [](int member) { return member != 0; });
    const bool sane = copy.used >= 0 && copy.used <= copy.allocated &&
                      copy.used <= KSPAWN_ACTIONS_MAX &&
                      (copy.used == 0 || copy.actions != nullptr);
    if (reserved || !sane)
        return Verdict::unknown;
    const auto used = static_cast<unsigned>(copy.used);
    kspawn_action* actions = space_.data();
    if (used > few) {
        more_ = allocate<kspawn_action>(used);
        actions = more_.get();
        if (actions == nullptr)
            return Verdict::no_memory;
    }
    for (unsigned index = 0; index < used; ++index) {
        if (!convert(actions[index], copy.actions[index]))
            return Verdict::unknown;
    }
    auto& own = object_.private_members;
    own.magic = internal::file_actions::magic;
    own.count = used;
    own.capacity = used;
    own.actions = actions;
    present_ = true;
    return Verdict::read;
}

// Two threads may test at once; they come to the same result.
bool understood() noexcept {
    Answer now = answer.load(std::memory_order_relaxed);
    if (now == Answer::unknown) [[unlikely]] {
        const internal::ErrnoGuard keep_errno;
        now = test_attributes();
        if (now == Answer::yes)
            now = test_file_actions();
        answer.store(now, std::memory_order_relaxed);
    }
    return now == Answer::yes;
}

void set_flags(posix_spawnattr_t* object, short flags) noexcept {
    std::memcpy(reinterpret_cast<char*>(object) + offsetof(GlibcAttributes, flags), &flags,
                sizeof(flags));
}

short flags_of(const posix_spawnattr_t* object) noexcept {
    return copy_of<GlibcAttributes>(object).flags;
}

void set_cgroup(posix_spawnattr_t* object, int cgroup) noexcept {
    std::memcpy(reinterpret_cast<char*>(object) + offsetof(GlibcAttributes, cgroup), &cgroup,
                sizeof(cgroup));
}

int cgroup_of(const posix_spawnattr_t* object) noexcept {
    return copy_of<GlibcAttributes>(object).cgroup;
}

} // namespace kspawn::preload::objects
