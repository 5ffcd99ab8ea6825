#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# strace -f and gdb follow a child that the kernel has started as they follow
# one of vfork(): they see it come, execute its program, and end.

set -u
# shellcheck source=scripts/usage.sh
. "${0%/*}/../../scripts/usage.sh"
arguments 0 0 -- "$@"
kspawn=$KSPAWN_BUILD/kspawn
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failed=0

result() { # STATUS NAME [FILE to show after a failure]
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=1
		[ -z "${3:-}" ] || sed 's/^/# /' "$3"
	fi
}

for tool in strace gdb; do
	command -v "$tool" >/dev/null || {
		echo "1..0 # SKIP no $tool"
		exit 4
	}
done
echo 1..6

strace -f -o "$work/strace" "$kspawn" run -- /bin/sh -c 'exit 3' 2>"$work/err"
status=$?
[ "$status" -eq 3 ]
result $? "strace -f: the child's exit status arrives" "$work/strace"
child=$(sed -nE 's/^([0-9]+) .*exited with 3.*/\1/p' "$work/strace" | head -n 1)
caller=$(head -n 1 "$work/strace" | cut -d ' ' -f 1)
[ -n "$child" ] && [ "$child" != "$caller" ]
result $? "strace -f: the child is seen to end" "$work/strace"
grep -qE "^$child +(brk|mmap|openat)\(" "$work/strace"
result $? "strace -f: the child's own system calls are seen" "$work/strace"

strace -f -o "$work/strace" "$kspawn" run --stdin /no/such/file -- /bin/true 2>"$work/err"
[ $? -eq 125 ] && grep -q 'No such file' "$work/err"
result $? "strace -f: a start that fails still fails as it should" "$work/strace"

timeout 120 gdb -nx -batch -ex 'set follow-fork-mode child' -ex 'set detach-on-fork on' \
	-ex 'catch exec' -ex run -ex 'info inferiors' -ex continue \
	--args "$kspawn" run -- /bin/sh -c 'exit 5' >"$work/gdb" 2>&1
grep -qE 'exec(ut|'"'"'d).*/(da|ba)?sh' "$work/gdb"
result $? "gdb: follow-fork-mode child and catch exec stop in the new program" "$work/gdb"
grep -qE 'exited with code 0?5' "$work/gdb"
result $? "gdb: the followed child runs to its end" "$work/gdb"

exit $failed
