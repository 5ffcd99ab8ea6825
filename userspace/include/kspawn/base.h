/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Needed by the other headers of libkspawn: its version, and how its functions are
 * declared.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_BASE_H
#define KSPAWN_BASE_H

/** @name Version of these headers */
/**@{*/
#define KSPAWN_VERSION_MAJOR 0 /**< the first of its numbers */
#define KSPAWN_VERSION_MINOR 2 /**< the second */
#define KSPAWN_VERSION_PATCH 0 /**< the third */
/**@}*/

/** Exported from the library. */
#define KSPAWN_API __attribute__((__visibility__("default")))

/** No function throws; C has no word for it. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define KSPAWN_NOEXCEPT noexcept
#elif defined(__cplusplus)
#define KSPAWN_NOEXCEPT throw()
#else
#define KSPAWN_NOEXCEPT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library that the program runs with, which may be newer
 * than the headers it was compiled with.
 *
 * @return "MAJOR.MINOR.PATCH"; it lives as long as the library is loaded
 */
KSPAWN_API const char* kspawn_version(void) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_BASE_H */
