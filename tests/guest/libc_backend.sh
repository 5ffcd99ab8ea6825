#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Without the module, the library starts programs with libc, and with it for whoever does not want
# it: the same tests, the same results, but for what libc cannot do or does not tell.  These are a
# few of the programs; ctest runs all of them through libc (kspawn_test_through_libc), in a
# hundredth of the time that an emulated CPU takes.

# shellcheck source=tests/preload/guest.bash
. "$(dirname "$0")/../preload/guest.bash"

keep_module

# results_in FILE: a line for each of GoogleTest's results in it, "passed NAME"
results_in() {
	PYTHONPATH=tests/runner python3 -B -c '
import json, sys, verdicts
for test in verdicts.gtest_tests(json.load(open(sys.argv[1]))):
    print(test.verdict, test.name)' "$1"
}

# tests PROGRAM...: each of their tests is one of ours
tests() {
	local program status verdict name
	for program; do
		status=0
		rm -f "$work/results"
		"$build/tests/$program" "--gtest_output=json:$work/results" >"$work/output" 2>&1 </dev/null ||
			status=$?
		[ $status -eq 0 ] || sed 's/^/# /' "$work/output" >&3
		while read -r verdict name; do
			case $verdict in
			passed) result 0 "$program: $name" ;;
			skipped) result 0 "$program: $name" "# SKIP" ;;
			*) result 1 "$program: $name" ;;
			esac
		done < <(results_in "$work/results")
		check "$program ends well" is $status 0
		check "$program says what came of its tests" test -s "$work/results"
	done
}

rmmod kspawn || exit 1
check "there is no device" test ! -e /dev/kspawn
# The tests look at KSPAWN_KERNEL to see whether there must be a device.
unset KSPAWN_KERNEL
export KSPAWN_TEST_BACKEND=libc
tests lib/{failure,libcs,library,spawn,spawn_wait} command/{descriptors,errors}

insmod "$module" || exit 1
# With it, whoever does not want it is heard.
export KSPAWN_BACKEND=libc
tests lib/attributes
finish
