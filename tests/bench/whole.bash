# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# In the guest: what the measurements of whole programs have in common.  To be sourced after
# root.sh.

# How many programs the kernel has started; a call that it makes again is one.
spawns() {
	local stats=/sys/class/misc/kspawn/stats
	echo $(($(cat $stats/spawns) - $(cat $stats/restarted)))
}

# Each repetition is one run: each takes longer.
once=--benchmark_min_time=0.000001

# whole DIRECTORY NAME SPAWNS FLAG... -- COMMAND...: measures the command in the new root by
# kspawn-bench --whole=NAME, into NAME.json in the directory.  The kernel must have started so
# many programs meanwhile: a ratio says nothing if it was libc that started them.
whole() {
	local directory=$1 name=$2 expected=$3 before started
	shift 3
	before=$(spawns)
	chroot $root "$bench" --whole="$name" --benchmark_out=/whole.json \
		--benchmark_enable_random_interleaving=true --benchmark_display_aggregates_only=true "$@"
	started=$(($(spawns) - before))
	[ $started -eq "$expected" ] || {
		echo "the kernel started $started programs, not $expected" >&2
		return 1
	}
	cp $root/whole.json "$directory/$name.json"
}
