// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/signal_set.hpp>

#include <cerrno>
#include <system_error>

namespace kspawn {

SignalSet::SignalSet() noexcept : set_() {
    ::sigemptyset(&set_);
}

SignalSet::SignalSet(std::initializer_list<int> signals) : SignalSet() {
    for (const int signal : signals)
        add(signal);
}

SignalSet SignalSet::all() noexcept {
    SignalSet set;
    ::sigfillset(&set.set_);
    return set;
}

SignalSet& SignalSet::add(int signal) {
    if (::sigaddset(&set_, signal) != 0)
        throw std::system_error(errno, std::generic_category(), "signal " + std::to_string(signal));
    return *this;
}

SignalSet& SignalSet::remove(int signal) {
    if (::sigdelset(&set_, signal) != 0)
        throw std::system_error(errno, std::generic_category(), "signal " + std::to_string(signal));
    return *this;
}

bool SignalSet::contains(int signal) const noexcept {
    return ::sigismember(&set_, signal) == 1;
}

} // namespace kspawn
