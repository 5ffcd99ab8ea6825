# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For tests/guest/real_*.sh and their like: run programs with the preload, read what it
# and the module have counted.

# shellcheck source=tests/guest/tap.bash
. "${BASH_SOURCE[0]%/*}/../guest/tap.bash"

preload=$build/libkspawn-preload.so
counters=/sys/class/misc/kspawn/stats
stats=$work/stats
shown=$stats

# The results of tests about paths must not depend on who runs them.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8
unset LD_PRELOAD KSPAWN_BACKEND KSPAWN_STATS

# Every call the module has seen, those that failed included.  One that is made again
# (one child's SIGCHLD while another thread is in system()) is one call.
module_count() { echo $(($(cat "$counters/spawns") - $(cat "$counters/restarted"))); }

# with_preload COMMAND...: its exit status; what it counted is in $stats, how many
# requests the module saw meanwhile in $seen
with_preload() {
	: >"$stats"
	local before status=0
	[ ! -e "$counters/spawns" ] || before=$(module_count)
	KSPAWN_STATS=$stats LD_PRELOAD=$preload "$@" || status=$?
	[ ! -e "$counters/spawns" ] || seen=$(($(module_count) - before))
	return $status
}

# counted PROGRAM FIELD: the sum of a field (kernel, failed, libc, posix_spawn...)
# over all processes of a program; "all" is every program
counted() {
	awk -v program="$1" -v field="$2" '
		/ kernel=/ {
			name = $2
			sub(/\[[0-9]+\]:$/, "", name)
			if (program != "all" && name != program)
				next
			for (i = 3; i <= NF; i++) {
				split($i, part, "=")
				if (part[1] == field)
					sum += part[2]
			}
		}
		END { print sum + 0 }' "$stats"
}

# Nothing went to libc, and the module saw what the programs say it did.
no_fallback() {
	[ "$(counted all libc)" = 0 ] &&
		[ "$seen" = $(($(counted all kernel) + $(counted all failed))) ]
}
