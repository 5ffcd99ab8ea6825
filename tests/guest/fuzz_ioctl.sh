#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The ioctl fuzzer, for as long as a test may take: as root and as an ordinary
# user.  KSPAWN_FUZZ_COUNT is how many ioctls (nightly: a million), of seed
# KSPAWN_FUZZ_SEED; what root's kept is written to KSPAWN_FUZZ_SAVE, if that is
# set.  Needs root in a guest.

set -u
# shellcheck source=scripts/usage.sh
. "${0%/*}/../../scripts/usage.sh"
arguments 0 0 -- "$@"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
count=${KSPAWN_FUZZ_COUNT:-6000}
seed=${KSPAWN_FUZZ_SEED:-1}

if [ "$(id -u)" -ne 0 ] || [ ! -e /dev/kspawn ]; then
	echo "1..0 # SKIP needs root and the module: run this in a guest, with qemu/vm"
	exit 4
fi

fuzz() { # OPTION...
	"$KSPAWN_BUILD/tests/fuzz/ioctl" --helpers "$KSPAWN_BUILD/tests/abi/helpers" \
		--corpus "$here/fuzz/ioctl/corpus.hex" --count $((count / 2)) "$@"
}

echo 1..3
failed=0
result() { # STATUS NUMBER NAME
	if [ "$1" -eq 0 ]; then
		echo "ok $2 $3"
	else
		echo "not ok $2 $3"
		failed=1
	fi
}

fuzz --seed "$seed" ${KSPAWN_FUZZ_SAVE:+--save "$KSPAWN_FUZZ_SAVE"}
result $? 1 "as root"
fuzz --seed $((seed + 1)) --unprivileged
result $? 2 "as an ordinary user"
[ "$(cat /sys/class/misc/kspawn/stats/in_flight)" -eq 0 ] &&
	[ "$(cat /sys/module/kspawn/refcnt)" -eq 0 ]
result $? 3 "the module is idle"
exit $failed
