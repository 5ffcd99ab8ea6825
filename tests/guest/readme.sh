#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The first programs that README prints, in C and C++: they compile, and start a
# program, as printed, by the kernel with the module and by libc without it.
# Written to the top directory, which in a guest is forgotten.

# shellcheck source=tests/preload/guest.bash disable=SC2317
. "$(dirname "$0")/../preload/guest.bash"
cd "$(dirname "$0")/../.." || exit 1

keep_module

# block LANGUAGE [N]: the Nth block of README that is marked with it, the first
block() {
	awk -v fence="\`\`\`$1" -v wanted="${2:-1}" '
		$0 == "```" { inside = 0 }
		inside && number == wanted { print }
		$0 == fence { inside = 1; number++ }' README.md
}

lines() { grep -c . "$1"; }

# says_all COMMAND...: twice what `date -u` prints, a failure and an end
says_all() {
	"$@" >"$work/said" || return
	sed 's/^/# /' "$work/said" >&3
	[ "$(lines "$work/said")" = 4 ] && [ "$(grep -c 'UTC [0-9]*$' "$work/said")" = 2 ] &&
		[ "$(grep -c '^It is ' "$work/said")" = 1 ] &&
		[ "$(grep -c '^file action 0: chdir /no/such/directory: No such' "$work/said")" = 1 ] &&
		[ "$(grep -c '^process [0-9]*: exit status 0$' "$work/said")" = 1 ]
}

block c >first.c
block cpp >second.cpp
block cpp 2 >third.cpp
block sh >commands
check "the C program has ten lines" is "$(lines first.c)" 10
check "the C++ program has ten lines" is "$(lines second.cpp)" 10
check "three commands compile, two run" is "$(sed 's/ .*//' commands | tr '\n' ' ')" \
	"cc c++ c++ qemu/vm ./first "

check "they compile without a warning" is "$(sed 3q commands | sh -eu 2>&1 || echo failed)" ""
# We are in the guest already.
sed -i '1,3d; s,^qemu/vm -- ,,' commands
# A question whether the kernel can be used counts as a start that fails, without a child.
before=$(<"$counters/clones")
check "they run with the module" says_all sh -eu <(sed -n 1p commands)
check "through the kernel, all four" is $(($(<"$counters/clones") - before)) 4
rmmod kspawn || exit 1
check "they run without the module" says_all sh -eu <(sed -n 2p commands)
check "there was none" test ! -e /dev/kspawn
finish
