// SPDX-License-Identifier: LGPL-2.1-or-later
#include "expansion.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

#include "open_descriptors.hpp"

namespace kspawn::internal {

namespace {

// So many numbers are closed without a look at whether they are open, which is then
// exact, whatever other threads do.  Each is a system call of the child's.
constexpr int most_blind = 4096;

} // namespace

bool needs_expansion(const kspawn_spawn_file_actions_t* object, Abilities abilities) noexcept {
    if (!abilities.cloexec_default)
        return true;
    unsigned unsaid = is_composite;
    if (!abilities.closefrom)
        unsaid |= closes_above;
    return object != nullptr &&
           std::ranges::any_of(file_actions::actions_of(*object),
                               [&](const auto& action) { return has(action, unsaid); });
}

Expansion::Expansion() noexcept : object_() {
    object_.private_members.magic = file_actions::magic;
}

unsigned Expansion::index_of(unsigned index) const noexcept {
    const auto indices = indices_.all();
    return index < indices.size() ? indices[index] : of_none;
}

int Expansion::add(const kspawn_action& action, unsigned index) noexcept {
    return actions_.push(action) && indices_.push(index) ? 0 : ENOMEM;
}

int Expansion::add_close(int descriptor, unsigned index) noexcept {
    return add(file_actions::make(KSPAWN_ACTION_CLOSE, descriptor), index);
}

int Expansion::add_inherit(int descriptor, unsigned index) noexcept {
    if (slot(actions_.all(), descriptor) == Slot::empty)
        return 0;
    return add(file_actions::make(KSPAWN_ACTION_DUP2, descriptor, descriptor), index);
}

// A descriptor of the caller's is the child's as well, by the same number, as long as
// nothing else was put there.
int Expansion::add_pass(const kspawn_action& action, unsigned index) noexcept {
    const auto changes = [&](const kspawn_action& before) {
        return made_by(before) == action.fd || closes(before, action.fd);
    };
    if (action.oflag != 0 || std::ranges::any_of(actions_.all(), changes)) {
        refused_ = index;
        return ENOTSUP;
    }
    return add(file_actions::make(KSPAWN_ACTION_DUP2, action.fd, action.newfd), index);
}

// The descriptors that the actions so far make or read from: those that
// KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP is not to close.
int Expansion::list_named(std::span<const kspawn_action> said, List<int>& list) const noexcept {
    if (const int error = list_targets(0, INT_MAX, list); error != 0)
        return error;
    const auto indices = indices_.all();
    unsigned at = 0;
    for (const auto& action : actions_.all()) {
        // An action that reads a number that was passed reads the caller's, which is not named.
        const bool passed = said[indices[at++]].op == KSPAWN_ACTION_PASS;
        if (has(action, reads_fd) && !passed && !list.push(action.fd))
            return ENOMEM;
    }
    return 0;
}

// The descriptors that actions so far have put there.
int Expansion::list_targets(int first, int last, List<int>& list) const noexcept {
    for (const auto& action : actions_.all()) {
        const int made = made_by(action);
        if (made >= first && made <= last && !list.push(made))
            return ENOMEM;
    }
    return 0;
}

int Expansion::add_closes(int first, int last, unsigned index) noexcept {
    if (last - first < most_blind) {
        for (int number = first; number <= last; ++number) {
            if (const int error = add_close(number, index); error != 0)
                return error;
        }
        return 0;
    }
    List<int> open;
    if (const int error = list_open(first, last, open); error != 0)
        return error;
    if (const int error = list_targets(first, last, open); error != 0)
        return error;
    for (const int number : open.all()) {
        if (const int error = add_close(number, index); error != 0)
            return error;
    }
    return 0;
}

int Expansion::add_closefrom(int first, unsigned index, Abilities abilities) noexcept {
    if (!abilities.closefrom)
        return add_closes(first, INT_MAX, index);
    return add(file_actions::make(KSPAWN_ACTION_CLOSEFROM, first), index);
}

// Numbers below the highest that is kept, which are not kept.
int Expansion::close_between(const List<int>& kept) noexcept {
    const auto numbers = kept.all();
    const int end = numbers.back();
    if (end - static_cast<int>(numbers.size()) < most_blind) {
        auto next = numbers.begin();
        for (int number = 0; number < end; ++number) {
            if (number == *next) {
                next = std::upper_bound(next, numbers.end(), number);
                continue;
            }
            if (const int error = add_close(number, of_none); error != 0)
                return error;
        }
        return 0;
    }
    List<int> open;
    if (const int error = list_open(0, end, open); error != 0)
        return error;
    for (const int number : open.all()) {
        if (std::ranges::binary_search(numbers, number))
            continue;
        if (const int error = add_close(number, of_none); error != 0)
            return error;
    }
    return 0;
}

int Expansion::close_what_is_not_named(std::span<const kspawn_action> said,
                                       Abilities abilities) noexcept {
    List<int> kept;
    if (const int error = list_named(said, kept); error != 0)
        return error;
    int above = 0;
    if (!kept.all().empty()) {
        std::ranges::sort(kept.all());
        if (const int error = close_between(kept); error != 0)
            return error;
        if (kept.all().back() == INT_MAX)
            return 0;
        above = kept.all().back() + 1;
    }
    // Above the limit there may be some from before it was lowered.
    abilities.closefrom = abilities.closefrom && !above_the_limit(above);
    return add_closefrom(above, of_none, abilities);
}

int Expansion::add_said(const kspawn_action& action, unsigned index, Abilities abilities) noexcept {
    switch (action.op) {
    case KSPAWN_ACTION_INHERIT:
        return add_inherit(action.fd, index);
    case KSPAWN_ACTION_PASS:
        return add_pass(action, index);
    case KSPAWN_ACTION_CLOSE_RANGE:
        return action.newfd == INT_MAX ? add_closefrom(action.fd, index, abilities)
                                       : add_closes(action.fd, action.newfd, index);
    case KSPAWN_ACTION_CLOSEFROM:
        return add_closefrom(action.fd, index, abilities);
    default:
        return add(action, index);
    }
}

int Expansion::make(const kspawn_spawn_file_actions_t* object, Abilities abilities) noexcept {
    std::span<const kspawn_action> said;
    if (object != nullptr)
        said = file_actions::actions_of(*object);
    unsigned index = 0;
    int error = 0;
    for (const auto& action : said) {
        error = add_said(action, index, abilities);
        if (error != 0)
            return error;
        ++index;
    }
    if (!abilities.cloexec_default)
        error = close_what_is_not_named(said, abilities);
    object_.private_members.actions = actions_.all().data();
    object_.private_members.count = static_cast<unsigned>(actions_.all().size());
    return error;
}

} // namespace kspawn::internal
