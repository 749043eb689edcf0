#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_adopt.sh - flows from before the steering are adopted: those whose address belongs to an
# uplink get its mark when the daemon starts, with foreign mark bits kept, and stay on their
# uplink while the start changes the routes: no packet is lost. Other flows are reported as
# unmarked, never guessed. A fault that moves adopted flows is a mismatch. Mode audit marks
# nothing.

. "${0%/*}/lib.sh"

PLAIN4=192.168.10.3 # a source without NAT

lab_up
# As on a router with two uplinks and no steering: flows enter by either.
at router sysctl -qw net.ipv4.conf.all.rp_filter=2
# UDP flows must not time out before the test checks them.
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=600
at pc ip addr add $PLAIN4/24 dev eth0
forward_port tcp 7
serve net 80 7
serve pc 8080 7
serve router 8081 7007

nat_some() {
	nat_rules="ip saddr $PLAIN4 accept
		oifname { wan1, wan2 } masquerade"
	nat_load
}

# By the uplink that main's default route has at the moment, translated to its address; from
# outside by both; from the router; in both families.
flows_open() {
	hold "lan1_$1" pc udp $NET4 7 15 || die 'no flows from the LAN'
	hold "lan1_tcp_$1" pc tcp "$NET6" 7 5 || die 'no IPv6 flows from the LAN'
	at router ip route replace default via $GW2_4 dev wan2 metric 50
	hold "lan2_$1" pc tcp $NET4 7 5 || die 'no flows by wan2'
	at router ip route del default via $GW2_4 dev wan2 metric 50
	hold "own_$1" router tcp $NET4 7 5 || die 'no flows of the router'
	hold "in1_$1" net tcp $WAN1_4 7 4 || die 'no flows from outside by wan1'
	hold "in2_$1" net tcp "$WAN2_6" 7 4 || die 'no flows from outside by wan2'
	hold "in2_own_$1" net tcp $WAN2_4 7007 3 || die 'no flows to the router by wan2'
	hold "plain_$1" pc udp $NET4 7 6 $PLAIN4 || die 'no flows without NAT'
	hold "local_$1" pc tcp $WAN1_4 7007 3 || die 'no flows from the LAN to the router'
}

each_flow() { # COMMAND SUFFIX
	local name
	for name in lan1 lan1_tcp lan2 own in1 in2 in2_own plain local; do
		"$1" "${name}_$2"
	done
}

# marked MARK FILTER...: number of entries with this mark that match a conntrack filter.
marked() { # MARK FILTER...
	local mark=$1
	shift
	at router conntrack -L --mark "$mark/0xff" "$@" 2>/dev/null | grep -c .
}

# --- the start --------------------------------------------------------------------------

nat_some
# Foreign bits, on UDP flows.
at router nft -f - <<-END || die 'no foreign marks'
	table inet foreign {
		chain postrouting {
			type filter hook postrouting priority filter
			udp dport 7 ct state new ct mark set 0x50000
		}
	}
END
flows_open a
at router nft delete table inet foreign
is 'no flow is marked before' "$(marked 2)$(marked 3)" 00
for i in 1 2 3 4 5 6 7 8 9 10; do
	at pc ping -q -i 0.01 -c 300 -W 1 $NET4 >"$lab_tmp/ping.$i" 2>&1 &
	pings="${pings:-} $!"
done
wait_for 5 sh -c "[ \$(nsenter --net=/proc/$ns_router/ns/net conntrack -L -p icmp 2>/dev/null | grep -c .) = 10 ]" ||
	die 'no pings'
began=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
daemon_start
# shellcheck disable=SC2086 # a list
wait $pings
is 'no packet was lost while the routes changed' \
	"$(cat "$lab_tmp"/ping.* | grep -c '300 packets transmitted, 300 received')" 10

# --- the marks ---------------------------------------------------------------------------

is 'flows from the LAN, masqueraded to wan1, are marked' "$(marked 2 -p udp --reply-dst $WAN1_4 --dport 7)" 15
is '... IPv6' "$(marked 2 -f ipv6 -p tcp --reply-dst $WAN1_6 --dport 7)" 5
is 'flows from the LAN, masqueraded to wan2, are marked' "$(marked 3 -p tcp --reply-dst $WAN2_4 --src $PC4)" 5
is 'flows of the router are marked by their source' "$(marked 2 -p tcp --src $WAN1_4)" 5
is 'flows from outside by wan1 to the PC are marked' "$(marked 2 -p tcp --src $NET4 --dst $WAN1_4)" 4
is 'flows from outside by wan2 to the PC are marked' "$(marked 3 -f ipv6 -p tcp --src $NET6 --dst $WAN2_6)" 4
is 'flows from outside by wan2 to the router are marked' "$(marked 3 -p tcp --src $NET4 --dst $WAN2_4)" 3
is 'flows without NAT are not guessed' "$(marked 0 -p udp --src $PLAIN4)" 6
is 'flows from the LAN to the router are not marked' "$(marked 0 -p tcp --src $PC4 --dst $WAN1_4)" 3
is "foreign mark bits are kept" \
	"$(at router conntrack -L -p udp --mark 0x50000/0xffff0000 2>/dev/null | grep -c .)" 21
check 'the log has their number' grep -q ' marked 5[0-9] flows that started before the steering,' \
	"$lab_tmp/waymarkd.log"

# --- their verdicts ----------------------------------------------------------------------------

# Selected by their addresses in the history.
lan1_verdicts="SELECT group_concat(DISTINCT uplink || ' ' || verdict || ' ' || reason)
	FROM flows WHERE nat_src IN ('$WAN1_4', '$WAN1_6') AND dport = 7"
each_flow hold_send a >"$lab_tmp/answers"
is 'every flow is answered' "$(tr '\n' ' ' <"$lab_tmp/answers")" '15 5 5 5 4 4 3 6 3 '
wait_for_sql 3 "SELECT count(*) FROM flows WHERE verdict = 'unmarked'" 6
is 'flows without a mark are unmarked, with the uplink that they left by' \
	"$(sql "SELECT count(*) FROM flows WHERE src = '$PLAIN4' AND verdict = 'unmarked'
		AND mark = 0 AND uplink IS NULL AND egress IN ('wan1', 'wan2', 'wan1,wan2')")" 6
is 'no other flow is unmarked' "$(sql "SELECT count(*) FROM flows WHERE verdict = 'unmarked'")" 6
# The kernel gives a flow from before the first label rule no room for labels.
is 'adopted flows have their uplink, and no evidence' "$(sql "$lan1_verdicts")" \
	'wan1 unknown predates'
is 'no flow is mismatch, wrong-source or foreign' "$(sql "SELECT count(*) FROM flows
	WHERE verdict IN ('mismatch', 'wrong-source', 'foreign')")" 0 ||
	diag "$(sql "SELECT id, proto, src, sport, dst, dport, nat_src, mark, uplink, ingress, egress,
		egress_reply, verdict, reason, started FROM flows WHERE verdict IN ('mismatch', 'wrong-source', 'foreign')")"
is 'adopting is recorded as a change of mark, from none' "$(sql "SELECT group_concat(DISTINCT old)
	FROM mark_changes WHERE time >= '$began'")" 0
check 'explain names the process' sh -c 'echo "$1" | grep -q "^writer  *Waymark may have written the first mark"' sh \
	"$(waymark explain --proto udp --src $PC4 --dst $NET4 --dport 7)"

# --- a fault -----------------------------------------------------------------------------------

at router ip route replace default via $GW1_4 dev wan1 table 250
hold_send in2_own_a >/dev/null
wait_for_sql 2 "SELECT count(DISTINCT flow_id) FROM mismatches WHERE expected = 'wan2' AND egress = 'wan1'" 3
is 'adopted flows that leave by the other uplink are mismatches' \
	"$(sql "SELECT count(DISTINCT flow_id) || ' ' || group_concat(DISTINCT evidence) FROM mismatches
		WHERE expected = 'wan2' AND egress = 'wan1' AND src = '$NET4' AND dst = '$WAN2_4'")" '3 packet'
is '... and no other flow is' "$(sql 'SELECT count(DISTINCT flow_id) FROM mismatches')" 3

# --- again, and without steering -----------------------------------------------------------------

each_flow hold_close a
daemon_stop
waymark remove >/dev/null || not_ok 'remove'
at router conntrack -F 2>/dev/null
hold audit pc udp $NET4 7 4 || die 'no flows'
daemon_start 'mode = "audit"'
hold_send audit >/dev/null
is 'mode audit marks nothing' "$(marked 0 -p udp --src $PC4)" 4
wait_for_sql 3 "SELECT count(*) FROM flows WHERE verdict = 'unmarked' AND state = 'live' AND egress = 'wan1'" 4
is '... and reports the flows as unmarked' \
	"$(sql "SELECT count(*) FROM flows WHERE verdict = 'unmarked' AND state = 'live' AND egress = 'wan1'")" 4
hold_close audit

done_testing
