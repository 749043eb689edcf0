#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_neighbours.sh - other programs' routes and rules work beside the steering, and pinned
# flows keep their uplink, in IPv4 and IPv6: half-default routes of a VPN in table main; the
# table of a mesh VPN whose hosts use the internet through the router; packets of a tunnel
# with its own socket mark; and hosts in one provider's network that ask for an address of the
# other uplink, with each method of local-routes.

. "${0%/*}/lib.sh"
. "${0%/*}/neighbours.sh"

lab_up
# From any side.
nat_forwards="
	fib daddr type local udp dport 94 meta nfproto ipv4 dnat ip to $PC4:98
	fib daddr type local udp dport 94 meta nfproto ipv6 dnat ip6 to [$PC6]:98"
nat masquerade
forward_port udp 99 98
forward_port tcp 99 98
serve net 80 7
serve router 80 97
serve pc 81 98

VPN4=10.8.0.1 VPN6=fd08::1
ns_add vpn
veth_add router 10.8.0.2/24 fd08::2/64 tun0 vpn $VPN4/24 $VPN6/64 eth0
at vpn sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
at vpn nft -f - <<-'END'
	table inet seen {
		counter pinned { }
		chain prerouting {
			type filter hook prerouting priority raw
			udp dport 7 counter name pinned
			tcp dport 7 counter name pinned
			udp sport { 97, 98, 99 } counter name pinned
			tcp sport { 97, 98, 99 } counter name pinned
		}
	}
END
at net nft -f - <<-'END'
	table inet seen {
		counter back { }
		chain prerouting {
			type filter hook prerouting priority raw
			ip daddr 100.64.0.0/10 counter name back
			ip6 daddr fd7a:115c:a1e0::/48 counter name back
		}
	}
END

counted() { # NAMESPACE COUNTER
	at "$1" nft list counter inet seen "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

forget() {
	at router conntrack -F -f ipv4 >/dev/null 2>&1
	at router conntrack -F -f ipv6 >/dev/null 2>&1
}

daemon_start

# --- half-default routes: 0.0.0.0/1, and in IPv6 also 2000::/4 ----------------------------

hold_many lan pc "udp $NET4 7 4" "udp $NET6 7 4" "tcp $NET4 7 2" "tcp $NET6 7 2" &&
	hold_many own router "udp $NET4 7 2 $WAN1_4" "tcp $NET6 7 2 $WAN2_6" &&
	hold_many outside net "udp $WAN1_4 97 2 $NET4_VIA1" "udp $WAN2_6 97 2 $NET6_VIA2" \
		"udp $WAN2_4 99 2 $NET4_VIA2" "tcp $WAN1_6 99 2 $NET6_VIA1" ||
	die 'no flows'
halves() { # add|del
	at router ip route "$1" 0.0.0.0/1 via $VPN4 dev tun0
	at router ip route "$1" 128.0.0.0/1 via $VPN4 dev tun0
	at router ip -6 route "$1" ::/1 via $VPN6 dev tun0
	at router ip -6 route "$1" 8000::/1 via $VPN6 dev tun0
	at router ip -6 route "$1" 2000::/4 via $VPN6 dev tun0
	at router ip -6 route "$1" 3000::/4 via $VPN6 dev tun0
}
halves add
is 'half-default routes: every pinned flow is answered' \
	"$(hold_send lan) $(hold_send own) $(hold_send outside)" '12 4 8'
is 'half-default routes: they take no packet of a pinned flow' "$(counted vpn pinned)" 0
waymark check >"$lab_tmp/check" 2>&1
for half in 0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1 2000::/4 3000::/4; do
	check "half-default routes: check names $half" grep -q "$half" "$lab_tmp/check"
done
halves del
hold_close lan
hold_close own
hold_close outside
forget
PINNED="dport IN (7, 97, 99)"
check 'half-default routes: each flow left only by the uplink of its mark' wait_for_sql 10 \
	"SELECT count(*) FROM flows WHERE $PINNED AND state = 'ended' AND verdict = 'ok'" 24
is 'half-default routes: no mismatch' "$(sql 'SELECT count(*) FROM mismatches')" 0

# --- a mesh VPN: a rule behind Waymark's leads to the table with its hosts ----------------

MESH4=100.64.0.9 MESH6=fd7a:115c:a1e0::9
at vpn ip addr add $MESH4/32 dev lo
at vpn ip addr add $MESH6/128 dev lo nodad
at vpn ip route add default via 10.8.0.2 src $MESH4
at vpn ip -6 route add default via fd08::2 src $MESH6
at router ip route add 100.64.0.0/10 via $VPN4 dev tun0 table 52
at router ip -6 route add fd7a:115c:a1e0::/48 via $VPN6 dev tun0 table 52
at router ip rule add pref 5270 lookup 52
at router ip -6 rule add pref 5270 lookup 52
since=$(sql 'SELECT coalesce(max(id), 0) FROM flows')
hold_many mesh vpn "udp $NET4 7 6 $MESH4" "udp $NET6 7 6 $MESH6" "tcp $NET4 7 3 $MESH4" \
	"tcp $NET6 7 3 $MESH6"
is "mesh: its hosts' flows are answered" $? 0
is 'mesh: the flows are answered again' "$(hold_send mesh)" 18
is 'mesh: no reply is sent to a provider' "$(counted net back)" 0
hold_close mesh
forget
check 'mesh: each flow left only by the uplink of its mark' wait_for_sql 10 \
	"SELECT count(*) FROM flows WHERE id > $since AND src IN ('$MESH4', '$MESH6')
		AND verdict = 'ok' AND egress = uplink" 18

# Its hosts ask the uplinks' addresses, for the router itself and for a port forward; and the
# router asks a host of the mesh from an uplink's address.
serve vpn 80 96
hold_many asking vpn "udp $WAN1_4 97 2 $MESH4" "tcp $WAN2_4 97 2 $MESH4" "udp $WAN1_6 97 2 $MESH6" \
	"tcp $WAN2_6 97 2 $MESH6" "udp $WAN1_4 94 2 $MESH4" "udp $WAN2_6 94 2 $MESH6" &&
	hold_many asked router "udp $MESH4 96 2 $WAN1_4" "tcp $MESH4 96 2 $WAN2_4" \
		"udp $MESH6 96 2 $WAN1_6" "tcp $MESH6 96 2 $WAN2_6"
is "mesh: the uplinks' addresses answer its hosts, and ask them" $? 0
is 'mesh: ... and again' "$(hold_send asking) $(hold_send asked)" '12 8'
is 'mesh: ... no packet is sent to a provider' "$(counted net back)" 0
# Flows that began before the steering are not taken for flows with the internet.
waymark remove >/dev/null
daemon_stop
hold_close asking
hold_close asked
forget
hold_many asking vpn "udp $WAN1_4 97 2 $MESH4" "udp $WAN2_6 97 2 $MESH6" "udp $WAN1_4 94 2 $MESH4" &&
	hold_many asked router "udp $MESH4 96 2 $WAN1_4" "udp $MESH6 96 2 $WAN2_6" || die 'no flows'
daemon_start
is 'mesh: flows from before the start are answered' "$(hold_send asking) $(hold_send asked)" '6 4'
is 'mesh: ... no packet is sent to a provider' "$(counted net back)" 0
hold_close asking
hold_close asked
forget
copies() {
	at router ip rule | grep -c '^4005:.*lookup 52 suppress_prefixlength 1'
}
has_copies() { # COUNT
	[ "$(copies)" = "$1" ]
}
check 'mesh: each IPv4 address of the uplinks has a rule for its table' has_copies 2
at router ip rule del pref 5270
at router ip -6 rule del pref 5270
check 'mesh: ... until its rule goes' wait_for 10 has_copies 0
at router ip route add 203.0.113.77 dev tun0 table 52
at router ip rule add pref 5270 lookup 52
at router ip route del 203.0.113.77 dev tun0 table 52
check 'mesh: ... and when it comes again' wait_for 10 has_copies 2
at router ip rule del pref 5270

# --- a tunnel of the router, whose packets have a socket mark ------------------------------

# As wg-quick: packets without the tunnel's mark enter the tunnel. 0xca6c has bits under
# Waymark's mask, 0xca00 has none, 0xca02 has those of wan1's mark.
for mark in 51820 51712 51714; do
	for family in -4 -6; do
		at router ip $family route add default dev tun0 table 777
		at router ip $family rule add not fwmark $mark lookup 777
		at router ip $family rule add lookup main suppress_prefixlength 0
	done
	is "socket mark $mark: IPv4 leaves by an uplink" "$(asked $mark $NET4)" 6
	is "socket mark $mark: IPv6 leaves by an uplink" "$(asked $mark $NET6)" 6
	for family in -4 -6; do
		at router ip $family rule del not fwmark $mark lookup 777
		at router ip $family rule del lookup main suppress_prefixlength 0
		at router ip $family route flush table 777
	done
done
daemon_stop
forget

# --- a host in the other provider's network ------------------------------------------------------

BESIDE4=192.168.2.77 BESIDE6=fd00:2::77
at net ip addr add $BESIDE4/32 dev lo
at net ip addr add $BESIDE6/128 dev lo nodad
at net ip rule add pref 105 from $BESIDE4 lookup 101
at net ip -6 rule add pref 105 from $BESIDE6 lookup 101
for method in suppress copy exclude; do
	daemon_start "local-routes = \"$method\""
	since=$(sql 'SELECT coalesce(max(id), 0) FROM flows')
	hold_many beside net \
		"udp $WAN1_4 97 2 $BESIDE4" "tcp $WAN1_4 97 2 $BESIDE4" "udp $WAN1_4 99 2 $BESIDE4" \
		"udp $WAN1_6 97 2 $BESIDE6" "tcp $WAN1_6 97 2 $BESIDE6" "tcp $WAN1_6 99 2 $BESIDE6"
	is "$method: flows from a host in wan2's network to wan1's addresses open" $? 0
	is "$method: the flows are answered" "$(hold_send beside)" 12
	hold_close beside
	forget
	check "$method: each flow was answered by wan1" wait_for_sql 10 "SELECT count(*) FROM flows
		WHERE id > $since AND src IN ('$BESIDE4', '$BESIDE6')
			AND verdict = 'ok' AND egress_reply = 'wan1'" 12
	is "$method: no mismatch" "$(sql "SELECT count(*) FROM mismatches WHERE flow_id > $since")" 0
	daemon_stop
	forget
done
done_testing
