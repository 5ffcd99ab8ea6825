// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/state.h>
#include <linux/capability.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>

#include "file_actions.hpp"
#include "memory.hpp"

namespace {

using kspawn::internal::file_actions::add;
using kspawn::internal::file_actions::add_data;
using kspawn::internal::file_actions::make;

constexpr std::size_t page = 4096;
constexpr std::size_t most_groups = 65536; // NGROUPS_MAX of the kernel

// As the kernel has numbers of 32 bits.
std::uint64_t number(int value) noexcept {
    return static_cast<std::uint32_t>(value);
}

kspawn_action state(std::uint32_t op, std::uint64_t value = 0, std::uint64_t value2 = 0,
                    std::uint64_t value3 = 0) noexcept {
    auto action = make(op);
    action.value = value;
    action.value2 = value2;
    action.value3 = value3;
    return action;
}

bool data_possible(const void* data, std::size_t count, std::size_t least,
                   std::size_t most) noexcept {
    return count >= least && count <= most && (data != nullptr || count == 0);
}

} // namespace

int kspawn_spawn_file_actions_addumask_np(kspawn_spawn_file_actions_t* file_actions,
                                          mode_t mask) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_UMASK, mask & 0777));
}

int kspawn_spawn_file_actions_addrlimit_np(kspawn_spawn_file_actions_t* file_actions, int resource,
                                           const struct rlimit* limit) noexcept {
    if (limit == nullptr)
        return EINVAL;
    return add(file_actions,
               state(KSPAWN_ACTION_RLIMIT, limit->rlim_cur, number(resource), limit->rlim_max));
}

int kspawn_spawn_file_actions_addnonewprivs_np(kspawn_spawn_file_actions_t* file_actions) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_NO_NEW_PRIVS));
}

int kspawn_spawn_file_actions_addpdeathsig_np(kspawn_spawn_file_actions_t* file_actions,
                                              int signal_number) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_PDEATHSIG, number(signal_number)));
}

int kspawn_spawn_file_actions_addresuid_np(kspawn_spawn_file_actions_t* file_actions, uid_t real,
                                           uid_t effective, uid_t saved) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_RESUID, real, effective, saved));
}

int kspawn_spawn_file_actions_addresgid_np(kspawn_spawn_file_actions_t* file_actions, gid_t real,
                                           gid_t effective, gid_t saved) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_RESGID, real, effective, saved));
}

int kspawn_spawn_file_actions_addgroups_np(kspawn_spawn_file_actions_t* file_actions, size_t count,
                                           const gid_t* groups) noexcept {
    if (!data_possible(groups, count, 0, most_groups))
        return EINVAL;
    return add_data(file_actions, make(KSPAWN_ACTION_GROUPS), groups, count * sizeof(*groups));
}

int kspawn_spawn_file_actions_addctty_np(kspawn_spawn_file_actions_t* file_actions, int fd,
                                         int steal) noexcept {
    if (steal != 0 && steal != 1)
        return EINVAL;
    auto action = make(KSPAWN_ACTION_CTTY, fd);
    action.value = number(steal);
    return add(file_actions, action);
}

int kspawn_spawn_file_actions_addchroot_np(kspawn_spawn_file_actions_t* file_actions,
                                           const char* path) noexcept {
    return path == nullptr ? EINVAL : add(file_actions, make(KSPAWN_ACTION_CHROOT, path));
}

int kspawn_spawn_file_actions_addnice_np(kspawn_spawn_file_actions_t* file_actions,
                                         int nice) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_PRIORITY, number(nice)));
}

int kspawn_spawn_file_actions_addaffinity_np(kspawn_spawn_file_actions_t* file_actions, size_t size,
                                             const void* mask) noexcept {
    if (!data_possible(mask, size, 1, page))
        return EINVAL;
    return add_data(file_actions, make(KSPAWN_ACTION_AFFINITY), mask, size);
}

int kspawn_spawn_file_actions_addoomscore_np(kspawn_spawn_file_actions_t* file_actions,
                                             int score) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_OOM_SCORE, number(score)));
}

int kspawn_spawn_file_actions_addstop_np(kspawn_spawn_file_actions_t* file_actions) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_STOP));
}

int kspawn_spawn_file_actions_addsetns_np(kspawn_spawn_file_actions_t* file_actions, int fd,
                                          int type) noexcept {
    auto action = make(KSPAWN_ACTION_SETNS, fd);
    action.value = number(type);
    return add(file_actions, action);
}

int kspawn_spawn_file_actions_addunshare_np(kspawn_spawn_file_actions_t* file_actions,
                                            int flags) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_UNSHARE, number(flags)));
}

int kspawn_spawn_file_actions_addcapabilities_np(kspawn_spawn_file_actions_t* file_actions,
                                                 const void* data) noexcept {
    if (data == nullptr)
        return EINVAL;
    return add_data(file_actions, make(KSPAWN_ACTION_CAPABILITIES), data,
                    2 * sizeof(__user_cap_data_struct));
}

int kspawn_spawn_file_actions_addprctl_np(kspawn_spawn_file_actions_t* file_actions, int option,
                                          unsigned long argument, unsigned long more) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_PRCTL, argument, number(option), more));
}

int kspawn_spawn_file_actions_addsched_np(kspawn_spawn_file_actions_t* file_actions,
                                          const void* attributes, size_t size) noexcept {
    if (!data_possible(attributes, size, sizeof(std::uint32_t), page))
        return EINVAL;
    return add_data(file_actions, make(KSPAWN_ACTION_SCHEDULER), attributes, size);
}

int kspawn_spawn_file_actions_addioprio_np(kspawn_spawn_file_actions_t* file_actions,
                                           int ioprio) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_IOPRIO, number(ioprio)));
}

int kspawn_spawn_file_actions_addpersonality_np(kspawn_spawn_file_actions_t* file_actions,
                                                unsigned int persona) noexcept {
    return add(file_actions, state(KSPAWN_ACTION_PERSONALITY, persona));
}

int kspawn_spawn_file_actions_addmempolicy_np(kspawn_spawn_file_actions_t* file_actions, int mode,
                                              const unsigned long* nodes, size_t count) noexcept {
    if (!data_possible(nodes, count, 0, page / sizeof(*nodes)))
        return EINVAL;
    auto action = make(KSPAWN_ACTION_MEMPOLICY);
    action.value2 = number(mode);
    return add_data(file_actions, action, nodes, count * sizeof(*nodes));
}

int kspawn_spawn_file_actions_addclose_except_np(kspawn_spawn_file_actions_t* file_actions,
                                                 int first, int last, const int* kept,
                                                 size_t count) noexcept {
    if (!data_possible(kept, count, 0, KSPAWN_KEPT_MAX))
        return EINVAL;
    // The kernel takes them in ascending order, each once.
    const std::unique_ptr<int, kspawn::internal::Free> sorted{
        static_cast<int*>(kspawn::internal::resize(nullptr, (count + 1) * sizeof(int)))};
    if (!sorted)
        return ENOMEM;
    const std::span numbers{sorted.get(), count};
    std::copy_n(kept, count, sorted.get());
    std::ranges::sort(numbers);
    if (count != 0 && numbers.front() < 0)
        return EBADF;
    // Not std::ranges::unique(), which clang 14 cannot compile with libstdc++ 12.
    const auto end = std::unique(numbers.begin(), numbers.end());
    return add_data(file_actions, make(KSPAWN_ACTION_CLOSE_EXCEPT, first, last), sorted.get(),
                    static_cast<std::size_t>(end - numbers.begin()) * sizeof(int));
}
