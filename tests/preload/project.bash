# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A C++ project to build: tiny units, but not all alike, and with a header, so
# that a unit that was built with another's flags, or not at all, would show.

# generate_project DIRECTORY UNITS: and a main.cpp, which checks them
generate_project() {
	local directory=$1 units=$2 unit
	mkdir -p "$directory"
	{
		echo '#pragma once'
		for ((unit = 1; unit <= units; unit++)); do
			echo "int unit_$unit(int value);"
		done
	} >"$directory/units.hpp"
	for ((unit = 1; unit <= units; unit++)); do
		printf '#include "units.hpp"\nstatic int twice(int value) { return 2 * value; }\nint unit_%d(int value) { return twice(value) + %d; }\n' \
			"$unit" "$unit" >"$directory/unit_$unit.cpp"
	done
	{
		echo '#include "units.hpp"'
		echo 'extern "C" int puts(const char *);'
		echo 'int main() { int sum = 0;'
		for ((unit = 1; unit <= units; unit++)); do
			echo "sum += unit_$unit($unit);"
		done
		# 3 * (1 + ... + units)
		echo "return sum == $((3 * units * (units + 1) / 2)) ? 0 : 1; }"
	} >"$directory/main.cpp"
	cat >"$directory/Makefile" <<-'MAKEFILE'
		sources := $(wildcard *.cpp)
		objects := $(sources:.cpp=.o)
		program: $(objects) ; g++ -o $@ $(sort $(objects))
		%.o: %.cpp units.hpp ; g++ -O0 -c -o $@ $<
	MAKEFILE
}
