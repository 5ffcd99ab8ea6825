# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# In the guest: a root directory all in memory.  From the host's files the guest
# would have to wait for a read, or the check whether a file is still the same;
# and while it waits its clock, which else counts instructions, jumps.

root=/tmp/root
mkdir $root $root/dev $root/proc $root/tmp $root/sys
mount --bind /dev $root/dev
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t tracefs tracefs $root/sys/kernel/tracing

# copy FILE...: to the same path in the new root, and whatever libraries it needs
copy() {
	for file; do
		[ -e "$root$file" ] && continue
		mkdir -p "$root${file%/*}"
		cp -L "$file" "$root$file"
		# shellcheck disable=SC2046 # no library has a blank in its path
		copy $(ldd "$file" 2>/dev/null | sed -n 's,^[^/]*\(/[^ ]*\) (0x.*,\1,p')
	done
}

# copy_bench KSPAWN-BENCH: it, and all that it starts
copy_bench() {
	programs=${1%/*}/tests/bench
	copy /bin/sh /bin/true /etc/ld.so.cache "$1" "${1%/*}/libkspawn-preload.so" "$programs/runner" \
		"$programs/runner-musl" "$programs/tiny" "$programs/first" "$programs/late" \
		"$programs/runner-musl-shared" "$programs/writer" "$programs/checker"
	# Links, to the cache; those in what they lead to stay links.
	mkdir -p "$root$programs/libcs"
	for libc in "$programs"/libcs/*/complete; do
		[ -e "$libc" ] || continue
		libc=${libc%/complete}
		cp -a "$(realpath "$libc")" "$root$libc"
	done
}
