#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A C program that lives on popen() and system(), with four threads.

# shellcheck source=tests/preload/guest.bash disable=SC2016,SC2317
. "$(dirname "$0")/../preload/guest.bash"

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
threads=4
rounds=10

check "it runs without the preload" "$build/tests/preload/programs/popen_system" 1 1
check "it runs with it" with_preload "$build/tests/preload/programs/popen_system" $threads $rounds
check "popen by the kernel" is "$(counted popen_system popen)" $((2 * threads * rounds))
check "system by the kernel" is "$(counted popen_system system)" $((threads * rounds))
check "each by the kernel" is "$(counted popen_system kernel)" $((3 * threads * rounds))
check "no fallback; the module counted the same" no_fallback
finish
