#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Python package kspawn, by the system's Python: with the module every test of
# tests/preload/python_package.py; without it those of its installation: ctest runs all of them
# so, in no guest.

# shellcheck source=tests/guest/tap.bash
. "$(dirname "$0")/tap.bash"

keep_module
python=/usr/bin/python3
[ -e "$build/python/kspawn/_kspawn.abi3.so" ] || skip "the package is not built: KSPAWN_PYTHON=OFF"
tests=$(realpath tests/preload)
export PYTHONPATH=$build/python:$tests PYTHONDONTWRITEBYTECODE=1
cd "$work" || exit 1

# tests WORDS NAME...: each as one of ours
tests() {
	local words=$1 name verdict
	shift
	# An abandoned loop of asyncio says so in the midst of a line.
	$python -W ignore::ResourceWarning -m unittest -v "$@" >"$shown" 2>&1
	while read -r name verdict; do
		case $verdict in
		ok) result 0 "$words: $name" ;;
		skipped*) result 0 "$words: $name" "# SKIP" ;;
		*) result 1 "$words: $name" ;;
		esac
	done < <(sed -nE 's/^test_\w+ \((\S+)\).* \.\.\. (\w+).*/\1 \2/p' "$shown")
	check "$words: all of them" grep -q '^OK' "$shown"
}

tests "with the module" python_package
rmmod kspawn || exit 1
tests "without it" python_package.Installation
finish
