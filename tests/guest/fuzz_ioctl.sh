#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The ioctl fuzzer, for as long as a test may take: as root and as an ordinary
# user.  KSPAWN_FUZZ_COUNT is how many ioctls (nightly: a million), of seed
# KSPAWN_FUZZ_SEED; what root's kept is written to KSPAWN_FUZZ_SAVE, if that is
# set.  Needs root in a guest.

# shellcheck disable=SC2317
set -u
# shellcheck source=tests/guest/tap.bash
. "${0%/*}/tap.bash"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
count=${KSPAWN_FUZZ_COUNT:-6000}
seed=${KSPAWN_FUZZ_SEED:-1}

if [ "$(id -u)" -ne 0 ] || [ ! -e /dev/kspawn ]; then
	skip "needs root and the module: run this in a guest, with qemu/vm"
fi

fuzz() { # OPTION...
	"$build/tests/fuzz/ioctl" --helpers "$build/tests/abi/helpers" \
		--corpus "$here/fuzz/ioctl/corpus.hex" --count $((count / 2)) "$@"
}

check "as root" fuzz --seed "$seed" ${KSPAWN_FUZZ_SAVE:+--save "$KSPAWN_FUZZ_SAVE"}
check "as an ordinary user" fuzz --seed $((seed + 1)) --unprivileged
check "no request is under way" is "$(cat /sys/class/misc/kspawn/stats/in_flight)" 0
check "nobody holds the module" is "$(cat /sys/module/kspawn/refcnt)" 0
finish
