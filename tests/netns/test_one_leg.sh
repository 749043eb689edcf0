#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_one_leg.sh - a host on an uplink's own network uses the router as its gateway: its
# flows keep their uplink when the weights change, and the history agrees (TCP and UDP, IPv4
# and IPv6, masquerade, SNAT and no NAT); and a LAN server with a public address that is
# translated one to one is reached, and answers by the uplink that the flow entered by.

. "${0%/*}/lib.sh"

HOST4=192.168.1.50 HOST6=fd00:1::50
# An address of wan1's network that no interface has: translated one to one.
MAPPED4=192.168.1.60 MAPPED6=fd00:1::60

# wan1 becomes a bridge, so that a host can stand beside the provider's router.
one_leg() {
	ns_add host
	at router ip link set wan1 down
	at router ip link set wan1 name wan1port
	at router ip link add wan1 type bridge
	at router ip link set wan1port master wan1
	at router ip link set wan1port up
	at router ip addr flush dev wan1port
	at router ip link add hostport type veth peer name eth0 netns "$ns_host"
	at router ip link set hostport master wan1
	at router ip link set hostport up
	at router sysctl -qw net.ipv4.conf.wan1.send_redirects=0 net.ipv4.conf.all.send_redirects=0
	at router ip -batch - <<-END || die "wan1 as a bridge"
		link set wan1 up
		addr add $WAN1_4/24 dev wan1
		addr add $WAN1_6/64 dev wan1 nodad
		route add default via $GW1_4 dev wan1 metric 100
		route add default via $GW1_6 dev wan1 metric 100
	END
	at host sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	at host ip -batch - <<-END || die "addresses of host"
		link set eth0 up
		addr add $HOST4/24 dev eth0
		addr add $HOST6/64 dev eth0 nodad
		route add default via $WAN1_4
		route add default via $WAN1_6
	END
}

weights() { # WEIGHT of wan2
	sed -i "/uplink wan2/,/}/s/weight .*/weight = $1/" "$lab_tmp/waymark.conf"
	reloads=$(grep -c 'reloaded' "$lab_tmp/waymarkd.log")
	kill -HUP "$daemon_pid"
	wait_for 10 has_reloaded "$reloads"
}

has_reloaded() { # BEFORE
	[ "$(grep -c 'reloaded' "$lab_tmp/waymarkd.log")" -gt "$1" ]
}

forget() { # delete the host's flows from conntrack
	local family proto
	for family in ipv4 ipv6; do
		for proto in tcp udp; do
			at router conntrack -D -f $family -p $proto --dport 7 >/dev/null 2>&1
		done
	done
}

OURS="src IN ('$HOST4', '$HOST6') AND dport = 7"
count() { # CONDITION: number of the host's flows
	sql "SELECT count(*) FROM flows WHERE $OURS AND $1"
}

lab_up
one_leg
serve net 80 7
nat masquerade
daemon_start

for mode in masquerade snat none; do
	nat $mode
	since=$(sql "SELECT coalesce(max(id), 0) FROM flows")
	hold_many $mode host "udp $NET4 7 8" "tcp $NET4 7 8" "udp $NET6 7 8" "tcp $NET6 7 8" ||
		die "the host's flows are not answered"
	check "$mode: the flows are in the history" wait_for_sql 10 \
		"SELECT count(*) FROM flows WHERE $OURS AND id > $since AND uplink IS NOT NULL AND sport IN ($(
			hold_ports $mode | paste -sd, -))" 32
	in_range "$mode: the flows leave by both uplinks" "$(count "id > $since AND uplink = 'wan1'")" 1 31
	check "$mode: the weights change" weights 60
	is "$mode: every flow is answered as before" "$(hold_send $mode)" 32
	check "$mode: the weights change back" weights 1
	is "$mode: every flow is answered again" "$(hold_send $mode)" 32
	hold_close $mode
	forget
	check "$mode: the flows end" wait_for_sql 10 \
		"SELECT count(*) FROM flows WHERE $OURS AND id > $since AND state = 'ended'" 32
	is "$mode: no flow was re-established" "$(count "id > $since")" 32
	is "$mode: each left only by the uplink of its mark" \
		"$(count "id > $since AND verdict = 'ok' AND uplink = egress")" 32
done
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0

# A restarted daemon recognizes these flows.
since=$(sql "SELECT max(id) FROM flows")
hold_many again host "udp $NET4 7 8" "udp $NET6 7 8" || die "no flows"
daemon_stop
daemon_run
is "after a restart: every flow is answered" "$(hold_send again)" 16
hold_close again
forget
check "after a restart: the flows are ok" wait_for_sql 10 "SELECT count(*) FROM flows WHERE $OURS AND id > $since
	AND proto = 'udp' AND state = 'ended' AND verdict = 'ok' AND uplink = egress" 16

# --- one to one ------------------------------------------------------------------------------

serve pc 81 8
at router ip neigh add proxy $MAPPED4 dev wan1
at router ip -6 neigh add proxy $MAPPED6 dev wan1
at router sysctl -qw net.ipv6.conf.wan1.proxy_ndp=1
nat_forwards="ip daddr $MAPPED4 dnat ip to $PC4
	ip6 daddr $MAPPED6 dnat ip6 to $PC6"
nat masquerade
for to in $MAPPED4 $MAPPED6; do
	from=$NET4_VIA1
	[ "$to" = $MAPPED4 ] || from=$NET6_VIA1
	hold one net tcp "$to" 8 4 "$from" || die "$to: no answer"
	check "one to one, $to: the flow entered by wan1" wait_for_sql 10 "SELECT count(*) FROM flows
		WHERE src = '$from' AND dst = '$to' AND uplink = 'wan1' AND ingress = 'wan1'" 4
	is "one to one, $to: the flow is answered" "$(hold_send one)" 4
	hold_close one
	check "one to one, $to: its replies left by wan1" wait_for_sql 10 "SELECT count(*) FROM flows
		WHERE src = '$from' AND dst = '$to' AND verdict = 'ok' AND egress_reply = 'wan1'" 4
done
done_testing
