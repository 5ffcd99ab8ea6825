// SPDX-License-Identifier: LGPL-2.1-or-later
/// Names that GCC's C++ headers, as Debian has them, expect of glibc's C headers, and that
/// musl's do not have.  Nothing of the C++ library is linked: the library uses headers only.
#ifndef KSPAWN_TESTS_MUSL_GLIBC_WORDS_HPP
#define KSPAWN_TESTS_MUSL_GLIBC_WORDS_HPP

#define __GLIBC_PREREQ(major, minor) 0
#define __BEGIN_DECLS extern "C" {
#define __END_DECLS }

// Classes of characters, which musl has functions for and no bits.
enum {
    _ISupper = 1,
    _ISlower = 2,
    _ISalpha = 4,
    _ISdigit = 8,
    _ISxdigit = 16,
    _ISspace = 32,
    _ISprint = 64,
    _ISgraph = 128,
    _ISblank = 256,
    _IScntrl = 512,
    _ISpunct = 1024,
    _ISalnum = 2048
};

#include <locale.h>
#include <pthread.h>
#include <time.h>

using __locale_t = locale_t;
extern "C" int pthread_cond_clockwait(pthread_cond_t*, pthread_mutex_t*, clockid_t,
                                      const timespec*);
extern "C" int pthread_mutex_clocklock(pthread_mutex_t*, clockid_t, const timespec*);
extern "C" int pthread_rwlock_clockrdlock(pthread_rwlock_t*, clockid_t, const timespec*);
extern "C" int pthread_rwlock_clockwrlock(pthread_rwlock_t*, clockid_t, const timespec*);

#endif
