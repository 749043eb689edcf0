#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that the steering follows its interfaces: one goes down and up, loses its
# carrier, is deleted and made again, renamed, gets another address or gateway, or
# appears late. Each time the tables, the weighted default route and the ruleset are soon
# as planned, and the other uplink's flows lose no message and none strays. While an
# uplink flaps none of its packets leaves by the other one; while it stays down its flows
# may, and each that does is reported as a mismatch "uplink-down".

. "${0%/*}/lib.sh"
. "${0%/*}/traffic.sh"

balance_uses() { # IFNAME...: the weighted default route has these nexthops and no other
	local dev route
	route=$(routes_there | grep '^4 default.* table 252' | grep -v metric)
	[ "$(echo "$route" | grep -o 'dev [^ ]*' | sort)" = "$(for dev; do echo "dev $dev"; done | sort)" ]
}

wan1_withdrawn() { # no route of wan1 is left, not even the unreachable one
	routes_lack '^4 default.* table 251' && routes_lack 'unreachable default.* table 251' &&
		balance_uses wan2 && routes_are_planned
}

wan1_restored() { # [IFNAME]
	routes_have "^4 default via $GW1_4 dev ${1:-wan1} table 251" && balance_uses "${1:-wan1}" wan2 &&
		routes_are_planned
}

# The ruleset matches interfaces by name: packets that enter or leave by the interface now
# named wan1 are marked for wan1. The provider's end has PEER, the router ADDRESS.
wan1_is_marked() { # ADDRESS PEER
	at net ping -qc1 -W1 -I "$2" "$1" >/dev/null || return 1
	# An answer is not needed: source NAT may have made it impossible.
	at router ping -qc1 -W0.2 -I wan1 "$2" >/dev/null
	has_mark_2 "$2" "$1" && has_mark_2 "$1" "$2"
}

has_mark_2() { # SRC DST
	at router conntrack -L -p icmp --orig-src "$1" --orig-dst "$2" 2>/dev/null | grep -q ' mark=2 '
}

wan1_index() {
	at router ip -o link show dev wan1 | sed 's/:.*//'
}

unharmed() { # WHAT: no flow strayed, wan2's lost nothing, no mismatch
	traffic_stop
	is "$1: no flow of wan1 leaves by wan2" "$(traffic_strays 1)" ""
	is "$1: no flow of wan2 leaves by wan1" "$(traffic_strays 2)" ""
	is "$1: no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
	is "$1: no mismatch" "$(mismatches_unexpected)" 0
}

held() { # WHAT: the same, and wan1's IPv4 flows send on
	local alive
	traffic_stop
	is "$1: no flow of wan1 leaves by wan2" "$(traffic_strays 1)" ""
	is "$1: no flow of wan2 leaves by wan1" "$(traffic_strays 2)" ""
	is "$1: no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
	alive=$(awk 'NR == FNR { mine[$1 " " $2] = 1; next }
		($2 " " $4 in mine) && $3 == 4 && $16 > 500' "$lab_tmp/uplink1" "$lab_tmp/flows.report")
	is "$1: wan1's flows continue by wan1" "$alive" ""
	is "$1: no mismatch" "$(mismatches_unexpected)" 0
}

# An uplink that stays down has mismatches of its own; moved counts them.
mismatches_unexpected() {
	sql "SELECT count(*) FROM mismatches WHERE reason <> 'uplink-down'"
}

moved() { # WHAT SINCE: exactly the flows of wan1 that strayed are reported, with their reason
	traffic_stop
	wait_for 2 strays_are_reported "$2"
	is "$1: each flow of wan1 that left by wan2 is reported, and no other" \
		"$(reported_since "$2")" "$(traffic_strays 1)"
	is "$1: with the reason uplink-down" "$(sql "SELECT DISTINCT reason FROM mismatches WHERE time >= '$2'")" \
		"$(traffic_strays 1 | grep -q . && echo uplink-down)"
	is "$1: no flow of wan2 leaves by wan1" "$(traffic_strays 2)" ""
	is "$1: no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
}

reported_since() {
	sql "SELECT DISTINCT proto || ' ' || sport FROM mismatches
		WHERE time >= '$1' AND expected = 'wan1' AND egress = 'wan2'" | sort
}

strays_are_reported() {
	[ "$(reported_since "$1")" = "$(traffic_strays 1)" ]
}

now() {
	sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
}

# Make wan1 and its provider's end again.
wan1_make() {
	veth_add router $WAN1_4/24 $WAN1_6/64 wan1 net $GW1_4/24 $GW1_6/64 isp1
	at net ip -batch - <<-END || die "return routes of isp1"
		route replace 192.168.1.0/24 dev isp1 proto kernel scope link src $NET4
		route replace fd00:1::/64 dev isp1 proto kernel metric 256 src $NET6
		route replace default via $WAN1_4 dev isp1 table 101
		route replace default via $WAN1_4 dev isp1
		route replace default via $WAN1_6 dev isp1 table 101
		route replace default via $WAN1_6 dev isp1
	END
}

lab_up
# The routes of DHCP are not needed: the gateways are configured.
at router ip route flush default
at router ip -6 route flush default
nat snat
forward_port tcp 7007
forward_port udp 7007
serve net 80 7
serve pc 8080 7007
traffic_watch
daemon_start 'on-uplink-down = "hold"'
check "the routes are as planned at the start" routes_are_planned

# --- down and up ----------------------------------------------------------------------

traffic_start
# In one shell: on a busy machine starting each process would lengthen the outage.
at router sh -c "ip link set wan1 down; sleep 0.15; ip link set wan1 up
	ip addr add $WAN1_6/64 dev wan1 nodad 2>/dev/null"
follows "wan1 flaps: its routes are back" wan1_restored
sleep 2
held "flap"

traffic_start
since=$(now)
in_range "flows by wan1" "$(traffic_count 1)" 8 60
in_range "flows by wan2" "$(traffic_count 2)" 8 60
at router ip link set wan1 down
follows "wan1 down: its routes are gone" wan1_withdrawn
follows "wan1 down: its state is down" uplink_is wan1 wan1 down
sleep 0.5
at router ip link set wan1 up
at router ip addr add $WAN1_6/64 dev wan1 nodad 2>/dev/null
follows "wan1 up: its routes are back" wan1_restored
follows "wan1 up: its state is up" uplink_is wan1 wan1 up
sleep 0.5
moved "down and up" "$since"

traffic_start
since=$(now)
at net ip link set isp1 down
follows "no carrier: its routes are gone" wan1_withdrawn
at net ip link set isp1 up
at net ip -batch - <<-END
	addr add $GW1_6/64 dev isp1 nodad
	route replace default via $WAN1_4 dev isp1 table 101
	route replace default via $WAN1_4 dev isp1
	route replace default via $WAN1_6 dev isp1 table 101
END
follows "carrier back: its routes are back" wan1_restored
sleep 0.5
moved "carrier lost and back" "$since"

# --- deleted and made again -----------------------------------------------------------

traffic_start
since=$(now)
before=$(wan1_index)
at router ip link del wan1
follows "wan1 deleted: its routes are gone" wan1_withdrawn
follows "wan1 deleted: its state is missing" uplink_is wan1 wan1 missing
sleep 0.3
wan1_make
follows "wan1 made again: its routes are back" wan1_restored
follows "wan1 made again: packets that enter or leave by it are marked" wan1_is_marked $WAN1_4 $GW1_4
check "wan1 made again has another index" [ "$before" != "$(wan1_index)" ]
sleep 0.5
moved "deleted and made again" "$since"

# --- renamed --------------------------------------------------------------------------

traffic_start
since=$(now)
at router ip link set wan1 name away0 2>/dev/null ||
	{ at router ip link set wan1 down; at router ip link set wan1 name away0; at router ip link set away0 up; }
follows "renamed away: its routes are gone" wan1_withdrawn
follows "renamed away: its state is missing" uplink_is wan1 wan1 missing
sleep 0.3
at router ip link set away0 name wan1
follows "renamed back: its routes are back" wan1_restored
sleep 0.5
moved "renamed away and back" "$since"

# Another interface takes the name, with another network behind it.
traffic_start
at router ip link add spare1 type veth peer name isp3 netns "$ns_net"
at router ip addr add 192.168.3.10/24 dev spare1
at net ip addr add 192.168.3.1/24 dev isp3
at net ip link set isp3 up
at router ip link set spare1 up
at router ip link set wan1 down
at router ip link set wan1 name away0
at router ip link set spare1 name wan1
other_network() {
	routes_have "^4 192.168.3.0/24 dev wan1 table 251" && routes_lack 'dev away0' && routes_are_planned
}
follows "another interface takes the name: its routes are installed" other_network
follows "another interface takes the name: packets that enter or leave by it are marked" \
	wan1_is_marked 192.168.3.10 192.168.3.1
sleep 0.3
unharmed "the name moves to another interface"
at router ip link del wan1
at router ip link set away0 name wan1
at router ip link set wan1 up
at router ip addr add $WAN1_6/64 dev wan1 nodad 2>/dev/null
follows "the first interface has its name again: its routes are back" wan1_restored

# --- addresses and gateways -------------------------------------------------------------

at router sysctl -qw net.ipv4.conf.wan1.promote_secondaries=1
traffic_start
at router ip addr add 192.168.1.77/24 dev wan1
at router ip addr del $WAN1_4/24 dev wan1
readdressed() {
	routes_have "^4 default via $GW1_4 dev wan1 table 251 src 192.168.1.77" &&
		routes_have "^4 192.168.1.0/24 dev wan1 table 251 scope link src 192.168.1.77" && routes_are_planned
}
follows "another address: the routes have it as their source" readdressed
wait_for_sql 5 "SELECT cause, state FROM uplink_states WHERE uplink = 'wan1' AND addresses LIKE '192.168.1.77/24%' ORDER BY id DESC LIMIT 1" 'address|up'
is "another address: the history has it, and that it is the cause" "$(sql "SELECT cause, state
	FROM uplink_states WHERE uplink = 'wan1' AND addresses LIKE '192.168.1.77/24%' ORDER BY id DESC LIMIT 1")" 'address|up'
check "another address: the log names both" \
	grep -q "uplink wan1: the addresses of wan1 changed from $WAN1_4/24.* to 192\.168\.1\.77/24" "$lab_tmp/waymarkd.log"
waymark report >"$lab_tmp/report.html"
check "a new address: the report has it" grep -q "wan1 has a new address: 192\.168\.1\.77/24" "$lab_tmp/report.html"
at router sh -c "ip addr del 192.168.1.77/24 dev wan1; sleep 0.1; ip addr add $WAN1_4/24 dev wan1"
follows "the address is removed for a moment: the routes are back" wan1_restored
sleep 0.3
unharmed "address changed"

traffic_start
since=$(now)
at router ip addr del $WAN1_4/24 dev wan1
follows "no address: no routes" routes_lack '^4 default.* table 251'
follows "no address: the balanced default uses the other uplink" balance_uses wan2
at router ip addr add $WAN1_4/24 dev wan1
follows "address back: its routes are back" wan1_restored
sleep 0.3
moved "address removed" "$since"

traffic_start
at net ip addr add 192.168.1.2/24 dev isp1
sed -i "s/\"$GW1_4\"/\"192.168.1.2\"/" "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
gateway_changed() {
	routes_have '^4 default via 192.168.1.2 dev wan1 table 251' && routes_have 'nexthop via 192.168.1.2 dev wan1' &&
		routes_lack "via $GW1_4" && routes_are_planned
}
follows "another gateway by reload: the routes use it" gateway_changed
check "another gateway: the history has it as a cause" wait_for_sql 5 \
	"SELECT cause, state FROM uplink_states WHERE uplink = 'wan1' ORDER BY id DESC LIMIT 1" 'gateway|up'
is "another gateway: one row" "$(sql "SELECT count(*) FROM uplink_states WHERE cause = 'gateway' AND state = 'up'")" 1
check "another gateway: the log names both" \
	grep -q "uplink wan1: the gateway of wan1 changed from $GW1_4 to 192\.168\.1\.2" "$lab_tmp/waymarkd.log"
waymark report >"$lab_tmp/report.html"
check "another gateway: the report has it" grep -q "wan1 has another gateway" "$lab_tmp/report.html"
sleep 0.3
traffic_stop
is "gateway changed: no message of wan1's $(traffic_count 1) flows is lost" "$(traffic_damage 1)" ""
is "gateway changed: no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
is "gateway changed: no flow strays" "$(traffic_strays 1; traffic_strays 2)" ""
sed -i "s/\"192.168.1.2\"/\"$GW1_4\"/" "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
follows "the first gateway again: the routes use it" wan1_restored

# --- point to point, and late ----------------------------------------------------------------

daemon_stop
at router ip link del wan1
cat >>"$lab_tmp/waymark.conf" <<-END
	uplink wan3 { interface = "p2p0"  mark = 4  table = 249  gateway = "none"  gateway6 = "none"  weight = 1 }
END
daemon_run
follows "the daemon starts although two interfaces are missing" balance_uses wan2
is "p2p0 is missing" "$(waymark uplinks --csv | grep -c '^wan3,p2p0,missing,')" 1
traffic_add pc pc "udp $NET4 $BEAT_PORT 8" "tcp $NET4 $BEAT_PORT 8"
traffic_record_uplinks
wan1_make
follows "wan1 appears after the start: its routes" routes_have "^4 default via $GW1_4 dev wan1 table 251"
at router ip link add p2p0 type veth peer name isp3 netns "$ns_net"
at router ip addr add 10.99.0.1 peer 10.99.0.2/32 dev p2p0
at net ip addr add 10.99.0.2 peer 10.99.0.1/32 dev isp3
at net ip link set isp3 up
at router ip link set p2p0 up
point_to_point() {
	routes_have '^4 default dev p2p0 table 249 scope link src 10.99.0.1' && balance_uses wan1 wan2 p2p0 &&
		routes_are_planned
}
follows "an interface without a gateway appears: its routes" point_to_point
follows "an interface without a gateway appears: its state" uplink_is wan3 p2p0 up
at net ip route add 10.99.0.1/32 dev isp3 table 103
check "a packet leaves by it" at router ping -c 1 -W 2 -m 4 $NET4
sleep 0.3
background_end pc
grep '^flow' "$lab_tmp/pc.out" >"$lab_tmp/flows.report"
is "interfaces appear: no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
is "interfaces appear: no flow of wan2 leaves by wan1" "$(traffic_strays 2)" ""
is "no mismatch in this test has another reason" "$(mismatches_unexpected)" 0

done_testing
