#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The example server drops its privileges while its workers start programs.  With glibc
# the tracer finds that credentials change while a child shares the memory, if not in
# every run; with the preload it never does.  As docs/hazards.md has it.

# shellcheck source=tests/preload/guest.bash disable=SC2317
. "$(dirname "$0")/../preload/guest.bash"

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
server=$build/examples/server_that_drops_privileges
starts=160
# One run in three finds nothing, if that many; so many in a row mean that none ever does.
glibc_runs=25
preload_runs=3

# traced COMMAND...: the exit status is 1 if something was found
traced() {
	"$build/kspawn-trace" --json -o "$work/trace" -k windows,creds --fail-on creds -- \
		"$@" >"$work/said" 2>&1
}

# of_summary EXPRESSION: of the last line of the trace, which is `last`
of_summary() {
	python3 -c "import json, sys
last = json.loads(open(sys.argv[1]).readlines()[-1])
print($1)" "$work/trace"
}

all_served() { grep -q "^$starts requests served; now user 65534\$" "$work/said"; }

for ((run = 1; run <= glibc_runs; run++)); do
	found=0
	traced "$server" || found=$?
	all_served || break
	say "with glibc, run $run: $(of_summary 'last["verdict_text"]')"
	[ "$found" = 0 ] || break
done
check "the server serves with glibc" all_served
check "the tracer finds a change of credentials in a window" is "$found" 1
check "it was in a child that ran in the server's memory" \
	is "$(of_summary 'last["findings"]["windows"]')" $starts

for ((run = 1; run <= preload_runs; run++)); do
	before=$(module_count)
	status=0
	traced env LD_PRELOAD="$preload" "$server" || status=$?
	check "the server serves with the preload, run $run" all_served
	say "$(of_summary 'last["verdict_text"]')"
	check "each start is the kernel's, run $run" is $(($(module_count) - before)) $starts
	check "no credentials change in a window, run $run" is "$status" 0
	check "and none was lost, run $run" is \
		"$(of_summary 'last["verdict"], last["complete"], last["findings"]')" \
		"clean True {'windows': 0, 'creds': 0}"
done
finish
