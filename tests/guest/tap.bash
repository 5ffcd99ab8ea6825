# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts in tests/guest: their results as TAP, and nothing else prints any.
#
# Not bats: there each test is a function in a process of its own, and most of these
# tests are about what one command, run once, has left behind in several places.  Not
# the kernel's ktap_helpers.sh: it wants the number of tests before the first, and came
# with 6.7, after the older of the two kernels.

# shellcheck source=scripts/usage.sh
. "${BASH_SOURCE[0]%/*}/../../scripts/usage.sh"
arguments 0 0 -- "$@"

build=${KSPAWN_BUILD:-$PWD/build}
# shellcheck disable=SC2034 # for those who insert it again
module=$build/module/$(uname -r)/kspawn.ko
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shown=$work/shown # what else to show of a test that fails, if it is there
number=0
exec 3>&1 # the results, wherever a test's own output goes

say() { echo "# $*" >&3; }

# result STATUS NAME [MORE]: the result of one test; MORE follows a name, as "# SKIP"
result() {
	local verdict=ok
	number=$((number + 1))
	if [ "$1" -ne 0 ]; then
		verdict="not ok"
		failed=yes
		[ ! -s "$shown" ] || sed 's/^/# /' "$shown" >&3
	fi
	echo "$verdict $number - $2${3:+ $3}" >&3
}

# check NAME COMMAND...: one test, passed if the command is.  That may be a function,
# which sees the variables here.
check() {
	local check_name=$1 check_status=0
	shift
	"$@" || check_status=$?
	[ "$check_status" -eq 0 ] || say "${*//$'\n'/ }"
	result $check_status "$check_name"
}

is() { [ "$1" = "$2" ]; }

finish() {
	echo "1..$number" >&3
	[ -z "${failed:-}" ]
	exit
}

skip() {
	say "skipped: $*"
	exit 4
}

# keep_module: what runs after this script needs the module, whatever happens here
keep_module() {
	if [ "$(id -u)" -ne 0 ] || [ ! -d /sys/module/kspawn ] || [ ! -f "$module" ]; then
		skip "no module to remove: run this in a guest, as root"
	fi
	trap 'rm -rf "$work"; [ -d /sys/module/kspawn ] || insmod "$module"' EXIT
}
