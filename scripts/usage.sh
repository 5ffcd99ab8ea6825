# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# For scripts, to be called before they do anything: --help, which is the comment at a
# script's head, and a refusal of all that a script does not know.
#
#   . scripts/usage.sh
#   arguments MIN MAX [OPTION...] -- "$@"
#
# MIN and MAX are numbers of words that are not options.  MAX may be "+": what follows the
# first MIN words is for another program and is not looked at.  An OPTION that ends in "="
# takes the next word as its value.

# Print how the script is called, and the comment at its head.
usage() {
	usage_begun=
	echo "usage: ${0##*/}$usage_synopsis"
	echo
	while IFS= read -r usage_line; do
		case $usage_line in
		'#!'* | *SPDX-License-Identifier:*) ;;
		'#') [ -z "$usage_begun" ] || echo ;;
		'# '*)
			usage_begun=yes
			printf '%s\n' "${usage_line#\# }"
			;;
		*) break ;;
		esac
	done <"$0"
}

# Say what is wrong with the arguments, and exit.
wrong() { # MESSAGE
	echo "${0##*/}: $1 (see ${0##*/} --help)" >&2
	exit 2
}

arguments() { # MIN MAX [OPTION...] -- WORD...
	usage_min=$1
	usage_max=$2
	usage_options=' '
	usage_synopsis=
	shift 2
	while [ "$1" != -- ]; do
		usage_options="$usage_options$1 "
		case $1 in
		*=) usage_synopsis="$usage_synopsis [${1%=} VALUE]" ;;
		*) usage_synopsis="$usage_synopsis [$1]" ;;
		esac
		shift
	done
	shift
	case $usage_min-$usage_max in
	0-0) ;;
	0-*) usage_synopsis="$usage_synopsis [ARGUMENT...]" ;;
	1-1) usage_synopsis="$usage_synopsis ARGUMENT" ;;
	*) usage_synopsis="$usage_synopsis ARGUMENT..." ;;
	esac
	usage_count=0
	while [ $# -gt 0 ]; do
		if [ "$usage_max" = + ] && [ "$usage_count" -ge "$usage_min" ] && [ "$usage_min" -gt 0 ]; then
			return
		fi
		case $1 in
		-h | --help)
			usage
			exit 0
			;;
		-*)
			case $usage_options in
			*" $1 "*) ;;
			*" $1= "*)
				[ $# -ge 2 ] || wrong "$1 needs a value"
				shift
				;;
			*) wrong "unknown option $1" ;;
			esac
			;;
		*) usage_count=$((usage_count + 1)) ;;
		esac
		shift
	done
	[ "$usage_count" -ge "$usage_min" ] || wrong "too few arguments"
	[ "$usage_max" = + ] || [ "$usage_count" -le "$usage_max" ] || wrong "too many arguments"
}
