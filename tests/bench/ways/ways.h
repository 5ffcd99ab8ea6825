/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All ways to start a program, in the order that tables have: to add one is a line here and
 * a file CODE.c beside this one.
 *
 *   BENCH_WAY(NAME, CODE, COLOUR, WORDS, TRAITS...)
 *
 * NAME is what results call it.  CODE.c defines bench_way_CODE, which may serve more than one
 * way.  COLOUR is that of plots, "" for a grey; WORDS name the way in tables and plots.
 * TRAITS are for the driver: members of its struct Way (see driver/cells.hpp).
 *
 * The runner that is linked to another libc than the system's has posix_spawn() alone.  A way
 * with .libc is run by the loader of a libc of another Debian, which tests/bench/libc fetches
 * under that name; VERSION in WORDS is what that is today.  It is left out where there is none.
 */
#ifdef __GLIBC__
BENCH_WAY(fork, fork, "#222222", "fork, execve", .searches = true)
BENCH_WAY(vfork, vfork, "#7a3fa0", "vfork, execve, nothing else", .searches = true, .traced = true)
BENCH_WAY(glibc, posix_spawn, "#1257a8", "posix_spawn of glibc", .searches = true, .traced = true)
BENCH_WAY(glibc_trixie, posix_spawn, "#4f8fd0", "posix_spawn of glibc VERSION (trixie)",
          .libc = "glibc-trixie", .searches = true)
BENCH_WAY(glibc_sid, posix_spawn, "#8fbfe8", "posix_spawn of glibc VERSION (sid)",
          .libc = "glibc-sid", .searches = true)
BENCH_WAY(clone3, clone3, "", "posix_spawn with CLONE_CLEAR_SIGHAND", .searches = true)
#endif
BENCH_WAY(musl, posix_spawn, "#0b8a6a", "posix_spawn of musl", .musl = true, .searches = true)
BENCH_WAY(musl_trixie, posix_spawn, "#6cc4ac", "posix_spawn of musl VERSION (trixie)",
          .libc = "musl-trixie", .musl = true, .searches = true)
#ifdef __GLIBC__
BENCH_WAY(error_pipe, error_pipe, "", "clone(CLONE_VM), error pipe")
BENCH_WAY(afork, afork, "", "afork")
BENCH_WAY(thread, thread, "", "helper thread, vfork")
BENCH_WAY(pool, pool, "", "pool of vforked workers")
BENCH_WAY(popen, popen, "", "popen", .plain_only = true)
BENCH_WAY(system, system, "", "system", .plain_only = true)
BENCH_WAY(preload, posix_spawn, "#ef7d00", "posix_spawn, libkspawn-preload", .preload = true,
          .searches = true)
BENCH_WAY(kspawn, kspawn, "#c8102e", "kspawn", .ours = true, .searches = true, .traced = true)
BENCH_WAY(kspawn_async, kspawn_async, "#8f0b20", "kspawn, asynchronous (ioctl)", .ours = true,
          .searches = true)
BENCH_WAY(kspawn_wait, kspawn_wait, "#e06a7c", "kspawn, start and wait in one call (ioctl)",
          .ours = true, .searches = true)
BENCH_WAY(tool_glibc, tool_glibc, "#1257a8", "tool call, posix_spawn of glibc", .captures = true)
BENCH_WAY(tool_glibc_trixie, tool_glibc, "#4f8fd0",
          "tool call, posix_spawn of glibc VERSION (trixie)", .libc = "glibc-trixie",
          .captures = true)
BENCH_WAY(tool_glibc_sid, tool_glibc, "#8fbfe8", "tool call, posix_spawn of glibc VERSION (sid)",
          .libc = "glibc-sid", .captures = true)
BENCH_WAY(tool_clone3, tool_clone3, "", "tool call, clone3", .captures = true)
BENCH_WAY(tool_kspawn, tool_kspawn, "#c8102e", "tool call, kspawn", .ours = true, .captures = true)
BENCH_WAY(builder, builder, "#f2a0ad", "builder, a call for each step (ioctl)", .ours = true,
          .searches = true)
BENCH_WAY(pipeline_glibc, pipeline_glibc, "#5c8fcf", "three posix_spawns of glibc with pipe2",
          .pipeline = true)
BENCH_WAY(pipeline_glibc_trixie, pipeline_glibc, "#8fb4e0",
          "three posix_spawns of glibc VERSION (trixie) with pipe2", .libc = "glibc-trixie",
          .pipeline = true)
BENCH_WAY(pipeline_vfork, pipeline_vfork, "#7a3fa0", "three times vfork and execve with pipe2",
          .pipeline = true)
BENCH_WAY(pipeline_kspawn, pipeline_kspawn, "#a81c5e", "kspawn, a pipeline in one call",
          .ours = true, .pipeline = true)
#endif
