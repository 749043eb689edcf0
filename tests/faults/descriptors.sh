#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# descriptors.sh - proves that waymarkd works without free descriptors: it writes the history,
# does not spin, and does the postponed work when descriptors are free again.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

lab_up
nat masquerade
serve net 80 7
daemon_start
log=$lab_tmp/waymarkd.log

flows_are() {
	[ "$(sql "SELECT count(*) FROM flows WHERE proto = 'tcp' AND dport = 80")" -ge "$1" ]
}

table_is_there() {
	at router nft list table inet waymark >/dev/null 2>&1
}

as_daemon() { # COMMAND...: run as the daemon's user, who may change its limits
	setpriv --reuid="$(stat -c %u "/proc/$daemon_pid")" --regid="$(stat -c %g "/proc/$daemon_pid")" \
		--clear-groups -- "$@"
}

limit() { # NUMBER
	as_daemon prlimit --pid "$daemon_pid" --nofile="$1:"
}

cpu_ticks() {
	awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"
}

former=$(as_daemon prlimit --pid "$daemon_pid" --nofile --noheadings --output SOFT | tr -d ' ')
http_get pc 3 "http://$NET4/" >/dev/null
check "the history is written" wait_for 20 flows_are 3
limit 3
http_get pc 5 "http://$NET4/" >/dev/null
check "no descriptor is left: new flows are in the history" wait_for 20 flows_are 8
at router nft delete table inet waymark
kill -HUP "$daemon_pid"
check_not "... a client is not answered" timeout 3 nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARK" -c "$lab_tmp/waymark.conf" status
before=$(cpu_ticks)
sleep 3
used=$(($(cpu_ticks) - before))
in_range "... CPU time in three seconds, in hundredths of a second" "$used" 0 100
check "... the log says what cannot be opened" grep -q 'Too many open files' "$log"
limit "$former"
check "descriptors are free again: the table is repaired" wait_for 40 table_is_there
check "... a client is answered" wait_for 20 waymark status
: >"$log"
kill -HUP "$daemon_pid"
check "... a reload is done" wait_for 20 grep -q 'configuration reloaded' "$log"
http_get pc 2 "http://$NET4/" >/dev/null
check "... flows are in the history" wait_for 20 flows_are 10
kill -0 "$daemon_pid"
is "it is still the same process" $? 0
daemon_stop
is "it stops with status 0" $? 0

done_testing
