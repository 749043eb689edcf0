#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that logged packets which overran the socket's buffer are reported as a gap over the
# time in which they were lost, also when the next logged packet, which shows the loss, comes
# much later; and that a packet that leaves by a new uplink is evidence.

. "${0%/*}/lib.sh"

PACKETS=20000 # more than the socket's buffer holds

lab_up
nat masquerade
serve net 8080 7

lost_messages() {
	waymark status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["nflog"]["holes"])'
}

has_lost_messages() {
	[ "$(lost_messages)" -gt 0 ]
}

now_is() {
	date -u +%Y-%m-%dT%H:%M:%S.%3NZ
}

# Packets from the router to itself, logged to the group of the evidence.
log_packets() { # COUNT
	at router ping -q -f -c "$1" 127.0.0.9 >/dev/null
}

daemon_start
at router nft 'table ip noise { chain out { type filter hook output priority 0
	ip daddr 127.0.0.9 log group 77 snaplen 64; }; }' || die 'no rule that logs'

kill -STOP "$daemon_pid"
begun=$(now_is)
log_packets $PACKETS
kill -CONT "$daemon_pid"
check "a full buffer is a gap" wait_for_sql 10 \
	"SELECT count(*) > 0 FROM gaps WHERE source = 'evidence' AND ended IS NOT NULL" 1
drained=$(sql "SELECT max(ended) FROM gaps")

# The events and the counters of the buffer are read before the next packet is logged.
http_get pc 3 "http://$NET4:8080/" >"$lab_tmp/http"
wait_for_sql 5 "SELECT count(*) FROM flows WHERE dport = 8080" 3 || die 'no flows'
is "the loss is not known yet" "$(lost_messages)" 0
log_packets 1
check "the next packet shows how many were lost" wait_for 5 has_lost_messages
check "the history has their number" wait_for_sql 5 "SELECT count(*) FROM gaps WHERE lost = $(lost_messages)" 1
is "the gap lies in the time of the loss" \
	"$(sql "SELECT count(*) FROM gaps WHERE source = 'evidence' AND
		(started > '$begun' OR ended > '$drained')")" 0
is "no gap is open" "$(sql "SELECT count(*) FROM gaps WHERE ended IS NULL")" 0
check "an alert reported it" grep -q 'evidence lost' "$lab_tmp/waymarkd.log"

# --- an uplink that the daemon does not know yet ---------------------------------------

are_killed() {
	[ "$(at router conntrack -L -p udp --dport 7 2>/dev/null | grep -c 'dport=7 ')" -eq 0 ]
}

daemon_stop
printf '%s\n' 'uplink wan3 { interface = "wan3" mark = 4 table = 249 gateway = "none" }' \
	>>"$lab_tmp/waymark.conf"
daemon_run
hold some pc udp $NET4 7 4 || die 'no flows'
wait_for_sql 5 "SELECT count(*) FROM flows WHERE dport = 7 AND verdict = 'ok'" 4 || die 'no flows'
kill -STOP "$daemon_pid"
at router ip link add wan3 type veth peer name wan3far
at router ip link set wan3far up
at router ip link set wan3 up
at router ip route add "$NET4" dev wan3 table 99
at router ip rule add pref 10 to "$NET4" lookup 99
hold_push some
# The kernel deletes a flow that was masqueraded for another uplink: only the log is evidence.
wait_for 5 are_killed || die 'the flows are not deleted'
kill -CONT "$daemon_pid"
check "the first packets by the new uplink are evidence" wait_for_sql 10 \
	"SELECT count(*) FROM mismatches WHERE egress = 'wan3' AND evidence = 'packet'" 4
hold_drop some

done_testing
