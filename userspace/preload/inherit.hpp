// SPDX-License-Identifier: LGPL-2.1-or-later
/// KSPAWN_INHERIT=0: the library is for this process alone.
#ifndef KSPAWN_PRELOAD_INHERIT_HPP
#define KSPAWN_PRELOAD_INHERIT_HPP

namespace kspawn::preload {

/// Takes the library out of LD_PRELOAD if KSPAWN_INHERIT says so.
void obey_inherit() noexcept;

} // namespace kspawn::preload

#endif
