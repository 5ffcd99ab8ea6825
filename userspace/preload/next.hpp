// SPDX-License-Identifier: LGPL-2.1-or-later
/// The dynamic linker's tables, read without asking it.
///
/// dlsym() takes the dynamic linker's lock.  A child of _Fork(), of vfork() or of
/// a bare clone() may find that lock held by a thread that it does not have, and
/// exec functions are what such a child calls next.  So the list of loaded objects
/// is walked here, and the hash tables that programs are bound by are searched.
#ifndef KSPAWN_PRELOAD_NEXT_HPP
#define KSPAWN_PRELOAD_NEXT_HPP

namespace kspawn::preload {

/// Must be called once while no other thread can run, for LD_BIND_NOW: then the
/// dynamic linker does not leave in the library where the library is in its list.
void know_own_place() noexcept;

/// The function that stands behind this library's of the same name: libc's, or
/// that of a library that is preloaded after this one; null if there is none.  An
/// object without a GNU hash table is passed over.
void* next_function_if_any(const char* name) noexcept;

/// The same for what every libc has that this library can be loaded with; ends the
/// process if it is not there.
void* next_function(const char* name) noexcept;

/// A variable of libc's, or the copy of it that the program has.
void* libc_variable(const char* name) noexcept;

} // namespace kspawn::preload

#endif
