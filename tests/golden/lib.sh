#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - what the golden tests share: where the sources and the build are, a folder $work
# that is removed at the end, results in TAP. A test reads it first and ends with "finish".

here=$(cd "${0%/*}" && pwd)
src=${WAYMARK_SRC:-$(cd "$here/../.." && pwd)}
build=${WAYMARK_BUILD:-$src}
waymark=$build/src/waymark
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0
failed=0

# result STATUS WHAT [DETAILS]: 0 is ok; else the details are printed, too.
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
		return
	fi
	echo "not ok $n - $2"
	[ -z "${3:-}" ] || echo "$3" | sed 's/^/# /'
	failed=1
}

# none WHAT FOUND: nothing found is ok.
none() {
	[ -z "$2" ]
	result $? "$1" "$2"
}

# skip WHY: the whole test.
skip() {
	echo "1..0 # SKIP $1"
	exit 0
}

# apart_find: $apart runs a command in a network namespace of its own, or the test is skipped.
apart_find() {
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
	LC_ALL=C
	export PATH LC_ALL
	if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
		apart='unshare -n'
	elif unshare -rn true 2>/dev/null; then
		apart='unshare -rn'
	else
		skip 'no network namespace can be made here'
	fi
}

finish() {
	echo "1..$n"
	exit "$failed"
}
