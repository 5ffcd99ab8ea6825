// SPDX-License-Identifier: LGPL-2.1-or-later
#include "objects.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "libc.hpp"
#include "userspace/lib/attributes.hpp"
#include "userspace/lib/errno_guard.hpp"
#include "userspace/lib/file_actions.hpp"
#include "userspace/lib/libc_object.hpp"

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

struct GlibcAction {
    unsigned tag; // Operation::glibc_tag
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

constexpr unsigned known_flags =
    KSPAWN_SPAWN_USEVFORK |
    internal::attributes::flags_of([](const auto& attribute) { return attribute.add != nullptr; });

// By the tags of glibc, which are as many as it has operations.
struct Meaning {
    std::uint32_t op;
    internal::Fields fields;
};
constexpr auto meanings = [] {
    constexpr auto known = [](const internal::Operation& operation) {
        return operation.glibc_tag >= 0;
    };
    std::array<Meaning, std::ranges::count_if(internal::operations, known)> found{};
    for (const auto& operation : internal::operations) {
        if (known(operation))
            found[static_cast<unsigned>(operation.glibc_tag)] = {operation.op, operation.fields};
    }
    return found;
}();

bool convert(kspawn_action& to, const GlibcAction& from) noexcept {
    using internal::file_actions::make;
    const auto [op, fields] = internal::look_up(meanings, from.tag);
    switch (fields) {
    case internal::Fields::none:
    case internal::Fields::newfd: // glibc has no such action
    case internal::Fields::state:
        return false;
    case internal::Fields::fd:
        to = make(op, from.of.descriptor);
        break;
    case internal::Fields::fd_newfd:
        to = make(op, from.of.dup2.from, from.of.dup2.to);
        break;
    case internal::Fields::path:
        to = make(op, from.of.path);
        break;
    case internal::Fields::open:
        to = make(op, from.of.open.descriptor, from.of.open.path, from.of.open.flags,
                  from.of.open.mode);
        break;
    }
    return true;
}

// The values of the self-test: no two members of an operation are the same, and
// all descriptors are below any limit that a process can live with.
constexpr const char* open_path = "/o";
constexpr const char* chdir_path = "/c";
constexpr int open_flags = O_CREAT | O_WRONLY | O_APPEND;
constexpr mode_t open_mode = 0640;

enum class Answer { unknown, yes, no };

bool fill(posix_spawn_file_actions_t* object) noexcept {
    const auto& c = libc();
    return c.posix_spawn_file_actions_addclose(object, 2) == 0 &&
           c.posix_spawn_file_actions_adddup2(object, 1, 2) == 0 &&
           c.posix_spawn_file_actions_addopen(object, 1, open_path, open_flags, open_mode) == 0 &&
           c.posix_spawn_file_actions_addchdir_np(object, chdir_path) == 0 &&
           c.posix_spawn_file_actions_addfchdir_np(object, 1) == 0 &&
           c.posix_spawn_file_actions_addclosefrom_np(object, 2) == 0 &&
           c.posix_spawn_file_actions_addtcsetpgrp_np(object, 1) == 0;
}

bool same_numbers(const kspawn_action& left, const kspawn_action& right) noexcept {
    return left.op == right.op && left.fd == right.fd && left.newfd == right.newfd &&
           left.oflag == right.oflag && left.mode == right.mode &&
           (left.path == 0) == (right.path == 0);
}

bool same_path(const kspawn_action& left, const kspawn_action& right) noexcept {
    return left.path == 0 || std::string_view(internal::path_of(left)) == internal::path_of(right);
}

Answer test_file_actions() noexcept {
    using internal::file_actions::make;
    internal::LibcObject<posix_spawn_file_actions_t> made{libc().posix_spawn_file_actions_init,
                                                          libc().posix_spawn_file_actions_destroy};
    // No memory, or next to no descriptors allowed: that says nothing.
    if (!fill(made.get()))
        return Answer::unknown;
    FileActions file_actions;
    if (file_actions.read(made.get()) != ReadResult::read || file_actions.get() == nullptr)
        return Answer::no;
    const std::array wanted{make(KSPAWN_ACTION_CLOSE, 2),
                            make(KSPAWN_ACTION_DUP2, 1, 2),
                            make(KSPAWN_ACTION_OPEN, 1, open_path, open_flags, open_mode),
                            make(KSPAWN_ACTION_CHDIR, chdir_path),
                            make(KSPAWN_ACTION_FCHDIR, 1),
                            make(KSPAWN_ACTION_CLOSEFROM, 2),
                            make(KSPAWN_ACTION_TCSETPGRP, 1)};
    static_assert(wanted.size() == meanings.size());
    const auto actions = internal::file_actions::actions_of(*file_actions.get());
    // With care: a path is followed only after all numbers are right.
    return std::ranges::equal(actions, wanted, same_numbers) &&
                   std::ranges::equal(actions, wanted, same_path)
               ? Answer::yes
               : Answer::no;
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
    c.posix_spawnattr_init(&made);
    c.posix_spawnattr_setflags(&made, flags);
    c.posix_spawnattr_setpgroup(&made, pgroup);
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR1);
    c.posix_spawnattr_setsigdefault(&made, &set);
    ::sigaddset(&set, SIGRTMAX);
    c.posix_spawnattr_setsigmask(&made, &set);
    c.posix_spawnattr_setschedpolicy(&made, SCHED_RR);
    c.posix_spawnattr_setschedparam(&made, &parameters);
    if (c.posix_spawnattr_setcgroup != nullptr)
        c.posix_spawnattr_setcgroup(&made, cgroup);
    else
        set_cgroup(&made, cgroup); // into what must be reserved: the rest stays

    Attributes attributes;
    const bool read = attributes.read(&made) == ReadResult::read && attributes.get() != nullptr;
    c.posix_spawnattr_destroy(&made);
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

ReadResult Attributes::read(const posix_spawnattr_t* from) noexcept {
    if (from == nullptr)
        return ReadResult::read;
    const auto copy = copy_of<GlibcAttributes>(from);
    const auto flags = static_cast<unsigned short>(copy.flags);
    const bool reserved = std::any_of(copy.reserved.begin(), copy.reserved.end(),
                                      [](int member) { return member != 0; });
    if ((flags & ~known_flags) != 0 || reserved)
        return ReadResult::unknown;
    auto& own = object_.private_members;
    own.magic = internal::attributes::magic;
    own.flags = flags & ~static_cast<unsigned>(KSPAWN_SPAWN_USEVFORK);
    own.pgroup = copy.pgroup;
    own.sched_policy = copy.policy;
    own.sched_priority = copy.parameters.sched_priority;
    own.cgroup = copy.cgroup;
    own.sigdefault = internal::attributes::bits_of(copy.sigdefault);
    own.sigmask = internal::attributes::bits_of(copy.sigmask);
    present_ = true;
    return ReadResult::read;
}

ReadResult FileActions::read(const posix_spawn_file_actions_t* from) noexcept {
    if (from == nullptr)
        return ReadResult::read;
    const auto copy = copy_of<GlibcFileActions>(from);
    const bool reserved = std::any_of(copy.reserved.begin(), copy.reserved.end(),
                                      [](int member) { return member != 0; });
    const bool sane = copy.used >= 0 && copy.used <= copy.allocated &&
                      copy.used <= KSPAWN_ACTIONS_MAX &&
                      (copy.used == 0 || copy.actions != nullptr);
    if (reserved || !sane)
        return ReadResult::unknown;
    const auto used = static_cast<unsigned>(copy.used);
    kspawn_action* actions = space_.data();
    if (used > few) {
        more_ = internal::allocate<kspawn_action>(used);
        actions = more_.get();
        if (actions == nullptr)
            return ReadResult::no_memory;
    }
    for (unsigned index = 0; index < used; ++index) {
        if (!convert(actions[index], copy.actions[index]))
            return ReadResult::unknown;
    }
    auto& own = object_.private_members;
    own.magic = internal::file_actions::magic;
    own.count = used;
    own.capacity = used;
    own.actions = actions;
    present_ = true;
    return ReadResult::read;
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
