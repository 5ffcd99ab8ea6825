#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The library's parsers and builders, under the sanitizers, with the inputs
# that are kept and KSPAWN_FUZZ_MUTATIONS of them.  They need no module.

set -u
# shellcheck source=scripts/usage.sh
. "${0%/*}/../../scripts/usage.sh"
arguments 0 0 -- "$@"
corpus=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/fuzz/library/corpus

targets=("$corpus"/*.hex)
echo "1..${#targets[@]}"
number=0
failed=0
for file in "${targets[@]}"; do
	target=$(basename "$file" .hex)
	number=$((number + 1))
	if "$KSPAWN_BUILD/tests/fuzz/library-$target" "$file" "${KSPAWN_FUZZ_MUTATIONS:-200}"; then
		echo "ok $number $target"
	else
		echo "not ok $number $target"
		failed=1
	fi
done
exit $failed
