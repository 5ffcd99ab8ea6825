#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Go package kspawn (userspace/go): with the module every test and example of the package; some
# where nobody wants it, and where it is not there: ctest runs all of them so, in no guest.

# shellcheck source=tests/guest/tap.bash
. "$(dirname "$0")/tap.bash"

keep_module
program=$build/go/kspawn.test
[ -x "$program" ] || skip "the tests are not built: KSPAWN_GO=OFF, or there was no go"
spawns=/sys/class/misc/kspawn/stats/spawns
cd userspace/go || exit 1
# A soft limit that Go raises.
ulimit -Sn 1024

# tests WORDS [ARGUMENT...]: each as one of ours
tests() {
	local words=$1 name verdict status=0
	shift
	"$program" -test.v "$@" >"$shown" 2>&1 </dev/null || status=$?
	while read -r verdict name; do
		case $verdict in
		PASS) result 0 "$words: $name" ;;
		SKIP) result 0 "$words: $name" "# SKIP" ;;
		*) result 1 "$words: $name" ;;
		esac
	done < <(sed -nE 's/^--- (PASS|SKIP|FAIL): (\w+) .*/\1 \2/p' "$shown")
	check "$words: all of them" is "$status $(tail -n 1 "$shown")" "0 PASS"
}

before=$(<$spawns)
tests "with the module"
check "hundreds of starts reached it" test $(($(<$spawns) - before)) -gt 500
before=$(<$spawns)
export KSPAWN_BACKEND=libc
some='^Example|^Test(Streams|Failures|Descriptors)$'
tests "with it, unwanted" -test.run "$some"
unset KSPAWN_BACKEND
check "no start reached it" is "$(<$spawns)" "$before"
rmmod kspawn || exit 1
tests "without it" -test.run "$some"
finish
