// SPDX-License-Identifier: LGPL-2.1-or-later
/// Features of the libc that we are compiled for, from its headers alone.
///
/// glibc says its version; another libc is taken for musl 1.2, which says none.
/// KSPAWN_AS_IF_GLIBC_2=28 compiles the library as glibc 2.28 would, for tests.
#ifndef KSPAWN_LIB_LIBC_FEATURES_HPP
#define KSPAWN_LIB_LIBC_FEATURES_HPP

#include <cstdlib> // which defines __GLIBC__

#if defined(KSPAWN_AS_IF_GLIBC_2)
#define KSPAWN_GLIBC_SINCE(minor) (KSPAWN_AS_IF_GLIBC_2 >= (minor))
#elif defined(__GLIBC__)
#define KSPAWN_GLIBC_SINCE(minor) (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= (minor)))
#else
#define KSPAWN_GLIBC_SINCE(minor) 0
#endif

#if defined(__GLIBC__)
#define KSPAWN_IS_GLIBC 1
#else
#define KSPAWN_IS_GLIBC 0
#endif

/// posix_spawn_file_actions_addchdir_np() and addfchdir_np(): glibc 2.29, musl 1.1.24.
#define KSPAWN_LIBC_HAS_CHDIR (KSPAWN_GLIBC_SINCE(29) || !KSPAWN_IS_GLIBC)
/// strerrordesc_np()
#define KSPAWN_LIBC_HAS_STRERRORDESC KSPAWN_GLIBC_SINCE(32)
/// posix_spawn_file_actions_addclosefrom_np()
#define KSPAWN_LIBC_HAS_CLOSEFROM KSPAWN_GLIBC_SINCE(34)
/// posix_spawn_file_actions_addtcsetpgrp_np()
#define KSPAWN_LIBC_HAS_TCSETPGRP KSPAWN_GLIBC_SINCE(35)

#endif
