#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module goes and comes again, each time right after it has started
# programs: a child's last steps in it must be over before its code is gone.
# Needs root in a guest; KSPAWN_TEST_SCALE (percent) scales the rounds.

set -u
# shellcheck source=scripts/usage.sh
. "${0%/*}/../../scripts/usage.sh"
arguments 0 0 -- "$@"
kspawn=$KSPAWN_BUILD/kspawn
module=$KSPAWN_BUILD/module/$(uname -r)/kspawn.ko
rounds=$((50 * ${KSPAWN_TEST_SCALE:-100} / 100))
[ "$rounds" -gt 0 ] || rounds=1

if [ "$(id -u)" -ne 0 ] || [ ! -d /sys/module/kspawn ] || [ ! -f "$module" ]; then
	echo "1..0 # SKIP needs root and the module: run this in a guest, with qemu/vm"
	exit 4
fi

# What runs after this needs the module, whatever happens here.
trap '[ -d /sys/module/kspawn ] || insmod "$module"' EXIT

number=0
failed=0

result() { # STATUS NAME
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=1
	fi
}

echo 1..6

spawned=0
unloaded=0
loaded=0
for ((round = 0; round < rounds; round++)); do
	# One that is started, one that its child refuses, and four at once.
	"$kspawn" run -- /bin/true && "$kspawn" run --chdir / -- /bin/true &&
		! "$kspawn" run --chdir / -- /no/such/program 2>/dev/null &&
		spawned=$((spawned + 1))
	pids=()
	for _ in 1 2 3 4; do
		"$kspawn" run -- /bin/true &
		pids+=($!)
	done
	wait "${pids[@]}"
	if rmmod kspawn; then
		unloaded=$((unloaded + 1))
	fi
	if [ ! -e /dev/kspawn ] && insmod "$module"; then
		loaded=$((loaded + 1))
	fi
done

[ "$spawned" -eq "$rounds" ]
result $? "programs were started in each of $rounds rounds ($spawned)"
[ "$unloaded" -eq "$rounds" ]
result $? "the module was unloaded each time ($unloaded)"
[ "$loaded" -eq "$rounds" ]
result $? "the device went with it, and both came again ($loaded)"
"$kspawn" run -- /bin/true && [ "$(cat /sys/module/kspawn/refcnt)" -eq 0 ]
result $? "it works after all that, and nobody holds it"

rmmod kspawn
! insmod "$module" mode=04755 2>/dev/null && [ ! -e /dev/kspawn ]
result $? "permissions that a device cannot have are refused"
insmod "$module" mode=0600 && [ "$(stat -c %a /dev/kspawn)" = 600 ] &&
	! setpriv --reuid 65432 --regid 65432 --clear-groups sh -c ': </dev/kspawn' 2>/dev/null
result $? "an administrator may keep the device for root"
rmmod kspawn

exit $failed
