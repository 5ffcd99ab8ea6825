#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# strace -f and gdb follow a child that the kernel has started as they follow
# one of vfork(): they see it come, execute its program, and end.

# shellcheck disable=SC2317
set -u
# shellcheck source=tests/guest/tap.bash
. "${0%/*}/tap.bash"
kspawn=$build/kspawn

for tool in strace gdb; do
	command -v "$tool" >/dev/null || skip "no $tool"
done

# Whether file $shown has a line like that.
has() { grep -qE "$1" "$shown"; }

shown=$work/strace
strace -f -o "$shown" "$kspawn" run -- /bin/sh -c 'exit 3' 2>"$work/err"
check "strace -f: the child's exit status arrives" is $? 3
child=$(sed -nE 's/^([0-9]+) .*exited with 3.*/\1/p' "$shown" | head -n 1)
caller=$(head -n 1 "$shown" | cut -d ' ' -f 1)
check "strace -f: the child is seen to end" test -n "$child" -a "$child" != "$caller"
check "strace -f: the child's own system calls are seen" has "^$child +(brk|mmap|openat)\("

strace -f -o "$shown" "$kspawn" run --stdin /no/such/file -- /bin/true 2>"$work/err"
status=$?
failed_well() { [ "$status" -eq 125 ] && grep -q 'No such file' "$work/err"; }
check "strace -f: a start that fails still fails as it should" failed_well

shown=$work/gdb
timeout 120 gdb -nx -batch -ex 'set follow-fork-mode child' -ex 'set detach-on-fork on' \
	-ex 'catch exec' -ex run -ex 'info inferiors' -ex continue \
	--args "$kspawn" run -- /bin/sh -c 'exit 5' >"$shown" 2>&1
check "gdb: follow-fork-mode child and catch exec stop in the new program" \
	has 'exec(ut|'"'"'d).*/(da|ba)?sh'
check "gdb: the followed child runs to its end" has 'exited with code 0?5'
finish
