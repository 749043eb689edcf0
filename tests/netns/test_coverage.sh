#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_coverage.sh - what the rules count at each uplink is what the flows of the history
# account for, to the packet and the byte; and what is not in the history is missing with
# its cause and its number: untracked, of no flow, from before the start, in a gap, past
# the rules.

. "${0%/*}/lib.sh"

FLOWS=10

# look: what is shown is of now. The tool says nothing where all is well.
look() {
	waymark coverage >"$lab_tmp/coverage" 2>"$lab_tmp/coverage.err" && [ ! -s "$lab_tmp/coverage.err" ]
}

# covered WHAT [UPLINK]: a sum over the hours, so that the test may cross one.
covered() {
	sql "SELECT ifnull(sum($1), 0) FROM coverage WHERE uplink LIKE '${2:-%}'"
}

# counted WORD MARK: by the rules, as nft tells.
counted() {
	at router nft list table inet waymark |
		sed -n "s/.*counter packets \([0-9]*\) .*comment \"$1 $2\".*/\1/p" |
		{ sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; }
}

# Without the time that each has left.
entries() {
	{
		at router conntrack -L -f ipv4
		at router conntrack -L -f ipv6
	} 2>/dev/null | awk '{ $3 = ""; print }' | sort
}

# No connection is on its way to its end, and none sends.
entries_are_still() {
	entries >"$lab_tmp/entries"
	! grep -q 'SYN_\|FIN_WAIT\|CLOSE_WAIT\|LAST_ACK' "$lab_tmp/entries" || return 1
	sleep 0.2
	[ "$(entries)" = "$(cat "$lab_tmp/entries")" ]
}

quiet() {
	wait_for 15 entries_are_still || diag 'conntrack entries still change'
	look || diag "$(cat "$lab_tmp/coverage.err")"
}

all_is_covered() { # WHEN
	local line
	for line in wan1 wan2; do
		check "$1: packets left by $line" test "$(covered left_packets $line)" -gt $FLOWS
		is "$1: all of them are in the history" \
			"$(covered seen_packets $line) $(covered seen_bytes $line)" \
			"$(covered left_packets $line) $(covered left_bytes $line)"
	done
	is "$1: none is missing" "$(covered missing_packets)" 0
}

status_says() { # WORDS
	waymark status | grep -q "$1"
}

lab_up
nat masquerade
forward_port tcp 8080
# Flows from before the start count and tell their end.
at router sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_events=1
# A flow that waits for its turn must not end before it.
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=600 net.netfilter.nf_conntrack_udp_timeout_stream=600
serve net 8080 7
serve pc 8080 7
serve router 8081 9
hold early pc udp $NET4 7 1 || die 'no flow from before the start'
daemon_start 'repair = false'

look
check "where nothing has left nothing is covered" status_says 'wan1: nothing left$'
is "... in the history, too" "$(sql "SELECT DISTINCT ifnull(share, causes) FROM coverage")" 'nothing left'

# --- all that left is there ---------------------------------------------------------------

http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
http_get pc $FLOWS "http://[$NET6]:8080/" >/dev/null
http_get router $FLOWS "http://$NET4:8080/" >/dev/null
http_get router $FLOWS "http://[$NET6]:8080/" >/dev/null
http_get net $FLOWS "http://$WAN1_4:8080/" --interface $NET4_VIA1 >/dev/null
http_get net $FLOWS "http://[$WAN2_6]:8080/" --interface $NET6_VIA2 >/dev/null
http_get net $FLOWS "http://$WAN2_4:8081/" --interface $NET4_VIA2 >/dev/null
http_get net $FLOWS "http://[$WAN1_6]:8081/" --interface $NET6_VIA1 >/dev/null
hold_many steady pc "udp $NET4 7 $FLOWS" "tcp $NET6 7 $FLOWS" "udp $NET6 7 $FLOWS" || die 'no steady flows'
quiet
all_is_covered 'flows that live'
hold_send steady >/dev/null
quiet
all_is_covered 'flows that went on'
is "they are what the rules counted" "$(covered left_packets wan1) $(covered left_packets wan2)" \
	"$(counted out 0x2) $(counted out 0x3)"
check "the interface's own count is not less" \
	test "$(covered link_packets)" -ge "$(covered left_packets)"
check "status says so" status_says 'wan1: 100.00 % of [0-9]* packets$'
is "uplinks says so" "$(waymark uplinks --csv --columns coverage | sed -n '2,$p' | tr '\n' ' ')" '1.0000 1.0000 '

# Another uplink is another ruleset: its counters start at zero, and nothing is lost by it.
before=$(covered left_packets)
http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
config_write 'repair = false
	uplink wan3 { interface = "wan3"  mark = 4  table = 249 }'
kill -HUP "$daemon_pid"
check "a reload adds another uplink" wait_for 10 grep -q 'configuration reloaded' "$lab_tmp/waymarkd.log"
http_get pc $FLOWS "http://[$NET6]:8080/" >/dev/null
quiet
check "the rules were loaded anew" test "$(($(counted out 0x2) + $(counted out 0x3)))" -lt "$before"
check "packets left before it and after it" \
	test "$(covered left_packets)" -gt $((before + 5 * FLOWS + $(counted out 0x2) + $(counted out 0x3) - 1))
all_is_covered 'across a load of the rules'
is "none is put down to the interface's count" "$(covered 'left_packets - rules_packets')" 0
check "an uplink that is missing has nothing covered" status_says 'wan3: nothing left$'

# --- of no flow -----------------------------------------------------------------------------

told=$(at net python3 "$PEER" provoke refused $WAN1_4 4444 3 $NET4_VIA1)
quiet
check "closed ports were reported" test "$told" -gt 0
is "ICMP errors are of no flow" "$(covered other wan1) $(covered missing_packets)" "$told $told"

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
# The kernel asks who its neighbours are, and tracks that no more.
at router ip -6 neigh flush dev wan1
at router ping -6 -c 1 -W 5 $GW1_6 >/dev/null
check "neighbours were asked for" test "$(counted neighbours 0x2)" -gt 0
quiet
is "what is not tracked is missing, to the packet" "$(covered untracked)" 7
is "... with an example" \
	"$(sql 'SELECT DISTINCT untracked_example FROM coverage WHERE untracked > 0' | sed 's/:[0-9]* >/:PORT >/')" \
	"udp $PC4:PORT > $NET4:4445"
is "check names it" \
	"$(waymark check | sed -n 's/^warning: \(.*\) left by uplink wan.*, such as.*\(:4445\):.*/\1 \2/p')" \
	"7 packets of no flow :4445"
is "... and nothing else is" "$(covered missing_packets)" $((told + 7))
check "status says why" status_says 'missing: [0-9]* untracked'

# --- from before the start ------------------------------------------------------------------

for turn in 1 2 3; do
	hold_send early >/dev/null
done
quiet
is "a flow from before the start is missing, to the packet" "$(covered predating)" 3
check "status says why" status_says '3 before the start'
hold_close early
hold_close steady

# --- in a gap ---------------------------------------------------------------------------------

wait_for 15 entries_are_still
at router conntrack -F >/dev/null 2>&1
wait_for 15 sql_is "SELECT count(*) FROM flows WHERE state = 'live'" 0
quiet
is "flows that ended are as complete" "$(covered missing_packets)" $((told + 7 + 3))
seen=$(covered seen_packets)
before=$(($(counted out 0x2) + $(counted out 0x3)))
daemon_stop KILL
waymark coverage >/dev/null 2>"$lab_tmp/coverage.err"
check "without a daemon the tool says that it knows no more" \
	grep -q 'nothing is known since then' "$lab_tmp/coverage.err"
http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
wait_for 15 entries_are_still
at router conntrack -F >/dev/null 2>&1
missed=$(($(counted out 0x2) + $(counted out 0x3) - before))
daemon_run
quiet
check "packets left while no daemon was there" test $missed -gt $FLOWS
# What is left over in an hour with a gap is put down to it.
is "they are missing in a gap, to the packet" "$(covered 'gap + other')" $((missed + told))
check "... as such" test "$(covered gap)" -ge $missed
check "status says why" status_says 'missing:.* [0-9]* in a gap'
is "... and not in the history" "$(covered seen_packets)" "$seen"

# --- past the rules -----------------------------------------------------------------------------

sum=$(covered rules_packets)
at router nft delete table inet waymark
http_get pc $FLOWS "http://$NET4:8080/" >/dev/null
quiet
is "rules that are gone count nothing" "$(covered rules_packets)" "$sum"
check "what the interface sent meanwhile is missing" test "$(covered rules_missing)" -ge $((FLOWS * 5))
check "status says why" status_says 'past the rules'
check_not "and nothing looks like all" status_says '100.00 %'
check "a plugin says it with the mismatches" \
	sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' nagios | grep -q 'mismatches 0.*coverage since the start: wan3 not known, wan1 [0-9.]*%, wan2 [0-9.]*% |.*coverage_wan1'"
check "nor where there is no mismatch" sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' mismatches 2>&1 | grep -q \"'waymark coverage' says how much\""

daemon_stop
done_testing
