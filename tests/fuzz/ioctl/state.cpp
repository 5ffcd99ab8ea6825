// SPDX-License-Identifier: LGPL-2.1-or-later
// The actions that make a descriptor, and those on the state of the child.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "request.hpp"

namespace fuzz {

namespace {

// struct sched_attr of <linux/sched/types.h>, which does not go with <sched.h>.
struct SchedulingAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
    std::uint32_t least_utilization;
    std::uint32_t most_utilization;
};

} // namespace

void RequestReader::data(kspawn_action& action, const void* bytes, std::size_t size) {
    action.data = size != 0 ? put(bytes, size) : 0;
    action.value = size;
    if (reader_.one_in(20))
        action.value = reader_.number(3);
    if (reader_.one_in(40))
        action.data = bad_pointer();
}

// Beside all else, so that nothing else is written there.
std::uint64_t RequestReader::end_of_caller(Request& request) {
    if (reader_.one_in(16))
        return bad_pointer();
    auto* const to = memory_.place(sizeof(no_end), false);
    if (to == nullptr)
        return bad_pointer();
    std::memcpy(to, &no_end, sizeof(no_end));
    request.ends.push_back(reinterpret_cast<const std::int32_t*>(to));
    return reinterpret_cast<std::uint64_t>(to);
}

void RequestReader::made(kspawn_action& action, Request& request) {
    action.newfd = descriptor();
    if (action.op == KSPAWN_ACTION_MEMFD) {
        std::vector<std::uint8_t> contents(reader_.one_in(8) ? reader_.number(2) : reader_.byte());
        action.path = put(contents.data(), contents.size());
        action.mode = contents.size();
        action.oflag = reader_.one_of<std::uint64_t>({0, O_CLOEXEC});
        if (reader_.one_in(20))
            action.mode = reader_.number(4);
    } else if (action.op == KSPAWN_ACTION_PIPE) {
        action.mode = reader_.one_of<std::uint64_t>({O_RDONLY, O_WRONLY});
        action.oflag = reader_.one_of<std::uint64_t>(
            {0, O_CLOEXEC, O_NONBLOCK, O_DIRECT, O_CLOEXEC | O_NONBLOCK | O_DIRECT});
    } else {
        action.mode = reader_.one_of<std::uint64_t>({SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET});
        action.oflag = reader_.one_of<std::uint64_t>({0, O_CLOEXEC, O_NONBLOCK});
    }
    if (action.op != KSPAWN_ACTION_MEMFD)
        action.path = end_of_caller(request);
    if (reader_.one_in(30)) {
        action.mode = reader_.number(4);
        action.oflag = reader_.number(4);
    }
}

void RequestReader::ids(kspawn_action& action) {
    for (auto* const id : {&action.value, &action.value2, &action.value3})
        *id = reader_.one_of<std::uint64_t>({~0ULL, 0, 65432, 12, 0xffffffff, 0x100000000});
}

void RequestReader::limit(kspawn_action& action) {
    const auto amount = [this]() -> std::uint64_t {
        switch (reader_.below(4)) {
        case 0:
            return RLIM_INFINITY;
        case 1:
            return 1ULL << reader_.below(64);
        case 2:
            return reader_.byte();
        default:
            return reader_.number(8);
        }
    };
    action.value2 = reader_.below(17);
    action.value = amount();
    action.value3 = reader_.one_in(2) ? amount() : RLIM_INFINITY;
}

void RequestReader::capabilities(kspawn_action& action) {
    std::array<std::uint32_t, 6> sets{};
    for (auto& set : sets)
        set = reader_.one_in(2) ? static_cast<std::uint32_t>(reader_.number(4)) : 0;
    // Effective capabilities must be permitted.
    if (!reader_.one_in(4)) {
        sets[1] |= sets[0];
        sets[4] |= sets[3];
    }
    data(action, sets.data(), reader_.one_in(16) ? reader_.byte() % sizeof(sets) : sizeof(sets));
}

void RequestReader::process_control(kspawn_action& action) {
    action.value2 = reader_.one_of<std::uint64_t>(
        {PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAPBSET_DROP, PR_CAP_AMBIENT,
         PR_SET_CHILD_SUBREAPER, PR_SET_TIMERSLACK, PR_SET_SECCOMP, PR_SET_MM});
    action.value = reader_.one_in(4) ? reader_.number(8) : reader_.below(64);
    if (action.value2 == PR_CAP_AMBIENT)
        action.value = reader_.below(6);
    if (reader_.one_in(2))
        action.value3 = reader_.below(64);
}

void RequestReader::scheduler(kspawn_action& action) {
    SchedulingAttributes attributes{};
    attributes.size = reader_.one_of<std::uint32_t>({sizeof(attributes), 48, 0, 56, 64, 47});
    attributes.policy = reader_.one_of<std::uint32_t>({0, 3, 5, 6, 1, 2, 7});
    attributes.flags = reader_.one_of<std::uint64_t>({0, 1, 0x20, 0x7f});
    attributes.nice = reader_.one_of({0, 5, -5, 100});
    if (attributes.policy == 1 || attributes.policy == 2)
        attributes.priority = reader_.below(101);
    if (attributes.policy == 6) {
        attributes.runtime = 1'000'000ULL + reader_.number(3);
        attributes.deadline = 50'000'000ULL + reader_.number(3);
    }
    if (reader_.one_in(20))
        patch(&attributes, sizeof(attributes));
    data(action, &attributes, reader_.one_in(2) ? sizeof(attributes) : 48);
}

void RequestReader::exceptions(kspawn_action& action) {
    std::vector<int> kept(reader_.one_in(30) ? reader_.number(2) : reader_.below(8));
    for (auto& one : kept)
        one = descriptor();
    if (!reader_.one_in(8)) { // ascending, each once
        std::ranges::sort(kept);
        kept.erase(std::ranges::unique(kept).begin(), kept.end());
    }
    action.fd = descriptor();
    action.newfd = reader_.one_in(2) ? descriptor() : 0x7fffffff;
    data(action, kept.data(), kept.size() * sizeof(kept[0]));
}

// Operations that take one number.
void RequestReader::numbers(kspawn_action& action) {
    switch (action.op) {
    case KSPAWN_ACTION_UMASK:
        action.value = reader_.number(2) & 0777;
        break;
    case KSPAWN_ACTION_PDEATHSIG:
        action.value = reader_.below(67);
        break;
    case KSPAWN_ACTION_PRIORITY:
    case KSPAWN_ACTION_OOM_SCORE:
        action.value = static_cast<__u64>(static_cast<std::int64_t>(
            reader_.one_of({0, 1, 19, -1, -20, 1000, -1000, 1001, 0x7fffffff, -0x7fffffff - 1})));
        break;
    case KSPAWN_ACTION_UNSHARE:
        action.value = reader_.one_of<std::uint64_t>(
            {CLONE_NEWUTS, CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWTIME,
             CLONE_NEWCGROUP, CLONE_NEWNET, CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWNS, CLONE_FILES,
             0});
        break;
    case KSPAWN_ACTION_IOPRIO:
        action.value = static_cast<std::uint64_t>(reader_.below(5)) << 13U | reader_.below(10);
        break;
    case KSPAWN_ACTION_PERSONALITY:
        action.value = reader_.one_of<std::uint64_t>({0, 0x40000, 0x400000, 0x8, 0xffffffff});
        break;
    default: // no_new_privs, stop
        break;
    }
    if (reader_.one_in(16))
        action.value = reader_.number(8);
}

void RequestReader::state(kspawn_action& action) {
    std::array<std::uint64_t, 16> mask{};
    switch (action.op) {
    case KSPAWN_ACTION_RLIMIT:
        return limit(action);
    case KSPAWN_ACTION_RESUID:
    case KSPAWN_ACTION_RESGID:
        return ids(action);
    case KSPAWN_ACTION_GROUPS: {
        const std::vector<std::uint32_t> groups(
            reader_.one_in(30) ? reader_.number(3) % 70000 : reader_.below(40), reader_.byte());
        return data(action, groups.data(), groups.size() * sizeof(groups[0]));
    }
    case KSPAWN_ACTION_CTTY:
        action.fd = reader_.one_in(4) ? descriptor() : 6;
        action.value = reader_.one_of<std::uint64_t>({0, 1, 0, 1, 2});
        return;
    case KSPAWN_ACTION_AFFINITY:
        mask[0] = reader_.number(1);
        return data(action, mask.data(), reader_.one_in(4) ? reader_.byte() % sizeof(mask) : 8);
    case KSPAWN_ACTION_SETNS:
        // The descriptors of main.cpp: namespaces and a pidfd.
        action.fd = reader_.one_of({68, 69, 70, descriptor()});
        action.value = reader_.one_of<std::uint64_t>(
            {0, CLONE_NEWUTS, CLONE_NEWNS, CLONE_NEWUTS | CLONE_NEWIPC, CLONE_NEWUSER, 1});
        return;
    case KSPAWN_ACTION_CAPABILITIES:
        return capabilities(action);
    case KSPAWN_ACTION_PRCTL:
        return process_control(action);
    case KSPAWN_ACTION_SCHEDULER:
        return scheduler(action);
    case KSPAWN_ACTION_MEMPOLICY:
        mask[0] = reader_.one_in(2) ? 1 : 0;
        action.value2 = reader_.below(8) | (reader_.one_in(8) ? reader_.number(2) : 0);
        return data(action, mask.data(), 8UL * reader_.below(5));
    case KSPAWN_ACTION_CLOSE_EXCEPT:
        return exceptions(action);
    default:
        return numbers(action);
    }
}

} // namespace fuzz
