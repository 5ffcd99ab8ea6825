#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Without the module, the library starts programs with libc: the same tests, the
# same results, but for what libc cannot do or does not tell.  Not among them:
# what is about the device.

# shellcheck source=tests/preload/guest.bash
. "$(dirname "$0")/../preload/guest.bash"

module=$build/module/$(uname -r)/kspawn.ko
[ -d /sys/module/kspawn ] || skip "no module to remove: run this in a guest"
# What runs after this needs the module, whatever happens here.
trap 'rm -rf "$work"; [ -d /sys/module/kspawn ] || insmod "$module"' EXIT

# tests PROGRAM...: each of their tests is one of ours
tests() {
	local program status verdict name
	for program; do
		status=0
		"$build/tests/$program" >"$work/output" 2>&1 </dev/null || status=$?
		while read -r verdict name; do
			number=$((number + 1))
			case $verdict in
			OK) echo "ok $number - $program: $name" ;;
			SKIPPED) echo "ok $number - $program: $name # SKIP" ;;
			FAILED) echo "not ok $number - $program: $name" ;;
			esac
		done < <(sed -nE 's/^\[ +(OK|FAILED|SKIPPED) \] ([^ ,]+) \(.*/\1 \2/p' "$work/output")
		if [ $status -ne 0 ]; then
			sed 's/^/# /' "$work/output"
			failed=yes
		fi
		check "$program ends well" is $status 0
	done
}

rmmod kspawn || exit 1
check "there is no device" test ! -e /dev/kspawn
# The tests look at KSPAWN_KERNEL to see whether there must be a device.
unset KSPAWN_KERNEL
export KSPAWN_TEST_BACKEND=libc
tests lib/{attributes,failure,file_actions,libcs,library,pidfd,search,spawn,spawn_async,spawn_wait,threads} \
	command/{arguments,attributes,child,descriptors,errors,examples,output,pipeline}

insmod "$module" || exit 1
# With it, whoever does not want it is heard.
export KSPAWN_BACKEND=libc
tests lib/attributes
finish
