/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All ways, for BENCH_WAY(identifier).  A libc other than the system's has but one. */
BENCH_WAY(posix_spawn)
#ifdef __GLIBC__
BENCH_WAY(fork)
BENCH_WAY(vfork)
BENCH_WAY(clone3)
BENCH_WAY(error_pipe)
BENCH_WAY(afork)
BENCH_WAY(thread)
BENCH_WAY(pool)
BENCH_WAY(popen)
BENCH_WAY(system)
BENCH_WAY(kspawn)
BENCH_WAY(kspawn_async)
BENCH_WAY(kspawn_wait)
#endif
