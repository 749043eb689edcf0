#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# listings.sh - every ruleset here, as nftables lists it, loads again: as text, with
# numbers, without counters and as JSON; and is then listed as before. Also where the
# uplinks' interfaces are missing, as at boot: the table is loaded into a namespace of
# its own that has none.

here=$(cd "${0%/*}" && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL

if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	apart='unshare -n'
elif unshare -rn true 2>/dev/null; then
	apart='unshare -rn'
else
	echo '1..0 # SKIP no network namespace can be made here'
	exit 0
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0
failed=0

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
		n=$((n + 1))
		if $apart sh -c "$again" sh "$work" "$arguments" >"$work/errors" 2>&1; then
			echo "ok $n - $name: what 'nft $arguments list ruleset' prints loads again"
		else
			sed 's/^/# /' "$work/errors"
			echo "not ok $n - $name: what 'nft $arguments list ruleset' prints loads again"
			failed=1
		fi
	done
done
echo "1..$n"
exit $failed
