#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The first use of the library, as README prints it: it compiles, and starts a
# program through the kernel.  Written to the top directory, which in a guest is
# forgotten.
set -eu
cd "$(dirname "$0")/../.."
export KSPAWN_BACKEND=kernel

# block LANGUAGE: the block of README that is marked with it
block() {
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" README.md | sed '1d;$d'
}

block c >first.c
block sh >first.sh
if ! [ -s first.c ] || [ "$(wc -l <first.sh)" -ne 2 ]; then
	echo "README.md does not have its example, or has more than one"
	exit 1
fi
# We are in the guest already.
sed -i 's,^qemu/vm -- ,,' first.sh
said=$(sh -eux first.sh)
echo "$said"
case $said in
*UTC*) ;;
*)
	echo "that is not what date -u prints"
	exit 1
	;;
esac
