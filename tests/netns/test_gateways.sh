#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that an uplink without a configured gateway learns it from the default
# routes that DHCP, router advertisements, pppd or an administrator put into table main,
# and follows their changes. With balance = "main", where our own route may have replaced
# them, the uplink keeps its gateway when they move or vanish, also over a restart. With
# the balanced default in its own table, a deleted default route is withdrawn for that
# uplink and family until it returns. The other uplink's flows lose nothing meanwhile.
# Uses dnsmasq and udhcpc where they are installed, and the router's own kernel for
# advertisements.

. "${0%/*}/lib.sh"
. "${0%/*}/traffic.sh"

config_learning() { # TEXT
	cat >"$lab_tmp/waymark.conf" <<-END
		database       = "$lab_tmp/flows.db"
		control-socket = "$lab_tmp/control.sock"
		$1
		uplink wan1 { interface = "wan1"  mark = 2  table = 251  weight = 1 }
		uplink wan2 { interface = "wan2"  mark = 3  table = 250  weight = 2 }
		uplink ppp  { interface = "ppp0"  mark = 4  table = 249  weight = 1 }
	END
}

gateway_is() { # FAMILY TABLE GATEWAY INTERFACE
	routes_have "^$1 default via $3 dev $4 table $2" && routes_are_planned
}

# Serve wan1 a lease with a real DHCP server; $1 is the router that it announces.
dhcp_serve() {
	background dhcpd net dnsmasq -d --conf-file=/dev/null --port=0 --no-ping --interface=isp1 --bind-interfaces \
		--dhcp-range=192.168.1.50,192.168.1.50,120 --dhcp-option=3,"$1" --dhcp-leasefile="$lab_tmp/leases" \
		--user= --group=
	wait_for 5 at net sh -c 'ss -lun | grep -q :67'
}

dhcp_client() {
	cat >"$lab_tmp/udhcpc.script" <<-'END'
		#!/bin/sh
		case $1 in
		bound|renew)
			ip addr replace "$ip/24" dev "$interface"
			ip route replace default via "$router" dev "$interface" proto dhcp metric 100
			;;
		deconfig)
			ip addr flush dev "$interface" scope global
			;;
		esac
	END
	chmod +x "$lab_tmp/udhcpc.script"
	background dhcpc router udhcpc -f -i wan1 -s "$lab_tmp/udhcpc.script" -t 5 -T 1
}

lab_up
nat snat
serve net 80 7
traffic_watch
at router ip route flush default
at router ip -6 route flush default
at router ip route add default via $GW2_4 dev wan2 proto static metric 200
at router ip -6 route add default via $GW2_6 dev wan2 proto static metric 200
config_learning 'balance = "main"'
daemon_run
follows "a static route's gateway is learnt at the start" gateway_is 4 250 $GW2_4 wan2
follows "IPv6 too" gateway_is 6 250 $GW2_6 wan2
is "an uplink without a default route has no gateway" "$(waymark uplinks --csv | sed -n 's/^wan1,wan1,\([^,]*\),.*/\1/p')" no-gateway
traffic_add pc pc "udp $NET4 $BEAT_PORT 10" "tcp $NET4 $BEAT_PORT 10" "udp $NET6 $BEAT_PORT 10"
traffic_record_uplinks
in_range "flows by wan2" "$(traffic_count 2)" 30 30

# --- routes as DHCP leaves them ------------------------------------------------------------

at router ip route add default via $GW1_4 dev wan1 proto dhcp metric 100
follows "a lease's route is learnt" gateway_is 4 251 $GW1_4 wan1
at router ip route del default via $GW1_4 dev wan1 proto dhcp metric 100
sleep 0.4
check "the route vanishes: the gateway is kept" gateway_is 4 251 $GW1_4 wan1
at router ip link set wan1 down
wait_for 2 routes_lack '^4 default.* table 251'
at router ip link set wan1 up
follows "after down and up it is still known" gateway_is 4 251 $GW1_4 wan1
at router ip route add default via 192.168.1.2 dev wan1 proto dhcp metric 100
follows "another lease changes it" gateway_is 4 251 192.168.1.2 wan1
at router ip route replace default via $GW1_4 dev wan1 proto dhcp metric 100
follows "a lease that is renewed with another router changes it" gateway_is 4 251 $GW1_4 wan1
at router ip route del default via $GW1_4 dev wan1 proto dhcp metric 100
at router ip route del default via $GW2_4 dev wan2 proto static metric 200
sleep 0.3
check "wan2's gateway is kept too" gateway_is 4 250 $GW2_4 wan2
daemon_stop
daemon_run
check "a restart keeps what was learnt" gateway_is 4 251 $GW1_4 wan1
check "a restart keeps wan2's gateway too" gateway_is 4 250 $GW2_4 wan2

# wan1 moves to another network, where the old gateway is unreachable.
at router ip addr add 192.168.5.10/24 dev wan1
at router ip addr del $WAN1_4/24 dev wan1
follows "another network: the old gateway is dropped" routes_lack "^4 default via $GW1_4.* table 251"
at router ip route add default via 192.168.5.1 dev wan1 proto dhcp metric 100
follows "the new network's gateway is learnt" gateway_is 4 251 192.168.5.1 wan1
at router ip route del default via 192.168.5.1 dev wan1 proto dhcp metric 100
at router ip addr del 192.168.5.10/24 dev wan1
follows "no address: no route" routes_lack '^4 default.* table 251'

# --- a real client and server -----------------------------------------------------------------

if command -v dnsmasq >/dev/null && command -v udhcpc >/dev/null; then
	at net ip addr add 192.168.1.2/24 dev isp1
	dhcp_serve $GW1_4
	dhcp_client
	wait_for 8 at router sh -c 'ip route show default | grep -q "proto dhcp"'
	follows "a real lease: its router is learnt" gateway_is 4 251 $GW1_4 wan1
	follows "a real lease: its address is the source" routes_have 'table 251 src 192.168.1.50'
	background_end dhcpd
	dhcp_serve 192.168.1.2
	kill -USR1 "$background_pid_dhcpc"
	wait_for 8 at router sh -c 'ip route show default | grep -q "via 192.168.1.2.*proto dhcp"'
	follows "the lease is renewed with another router: it is learnt" gateway_is 4 251 192.168.1.2 wan1
	background_end dhcpc KILL
	background_end dhcpd
	at router ip route del default via 192.168.1.2 dev wan1 proto dhcp metric 100
	sleep 0.3
	check "the client is gone: its router is kept" gateway_is 4 251 192.168.1.2 wan1
else
	skip "a real lease" "dnsmasq or udhcpc is missing"
fi

# --- router advertisements ----------------------------------------------------------------------

link_local=$(at net ip -6 -o addr show dev isp1 scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
if command -v dnsmasq >/dev/null && [ -n "$link_local" ]; then
	at router sysctl -qw net.ipv6.conf.wan1.accept_ra=2
	background rad net dnsmasq -d --conf-file=/dev/null --port=0 --enable-ra --interface=isp1 --bind-interfaces \
		--dhcp-range=fd00:1::,ra-only,64,10m --ra-param=isp1,high,5,600 --dhcp-leasefile="$lab_tmp/leases6" \
		--user= --group=
	wait_for 10 at router sh -c 'ip -6 route show default | grep -q "proto ra"'
	follows "an advertised router is learnt" gateway_is 6 251 "$link_local" wan1
	background_end rad KILL
	at router ip -6 route del default proto ra
	sleep 0.3
	check "the advertisement is gone: the router is kept" gateway_is 6 251 "$link_local" wan1
else
	skip "a real advertisement" "dnsmasq is missing"
fi

# --- ppp -------------------------------------------------------------------------------------------

background tun router python3 -c '
import fcntl, os, struct
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"ppp0", 1 | 0x1000))
while True:
    os.read(fd, 65536)'
if wait_for 3 at router ip link show dev ppp0; then
	at router ip addr add 10.64.0.9 peer 10.64.0.1 dev ppp0
	at router ip link set ppp0 up
	at router ip route add default dev ppp0 proto boot scope link metric 50
	follows "a ppp interface is learnt without a gateway" routes_have '^4 default dev ppp0 table 249 scope link src 10.64.0.9'
	at router ip route del default dev ppp0 metric 50
	sleep 0.3
	check "ppp: the route is kept" routes_have '^4 default dev ppp0 table 249 scope link src 10.64.0.9'
	background_end tun
	follows "ppp hangs up: its routes are gone" routes_lack 'dev ppp0'
else
	skip "ppp" "no /dev/net/tun"
fi

sleep 0.3
background_end pc
grep '^flow' "$lab_tmp/pc.out" >"$lab_tmp/flows.report"
is "balance = main: no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
is "no flow of wan2 left by wan1" "$(traffic_strays 2)" ""
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0

# --- the balanced default in its own table ----------------------------------------------------

# Start over: main has the default routes of both uplinks, and nothing of Waymark's.
daemon_stop
waymark remove >/dev/null
rm -f "$lab_tmp"/flows.db*
for f in 4 6; do
	at router ip -$f route flush default
done
at router ip -4 addr flush dev wan1
at router ip addr add $WAN1_4/24 dev wan1
at router ip addr add $WAN1_6/64 dev wan1 nodad 2>/dev/null
defaults_of() { # add|del UPLINK
	local gateway4 gateway6
	eval "gateway4=\$GW$2_4 gateway6=\$GW$2_6"
	at router ip route "$1" default via "$gateway4" dev "wan$2" proto static metric "$2"00
	at router ip -6 route "$1" default via "$gateway6" dev "wan$2" proto static metric "$2"00
}
defaults_of add 1
defaults_of add 2
withdrawn() { # FAMILY: wan1 has no default route, neither in its table nor in the balanced one
	routes_lack "^$1 default via .* dev wan1 table 251" && routes_lack "^$1 .*nexthop via .* dev wan1" &&
		routes_lack "^$1 default via .* dev wan1 table 252" && routes_are_planned
}
config_learning ''
daemon_run
follows "table: wan1's gateway is learnt at the start" gateway_is 4 251 $GW1_4 wan1
follows "table: wan2's gateway is learnt" gateway_is 4 250 $GW2_4 wan2
follows "table: IPv6 too" gateway_is 6 251 $GW1_6 wan1
at net nft flush set inet watch seen1
at net nft flush set inet watch seen2
traffic_add table pc "udp $NET4 $BEAT_PORT 12" "tcp $NET4 $BEAT_PORT 12" "udp $NET6 $BEAT_PORT 12" \
	"tcp $NET6 $BEAT_PORT 12"
traffic_record_uplinks
in_range "table: flows by wan1" "$(traffic_count 1)" 4 40
in_range "table: flows by wan2" "$(traffic_count 2)" 8 44

at router ip route del default via $GW1_4 dev wan1 proto static metric 100
follows "table: a deleted default route is withdrawn for its uplink" withdrawn 4
check "table: the other family keeps its gateway" gateway_is 6 251 $GW1_6 wan1
check "table: the other uplink keeps its own" gateway_is 4 250 $GW2_4 wan2
at router ip -6 route del default via $GW1_6 dev wan1 proto static metric 100
follows "table: the other family's default route is withdrawn too" withdrawn 6
follows "table: the uplink has no gateway" uplink_is wan1 wan1 no-gateway
daemon_stop
daemon_run
follows "table: a restart does not bring it back" uplink_is wan1 wan1 no-gateway
check "table: ... in IPv4" withdrawn 4
check "table: ... in IPv6" withdrawn 6
defaults_of add 1
follows "table: the default route returns: its gateway is learnt again" gateway_is 4 251 $GW1_4 wan1
follows "table: ... in IPv6" gateway_is 6 251 $GW1_6 wan1
follows "table: the uplink is up" uplink_is wan1 wan1 up
is "table: main has nothing of Waymark's" "$(at router ip route show proto 87)$(at router ip -6 route show proto 87)" ""

# A gateway that is configured needs no route in main.
sed -i "s/table = 251/& gateway = \"$GW1_4\"/" "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
wait_for 5 grep -q 'configuration reloaded' "$lab_tmp/waymarkd.log" || die "no reload"
defaults_of del 1
follows "table: the deleted IPv6 default is withdrawn" withdrawn 6
check "table: the configured IPv4 gateway stays" gateway_is 4 251 $GW1_4 wan1

sleep 0.3
background_end table
grep '^flow' "$lab_tmp/table.out" >"$lab_tmp/flows.report"
is "table: no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
is "table: no flow of wan2 left by wan1" "$(traffic_strays 2)" ""
is "table: only wan1's flows have mismatches" "$(sql "SELECT count(*) FROM mismatches WHERE expected <> 'wan1'")" 0
is "table: ... because wan1 was down" "$(sql "SELECT DISTINCT reason FROM mismatches")" \
	"$(traffic_strays 1 | grep -q . && echo uplink-down)"

done_testing
