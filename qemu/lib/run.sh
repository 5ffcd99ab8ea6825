# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154 # port_* are assigned by eval
#
# Process 1 of the guest, once it is in the host's root: connect the command to
# the host, run it, clean up behind it, report.
#
# A virtio-serial port can be opened by one process only.  So the command gets
# FIFOs, which behave as a shell's pipes do, and a cat carries each to its port.
# A nonce after the last byte tells the host that all of a stream has come.

vm=/run/kspawn-vm
bb=$vm/busybox

for port in /sys/class/virtio-ports/*; do
	[ -e "$port/name" ] || continue
	read -r name <"$port/name"
	eval "port_$name=/dev/${port##*/}"
done
exec 3<>"$port_control"
tell() { echo "$*" >&3; }
log() { echo "kspawn-vm: $*" >/dev/kmsg; }
finish() {
	# The host answers when it has all it wants.  (SIGCHLD may interrupt.)
	for _ in 1 2 3; do
		read -r _ <&3 && break
	done
	$bb reboot -f
}

if [ -e $vm/kspawn.ko ] && ! $bb insmod $vm/kspawn.ko 2>/dev/kmsg; then
	tell "fatal the module cannot be inserted"
	finish
fi

# To open a FIFO waits for the other end, and a SIGCHLD would make that fail: so
# each is first opened for both.  Descriptors: 4 and 5 the ends of in, 6 and 7
# of out, 8 and 9 of err.
$bb mkfifo $vm/in $vm/out $vm/err
# shellcheck disable=SC2094
{
	exec 4<>$vm/in 5>$vm/in 4<$vm/in
	exec 6<>$vm/out 7>$vm/out 6<$vm/out
	exec 8<>$vm/err 9>$vm/err 8<$vm/err
}

$bb cat <"$port_stdin" >&5 2>/dev/null 3<&- 4<&- 5>&- 6<&- 7>&- 8<&- 9>&- &
in=$!
$bb cat <&6 >"$port_stdout" 3<&- 4<&- 5>&- 6<&- 7>&- 8<&- 9>&- &
out=$!
$bb cat <&8 >"$port_stderr" 3<&- 4<&- 5>&- 6<&- 7>&- 8<&- 9>&- &
err=$!
exec 5>&- 6<&- 8<&-

tell up
$bb setsid $vm/job <&4 >&7 2>&9 3<&- 4<&- 7>&- 9>&-
status=$?
exec 4<&- 7>&- 9>&-

# Processes that the command left behind would keep its pipes, and the module, open.
for _ in 1 2; do
	for proc in /proc/[0-9]*; do
		case ${proc##*/} in
		1 | "$in" | "$out" | "$err") ;;
		*) kill -9 "${proc##*/}" 2>/dev/null ;;
		esac
	done
done
kill "$in" 2>/dev/null
wait "$out" "$err"
read -r nonce <$vm/nonce
echo "$nonce" >"$port_stdout"
echo "$nonce" >"$port_stderr"

if [ -e $vm/leaks ] && [ -w /sys/kernel/debug/kmemleak ]; then
	# An object counts as leaked when it is some seconds old and a scan
	# finds no pointer to it.
	$bb sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	while IFS= read -r line; do
		log "$line"
	done </sys/kernel/debug/kmemleak
fi
if [ -e $vm/kspawn.ko ] && $bb grep -q '^kspawn ' /proc/modules; then
	for _ in 1 2 3 4 5; do
		$bb rmmod kspawn 2>/dev/null && break
		$bb sleep 1
	done
	! $bb grep -q '^kspawn ' /proc/modules || log "BUG: the module cannot be removed"
fi
read -r tainted </proc/sys/kernel/tainted
tell "tainted $tainted"
tell "exit $status"
finish
