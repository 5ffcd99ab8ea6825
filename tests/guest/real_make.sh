#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GNU make builds a C++ project with -j4, with the preload and without: every
# program that make starts goes through the kernel, and what comes out is the same.

# shellcheck source=tests/preload/guest.bash disable=SC2016,SC2317
. "$(dirname "$0")/../preload/guest.bash"

units=50
project=$work/project

# Tiny, but not all alike, and with a header, so that a unit that was built with
# another's flags or not at all would show.
generate() {
	mkdir -p "$project"
	local unit
	{
		echo '#pragma once'
		for unit in $(seq $units); do
			echo "int unit_$unit(int value);"
		done
	} >"$project/units.hpp"
	for unit in $(seq $units); do
		printf '#include "units.hpp"\nstatic int twice(int value) { return 2 * value; }\nint unit_%d(int value) { return twice(value) + %d; }\n' \
			"$unit" "$unit" >"$project/unit_$unit.cpp"
	done
	{
		echo '#include "units.hpp"'
		echo 'extern "C" int puts(const char *);'
		echo 'int main() { int sum = 0;'
		for unit in $(seq $units); do
			echo "sum += unit_$unit($unit);"
		done
		# 3 * (1 + ... + units)
		echo "return sum == $((3 * units * (units + 1) / 2)) ? 0 : 1; }"
	} >"$project/main.cpp"
	cat >"$project/Makefile" <<-'MAKEFILE'
		sources := $(wildcard *.cpp)
		objects := $(sources:.cpp=.o)
		program: $(objects) ; g++ -o $@ $(sort $(objects))
		%.o: %.cpp units.hpp ; g++ -O0 -c -o $@ $<
	MAKEFILE
}

build_it() {
	rm -f "$project"/*.o "$project/program"
	"$@" make -s -j4 -C "$project" </dev/null
}

digest() { (cd "$project" && sha256sum ./*.o program); }

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
generate
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
