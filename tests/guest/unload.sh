#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module goes and comes again, each time right after it has started
# programs: a child's last steps in it must be over before its code is gone.
# Needs root in a guest; KSPAWN_TEST_SCALE (percent) scales the rounds.

# shellcheck disable=SC2317
set -u
# shellcheck source=tests/guest/tap.bash
. "${0%/*}/tap.bash"
kspawn=$build/kspawn
rounds=$((50 * ${KSPAWN_TEST_SCALE:-100} / 100))
[ "$rounds" -gt 0 ] || rounds=1
keep_module

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

check "programs were started in each of $rounds rounds" is $spawned "$rounds"
check "the module was unloaded each time" is $unloaded "$rounds"
check "the device went with it, and both came again" is $loaded "$rounds"
works_unheld() { "$kspawn" run -- /bin/true && [ "$(cat /sys/module/kspawn/refcnt)" -eq 0 ]; }
check "it works after all that, and nobody holds it" works_unheld

rmmod kspawn
refused() { ! insmod "$module" mode=04755 2>/dev/null && [ ! -e /dev/kspawn ]; }
check "permissions that a device cannot have are refused" refused
for_root() {
	insmod "$module" mode=0600 && [ "$(stat -c %a /dev/kspawn)" = 600 ] &&
		! setpriv --reuid 65432 --regid 65432 --clear-groups sh -c ': </dev/kspawn' 2>/dev/null
}
check "an administrator may keep the device for root" for_root
rmmod kspawn
finish
