#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The library's parsers and builders, under the sanitizers, with the inputs
# that are kept and KSPAWN_FUZZ_MUTATIONS of them.  They need no module.

set -u
# shellcheck source=tests/guest/tap.bash
. "${0%/*}/tap.bash"
corpus=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/fuzz/library/corpus

for file in "$corpus"/*.hex; do
	target=$(basename "$file" .hex)
	check "$target" "$build/tests/fuzz/library-$target" "$file" "${KSPAWN_FUZZ_MUTATIONS:-200}"
done
finish
