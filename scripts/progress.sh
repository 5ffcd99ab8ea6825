# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts that take long: what is being done and how far it is, on stderr.  A terminal
# gets one line that moves, a log gets lines: one for each step, and of a long step one
# every PROGRESS_SECONDS.

: "${PROGRESS_SECONDS:=15}"

on_terminal() { [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; }

# progress TEXT: what is being done now
progress() {
	if on_terminal; then
		printf '\r\033[K%.*s' "$(($(tput cols 2>/dev/null || echo 80) - 1))" "$1" >&2
	else
		printf '%s\n' "$1" >&2
	fi
}

# The moving line is of no use any more.
progress_end() {
	! on_terminal || printf '\r\033[K' >&2
}

# ticking TEXT COMMAND...: run a command that says nothing itself, and show for how long it
# has been running.  $how_far, if it is set, is a command that prints how far it is.
ticking() {
	local text=$1 status=0 ticker seconds=0
	shift
	progress "$text"
	{
		# Not longer than the script, should it be killed.
		while sleep 1 2>/dev/null && kill -0 $$; do
			seconds=$((seconds + 1))
			if on_terminal || [ $((seconds % PROGRESS_SECONDS)) -eq 0 ]; then
				progress "$text: ${how_far:+$($how_far), }$seconds s"
			fi
		done
		# Not to hold what others wait for: the locks, and the pipe of $(...).  A sleep
		# that is under way outlives the ticker; it has no stderr either.
	} >/dev/null 8>&- 9>&- &
	ticker=$!
	"$@" || status=$?
	kill "$ticker"
	wait "$ticker" 2>/dev/null || true
	progress_end
	return $status
}

# counting TEXT TOTAL REGEX: pass on what is read, to stderr, but for the lines that match:
# these are counted and show how far it is.  With TOTAL "", the regex has two groups, of how
# many are done and of how many there are.
counting() {
	local text=$1 total=$2 regex=$3 line count=0 last=$SECONDS shown=0
	while IFS= read -r line; do
		if [[ ! $line =~ $regex ]]; then
			progress_end
			printf '%s\n' "$line" >&2
			continue
		fi
		count=$((count + 1))
		if [ -z "$total" ] || [ -n "${BASH_REMATCH[2]:-}" ]; then
			count=${BASH_REMATCH[1]}
			total=${BASH_REMATCH[2]}
		fi
		if on_terminal || [ $((SECONDS - last)) -ge "$PROGRESS_SECONDS" ]; then
			last=$SECONDS
			shown=$count
			progress "$text: $count of $total"
		fi
	done
	[ "$shown" -eq 0 ] || [ "$shown" -eq "$count" ] || on_terminal || progress "$text: $count of $total"
	progress_end
}
