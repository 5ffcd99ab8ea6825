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
# shellcheck source=scripts/usage.sh
. "${BASH_SOURCE[0]%/*}/../../scripts/usage.sh"
# shellcheck source=scripts/progress.sh
. "${BASH_SOURCE[0]%/*}/../../scripts/progress.sh"

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

# Of a package, perhaps NAME=VERSION.
field() { # PACKAGE FIELD
	apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n "s/^$2: //p"
}

# What comes from Debian's archive comes by apt.
need_apt() { # WHAT
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && return
	say "$1 is not in $kspawn_cache, and there is no apt-get here to fetch it with"
	exit 3
}

# As root apt drops to user _apt, who may not write into a private cache: it then
# says so and goes on.
apt_download() {
	apt-get -qq download "$@" 2> >(grep -v 'performed unsandboxed' >&2)
}

megabytes() { # BYTES
	echo $((($1 + 500000) / 1000000))
}

downloaded() {
	echo "$(megabytes "$(du -sb . | cut -f 1)") of $download_size MB"
}

# Download packages by name into the current directory, and show how far that is.
download() {
	local package bytes=0 size how_far=downloaded download_size
	for package; do
		size=$(field "$package" Size)
		bytes=$((bytes + ${size:-0}))
	done
	download_size=$(megabytes "$bytes")
	ticking "${0##*/}: downloading $*" apt_download "$@" ||
		die "cannot download $*; is the package list current? Try: apt-get update"
}

# Unpack some of a package's files, and show that it goes on.
unpack() { # PACKAGE-FILE TAR-OPTION...
	local file=$1
	shift
	ticking "${0##*/}: unpacking ${file##*/}" unpack_quietly "$file" "$@"
}

unpack_quietly() {
	local file=$1
	shift
	dpkg-deb --fsys-tarfile "$file" | tar -x "$@"
}

# One builder at a time: two runs that both find the cache empty must not
# unpack over each other.
lock_cache() {
	mkdir -p "$kernels_dir"
	exec 9>"$kspawn_cache/lock"
	if ! flock -n 9; then
		ticking "${0##*/}: waiting for another kspawn build to fill $kspawn_cache" flock 9
	fi
}
