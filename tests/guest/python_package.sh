#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Python package kspawn (userspace/python), with the module and without it: every test of
# tests/preload/python_package.py, by the system's Python.

# shellcheck source=tests/guest/tap.bash
. "$(dirname "$0")/tap.bash"

keep_module
python=/usr/bin/python3
[ -e "$build/python/kspawn/_kspawn.abi3.so" ] || skip "the package is not built: KSPAWN_PYTHON=OFF"
tests=$(realpath tests/preload)
export PYTHONPATH=$build/python:$tests PYTHONDONTWRITEBYTECODE=1
cd "$work" || exit 1

# tests WORDS: each as one of ours
tests() {
	local name verdict
	# An abandoned loop of asyncio says so in the midst of a line.
	$python -W ignore::ResourceWarning -m unittest -v python_package >"$shown" 2>&1
	while read -r name verdict; do
		case $verdict in
		ok) result 0 "$1: $name" ;;
		skipped*) result 0 "$1: $name" "# SKIP" ;;
		*) result 1 "$1: $name" ;;
		esac
	done < <(sed -nE 's/^test_\w+ \((\S+)\).* \.\.\. (\w+).*/\1 \2/p' "$shown")
	check "$1: all of them" grep -q '^OK' "$shown"
}

tests "with the module"
rmmod kspawn || exit 1
tests "without it"
finish
