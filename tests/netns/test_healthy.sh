#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_healthy.sh - healthy traffic of every kind causes no false alert: TCP, UDP, ICMP, DNS,
# FTP (active and passive, where vsftpd is installed), long idle connections, IPv6, port
# forwards, the router's own flows, DHCP on an uplink, multicast, transit from uplink to
# uplink, hairpin NAT; also beside what docker, libvirt, tailscale, wg-quick and a transparent
# proxy install, with traffic through them. HEALTHY_SECONDS=1800 repeats it for half an hour.

. "${0%/*}/lib.sh"
. "${0%/*}/neighbours.sh"
. "${0%/*}/ftp.sh"

seconds=${HEALTHY_SECONDS:-10}

A4=198.51.100.10 B4=198.51.101.10
A6=2001:db8:a::10 B6=2001:db8:b::10

# Two hosts of the internet, one behind each uplink, whose route to each other leads through
# the router: by its default route, and back.
transit_hosts() {
	ns_add a
	ns_add b
	veth_add net 198.51.100.1/24 2001:db8:a::1/64 va a $A4/24 $A6/64 eth0
	veth_add net 198.51.101.1/24 2001:db8:b::1/64 vb b $B4/24 $B6/64 eth0
	at net ip -batch - <<-END
		rule add pref 90 iif va lookup 101
		rule add pref 91 iif vb lookup 102
	END
	at net ip -6 -batch - <<-END
		rule add pref 90 iif va lookup 101
		rule add pref 91 iif vb lookup 102
	END
	at a ip route add default via 198.51.100.1
	at b ip route add default via 198.51.101.1
	at a ip -6 route add default via 2001:db8:a::1
	at b ip -6 route add default via 2001:db8:b::1
	# The router has routes to them, as a routing protocol would install.
	at router ip route add 198.51.100.0/24 via $GW1_4 dev wan1
	at router ip route add 198.51.101.0/24 via $GW2_4 dev wan2
	at router ip -6 route add 2001:db8:a::/64 via $GW1_6 dev wan1
	at router ip -6 route add 2001:db8:b::/64 via $GW2_6 dev wan2
	# Replies take the route that the requests took.
	at net nft add rule inet back prerouting iifname '{ "va", "vb" }' ct state new ct mark set 0
}

# A LAN host reaches the LAN's server by the router's outside address.
hairpin() {
	at router nft -f - <<-END
		table inet hairpin {
			chain prerouting {
				type nat hook prerouting priority dstnat - 1
				iifname "lan" ip daddr { $WAN1_4, $WAN2_4 } tcp dport 8080 dnat ip to $PC4:8080
			}
			chain postrouting {
				type nat hook postrouting priority srcnat - 1
				iifname "lan" oifname "lan" masquerade
			}
		}
	END
}

# Multicast and broadcast from the router, on each uplink and to the LAN.
multicast() {
	at router python3 - <<-END
		import socket
		for a in ("$WAN1_4", "$WAN2_4", "$LAN4"):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(a))
		    s.bind(("", 5353))
		    for _ in range(3):
		        s.sendto(b"who is there", ("224.0.0.251", 5353))
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		    s.sendto(b"anybody", (a.rsplit(".", 1)[0] + ".255", 9))
		for n in ("wan1", "wan2", "lan"):
		    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(n))
		    s.bind(("", 5353))
		    for _ in range(3):
		        s.sendto(b"who is there", ("ff02::fb", 5353))
	END
}

# A DHCP client's messages on an uplink: broadcasts from 0.0.0.0, and a renewal to the server.
dhcp() {
	at router python3 - <<-END
		import socket, struct
		message = struct.pack(">BBBBIHH4s4s4s4s16s64s128sI", 1, 1, 6, 0, 7, 0, 0x8000, b"", b"", b"",
		                      b"", b"\2\0\0\0\0\1", b"", b"", 0x63825363) + b"\x35\1\1\xff"
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wan1\0")
		s.bind(("", 68))
		s.sendto(message, ("255.255.255.255", 67))
		s.sendto(message, ("$GW1_4", 67))
	END
}

# One transfer in each FTP mode, also with the old commands, whose addresses NAT translates.
ftp_start() {
	command -v vsftpd >/dev/null || { diag 'no FTP: vsftpd is missing'; return 1; }
	ftp_helper || { diag 'no FTP: the kernel has no helper'; return 1; }
	ftp_serve net
}

# Frequent transfers reuse a port within the 120 s for which the kernel keeps a closed
# connection's entry. If that one used the other uplink, the server's SYN to the PC has the
# tuple of the old entry after its translation, and the kernel drops it, as on any balancing
# router. The transfer is repeated, and reported at the end.
ftp_get() { # HOST [OPTION OF CURL]...
	local host=$1 try
	shift
	for try in 1 2 3; do
		[ "$(at pc curl -sSv --max-time 10 "$@" "ftp://$host/file" 2>"$lab_tmp/ftp.said" | wc -c)" != 40000 ] ||
			return 0
		{ echo "try $try from $host $*"; grep '^< [45]\|^curl' "$lab_tmp/ftp.said"; } >>"$lab_tmp/ftp.repeated"
	done
	echo "no FTP from $host with $*"
}

ftp_round() {
	ftp_get $NET4
	ftp_get $NET4 --disable-epsv
	ftp_get $NET4 -P -
	ftp_get $NET4 -P - --disable-eprt
	ftp_get "[$NET6]"
	ftp_get "[$NET6]" -P -
}

one_round() {
	[ -z "$has_ftp" ] || ftp_round
	http_get pc 4 "http://$NET4/" && http_get pc 4 "http://[$NET6]/" &&
	http_get router 3 "http://$NET4/" && http_get router 3 "http://[$NET6]/" &&
	http_get net 2 "http://$WAN1_4:8080/" && http_get net 2 "http://$WAN2_4:8080/" &&
	http_get net 2 "http://[$WAN1_6]:8080/" && http_get net 2 "http://[$WAN2_6]:8080/" &&
	http_get pc 2 "http://$WAN1_4:8080/" && http_get pc 2 "http://$WAN2_4:8080/" &&
	http_get a 2 "http://$B4/" && http_get b 2 "http://$A4/" &&
	http_get a 2 "http://[$B6]/" && http_get b 2 "http://[$A6]/" || echo "http failed"
	for host in $NET4 $NET6 $GW1_4 $GW2_4 $LAN4 $WAN1_4; do
		at pc ping -c 2 -i 0.05 -W 2 -q $host >/dev/null || echo "pc cannot ping $host"
	done
	for host in $NET4 $NET6 $GW1_4 $GW2_6 $PC4; do
		at router ping -c 2 -i 0.05 -W 2 -q $host >/dev/null || echo "router cannot ping $host"
	done
	at net ping -c 2 -i 0.05 -W 2 -q $WAN1_4 >/dev/null || echo "net cannot ping wan1"
	at net ping -c 2 -i 0.05 -W 2 -q $WAN2_6 >/dev/null || echo "net cannot ping wan2"
	at pc dig +tries=1 +time=2 @$NET4 -p 5300 example.net >/dev/null || echo "no DNS"
	at pc dig +tries=1 +time=2 @$NET6 -p 5300 example.net >/dev/null || echo "no DNS by IPv6"
	neighbours_round
	multicast || echo "multicast failed"
	dhcp || echo "dhcp failed"
	for name in idle_pc idle_router idle_in1 idle_in2; do
		[ "$(hold_send $name)" -ge 4 ] || echo "$name: idle connections broke"
	done
}

lab_up
transit_hosts
# As routers do: source NAT for packets from the LAN or the router, not for transit.
nat_lan='oifname { "wan1", "wan2" } ip saddr 192.168.0.0/16 masquerade
	oifname { "wan1", "wan2" } ip6 saddr fd00::/16 masquerade'
nat none
nat_rules=$nat_lan
forward_port tcp 8080
forward_port tcp 7007
hairpin
docker_up
libvirt_up
tailscale_up
# Flows that the bridges sent before waymarkd started would be unknown.
at router conntrack -F -f ipv4 >/dev/null 2>&1
at router conntrack -F -f ipv6 >/dev/null 2>&1
daemon_start
wg_up
# After wg_up, so that the proxy's rule precedes wg-quick's lookup of table main.
tproxy_up
serve net 80 7
serve net $PROXIED_PORT 8
serve box 80 7
serve ts 80 7
serve wg 80 7
serve pc 8080 7007
serve a 80 7
serve b 80 7
has_ftp=
! ftp_start || has_ftp=1
background names net python3 "$PEER" names 5300
wait_for 10 grep -q ready "$lab_tmp/names.out" || die "no DNS server"

hold idle_pc pc tcp $NET4 7 4
hold idle_router router tcp $NET6 7 4
hold idle_in1 net tcp $WAN1_4 7007 4
hold idle_in2 net tcp $WAN2_4 7007 4

end=$(($(date +%s) + seconds))
rounds=0
trouble=
while [ "$(date +%s)" -lt "$end" ]; do
	trouble="$trouble$(one_round 2>&1 | grep -v ' 200 ')"
	rounds=$((rounds + 1))
done
diag "$rounds rounds"
[ ! -s "$lab_tmp/ftp.repeated" ] || diag "$(cat "$lab_tmp/ftp.repeated")"
is "all traffic works" "$trouble" ""
wait_for_sql 5 "SELECT count(*) >= 20 * $rounds FROM flows WHERE verdict = 'ok'" 1
is "the history has the flows" "$(sql "SELECT count(*) >= 20 * $rounds FROM flows WHERE verdict = 'ok'")" 1
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0
is "no other verdict" \
	"$(sql "SELECT verdict, reason, state, started, ended, proto, src, dst, dport, egress, egress_reply FROM flows WHERE verdict NOT IN ('ok', 'local')")" ""
[ -z "$has_ftp" ] ||
	check "the history has FTP: control connections, data passive and active" wait_for_sql 5 \
		"SELECT count(*) FILTER (WHERE dport = 21) >= 6 * $rounds
			AND count(*) FILTER (WHERE src IN ('$PC4', '$PC6') AND dport > 1024) >= 3 * $rounds
			AND count(*) FILTER (WHERE sport = 20) >= 3 * $rounds
		FROM flows WHERE proto = 'tcp' AND verdict = 'ok' AND (src IN ('$NET4', '$NET6') OR dst IN ('$NET4', '$NET6'))" 1
check "flows of docker, libvirt, tailscale, WireGuard and the proxy are in the history" wait_for_sql 5 \
	"SELECT count(*) FILTER (WHERE src = '$BOX4' AND egress = uplink AND verdict = 'ok') >= 3 * $rounds
		AND count(*) FILTER (WHERE src = '$VM4' AND egress = uplink AND verdict = 'ok') >= 3 * $rounds
		AND count(*) FILTER (WHERE src IN ('$TAILNET4', '$TAILNET6') AND egress = uplink AND verdict = 'ok') >= 4 * $rounds
		AND count(*) FILTER (WHERE dport = $PUBLISHED_PORT AND egress_reply = uplink AND verdict = 'ok') >= 4 * $rounds
		AND count(*) FILTER (WHERE dport = $PROXIED_PORT AND src IN ('$PC4', '$PC6') AND verdict = 'local') >= 4 * $rounds
		AND count(*) FILTER (WHERE dport = $PROXIED_PORT AND egress = uplink AND verdict = 'ok') >= 4 * $rounds
		AND count(*) FILTER (WHERE dst IN ('$WG4', '$WG6') AND verdict = 'local') >= 6 * $rounds
	FROM flows WHERE proto = 'tcp'" 1
is "transit has its uplinks, ingress and egress" \
	"$(sql "SELECT DISTINCT ingress, uplink, egress, egress_reply, verdict FROM flows WHERE src = '$A4' AND dst = '$B4' AND proto = 'tcp'")" \
	"wan1|wan1|wan2|wan1|ok"
check_not "no alert was raised" test -s "$lab_tmp/alerts.jsonl"
done_testing
