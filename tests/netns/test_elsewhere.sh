#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_elsewhere.sh - pinned flows that another process's rule routes to an interface of no
# uplink are mismatches with the reason rule-before: forwarded flows, the router's own, inbound
# flows to the router and through a port forward, IPv4 and IPv6; without NAT, with masquerade
# and with SNAT.

. "${0%/*}/lib.sh"

lab_up
forward_port udp 99 98
serve net 80 7
serve router 80 97
serve pc 81 98
daemon_start 'repair = false
	balance = false'

taken_over() { # add|del
	at router ip rule "$1" pref 50 to "$NET4" lookup 777
	at router ip rule "$1" pref 50 to "$NET4_VIA1" lookup 777
	at router ip -6 rule "$1" pref 50 to "$NET6" lookup 777
	at router ip -6 rule "$1" pref 50 to "$NET6_VIA1" lookup 777
}
at router ip link add vpn0 type veth peer name vpn1
at router ip link set vpn1 up
at router ip link set vpn0 up
at router ip route add default dev vpn0 table 777
at router ip -6 route add default dev vpn0 table 777
at router ip neigh add 10.9.9.9 lladdr 02:00:00:00:00:01 dev vpn0

forget() { # delete the flows from conntrack
	local family
	for family in ipv4 ipv6; do
		at router conntrack -F -f $family >/dev/null 2>&1
	done
}

for mode in none masquerade snat; do
	nat $mode
	since=$(sql "SELECT coalesce(max(id), 0) FROM flows")
	FLOWS="id > $since AND dport IN (7, 97, 99)"
	hold_many lan pc "udp $NET4 7 2" "udp $NET6 7 2" "tcp $NET4 7 1" "tcp $NET6 7 1" &&
		hold_many own router "udp $NET4 7 2 $WAN1_4" "udp $NET6 7 2 $WAN1_6" &&
		hold_many outside net "udp $WAN1_4 97 2 $NET4_VIA1" "udp $WAN1_6 97 2 $NET6_VIA1" \
			"udp $WAN1_4 99 2 $NET4_VIA1" "udp $WAN1_6 99 2 $NET6_VIA1" ||
		die 'no flows'
	wait_for_sql 10 "SELECT count(*) FROM flows WHERE $FLOWS AND verdict = 'ok'" 18 ||
		diag "$(sql "SELECT proto, src, dst, dport, verdict, reason FROM flows")"
	is "$mode: no flow strays before the fault" "$(sql "SELECT count(*) FROM flows WHERE $FLOWS AND verdict <> 'ok'")" 0

	taken_over add
	hold_push lan
	hold_push own
	hold_push outside
	strays_are() { # WHERE WANTED
		wait_for_sql 10 "SELECT count(DISTINCT flow_id) FROM mismatches m
			WHERE flow_id > $since AND reason = 'rule-before' AND (SELECT f.verdict = 'mismatch' AND $1
				FROM flows f WHERE f.id = m.flow_id)" "$2"
	}
	check "$mode: forwarded flows are mismatches" strays_are "f.src IN ('$PC4', '$PC6')" 6
	check "$mode: so are the flows of the router" strays_are "f.src IN ('$WAN1_4', '$WAN1_6')" 4
	check "$mode: so are inbound flows, by their replies" strays_are 'f.dport = 97' 4
	check "$mode: so are port forwards" strays_are 'f.dport = 99' 4
	is "$mode: each is reported once per flow and direction" \
		"$(sql "SELECT max(n) FROM (SELECT count(*) AS n FROM mismatches
			WHERE flow_id > $since GROUP BY flow_id)")" 1

	taken_over del
	hold_drop lan
	hold_drop own
	hold_drop outside
	forget
done
done_testing
