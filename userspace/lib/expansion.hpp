// SPDX-License-Identifier: LGPL-2.1-or-later
/// Actions that whoever starts the program does not have, said in those it has.
#ifndef KSPAWN_LIB_EXPANSION_HPP
#define KSPAWN_LIB_EXPANSION_HPP

#include <kspawn/spawn.h>

#include <span>

#include "file_actions.hpp"
#include "memory.hpp"

namespace kspawn::internal {

/// The work that is left to whoever starts the program.
struct Abilities {
    bool closefrom;       ///< it has KSPAWN_ACTION_CLOSEFROM
    bool cloexec_default; ///< it has, or nobody wants, KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP
};

/// Whether a start needs an Expansion at all.
bool needs_expansion(const kspawn_spawn_file_actions_t* object, Abilities abilities) noexcept;

/// The actions of an object as a start can take them, for as long as it takes.
///
/// Which descriptors are open is looked up when this is made: what another thread
/// opens or closes between that and the child's creation is not known to it.
class Expansion {
public:
    /// The index of what no action of the object stands for.
    static constexpr unsigned of_none = ~0U;

    Expansion() noexcept;
    Expansion(const Expansion&) = delete;
    Expansion& operator=(const Expansion&) = delete;
    Expansion(Expansion&&) = delete;
    Expansion& operator=(Expansion&&) = delete;
    ~Expansion() = default;

    /// Once.  The object must live as long as this does, as it owns the paths.
    /// 0, ENOMEM, or ENOTSUP: refused() cannot be said in others.
    int make(const kspawn_spawn_file_actions_t* object, Abilities abilities) noexcept;

    /// The object to start with; valid after make().
    [[nodiscard]] const kspawn_spawn_file_actions_t* get() const noexcept { return &object_; }
    /// The object's action that an action of get() was made from.
    [[nodiscard]] unsigned index_of(unsigned index) const noexcept;
    /// The index of the object's action that cannot be said in others.
    [[nodiscard]] unsigned refused() const noexcept { return refused_; }

private:
    int add(const kspawn_action& action, unsigned index) noexcept;
    int add_close(int descriptor, unsigned index) noexcept;
    int add_closes(int first, int last, unsigned index) noexcept;
    int add_closefrom(int first, unsigned index, Abilities abilities) noexcept;
    int add_inherit(int descriptor, unsigned index) noexcept;
    int add_pass(const kspawn_action& action, unsigned index) noexcept;
    int add_said(const kspawn_action& action, unsigned index, Abilities abilities) noexcept;
    int close_what_is_not_named(std::span<const kspawn_action> said, Abilities abilities) noexcept;
    int close_between(const List<int>& kept) noexcept;
    int list_named(std::span<const kspawn_action> said, List<int>& list) const noexcept;
    int list_targets(int first, int last, List<int>& list) const noexcept;

    kspawn_spawn_file_actions_t object_;
    List<kspawn_action> actions_;
    List<unsigned> indices_;
    unsigned refused_ = of_none;
};

} // namespace kspawn::internal

#endif
