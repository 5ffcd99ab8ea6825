#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The first programs that README and docs/using.md print, in C, C++, Python and for the shell:
# they compile, and start a program, as printed, by the kernel with the module and by libc
# without it.  Written to the top directory, which in a guest is forgotten.

# shellcheck source=tests/preload/guest.bash disable=SC2317
. "$(dirname "$0")/../preload/guest.bash"
cd "$(dirname "$0")/../.." || exit 1

keep_module

# block LANGUAGE [N [PAGE]]: the Nth block, the first, of a page, of README, that is marked with it
block() {
	awk -v fence="\`\`\`$1" -v wanted="${2:-1}" '
		$0 == "```" { inside = 0 }
		inside && number == wanted { print }
		$0 == fence { inside = 1; number++ }' "${3:-README.md}"
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
block python >first.py
block cpp 1 docs/using.md >third.cpp
block python 1 docs/using.md >second.py
{
	block sh
	block sh 1 docs/using.md
	block sh 2 docs/using.md
	block sh 3 docs/using.md
} >commands
check "the C program has ten lines" is "$(lines first.c)" 10
check "the C++ program has five lines" is "$(lines second.cpp)" 5
check "these are the commands" is "$(sed 's/ .*//' commands | tr '\n' ' ')" \
	"cc c++ ./first build/kspawn build/kspawn build/kspawn c++ qemu/vm ./first python3 build/kspawn build/kspawn "

check "they compile without a warning" is \
	"$(grep -E '^(cc|c\+\+) ' commands | sh -eu 2>&1 || echo failed)" ""

# runs COMMAND PATTERN: the one printed command that is like that ends well, and prints this
runs() {
	[ "$(grep -c -- "$1" commands)" = 1 ] || return
	grep -- "$1" commands | sh -eu >"$work/said" 2>&1 || return
	sed 's/^/# /' "$work/said" >&3
	grep -q "$2" "$work/said"
}

# README prints these commands behind qemu/vm: this script is in a guest already.
all_three=$(sed -n "s,^qemu/vm -- ,,p" commands)
without=$(grep -F './first && ./second && ./third' commands | grep -v '^qemu/vm')

# A question whether the kernel can be used counts as a start that fails, without a child.
before=$(<"$counters/clones")
check "they run with the module" says_all sh -euc "$all_three"
check "through the kernel, all four" is $(($(<"$counters/clones") - before)) 4
before=$(<"$counters/clones")
check "README's two run" runs '^./first && ./second$' 'It is .*UTC [0-9]*$'
check "Python, by ctypes" runs 'python3 second.py' '^search no-such-program in .*: No such file or directory'
check "kspawn run" runs 'build/kspawn run -v -- date' '^kspawn: [0-9]* exited with 0'
check "kspawn run, with options" runs 'build/kspawn run --chdir' '^proc$'
check "kspawn pipe" runs 'build/kspawn pipe' '^b$'
check "through the kernel, all seven" is $(($(<"$counters/clones") - before)) 7
check "Python, with the preload" runs 'first.py' '^kspawn: 1 started by the kernel, 0 that it refused, 0 left'
check "make, with the preload" runs 'make help' '^kspawn: [1-9][0-9]* started by the kernel, 0 that it refused, 0 left'
rmmod kspawn || exit 1
check "they run without the module" says_all sh -euc "$without"
check "Python, by ctypes, without" runs 'python3 second.py' '^search no-such-program in .*: No such file or directory'
check "Python, with the preload, without" runs 'first.py' '^kspawn: 0 started by the kernel, 0 that it refused, 1 left'
check "make, with the preload, without" runs 'make help' '^kspawn: 0 started by the kernel, 0 that it refused, [1-9][0-9]* left'
check "kspawn pipe, without" runs 'build/kspawn pipe' '^b$'
check "there was none" test ! -e /dev/kspawn
finish
