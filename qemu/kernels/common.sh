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
#   suite        whose it is, as in the table; the debug kernel has none
#   complete     written last; a directory without it is thrown away

set -euo pipefail
# shellcheck source=scripts/usage.sh
. "${BASH_SOURCE[0]%/*}/../../scripts/usage.sh"
# shellcheck source=scripts/progress.sh
. "${BASH_SOURCE[0]%/*}/../../scripts/progress.sh"

kspawn_cache="${XDG_CACHE_HOME:-$HOME/.cache}/kspawn"
kernels_dir="$kspawn_cache/kernels"
headers_dir="$kspawn_cache/headers" # of kernels that are not booted, for matrix

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

say() {
	echo "${0##*/}: $*" >&2
}

# The rows of the table of kernels: NAME SERIES FLAVOUR TESTED SUITE.  A kernel that several
# suites have is that of the host's suite, or else of the first.
kernel_rows() {
	awk -v host="$(host_suite)" '!/^(#|$)/ {
		count = split($5, suites, ",")
		suite = suites[1]
		for (i = 2; i <= count; i++)
			if (suites[i] == host)
				suite = host
		print $1, $2, $3, $4, suite
	}' "${BASH_SOURCE[0]%/*}/table"
}

# The row of one kernel, in which "oldest" and "newest" are of those that are always tested.
kernel_row() { # NAME
	case $1 in
	oldest) kernel_rows | grep -m 1 -w always ;;
	newest) kernel_rows | grep -w always | tail -n 1 ;;
	*) kernel_rows | awk -v name="$1" '$1 == name { print; found = 1 } END { exit !found }' ;;
	esac
}

# An extended regex on the releases that Debian's packages have in their names.
releases_of() { # SERIES FLAVOUR
	local flavour="-$2"
	[ "$flavour" != -generic ] || flavour=
	echo "${1//./\\.}\\.[0-9]+[^-]*(-[0-9]+)?$flavour-amd64"
}

# A field of a package, perhaps NAME=VERSION.
field() { # PACKAGE FIELD
	apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n "s/^$2: //p"
}

# The suite whose packages the host's own apt has.
host_suite() {
	(. /etc/os-release && echo "${VERSION_CODENAME:-}") 2>/dev/null || true
}

# The release in whose root (see root beside this) a kernel is built for.  Nothing, if the
# host's own tools do it: the kernel is of the host's release, or of another one whose compiler
# and programs are here, as those of an older Debian are.
release_to_build_in() { # SUITE BUILD-DIRECTORY
	local release=${1%-backports} compiler programs libraries
	[ "$release" != "$(host_suite)" ] || return 0
	compiler=$(sed -nE 's/^CC = .*\b(gcc-[0-9]+)$/\1/p' "$2/.kernelvariables")
	programs=("$2"/scripts/basic/fixdep "$2"/scripts/mod/modpost "$2"/tools/objtool/objtool)
	libraries=$(ldd "${programs[@]}" 2>&1 || true)
	if [ -z "$compiler" ] || ! command -v "$compiler" >/dev/null || [[ $libraries == *'not found'* ]]; then
		echo "$release"
	fi
}

# The newest of the directories of a name in the cache that are complete, whatever apt says.
newest_complete() { # DIRECTORY PATTERN
	local newest
	newest=$(find "$1" -path "$1/$2/complete" 2>/dev/null | sort -V | tail -n 1)
	[ -n "$newest" ] && echo "${newest%/complete}"
}

# The suite of a kernel in the cache.
suite_of() { # KERNEL-DIRECTORY
	if [ -e "$1/suite" ]; then echo "$(<"$1/suite")"; else host_suite; fi
}

# Where the host's apt gets packages from.
mirror() { # LABEL DEFAULT
	local uri
	# shellcheck disable=SC2016 # apt's
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" 2>/dev/null |
		head -n 1) || true
	echo "${uri:-$2}"
}

# Let apt-get and apt-cache be about a suite from here on: with sources, lists and a cache
# of their own, unless it is the host's.  The lists are as new as the host's.
use_suite() { # SUITE
	[ "$1" != "$(host_suite)" ] || return 0
	need_apt "a package of Debian $1"
	suite_apt="$kspawn_cache/apt/${1%-backports}"
	if ! [ "$suite_apt/updated" -nt /var/lib/apt/lists ]; then
		lock_cache
		if ! [ "$suite_apt/updated" -nt /var/lib/apt/lists ]; then
			set_up_apt "${1%-backports}"
			APT_CONFIG="$suite_apt/apt.conf" ticking "${0##*/}: updating the package lists of Debian $1" \
				update_lists || say "the package lists of Debian $1 are not current"
		fi
		exec 9>&-
	fi
	export APT_CONFIG="$suite_apt/apt.conf"
}

set_up_apt() { # RELEASE
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg debian security
	[ -e "$keys" ] || die "$keys is missing. Try: apt-get install debian-archive-keyring"
	debian=$(mirror Debian http://deb.debian.org/debian)
	security=$(mirror Debian-Security http://deb.debian.org/debian-security)
	mkdir -p "$suite_apt"/{lists,archives}/partial
	: >"$suite_apt/status"
	echo "deb [signed-by=$keys] $debian $1 main" >"$suite_apt/sources.list"
	# A suite that is not released has no updates of it.
	[ "$1" = sid ] || cat >>"$suite_apt/sources.list" <<-END
		deb [signed-by=$keys] $debian $1-updates main
		deb [signed-by=$keys] $debian $1-backports main
		deb [signed-by=$keys] $security $1-security main
	END
	cat >"$suite_apt/apt.conf" <<-END
		Dir::State "$suite_apt";
		Dir::State::status "$suite_apt/status";
		Dir::Cache "$suite_apt";
		Dir::Etc::sourcelist "$suite_apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Acquire::Languages "none";
		APT::Sandbox::User "root";
	END
}

update_lists() {
	apt-get -qq -o APT::Update::Error-Mode=any update && touch "$suite_apt/updated"
}

# Packages of Debian's archive come by apt.
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
