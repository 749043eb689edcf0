#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves which conntrack events the kernel sends: three per TCP flow while only the daemon
# listens, all of them while another process listens, or as the configuration demands.

. "${0%/*}/lib.sh"

FLOWS=20

lab_up
nat masquerade
serve net 8080 7

status_of() { # KEY of the events
	waymark status --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["events"][sys.argv[1]])' "$1"
}

mode_is() {
	[ "$(status_of mode)" = "$1" ]
}

has_mask() {
	at router nft list table inet waymark | grep -q 'ct event set'
}

has_no_mask() {
	! has_mask
}

# Shorten timeouts, so that connections end at once instead of after two minutes.
end_flows() {
	at router conntrack -F >/dev/null 2>&1
	sleep 0.3
}

# events_of: number of events that FLOWS TCP flows cause, to their ends; counted by the
# daemon, because another listener would change the number.
events_of() {
	local before
	end_flows
	before=$(status_of received)
	http_get pc $FLOWS "http://$NET4:8080/" >"$lab_tmp/http" || die "no flows: $(cat "$lab_tmp/http")"
	end_flows
	echo $(($(status_of received) - before))
}

# Not by 'at': the pid must be conntrack's own.
listen() {
	nsenter --net="/proc/$ns_router/ns/net" -- conntrack -E 2>/dev/null &
	listener=$!
}

listen_end() {
	kill "$listener"
	wait "$listener" 2>/dev/null
}

# --- auto, no other listener------------------------------------------------------------

daemon_start 'events = "auto"'
is "auto: no other process listens, events are minimal" "$(status_of mode)" minimal
check "the ruleset has the event mask" has_mask
in_range "at most three events per TCP flow" "$(events_of)" $((2 * FLOWS)) $((3 * FLOWS))
# The history needs NEW with mark and label, and DESTROY.
check "every flow is in the history with its egress" wait_for_sql 5 \
	"SELECT count(*) FROM flows WHERE verdict = 'ok' AND dport = 8080 AND state = 'ended'" $FLOWS

# --- another process starts to listen ------------------------------------------------------------

listen >"$lab_tmp/listener"
check "conntrack -E is seen, events are full again" wait_for 10 mode_is full
check "the mask is gone" wait_for 5 has_no_mask
in_range "at least six events per TCP flow" "$(events_of)" $((6 * FLOWS)) $((10 * FLOWS))
check "conntrack -E sees the states of TCP" grep -q 'UPDATE.* ESTABLISHED .*dport=8080' "$lab_tmp/listener"
check "conntrack -E sees the last state" grep -q 'UPDATE.* \(LAST_ACK\|TIME_WAIT\|CLOSE\) .*dport=8080' "$lab_tmp/listener"
is "status counts the listener" "$(status_of listeners)" 1

listen_end
check "the listener has ended, events are minimal again" wait_for 10 mode_is minimal
check "the ruleset has the mask again" wait_for 5 has_mask
in_range "at most three events per TCP flow again" "$(events_of)" $((2 * FLOWS)) $((3 * FLOWS))
is "no change of the mask is reported as tampering" "$(sql 'SELECT count(*) FROM tampering')" 0

# --- fixed by the configuration -----------------------------------------------------------------

daemon_stop
check "stopped: the mask that the daemon chose is no difference for diff" waymark diff
sed 's/events = "auto"/events = "full"/' "$lab_tmp/waymark.conf" >"$lab_tmp/full.conf"
check_not "... unless the file says full" at router "$WAYMARK" -c "$lab_tmp/full.conf" diff
daemon_start 'events = "full"'
is "conntrack-events = full: events are full" "$(status_of mode)" full
check_not "conntrack-events = full: there is no mask" has_mask
daemon_stop

listen >/dev/null
daemon_start 'events = "auto"'
is "auto: another process listened first, events are full" "$(status_of mode)" full
daemon_stop
daemon_start 'events = "minimal"'
is "minimal: events are minimal although another process listens" "$(status_of mode)" minimal
sleep 2.5
is "minimal: events stay minimal" "$(status_of mode)" minimal
check "minimal: the ruleset has the mask" has_mask
listen_end

daemon_stop
daemon_start 'mode = "audit" events = "auto"'
is "mode audit: events are minimal" "$(status_of mode)" minimal
in_range "mode audit: at most three events per TCP flow" "$(events_of)" $((2 * FLOWS)) $((3 * FLOWS))

# --- a listener with reliable events that reads none ------------------------------------------

has_duplicates() { # MORE THAN
	[ "$(status_of duplicates)" -gt "$1" ]
}

daemon_stop
daemon_start 'events = "full"'
at router python3 "$PEER" deaf >"$lab_tmp/deaf" 2>&1 &
deaf_pid=$!
check "another listener does not keep up" wait_for 10 grep -q ready "$lab_tmp/deaf"
hold some pc udp $NET4 7 $FLOWS || die 'no flows'
is "each flow is answered" "$(hold_send some)" $FLOWS
check "the kernel repeats NEW events" wait_for 10 has_duplicates $FLOWS
all="FROM flows WHERE proto = 'udp' AND dport = 7"
check "all flows are in the history" wait_for_sql 5 "SELECT count(DISTINCT sport) $all" $FLOWS
before=$(status_of duplicates)
at router conntrack -D -p udp --dport 7 >/dev/null 2>&1
check "the kernel repeats DESTROY events" wait_for 15 has_duplicates $((before + 150))
is "each flow is one row" "$(sql "SELECT count(*) $all")" $FLOWS
is "each has ended with verdict ok" \
	"$(sql "SELECT count(*) $all AND state = 'ended' AND verdict = 'ok'")" $FLOWS
is "no flow is lost" "$(waymark status --json | grep -o '"flows_lost": *[0-9]*' | grep -o '[0-9]*$')" 0
kill "$deaf_pid"
wait "$deaf_pid" 2>/dev/null
hold_drop some

done_testing
