// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds a list of file actions, and compares it with what was asked for.
#include "lib/file_actions.hpp"

#include <fcntl.h>
#include <kspawn/state.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bytes.hpp"

namespace {

// An action to be added.  Its path or data is the caller's, and gone after the call.
struct Expected {
    kspawn_action action{};
    std::string bytes; // of a path, or of data
    bool has_path = false;
    std::vector<int> errors{EBADF}; // with which it may be refused
};

kspawn_spawn_file_actions_t* file_actions = nullptr;
int end_of_caller = 0;

Expected expected(std::uint32_t op, int fd = 0, int newfd = 0) {
    Expected one;
    one.action.op = op;
    one.action.fd = fd;
    one.action.newfd = newfd;
    return one;
}

Expected with_path(std::uint32_t op, std::string path, int fd = 0, int dirfd = AT_FDCWD) {
    auto one = expected(op, fd);
    one.action.dirfd = dirfd;
    one.bytes = std::move(path);
    one.has_path = true;
    return one;
}

Expected with_values(std::uint32_t op, std::uint64_t value, std::uint64_t value2 = 0,
                     std::uint64_t value3 = 0) {
    auto one = expected(op);
    one.action.value = value;
    one.action.value2 = value2;
    one.action.value3 = value3;
    return one;
}

template <class Item>
Expected with_data(std::uint32_t op, const std::vector<Item>& items) {
    auto one = expected(op);
    one.action.value = items.size() * sizeof(Item);
    one.bytes.assign(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(Item));
    return one;
}

std::uint64_t short_number(int value) {
    return static_cast<std::uint32_t>(value);
}

// Mostly one that can be.
int descriptor(fuzz::Bytes& bytes) {
    return bytes.byte() % 4U != 0 ? bytes.byte() : bytes.number();
}

template <class Item>
std::vector<Item> items(fuzz::Bytes& bytes) {
    std::vector<Item> all(bytes.byte() % 16U);
    for (auto& item : all)
        item = static_cast<Item>(bytes.number());
    return all;
}

// Beside O_PATH few flags have a meaning.
unsigned flags_of(int oflag) {
    const unsigned known = (oflag & O_PATH) != 0 ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
                                                 : kspawn::internal::file_actions::known_open_flags;
    return static_cast<unsigned>(oflag) & known;
}

// A mode has no meaning where nothing is created.
mode_t mode_of(int oflag, mode_t mode) {
    const auto flags = flags_of(oflag);
    const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return creates ? mode & 07777U : 0;
}

using Add = std::pair<int, Expected>;

// Descriptors and paths.
Add add_file_action(std::uint32_t op, fuzz::Bytes& bytes) {
    const int fd = op == KSPAWN_ACTION_CHDIR ? 0 : descriptor(bytes);
    switch (op) {
    case KSPAWN_ACTION_OPEN: {
        const int oflag = bytes.number();
        const auto mode = static_cast<mode_t>(bytes.number());
        auto one = with_path(op, bytes.string(), fd);
        one.action.oflag = flags_of(oflag);
        one.action.mode = mode_of(oflag, mode);
        return {kspawn_spawn_file_actions_addopen(file_actions, fd, one.bytes.c_str(), oflag, mode),
                one};
    }
    case KSPAWN_ACTION_CLOSE:
        return {kspawn_spawn_file_actions_addclose(file_actions, fd), expected(op, fd)};
    case KSPAWN_ACTION_DUP2: {
        const int newfd = bytes.number();
        return {kspawn_spawn_file_actions_adddup2(file_actions, fd, newfd),
                expected(op, fd, newfd)};
    }
    case KSPAWN_ACTION_CHDIR: {
        auto one = with_path(op, bytes.string());
        one.errors.clear();
        return {kspawn_spawn_file_actions_addchdir(file_actions, one.bytes.c_str()), one};
    }
    case KSPAWN_ACTION_FCHDIR:
        return {kspawn_spawn_file_actions_addfchdir(file_actions, fd), expected(op, fd)};
    case KSPAWN_ACTION_CLOSEFROM:
        return {kspawn_spawn_file_actions_addclosefrom_np(file_actions, fd), expected(op, fd)};
    case KSPAWN_ACTION_TCSETPGRP:
        return {kspawn_spawn_file_actions_addtcsetpgrp_np(file_actions, fd), expected(op, fd)};
    case KSPAWN_ACTION_INHERIT:
        return {kspawn_spawn_file_actions_addinherit_np(file_actions, fd), expected(op, fd)};
    case KSPAWN_ACTION_CLOSE_RANGE: {
        const int last = bytes.number();
        auto one = expected(op, fd, last);
        one.errors.push_back(EINVAL);
        return {kspawn_spawn_file_actions_addclose_range_np(file_actions, fd, last), one};
    }
    default: { // KSPAWN_ACTION_PASS
        const int newfd = bytes.number();
        const int oflag = bytes.byte() % 2U != 0 ? O_CLOEXEC : 0;
        auto one = expected(op, fd, newfd);
        one.action.oflag = static_cast<unsigned>(oflag);
        return {kspawn_spawn_file_actions_addpass_np(file_actions, fd, newfd, oflag), one};
    }
    }
}

// Descriptors that the start makes.
Add add_made(std::uint32_t op, fuzz::Bytes& bytes) {
    const int newfd = descriptor(bytes);
    auto one = expected(op, 0, newfd);
    if (op == KSPAWN_ACTION_MEMFD) {
        one.bytes = bytes.string();
        one.action.mode = one.bytes.size();
        one.action.oflag = bytes.byte() % 2U != 0 ? O_CLOEXEC : 0;
        return {kspawn_spawn_file_actions_addmemfd_np(file_actions, newfd, one.bytes.data(),
                                                      one.bytes.size(),
                                                      static_cast<int>(one.action.oflag)),
                one};
    }
    one.errors.push_back(EINVAL);
    one.action.path = reinterpret_cast<std::uintptr_t>(&end_of_caller);
    const int mode = bytes.byte() % 8;
    const int oflag = bytes.byte() % 2U != 0 ? O_CLOEXEC | O_NONBLOCK : bytes.number();
    one.action.mode = static_cast<unsigned>(mode);
    one.action.oflag = static_cast<unsigned>(oflag);
    const auto add = op == KSPAWN_ACTION_PIPE ? kspawn_spawn_file_actions_addpipe_np
                                              : kspawn_spawn_file_actions_addsocketpair_np;
    return {add(file_actions, newfd, mode, oflag, &end_of_caller), one};
}

// Ids, limits and other numbers.
Add add_numbers(std::uint32_t op, fuzz::Bytes& bytes) {
    const int first = bytes.number();
    switch (op) {
    case KSPAWN_ACTION_UMASK:
        return {kspawn_spawn_file_actions_addumask_np(file_actions, static_cast<mode_t>(first)),
                with_values(op, static_cast<unsigned>(first) & 0777U)};
    case KSPAWN_ACTION_RLIMIT: {
        const rlimit limit{static_cast<rlim_t>(bytes.number()),
                           static_cast<rlim_t>(bytes.number())};
        return {kspawn_spawn_file_actions_addrlimit_np(file_actions, first, &limit),
                with_values(op, limit.rlim_cur, short_number(first), limit.rlim_max)};
    }
    case KSPAWN_ACTION_NO_NEW_PRIVS:
        return {kspawn_spawn_file_actions_addnonewprivs_np(file_actions), with_values(op, 0)};
    case KSPAWN_ACTION_PDEATHSIG:
        return {kspawn_spawn_file_actions_addpdeathsig_np(file_actions, first),
                with_values(op, short_number(first))};
    case KSPAWN_ACTION_RESUID:
    case KSPAWN_ACTION_RESGID: {
        const auto real = static_cast<uid_t>(first);
        const auto effective = static_cast<uid_t>(bytes.number());
        const auto saved = static_cast<uid_t>(bytes.number());
        const auto add = op == KSPAWN_ACTION_RESUID ? kspawn_spawn_file_actions_addresuid_np
                                                    : kspawn_spawn_file_actions_addresgid_np;
        return {add(file_actions, real, effective, saved), with_values(op, real, effective, saved)};
    }
    case KSPAWN_ACTION_PRIORITY:
        return {kspawn_spawn_file_actions_addnice_np(file_actions, first),
                with_values(op, short_number(first))};
    case KSPAWN_ACTION_OOM_SCORE:
        return {kspawn_spawn_file_actions_addoomscore_np(file_actions, first),
                with_values(op, short_number(first))};
    case KSPAWN_ACTION_STOP:
        return {kspawn_spawn_file_actions_addstop_np(file_actions), with_values(op, 0)};
    case KSPAWN_ACTION_UNSHARE:
        return {kspawn_spawn_file_actions_addunshare_np(file_actions, first),
                with_values(op, short_number(first))};
    case KSPAWN_ACTION_PRCTL: {
        const auto argument = static_cast<unsigned long>(bytes.number());
        const auto more = static_cast<unsigned long>(bytes.number());
        return {kspawn_spawn_file_actions_addprctl_np(file_actions, first, argument, more),
                with_values(op, argument, short_number(first), more)};
    }
    case KSPAWN_ACTION_IOPRIO:
        return {kspawn_spawn_file_actions_addioprio_np(file_actions, first),
                with_values(op, short_number(first))};
    default: // KSPAWN_ACTION_PERSONALITY
        return {
            kspawn_spawn_file_actions_addpersonality_np(file_actions, static_cast<unsigned>(first)),
            with_values(op, static_cast<unsigned>(first))};
    }
}

// The operations that have data, or a descriptor.
Add add_state(std::uint32_t op, fuzz::Bytes& bytes) {
    switch (op) {
    case KSPAWN_ACTION_GROUPS: {
        const auto groups = items<gid_t>(bytes);
        return {kspawn_spawn_file_actions_addgroups_np(file_actions, groups.size(), groups.data()),
                with_data(op, groups)};
    }
    case KSPAWN_ACTION_CTTY:
    case KSPAWN_ACTION_SETNS: {
        const int fd = descriptor(bytes);
        const int value = op == KSPAWN_ACTION_CTTY ? bytes.byte() % 3 : bytes.number();
        auto one = with_values(op, short_number(value));
        one.action.fd = fd;
        one.errors.push_back(EINVAL);
        const auto add = op == KSPAWN_ACTION_CTTY ? kspawn_spawn_file_actions_addctty_np
                                                  : kspawn_spawn_file_actions_addsetns_np;
        return {add(file_actions, fd, value), one};
    }
    case KSPAWN_ACTION_CHROOT: {
        const int dirfd = bytes.byte() % 2U != 0 ? AT_FDCWD : bytes.number();
        auto one = with_path(op, bytes.string(), 0, dirfd);
        return {kspawn_spawn_file_actions_addchrootat_np(file_actions, dirfd, one.bytes.c_str()),
                one};
    }
    case KSPAWN_ACTION_AFFINITY:
    case KSPAWN_ACTION_SCHEDULER: {
        const auto words = items<unsigned>(bytes);
        auto one = with_data(op, words);
        one.errors = {EINVAL};
        const auto size = one.bytes.size();
        return {op == KSPAWN_ACTION_AFFINITY
                    ? kspawn_spawn_file_actions_addaffinity_np(file_actions, size, words.data())
                    : kspawn_spawn_file_actions_addsched_np(file_actions, words.data(), size),
                one};
    }
    case KSPAWN_ACTION_CAPABILITIES: {
        std::vector<unsigned> sets(6);
        for (auto& set : sets)
            set = static_cast<unsigned>(bytes.number());
        return {kspawn_spawn_file_actions_addcapabilities_np(file_actions, sets.data()),
                with_data(op, sets)};
    }
    case KSPAWN_ACTION_MEMPOLICY: {
        const int mode = bytes.number();
        const auto nodes = items<unsigned long>(bytes);
        auto one = with_data(op, nodes);
        one.action.value2 = short_number(mode);
        return {kspawn_spawn_file_actions_addmempolicy_np(file_actions, mode, nodes.data(),
                                                          nodes.size()),
                one};
    }
    default: { // KSPAWN_ACTION_CLOSE_EXCEPT
        const int first = descriptor(bytes);
        const int last = bytes.number();
        const auto kept = items<int>(bytes);
        auto sorted = kept;
        std::ranges::sort(sorted);
        sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
        auto one = with_data(op, sorted);
        one.action.fd = first;
        one.action.newfd = last;
        one.errors.push_back(EINVAL);
        return {kspawn_spawn_file_actions_addclose_except_np(file_actions, first, last, kept.data(),
                                                             kept.size()),
                one};
    }
    }
}

Add add(fuzz::Bytes& bytes) {
    // The first seven, and PASS, as in inputs that were kept before there were others.
    const unsigned byte = bytes.byte();
    constexpr unsigned for_the_first = 128;
    std::uint32_t op = 1 + byte % 8U;
    if (byte >= for_the_first)
        op = KSPAWN_ACTION_INHERIT +
             (byte - for_the_first) % (KSPAWN_ACTION_CLOSE_EXCEPT - KSPAWN_ACTION_INHERIT + 1);
    else if (op == KSPAWN_ACTION_INHERIT)
        op = KSPAWN_ACTION_PASS;
    if (op <= KSPAWN_ACTION_PASS)
        return add_file_action(op, bytes);
    switch (op) {
    case KSPAWN_ACTION_PIPE:
    case KSPAWN_ACTION_SOCKETPAIR:
    case KSPAWN_ACTION_MEMFD:
        return add_made(op, bytes);
    case KSPAWN_ACTION_GROUPS:
    case KSPAWN_ACTION_CTTY:
    case KSPAWN_ACTION_CHROOT:
    case KSPAWN_ACTION_AFFINITY:
    case KSPAWN_ACTION_SETNS:
    case KSPAWN_ACTION_CAPABILITIES:
    case KSPAWN_ACTION_SCHEDULER:
    case KSPAWN_ACTION_MEMPOLICY:
    case KSPAWN_ACTION_CLOSE_EXCEPT:
        return add_state(op, bytes);
    default:
        return add_numbers(op, bytes);
    }
}

bool same(const kspawn_action& action, const Expected& one) {
    const auto& wanted = one.action;
    const auto* const bytes = reinterpret_cast<const char*>(action.path);
    if (action.op != wanted.op || action.fd != wanted.fd || action.newfd != wanted.newfd ||
        action.dirfd != wanted.dirfd || action.oflag != wanted.oflag ||
        action.mode != wanted.mode || action.resolve != wanted.resolve)
        return false;
    if (one.has_path)
        return bytes != nullptr && one.bytes == bytes;
    if (one.bytes.empty())
        return action.path == wanted.path;
    return bytes != nullptr && one.bytes == std::string_view(bytes, one.bytes.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Bytes bytes({data, size});
    kspawn_spawn_file_actions_t actions;
    fuzz::require(kspawn_spawn_file_actions_init(&actions) == 0);
    file_actions = &actions;
    std::vector<Expected> all;
    while (!bytes.empty()) {
        auto [error, one] = add(bytes);
        if (error == 0)
            all.push_back(std::move(one));
        else
            fuzz::require(std::ranges::find(one.errors, error) != one.errors.end());
    }
    const auto made = kspawn::internal::file_actions::actions_of(actions);
    fuzz::require(made.size() == all.size());
    for (std::size_t i = 0; i < made.size(); ++i)
        fuzz::require(same(made[i], all[i]));
    fuzz::require(kspawn_spawn_file_actions_destroy(&actions) == 0);
    return 0;
}
