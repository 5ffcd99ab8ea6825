#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# OpenJDK: ProcessBuilder starts its helper, jspawnhelper, by posix_spawn.

# shellcheck source=tests/preload/guest.bash disable=SC2016,SC2317
. "$(dirname "$0")/../preload/guest.bash"

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
java=(/usr/bin/java -Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
	-cp "$build/tests/preload/java" -Djdk.lang.Process.launchMechanism=POSIX_SPAWN)
count=5

say "$(/usr/bin/java -version 2>&1 | head -n 1)"
check "ProcessBuilder" with_preload "${java[@]}" Start $count
# A program that is not there is told by the helper, which was started.
check "each by the kernel" is "$(counted java kernel)" $((count + 3))
check "by posix_spawn" is "$(counted java posix_spawn)" $((count + 3))
check "no fallback; the module counted the same" no_fallback
finish
