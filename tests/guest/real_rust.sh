#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Rust's std::process::Command, in a program of Debian's: fdfind -x runs a command
# for each file it finds, from several threads.

# shellcheck source=tests/preload/guest.bash disable=SC2016,SC2317
. "$(dirname "$0")/../preload/guest.bash"

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
files=40
mkdir "$work/files"
for file in $(seq $files); do
	echo "$file" >"$work/files/$file"
done

say "$(fdfind --version)"
check "fdfind runs a command for each file" \
	with_preload fdfind --threads 4 --type f . "$work/files" -x cat '{}' >"$work/output"
check "each was run once" cmp <(sort -n "$work/output") <(seq $files)
check "each by the kernel" is "$(counted fdfind kernel)" $files
check "by posix_spawnp" is "$(counted fdfind posix_spawnp)" $files
check "no fallback; the module counted the same" no_fallback
finish
