#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_local_routes.sh - each of the three methods for local destinations (local-routes =
# suppress, copy, exclude) keeps local traffic local while flows are steered: port forwards on
# both uplinks, flows from the LANs to the internet, from LAN to LAN, and to the router's own
# addresses on either uplink; also for a network that appears while the daemon runs. No flow
# breaks, none is a mismatch. Without the method's rules or routes the traffic is lost.

. "${0%/*}/lib.sh"

PC2_4=192.168.20.2 PC2_6=fd00:20::2
# A network behind the second PC, and another interface of the router, which do not exist yet
# when the daemon starts.
FAR4=192.168.30.2 FAR6=fd00:30::2
PC3_4=192.168.40.2 PC3_6=fd00:40::2

lab_up
ns_add pc2
ns_add pc3
for ns in pc2 pc3; do
	at $ns sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0
done
veth_add router 192.168.20.1/24 fd00:20::1/64 lan2 pc2 $PC2_4/24 $PC2_6/64 eth0
at pc2 ip -batch - <<-END || die 'addresses of pc2'
	addr add $FAR4/32 dev lo
	addr add $FAR6/128 dev lo nodad
	route add default via 192.168.20.1
	route add default via fd00:20::1
END
nat_forwards="
	fib daddr type local tcp dport 8082 meta nfproto ipv4 dnat ip to $PC2_4:8080
	fib daddr type local tcp dport 8082 meta nfproto ipv6 dnat ip6 to [$PC2_6]:8080
	fib daddr type local tcp dport 8083 meta nfproto ipv4 dnat ip to $FAR4:8080
	fib daddr type local tcp dport 8083 meta nfproto ipv6 dnat ip6 to [$FAR6]:8080
	fib daddr type local tcp dport 8084 meta nfproto ipv4 dnat ip to $PC3_4:8080
	fib daddr type local tcp dport 8084 meta nfproto ipv6 dnat ip6 to [$PC3_6]:8080"
nat masquerade
forward_port tcp 8080
serve net 80 7
serve router 8081 7
serve pc 8080 7
serve pc2 8080 7

# --- helpers -------------------------------------------------------------------------

# pages WHAT COUNT NAMESPACE URL...: get COUNT pages of each URL, complete.
pages() {
	local what=$1 count=$2 ns=$3 url got wanted=0
	shift 3
	: >"$lab_tmp/pages"
	for url; do
		http_get "$ns" "$count" "$url" >>"$lab_tmp/pages" 2>>"$lab_tmp/pages.err"
		wanted=$((wanted + count))
	done
	got=$(grep -c ' 200 960$' "$lab_tmp/pages")
	is "$method: $what" "$got" "$wanted"
}

to_internet() { # NAMESPACE
	pages "from $1 to the internet" 6 "$1" "http://$NET4/" "http://[$NET6]/"
}

# By either uplink; the interfaces' own counters show that replies leave by the same.
forwarded() { # WHAT PORT
	local tx
	tx=$(if_packets router wan2 tx)
	pages "from outside by wan1 to $1" 3 net "http://$WAN1_4:$2/" "http://[$WAN1_6]:$2/"
	# Some packets are neighbour discovery; 6 pages are at least 24 packets.
	in_range "$method: ... no reply leaves by wan2" $(($(if_packets router wan2 tx) - tx)) 0 5
	tx=$(if_packets router wan1 tx)
	pages "from outside by wan2 to $1" 3 net "http://$WAN2_4:$2/" "http://[$WAN2_6]:$2/"
	in_range "$method: ... no reply leaves by wan1" $(($(if_packets router wan1 tx) - tx)) 0 5
}

from_lans() {
	local ns
	for ns in pc pc2; do
		to_internet $ns
		pages "from $ns to the router's own addresses" 3 $ns \
			"http://$WAN1_4:8081/" "http://$WAN2_4:8081/" "http://$LAN4:8081/" \
			"http://[$WAN1_6]:8081/" "http://[$WAN2_6]:8081/" "http://[$LAN6]:8081/"
	done
	pages 'from LAN to LAN' 3 pc "http://$PC2_4:8080/" "http://[$PC2_6]:8080/"
	pages 'from the other LAN' 3 pc2 "http://$PC4:8080/" "http://[$PC6]:8080/"
	pages 'from LAN to LAN by a port forward of either uplink' 3 pc \
		"http://$WAN1_4:8082/" "http://$WAN2_4:8082/" "http://[$WAN1_6]:8082/"
	pages 'from the router to either LAN' 3 router "http://$PC4:8080/" \
		"http://[$PC6]:8080/" "http://$PC2_4:8080/" "http://[$PC2_6]:8080/"
	to_internet router
}

# is_installed NETWORK FAMILY: the method covers this network of table main.
is_installed() { # NETWORK FAMILY
	case $method in
	copy)
		at router ip "-$2" route show table 1252 | grep -q "^$1 " &&
			at router ip "-$2" rule show | grep -q '^4001:.*lookup 1252'
		;;
	exclude)
		at router ip "-$2" rule show | grep -q "^4001:.*to $1 goto 4008"
		;;
	suppress)
		# A split IPv6 default is of 2000::/4 and 3000::/4 too.
		at router ip "-$2" rule show | grep -q \
			"^4001:.*lookup main suppress_prefixlength $([ "$2" = 6 ] && echo 4 || echo 1) suppress_ifgroup 87"
		;;
	esac
}

is_not_installed() {
	! is_installed "$@"
}

# --- each method ------------------------------------------------------------------------

# Routes that come without a change of an interface or address.
routes_come() {
	at router ip route add 192.168.30.0/24 via $PC2_4 || die 'no route'
	check "$method: follows a new route" wait_for 1 is_installed 192.168.30.0/24 4
	at router ip -6 route add fd00:30::/64 via $PC2_6 || die 'no route'
	check "$method: ... in IPv6" wait_for 1 is_installed fd00:30::/64 6
	veth_add router 192.168.40.1/24 fd00:40::1/64 lan3 pc3 $PC3_4/24 $PC3_6/64 eth0
	at pc3 ip route add default via 192.168.40.1
	at pc3 ip route add default via fd00:40::1
	[ -n "${pc3_serves:-}" ] || serve pc3 8080 7
	pc3_serves=1
	check "$method: follows a new LAN" wait_for 1 is_installed 192.168.40.0/24 4
	check "$method: ... in IPv6" wait_for 1 is_installed fd00:40::/64 6
}

gone() { # WHAT NETWORK FAMILY
	[ "$method" = suppress ] || check "$method: follows $1" wait_for 1 is_not_installed "$2" "$3"
}

routes_go() {
	at router ip route del 192.168.30.0/24
	gone 'a route that goes' 192.168.30.0/24 4
	at router ip -6 route del fd00:30::/64
	gone 'an IPv6 route that goes' fd00:30::/64 6
	at router ip link del lan3
	gone 'a LAN that goes' 192.168.40.0/24 4
}

history_is_right() {
	local since="started >= '$began'"
	# At least 16 pages from each of 2 LANs to the internet.
	wait_for_sql 5 "SELECT count(*) FROM flows WHERE $since AND proto = 'tcp'" "$flows"
	is "$method: each flow is in the history" \
		"$(sql "SELECT count(*) FROM flows WHERE $since AND proto = 'tcp'")" "$flows"
	is "$method: each verdict is ok or local" "$(sql "SELECT DISTINCT verdict FROM flows
		WHERE $since AND verdict NOT IN ('ok', 'local')")" ''
	is "$method: flows by an uplink are ok, with ingress and egress" \
		"$(sql "SELECT count(*) FROM flows WHERE $since AND proto = 'tcp' AND verdict = 'ok'
			AND ((ingress = uplink AND egress_reply = uplink) OR
			     (ingress IS NULL AND egress = uplink AND egress_reply IS NULL))")" "$ok_flows"
	is "$method: no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0
}

# The packets that need the method: those with a mark set by a socket of the router, and
# replies of the router to the LAN from an uplink's address.
reached() { # prints the egress of packets for the PC, and how many arrived
	{
		at router ip -6 route get $PC6 mark 2
		at router ip -6 route get $PC6 from $WAN1_6
	} | sed -n 's/.* dev \([^ ]*\).*/\1/p'
	at router ping -qc1 -W2 -m 2 $PC4 | sed -n 's/.* \([0-9]\) received.*/marked \1/p'
	echo "bound $(http_get pc 1 "http://$WAN1_4:8081/" --max-time 2 2>/dev/null | grep -c ' 200 ')"
}

# Rules 4001 are for packets with a mark, 4005 for those bound to an uplink's address.
method_take_out() {
	local f pref
	for f in 4 6; do
		if [ "$method" = copy ]; then
			at router ip -$f route flush table 1252
			continue
		fi
		for pref in 4001 4005; do
			while at router ip -$f rule del pref $pref; do :; done 2>/dev/null
		done
	done
}

# Without a daemon, which would repair it.
method_is_needed() {
	is "$method: installed, it leads to the LAN" "$(reached | xargs)" "lan lan marked 1 bound 1"
	method_take_out
	is "$method: deleted, packets leave by an uplink" "$(reached | xargs)" "wan1 wan1 marked 0 bound 0"
}

for method in suppress copy exclude; do
	began=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
	daemon_start "local-routes = \"$method\""
	check "$method: the method is installed" is_installed 192.168.20.0/24 4
	from_lans
	forwarded 'the LAN' 8080
	forwarded 'the other LAN' 8082
	routes_come
	to_internet pc3
	forwarded 'the network behind the other LAN' 8083
	forwarded 'the new LAN' 8084
	pages 'from LAN to both' 3 pc "http://$FAR4:8080/" "http://[$FAR6]:8080/" \
		"http://$PC3_4:8080/" "http://[$PC3_6]:8080/"
	# To the internet: 12 each of pc, pc2, the router, pc3. From outside: 12 each.
	ok_flows=$((4 * 12 + 4 * 12))
	flows=$((ok_flows + 2 * 18 + 6 + 6 + 9 + 12 + 12))
	history_is_right
	routes_go
	to_internet pc
	forwarded 'the LAN' 8080
	daemon_stop
	method_is_needed
	check "$method: remove succeeds although parts are deleted already" waymark remove
done

done_testing
