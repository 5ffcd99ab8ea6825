#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GNU make builds a C++ project with -j4, with the preload and without: every
# program that make starts goes through the kernel, and what comes out is the same.

# shellcheck source=tests/preload/guest.bash disable=SC2016,SC2317
. "$(dirname "$0")/../preload/guest.bash"
# shellcheck source=tests/preload/project.bash
. "$(dirname "$0")/../preload/project.bash"

units=50
project=$work/project

build_it() {
	rm -f "$project"/*.o "$project/program"
	"$@" make -s -j4 -C "$project" </dev/null
}

digest() { (cd "$project" && sha256sum ./*.o program); }

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
generate_project "$project" $units
check "make builds without the preload" build_it env
digest >"$work/without"
check "make builds with the preload" build_it with_preload
digest >"$work/with"
say "$(grep -c . "$work/with") files, $(make --version | head -n 1)"
check "the program runs" "$project/program"
check "all outputs are there" is "$(grep -c . "$work/with")" $((units + 2))
check "byte-identical outputs" cmp "$work/without" "$work/with"
# One compiler for each unit and main.cpp, one linker.
check "make started all of them by the kernel" is "$(counted make kernel)" $((units + 2))
check "by posix_spawn" is "$(counted make posix_spawn)" $((units + 2))
check "no fallback; the module counted the same" no_fallback
finish
