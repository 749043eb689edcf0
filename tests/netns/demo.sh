#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# demo.sh - shows Waymark's main job to a newcomer: a router with two uplinks, real flows,
# two faults made on purpose, and the history with their effects; with masquerade and
# without NAT. It fails when a mismatch is missing or false.
#
#	demo.sh [PICTURE [REPORT]]	writes the picture (SVG) and the report (HTML) of it

. "${0%/*}/lib.sh"

tap_finished=1 # its output is a story, not TAP
wrong=0

if [ -t 1 ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
	bold='' dim='' plain=''
fi

title() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

say() {
	printf '  %s\n' "$*"
}

# shown NAMESPACE COMMAND...: prints the command, then runs it there.
shown() {
	local ns=$1
	shift
	printf '  %s$ %s%s\n' "$dim" "$*" "$plain"
	at "$ns" "$@" | sed 's/^/  /'
}

# history QUERY: run by the sqlite3 program, printed before it runs.
history() {
	printf '  %s$ sqlite3 -box flows.db "%s"%s\n' "$dim" "$1" "$plain"
	(cd "$lab_tmp" && sqlite3 -box -cmd '.timeout 5000' flows.db "$1") | sed 's/^/  /'
}

verify() { # WHAT QUERY: the query must give 1
	if wait_for_sql 5 "$2" 1; then
		say "Seen: $1."
	else
		say "NOT SEEN: $1."
		wrong=1
	fi
}

# --- traffic ----------------------------------------------------------------------

# Targets of flows from outside by either uplink: a forwarded port, or the PC itself without
# NAT.
inside_targets() {
	if [ "$mode" = none ]; then
		via1="--interface $NET4_VIA1" via2="--interface $NET4_VIA2"
		in1=$PC4 in2=$PC4 in1_6=$PC6 in2_6=$PC6
		via1_6="--interface $NET6_VIA1" via2_6="--interface $NET6_VIA2"
	else
		via1='' via2='' via1_6='' via2_6=''
		in1=$WAN1_4 in2=$WAN2_4 in1_6=$WAN1_6 in2_6=$WAN2_6
	fi
}

web() {
	{
		http_get pc 40 "http://$NET4/"
		http_get pc 20 "http://[$NET6]/"
		http_get router 10 "http://$NET4/"
		http_get router 10 "http://[$NET6]/"
		# shellcheck disable=SC2086 # options, or nothing
		{
			http_get net 5 "http://$in1:8080/" $via1
			http_get net 5 "http://$in2:8080/" $via2
			http_get net 5 "http://[$in1_6]:8080/" $via1_6
			http_get net 5 "http://[$in2_6]:8080/" $via2_6
		}
	} >"$lab_tmp/web"
	say "$(grep -c ' 200 ' "$lab_tmp/web") of 100 pages came."
	[ "$(grep -c ' 200 ' "$lab_tmp/web")" = 100 ] || wrong=1
}

open_flows() {
	local source=''
	[ "$mode" != none ] || source=$NET4_VIA1
	hold "udp_$mode" pc udp $NET4 7 20 || die "no UDP from the PC"
	hold "router_$mode" router udp $NET4 7 6 || die "no UDP from the router"
	hold "in_$mode" net tcp "$in1" 7007 12 $source || die "no TCP from outside"
}

close_flows() {
	hold_close "udp_$mode"
	hold_close "router_$mode"
	hold_close "in_$mode"
}

# --- the story ----------------------------------------------------------------------

# A rule is deleted: the replies to flows from outside by wan1 are routed by table main.
fault_rule() {
	local since
	title "Fault 1: another process deletes the ip rule of wan1's mark"
	since=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
	printf '  %s$ ip rule del fwmark 0x2/0xff%s\n' "$dim" "$plain"
	at router ip rule del fwmark 0x2/0xff || wrong=1
	hold_send "in_$mode" >"$lab_tmp/answered"
	say "The 12 connections from outside by wan1 continue; $(cat "$lab_tmp/answered") still get an answer."
	say "Some of their replies now leave by wan2, which no other tool shows:"
	verify "mismatches that expect wan1 and left by wan2" \
		"SELECT count(*) > 0 FROM mismatches WHERE time >= '$since' AND expected = 'wan1' AND egress = 'wan2'"
	history "SELECT flow_id, proto, src, dst, direction, mark, expected, egress, reason, evidence FROM mismatches WHERE time >= '$since' ORDER BY id LIMIT 4"
	verify "no other mismatch" \
		"SELECT count(*) = 0 FROM mismatches WHERE time >= '$since' AND NOT (expected = 'wan1' AND egress = 'wan2')"
	repair
}

# A table's default route is moved: packets marked for wan2 leave by wan1.
fault_route() {
	local since
	title "Fault 2: the default route of wan2's table is moved to wan1"
	since=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
	printf '  %s$ ip route replace default via %s dev wan1 table 250%s\n' "$dim" $GW1_4 "$plain"
	at router ip route replace default via $GW1_4 dev wan1 table 250 || wrong=1
	hold_send "udp_$mode" >"$lab_tmp/answered"
	say "The PC's 20 UDP flows continue; $(cat "$lab_tmp/answered") still get an answer."
	[ "$mode" = none ] ||
		say "(The kernel dropped the stray packets: their masqueraded address is wan2's.)"
	verify "mismatches that expect wan2 and left by wan1" \
		"SELECT count(*) > 0 FROM mismatches WHERE time >= '$since' AND expected = 'wan2' AND egress = 'wan1'"
	history "SELECT m.time, m.proto, m.src, m.dst, f.nat_src, m.expected, m.egress, m.reason FROM mismatches m JOIN flows f ON f.id = m.flow_id WHERE m.time >= '$since' ORDER BY m.id LIMIT 4"
	verify "no other mismatch" \
		"SELECT count(*) = 0 FROM mismatches WHERE time >= '$since' AND NOT (expected = 'wan2' AND egress = 'wan1')"
	repair
}

repair() {
	say "Repaired by hand (with repair = false; by default waymarkd repairs it in half a second):"
	printf '  %s$ waymark apply%s\n' "$dim" "$plain"
	waymark apply | sed 's/^/  /'
}

round() { # MODE: masquerade or none
	mode=$1
	inside_targets
	say "100 pages are fetched, one flow each: by the PC, by the router, and from outside"
	say "from the PC's web server, by either uplink; IPv4 and IPv6."
	web
	open_flows
	say "38 flows stay open: UDP from the PC and the router, TCP from outside."
	wait_for_sql 5 "SELECT count(*) >= 138 FROM flows WHERE started >= '$began'" 1 || wrong=1
	say "The history has them all, with the uplink that each one left by:"
	history "SELECT uplink, egress, egress_reply, ingress, verdict, count(*) AS flows FROM flows WHERE started >= '$began' AND verdict <> 'local' GROUP BY 1, 2, 3, 4, 5"
	verify "every flow on its uplink" \
		"SELECT count(*) = 0 FROM flows WHERE started >= '$began' AND verdict NOT IN ('ok', 'local')"
	fault_rule
	fault_route
	close_flows
	# End all flows now instead of waiting for timeouts; their counters are in the events.
	at router conntrack -F 2>/dev/null
	wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live' AND started >= '$began'" 0 || wrong=1
}

title "Waymark: each flow keeps its uplink, and the history shows it"
cat <<END

     PC                     router                        internet
     $PC4 --- $LAN4
                            wan1 $WAN1_4  --- $GW1_4   $NET4
                                 mark 2, table 251, weight 1
                            wan2 $WAN2_4  --- $GW2_4
                                 mark 3, table 250, weight 2

END
say "Three network namespaces on this machine; your own network is not touched."
lab_up
nat masquerade
forward_port tcp 8080
forward_port tcp 7007
serve net 80 7
serve pc 8080 7007
# Keep each fault until it was shown; by default it is repaired at once.
daemon_start 'repair = false'
say "waymarkd runs and is ready. Its rules:"
shown router ip rule show

title "With masquerade"
began=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
round masquerade

title "Without NAT"
nat none
began=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
round none

title "Alerts"
say "The first of a kind is sent at once; later ones with the same uplinks and reason are"
say "aggregated into one per second (min-interval); here as JSON lines:"
printf '  %s$ head -n 2 alerts.jsonl%s\n' "$dim" "$plain"
head -n 2 "$lab_tmp/alerts.jsonl" 2>/dev/null | sed 's/^/  /'
[ -s "$lab_tmp/alerts.jsonl" ] || wrong=1

title "A last question: which uplink carried the PC's web pages?"
history "SELECT substr(started, 12, 8) AS at, src, sport, dst, dport, uplink, egress, verdict, packets, bytes, packets_reply, bytes_reply FROM flows WHERE src = '$PC4' AND dport = 80 ORDER BY id LIMIT 6"

if [ -n "${1:-}" ]; then
	title "The same as a picture"
	waymark report --picture >"$1" || wrong=1
	say "$1"
fi
if [ -n "${2:-}" ]; then
	waymark report >"$2" || wrong=1
	say "$2"
fi

if [ "$wrong" != 0 ]; then
	daemon_log
	title "The demo found an error: see above."
	exit 1
fi
title "The end. The namespaces and the history of this demo are deleted."
