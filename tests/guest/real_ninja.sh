#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ninja runs its commands by the kernel, and sees their output and failures.

# shellcheck source=tests/preload/guest.bash disable=SC2016,SC2317
. "$(dirname "$0")/../preload/guest.bash"

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
cd "$work" || exit 1
edges=20
{
	echo 'rule copy'
	echo '  command = cp $in $out && echo copied $out'
	echo 'rule fail'
	echo '  command = exit 3'
	echo 'build failing: fail'
	for edge in $(seq $edges); do
		echo "build out_$edge: copy in_$edge"
		echo "$edge" >"in_$edge"
		all="$all out_$edge"
	done
	echo "build all: phony$all"
	echo 'default all'
} >build.ninja

check "ninja builds" with_preload ninja -j4 >output
check "every output is there" is "$(cat out_* | sort -n | tr '\n' ' ')" "$(seq $edges | tr '\n' ' ')"
check "ninja read what the commands said" is "$(grep -c '^copied out_' output)" $edges
check "all by the kernel" is "$(counted ninja kernel)" $edges
check "no fallback; the module counted the same" no_fallback

failing() { ! with_preload ninja failing >output; }
check "a command that fails is told" failing
check "ninja names it" grep -q '^FAILED: failing' output
check "it was started by the kernel" is "$(counted ninja kernel)" 1
finish
