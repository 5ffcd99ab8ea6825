#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The first programs that README prints, in C and C++: they compile, and start a
# program, as printed, by the kernel with the module and by libc without it.
# Written to the top directory, which in a guest is forgotten.

# shellcheck source=tests/preload/guest.bash disable=SC2317
. "$(dirname "$0")/../preload/guest.bash"
cd "$(dirname "$0")/../.." || exit 1

module=$build/module/$(uname -r)/kspawn.ko
[ -d /sys/module/kspawn ] || skip "no module to remove: run this in a guest"
# What runs after this needs the module, whatever happens here.
trap 'rm -rf "$work"; [ -d /sys/module/kspawn ] || insmod "$module"' EXIT

# block LANGUAGE: the block of README that is marked with it
block() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" README.md | sed '1d;$d'; }

lines() { grep -c . "$1"; }

# says_the_time COMMAND...: by what `date -u` prints, twice
says_the_time() {
	"$@" >"$work/said" || return
	sed 's/^/# /' "$work/said" >&3
	[ "$(lines "$work/said")" = 2 ] && [ "$(grep -c 'UTC [0-9]*$' "$work/said")" = 2 ] &&
		[ "$(grep -c '^It is ' "$work/said")" = 1 ]
}

block c >first.c
block cpp >second.cpp
block sh >commands
check "the C program has ten lines" is "$(lines first.c)" 10
check "the C++ program has ten lines" is "$(lines second.cpp)" 10
check "two commands compile, two run" is "$(sed 's/ .*//' commands | tr '\n' ' ')" "cc c++ qemu/vm ./first "

check "they compile without a warning" is "$(sed 2q commands | sh -eu 2>&1 || echo failed)" ""
# We are in the guest already.
sed -i '1,2d; s,^qemu/vm -- ,,' commands
before=$(module_count)
check "they run with the module" says_the_time sh -eu <(sed -n 1p commands)
check "through the kernel, both" is $(($(module_count) - before)) 2
rmmod kspawn || exit 1
check "they run without the module" says_the_time sh -eu <(sed -n 2p commands)
check "there was none" test ! -e /dev/kspawn
finish
