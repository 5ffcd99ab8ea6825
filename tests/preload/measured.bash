# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# In the guest: what load_cost counts.  To be sourced after root.sh; /tmp/measured has what
# was counted, "NAME THOUSANDS" a line.

# in_root ARGUMENT...: runs $root/measure, which may call "measured NAME COMMAND..."
in_root() {
	cat >$root/measured.bash <<'MEASURED'
now() { echo "${EPOCHREALTIME/./}"; }

# measured NAME COMMAND...: thousands of instructions (the clock has microseconds)
measured() {
	local name=$1 begin
	shift
	begin=$(now)
	"$@"
	echo "$name $(($(now) - begin))"
}
MEASURED
	cat $root/measure >>$root/measured.bash
	chroot $root /bin/bash -eu /measured.bash "$@"
}

median() { # NAME COUNT
	sed -n "s/^$1 //p" /tmp/measured | sort -n | sed -n "$((($2 + 1) / 2))p"
}

# Where the counts are from, and all of them.
raw() {
	echo "# kernel $(uname -r)"
	echo "# cpu $(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)"
	echo "# glibc $(ldd --version | sed -n '1s/.* //p')"
	sed 's/^/# /; s/$/ thousand/' /tmp/measured
}
