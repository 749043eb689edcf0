#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# flapping.sh - proves that an uplink which loses and gets its carrier 50 times a second costs the
# flows of the other uplink no packet, leaves the log short and the daemon idle afterwards, and is
# used again when it stays up.
#
# FLAPS: number of losses (250).

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

FLAPS=${FLAPS:-250}

beats() {
	grep -q '^beating' "$lab_tmp/beat.out"
}

# The lines that beat.py prints at its end for the flows that were always of wan2, and the sum of a
# field of them.
steady() {
	local ports
	ports=$(sql "SELECT group_concat(sport, '|') FROM (SELECT sport FROM flows
		WHERE sport BETWEEN 41000 AND 41099 GROUP BY sport HAVING min(uplink) = 'wan2')")
	grep -E "^flow [a-z]+ [^ ]+ ($ports) " "$lab_tmp/beat.out"
}

losses() { # FIELD
	steady | sed -n "s/.* $1 \([0-9]*\) .*/\1/p" | awk '{ n += $1 } END { print n + 0 }'
}

flap() {
	at router sh -c '
		i=0
		while [ "$i" -lt "$1" ]; do
			ip link set wan1 down
			sleep 0.01
			ip link set wan1 up
			sleep 0.01
			i=$((i + 1))
		done' - "$1"
}

state_is() { # UPLINK STATE
	waymark uplinks --json | python3 -c '
import json, sys
sys.exit(not any(u["name"] == sys.argv[1] and u["state"] == sys.argv[2] for u in json.load(sys.stdin)))' "$@"
}

uses_wan1() {
	http_get pc 12 "http://$NET4/" >/dev/null 2>&1
	[ "$(sql "SELECT count(*) > 0 FROM flows WHERE dport = 80 AND uplink = 'wan1' AND started_ms > $calm")" = 1 ]
}

lab_up
nat masquerade
serve net 80 7
daemon_start
log=$lab_tmp/waymarkd.log
background beat pc python3 "${PEER%/*}/beat.py" 20 41000 "tcp $NET4 7 20" "udp $NET4 7 20" \
	"tcp $NET6 7 10" "udp $NET6 7 10"
check "flows are open" wait_for 20 beats
before=$(wc -l <"$log")
flap "$FLAPS"
calm=$(date +%s%3N)
check "the uplink stays up: its state says so" wait_for 20 state_is wan1 up
check "... new flows use it" wait_for 20 uses_wan1
check "... the daemon answers" waymark status
background_end beat TERM
n=$(steady | wc -l)
check "flows of the other uplink were open" test "$n" -gt 5
is "... messages of these $n flows that were lost" "$(losses lost)" 0
is "... or refused" "$(losses refused)" 0
is "no flow of the other uplink has a mismatch" \
	"$(sql "SELECT count(*) FROM mismatches WHERE expected = 'wan2'")" 0
lines=$(($(wc -l <"$log") - before))
check "the log has fewer lines than the link had changes ($lines of $((2 * FLAPS)))" \
	test "$lines" -lt $((2 * FLAPS))
daemon_stop
is "the daemon stops with status 0" $? 0
is "the history is intact" "$(sql 'PRAGMA integrity_check')" ok
done_testing
