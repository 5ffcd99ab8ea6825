#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Without the module, the library starts programs with libc: the same tests, the
# same results, but for what libc cannot do or does not tell.  Not among them:
# what is about the device.

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
tests lib/{attributes,batch,capture,failure,file_actions,libcs,library,pidfd,search,spawn,spawn_async,spawn_wait,threads,tool_pipe} \
	command/{arguments,attributes,capture,child,descriptors,errors,examples,leaks,output,pipeline}

insmod "$module" || exit 1
# With it, whoever does not want it is heard.
export KSPAWN_BACKEND=libc
tests lib/attributes
finish
