# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Completion of kspawn(1) and kspawn-trace(1) in bash.  Options and commands are taken from
# what the programs say to --help, so that none can be forgotten here.

# The options in the --help of a command.
_kspawn_options() { # COMMAND...
	"$@" --help 2>/dev/null | sed -nE 's/^  (-[^ ]+).*/\1/p' | tr , '\n' | sed -E 's/\[.*//; s/\{.*//'
}

# Whether an option, so far as it is typed, takes the next word as its value.
_kspawn_takes_value() { # OPTION COMMAND...
	local option=$1
	shift
	"$@" --help 2>/dev/null | grep -qE -- "^  ([^ ]+,)?$option(,[^ ]+)? [A-Z]"
}

_kspawn_complete() { # WORDS-OF-THE-COMMAND PROGRAM-FOLLOWS
	local count=$1 program_follows=$2 word=$1 current=${COMP_WORDS[COMP_CWORD]}
	local command=("${COMP_WORDS[@]:0:count}")
	while [ "$word" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[word]} in
		--)
			word=$((word + 1))
			break
			;;
		-*)
			if _kspawn_takes_value "${COMP_WORDS[word]}" "${command[@]}"; then
				word=$((word + 1))
			fi
			;;
		*) break ;;
		esac
		word=$((word + 1))
	done
	if [ "$word" -gt "$COMP_CWORD" ]; then # the value of an option
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	elif [[ $word -eq $COMP_CWORD && $current == -* && ${COMP_WORDS[word - 1]} != -- ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_kspawn_options "${command[@]}")" -- "$current")
	elif [ -z "$program_follows" ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$word"
	elif [ "$word" -eq "$COMP_CWORD" ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	fi
}

_kspawn() {
	local tool=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} commands
	if [ "$COMP_CWORD" -gt 1 ]; then
		case ${COMP_WORDS[1]} in
		run | preload) _kspawn_complete 2 yes ;;
		demo)
			if [[ $current == -* ]]; then # after a step, too
				mapfile -t COMPREPLY < <(compgen -W "$(_kspawn_options "$tool" demo)" -- "$current")
			elif [ "${COMP_WORDS[COMP_CWORD - 1]}" = --color ]; then
				mapfile -t COMPREPLY < <(compgen -W 'always auto never' -- "$current")
			else
				mapfile -t COMPREPLY < <(compgen -W "$("$tool" demo --list 2>/dev/null)" -- "$current")
			fi
			;;
		*) _kspawn_complete 2 '' ;;
		esac
		return
	fi
	commands=$("$tool" --help 2>/dev/null | sed -nE '/^Subcommands:/,/^$/s/^  ([a-z]+).*/\1/p')
	mapfile -t COMPREPLY < <(compgen -W "$commands $(_kspawn_options "$tool")" -- "$current")
}

_kspawn_trace() {
	if [ "${COMP_WORDS[1]:-}" = report ] && [ "$COMP_CWORD" -gt 1 ]; then
		_kspawn_complete 2 ''
	else
		_kspawn_complete 1 yes
	fi
}

complete -F _kspawn kspawn
complete -F _kspawn_trace kspawn-trace
