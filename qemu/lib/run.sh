# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
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
	read -r _ <&3 # the host has all it wants
	$bb reboot -f
}

if [ -e $vm/kspawn.ko ] && ! $bb insmod $vm/kspawn.ko 2>/dev/kmsg; then
	tell "fatal the module cannot be inserted"
	finish
fi

$bb mkfifo $vm/in $vm/out $vm/err
$bb cat "$port_stdin" >$vm/in 2>/dev/null 3<&- &
in=$!
$bb cat $vm/out >"$port_stdout" 3<&- &
out=$!
$bb cat $vm/err >"$port_stderr" 3<&- &
err=$!

tell up
$bb setsid $vm/job <$vm/in >$vm/out 2>$vm/err 3<&-
status=$?

# What the command left behind would keep its pipes, and the module, open.
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
