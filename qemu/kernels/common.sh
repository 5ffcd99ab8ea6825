# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the scripts beside it: the cache, and how packages get into it.
#
# Every kernel in the cache is one directory, whatever it was made from:
#   vmlinuz      the kernel as it is packaged
#   vmlinux      the same, unpacked, where QEMU can boot that (PVH)
#   release      its `uname -r`
#   modules/     lib/modules/<release>, unpacked (may be empty)
#   build/       what `make -C` wants to build a module against it
#   complete     written last; a directory without it is thrown away

set -euo pipefail

kspawn_cache="${XDG_CACHE_HOME:-$HOME/.cache}/kspawn"
kernels_dir="$kspawn_cache/kernels"

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

say() {
	echo "${0##*/}: $*" >&2
}

# The newest package whose whole name matches the given extended regex.
newest_package() {
	apt-cache pkgnames 2>/dev/null | grep -Ex -- "$1" | sort -V | tail -n 1
}

# Download packages by name into the current directory.  As root apt drops to
# user _apt, who may not write into a private cache: it then says so and goes on.
download() {
	apt-get -qq download "$@" 2> >(grep -v 'performed unsandboxed' >&2) ||
		die "cannot download $*; is the package list current? Try: apt-get update"
}

# One builder at a time: two runs that both find the cache empty must not
# unpack over each other.
lock_cache() {
	mkdir -p "$kernels_dir"
	exec 9>"$kspawn_cache/lock"
	if ! flock -n 9; then
		say "waiting for another kspawn build to fill $kspawn_cache"
		flock 9
	fi
}
