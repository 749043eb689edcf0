#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# listings.sh - every ruleset here, as nftables lists it, loads again: as text, with
# numbers, without counters and as JSON; and is then listed as before. Also where the
# uplinks' interfaces are missing, as at boot: the table is loaded into a namespace of
# its own that has none.

. "${0%/*}/lib.sh"
apart_find

# The listing of the table with ARGUMENTS, loaded into an empty ruleset.
again='
	nft -f "$1/rules" || exit 1
	nft -s list ruleset >"$1/before" || exit 1
	nft $2 list ruleset >"$1/listing" || exit 1
	nft flush ruleset
	case $2 in
	*-j*) nft -j -f "$1/listing" ;;
	*) nft -f "$1/listing" ;;
	esac || exit 1
	nft -s list ruleset >"$1/after" || exit 1
	cmp "$1/before" "$1/after"
'

for rules in "$here"/*.rules; do
	name=${rules##*/}
	sed -n '/^nft -f - <</,/^END$/p' "$rules" | sed '1d;$d' >"$work/rules"
	for arguments in '' -n -s -a '-j' '-j -n'; do
		$apart sh -c "$again" sh "$work" "$arguments" >"$work/errors" 2>&1
		result $? "$name: what 'nft $arguments list ruleset' prints loads again" "$(cat "$work/errors")"
	done
done
finish
