#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh - `waymark rules` of each NAME.conf here, compared with NAME.rules. Each
# runs in an empty network namespace of its own, with the links of NAME.links (a
# line of `ip` each) if there is one; no root is needed where user namespaces are
# allowed. "run.sh --update" writes what comes out in place of comparing it: look
# at the difference before you keep it.

. "${0%/*}/lib.sh"
apart_find

render() { # NAME: what the tool prints, in its namespace
	$apart sh -c '
		[ ! -f "$2.links" ] || ip -batch "$2.links" || exit 9
		for i in 1 2 3 4 5 6 7 8 9; do
			ip -o link | grep -v LOOPBACK | grep -qv "state UP" || break
			sleep 0.3
		done
		exec "$1" -c "$2.conf" rules
	' sh "$waymark" "$here/$1"
}

for conf in "$here"/*.conf; do
	name=${conf##*/}
	name=${name%.conf}
	if ! render "$name" >"$work/$name.rules" 2>"$work/errors"; then
		sed 's/^/# /' "$work/errors"
		result 1 "$name: rules are printed"
		continue
	fi
	if [ "${1:-}" = --update ]; then
		cp "$work/$name.rules" "$here/$name.rules"
		continue
	fi
	diff -u "$here/$name.rules" "$work/$name.rules" >"$work/difference"
	status=$?
	sed 's/^/# /' "$work/difference"
	result $status "$name: rules are as they were"
done
[ "${1:-}" = --update ] && exit "$failed"
finish
