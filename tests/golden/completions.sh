#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# completions.sh - bash, zsh and fish offer the commands, options and values of the
# program's own table, and load their file without a word. A shell that is not installed
# is skipped.

. "${0%/*}/lib.sh"
dir=$src/doc/completions
PATH=$build/src:$PATH
LC_ALL=C
export PATH LC_ALL dir

# same WHAT WANTED OFFERED: two files have the same words, in any order.
same() {
	sort -u "$3" >"$work/got"
	sort -u "$2" | cmp -s - "$work/got"
	result $? "$1" "$(sort -u "$2" | diff - "$work/got")"
}

# What is wanted: of the table.
waymark --list-commands | cut -f1 >"$work/commands"
waymark --list-options flows | cut -f1 | tr -d = >"$work/options"
waymark --list-options flows | sed -n 's/^--verdict=\t[^\t]*\t//p' | tr ' ' '\n' >"$work/values"
waymark --list-options uplink | sed -n 's/^operand\t[^\t]*\t//p' | tr ' ' '\n' >"$work/operands"
for list in commands options values operands; do
	[ "$(wc -l <"$work/$list")" -ge 4 ] || { echo "Bail out! no $list"; exit 1; }
done

# --- the three shells: what they offer after these words ------------------------------------

offer_bash() { # WORD...
	bash --norc -c '. "$dir/waymark" && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _waymark &&
		printf "%s\n" "${COMPREPLY[@]}"' - "$@" 2>&1
}

offer_fish() { # WORD...
	fish --no-config -c 'source $dir/waymark.fish; complete -C "$argv"' -- "$@" 2>&1 | cut -f1
}

# zsh's own functions are replaced by some that print what they are given.
offer_zsh() { # WORD...
	# shellcheck disable=SC2016 # zsh's own
	zsh -f -c '
		_describe() { print -l ${${(P)2}%%:*} }
		_arguments() {
			[[ $1 = -C ]] || { print -l -- $@; return }
			if (( $#words > 2 )); then state=arguments; shift words; else state=command; fi
			return 1
		}
		words=("$@")
		. $dir/_waymark' - "$@" 2>&1
}

check_shell() { # NAME
	if ! command -v "$1" >/dev/null; then
		for what in commands options values operands; do
			n=$((n + 1))
			echo "ok $n - $1: $what # SKIP $1 is not installed"
		done
		return
	fi
	offers_get "$1"
	for what in commands options values operands; do
		same "$1: $what" "$work/$what" "$work/offered.$what"
	done
}

offers_get() { # SHELL: into $work/offered.*
	if [ "$1" = zsh ]; then
		offer_zsh waymark '' >"$work/offered.commands"
		offer_zsh waymark flows '' >"$work/specs"
		sed 's/[=[].*//' "$work/specs" >"$work/offered.options"
		sed -n 's/^--verdict=.*:(\(.*\))$/\1/p' "$work/specs" | tr ' ' '\n' >"$work/offered.values"
		offer_zsh waymark uplink '' | sed -n 's/^\*:operand:(\(.*\))$/\1/p' | tr ' ' '\n' >"$work/offered.operands"
		return
	fi
	"offer_$1" waymark '' | grep -v '^-' >"$work/offered.commands"
	"offer_$1" waymark flows -- | grep -v '^--config$' >"$work/offered.options"
	"offer_$1" waymark flows --verdict '' >"$work/offered.values"
	"offer_$1" waymark uplink '' | grep -v '^-' >"$work/offered.operands"
}

for shell in bash zsh fish; do
	check_shell $shell
done

# The exporter's completion is a list of its own.
waymark-export --help | grep -o -- '--[a-z]*' >"$work/export"
# shellcheck disable=SC2016 # bash's own
bash --norc -c '. "$dir/waymark-export" && COMP_WORDS=(waymark-export --) COMP_CWORD=1 &&
	_waymark_export && printf "%s\n" "${COMPREPLY[@]}"' >"$work/offered" 2>&1
same 'bash: options of waymark-export' "$work/export" "$work/offered"

finish
