// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * A set of signals that can be written down: {SIGINT, SIGTERM}.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_SIGNAL_SET_HPP
#define KSPAWN_SIGNAL_SET_HPP

#include <kspawn/base.hpp>

#include <csignal>
#include <initializer_list>

namespace kspawn {

/** A sigset_t with a constructor.  A value type. */
class KSPAWN_API SignalSet {
public:
    /** The empty set. */
    SignalSet() noexcept;
    /** A copy of what C has. */
    SignalSet(const sigset_t& set) noexcept : set_(set) {} // NOLINT(google-explicit-constructor)
    /**
     * @param signals signal numbers
     * @throws std::system_error EINVAL: one of them is none
     */
    SignalSet(std::initializer_list<int> signals);

    /** @return the set of all signals */
    static SignalSet all() noexcept;

    /**
     * Add a signal.
     * @throws std::system_error EINVAL: it is none
     */
    SignalSet& add(int signal);
    /**
     * Take a signal out.
     * @throws std::system_error EINVAL: it is none
     */
    SignalSet& remove(int signal);
    /** @return whether the signal is in the set; false for a number that is none */
    [[nodiscard]] bool contains(int signal) const noexcept;
    /** @return what C takes */
    [[nodiscard]] const sigset_t& get() const noexcept { return set_; }

private:
    sigset_t set_;
};

} // namespace kspawn

#endif // KSPAWN_SIGNAL_SET_HPP
