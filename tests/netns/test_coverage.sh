#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_coverage.sh - the rules' counters of each uplink equal what the flows of the history
# account for, to the packet and the byte; packets not in the history are counted as missing
# with their cause: untracked, of no flow, from before the start, in a gap, or past the rules.

. "${0%/*}/lib.sh"

FLOWS=10

# Make the daemon update the coverage. The tool prints nothing to stderr without an error.
update() {
	waymark coverage >"$lab_tmp/coverage" 2>"$lab_tmp/coverage.err" && [ ! -s "$lab_tmp/coverage.err" ]
}

# covered WHAT [UPLINK]: sum over all hours, because the test may cross into another one.
covered() {
	sql "SELECT ifnull(sum($1), 0) FROM coverage WHERE uplink LIKE '${2:-%}'"
}

# counted WORD MARK: packets that the rules counted, from nft.
counted() {
	at router nft list table inet waymark |
		sed -n "s/.*counter packets \([0-9]*\) .*comment \"$1 $2\".*/\1/p" |
		{ sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; }
}

# Conntrack's listing without each entry's remaining time.
entries() {
	{
		at router conntrack -L -f ipv4
		at router conntrack -L -f ipv6
	} 2>/dev/null | awk '{ $3 = ""; print }' | sort
}

# No connection is closing, and none sends.
entries_are_stable() {
	entries >"$lab_tmp/entries"
	! grep -q 'SYN_\|FIN_WAIT\|CLOSE_WAIT\|LAST_ACK' "$lab_tmp/entries" || return 1
	sleep 0.2
	[ "$(entries)" = "$(cat "$lab_tmp/entries")" ]
}

settle() {
	wait_for 15 entries_are_stable || diag 'conntrack entries still change'
	update || diag "$(cat "$lab_tmp/coverage.err")"
}

all_is_covered() { # WHEN
	local uplink
	for uplink in wan1 wan2; do
		check "$1: packets left by $uplink" test "$(covered left_packets $uplink)" -gt $FLOWS
		is "$1: all of them are in the history" \
			"$(covered seen_packets $uplink) $(covered seen_bytes $uplink)" \
			"$(covered left_packets $uplink) $(covered left_bytes $uplink)"
	done
	is "$1: none is missing" "$(covered missing_packets)" 0
}

status_says() { # PATTERN
	waymark status | grep -q "$1"
}

lab_up
nat masquerade
forward_port tcp 8080
# Count flows from before the start, and send their events.
at router sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_events=1
# An idle flow must not time out during the test.
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=600 net.netfilter.nf_conntrack_udp_timeout_stream=600
serve net 8080 7
serve pc 8080 7
serve router 8081 9
hold early pc udp $NET4 7 1 || die 'no flow from before the start'
daemon_start 'repair = false'

update
check "an uplink without packets has no coverage" status_says 'wan1: nothing sent$'
is "... in the history, too" "$(sql "SELECT DISTINCT ifnull(share, causes) FROM coverage")" 'nothing sent'

# --- all packets are in the history ---------------------------------------------------------------

http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
http_get pc $FLOWS "http://[$NET6]:8080/" >/dev/null
http_get router $FLOWS "http://$NET4:8080/" >/dev/null
http_get router $FLOWS "http://[$NET6]:8080/" >/dev/null
http_get net $FLOWS "http://$WAN1_4:8080/" --interface $NET4_VIA1 >/dev/null
http_get net $FLOWS "http://[$WAN2_6]:8080/" --interface $NET6_VIA2 >/dev/null
http_get net $FLOWS "http://$WAN2_4:8081/" --interface $NET4_VIA2 >/dev/null
http_get net $FLOWS "http://[$WAN1_6]:8081/" --interface $NET6_VIA1 >/dev/null
hold_many steady pc "udp $NET4 7 $FLOWS" "tcp $NET6 7 $FLOWS" "udp $NET6 7 $FLOWS" || die 'no steady flows'
settle
all_is_covered 'live flows'
hold_send steady >/dev/null
settle
all_is_covered 'flows that sent again'
is "the packets are those that the rules counted" "$(covered left_packets wan1) $(covered left_packets wan2)" \
	"$(counted out 0x2) $(counted out 0x3)"
check "the interface counted at least as many" \
	test "$(covered link_packets)" -ge "$(covered left_packets)"
check "status has the share" status_says 'wan1: 100.00 % of [0-9]* packets$'
is "uplinks has the share" "$(waymark uplinks --csv --columns coverage | sed -n '2,$p' | tr '\n' ' ')" '1.0000 1.0000 '

# Another uplink loads a new ruleset: its counters start at zero, and no packet is missed.
before=$(covered left_packets)
http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
config_write 'repair = false
	uplink wan3 { interface = "wan3"  mark = 4  table = 249 }'
kill -HUP "$daemon_pid"
check "a reload adds another uplink" wait_for 10 grep -q 'configuration reloaded' "$lab_tmp/waymarkd.log"
http_get pc $FLOWS "http://[$NET6]:8080/" >/dev/null
settle
check "the rules were loaded again" test "$(($(counted out 0x2) + $(counted out 0x3)))" -lt "$before"
check "the packets of before and after are summed" \
	test "$(covered left_packets)" -gt $((before + 5 * FLOWS + $(counted out 0x2) + $(counted out 0x3) - 1))
all_is_covered 'across a reload of the rules'
is "no packet was counted by the interface alone" "$(covered 'left_packets - rules_packets')" 0
check "a missing interface has no coverage" status_says 'wan3: nothing sent$'

# --- of no flow -----------------------------------------------------------------------------

errors=$(at net python3 "$PEER" provoke refused $WAN1_4 4444 3 $NET4_VIA1)
settle
check "closed ports cause ICMP errors" test "$errors" -gt 0
is "ICMP errors count as packets of no flow" "$(covered other wan1) $(covered missing_packets)" "$errors $errors"

at router nft -f - <<-END
	table inet lab_raw {
		chain prerouting {
			type filter hook prerouting priority raw
			iifname lan udp dport 4445 notrack
		}
	}
END
at pc python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(7):
    s.sendto(b"untracked", ("'$NET4'", 4445))'
# Neighbour solicitations leave untracked too.
at router ip -6 neigh flush dev wan1
at router ping -6 -c 1 -W 5 $GW1_6 >/dev/null
check "neighbour solicitations were sent" test "$(counted neighbours 0x2)" -gt 0
settle
is "untracked packets are missing, to the packet" "$(covered untracked)" 7
is "... with an example" \
	"$(sql 'SELECT DISTINCT untracked_example FROM coverage WHERE untracked > 0' | sed 's/:[0-9]* >/:PORT >/')" \
	"udp $PC4:PORT > $NET4:4445"
is "check names it" \
	"$(waymark check | sed -n 's/^warning: \(.*\) left by uplink wan.*, such as.*\(:4445\):.*/\1 \2/p')" \
	"7 packets without a conntrack entry :4445"
is "... and nothing else is missing" "$(covered missing_packets)" $((errors + 7))
check "status has the cause" status_says 'missing: [0-9]* untracked'

# --- from before the start ------------------------------------------------------------------

for turn in 1 2 3; do
	hold_send early >/dev/null
done
settle
is "a flow from before the start is missing, to the packet" "$(covered predating)" 3
check "status has the cause" status_says '3 of flows that predate the rules'
hold_close early
hold_close steady

# --- in a gap ---------------------------------------------------------------------------------

wait_for 15 entries_are_stable
at router conntrack -F >/dev/null 2>&1
wait_for 15 sql_is "SELECT count(*) FROM flows WHERE state = 'live'" 0
settle
is "ended flows account for the same packets" "$(covered missing_packets)" $((errors + 7 + 3))
seen=$(covered seen_packets)
before=$(($(counted out 0x2) + $(counted out 0x3)))
daemon_stop KILL
waymark coverage >/dev/null 2>"$lab_tmp/coverage.err"
check "without a daemon the tool warns that its figures are old" \
	grep -q 'the coverage since the newest interval is unknown' "$lab_tmp/coverage.err"
http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
wait_for 15 entries_are_stable
at router conntrack -F >/dev/null 2>&1
missed=$(($(counted out 0x2) + $(counted out 0x3) - before))
daemon_run
settle
check "packets left while no daemon ran" test $missed -gt $FLOWS
# Unexplained packets of an hour with a gap are attributed to the gap.
is "the packets are missing in a gap, to the packet" "$(covered 'gap + other')" $((missed + errors))
check "... counted as such" test "$(covered gap)" -ge $missed
check "status has the cause" status_says 'missing:.* [0-9]* in a gap'
is "... and they are not in the history" "$(covered seen_packets)" "$seen"

# --- past the rules -----------------------------------------------------------------------------

sum=$(covered rules_packets)
at router nft delete table inet waymark
http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
settle
is "deleted rules count nothing" "$(covered rules_packets)" "$sum"
check "packets that the interface sent meanwhile are missing" test "$(covered rules_missing)" -ge $((FLOWS * 5))
check "status has the cause" status_says 'sent while the rules were missing'
check_not "... and no share is 100 %" status_says '100.00 %'
check "nagios prints the coverage beside the mismatches" \
	sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' nagios | grep -q 'mismatches 0.*coverage since the start: wan3 not known, wan1 [0-9.]*%, wan2 [0-9.]*% |.*coverage_wan1'"
check "mismatches refers to the coverage when it has none" sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' mismatches 2>&1 | grep -q \"'waymark coverage' shows how much\""

daemon_stop
done_testing
