#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# routes.sh - proves that waymarkd works beside the routes of a whole internet exchange in table
# main: it starts, follows an uplink that goes down, repairs, answers, and leaves those routes
# unchanged. ROUTES: number of routes per family.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

routes=${ROUTES:-20000}

many_routes() { # NUMBER
	python3 -c '
import sys
for i in range(int(sys.argv[1])):
    a, b, c = i >> 16, (i >> 8) & 255, i & 255
    print(f"route add {20 + a}.{b}.{c}.0/24 via 192.168.10.2")
    print(f"route add 2a00:{i >> 16:x}:{i & 65535:x}::/48 via fd00:10::2")' "$1"
}

main_routes() {
	{ at router ip route; at router ip -6 route; } | grep -cE '^(2[0-9]\.|2a00:)'
}

table_is_there() {
	at router nft list table inet waymark >/dev/null 2>&1
}

balanced_by() { # print the interfaces of the balanced default's nexthops
	at router ip route show table 252 | grep -o 'dev wan[0-9]' | sort -u | paste -sd' ' -
}

balanced_is() {
	[ "$(balanced_by)" = "$1" ]
}

lab_up
log=$lab_tmp/waymarkd.log
nat masquerade
serve net 80 7
many_routes "$routes" >"$lab_tmp/batch"
at router ip -batch "$lab_tmp/batch" || die "no routes"
is "table main has the routes" "$(main_routes)" $((2 * routes))
DAEMON_PATIENCE=60 daemon_start
check "the daemon starts" grep -q ' ready: ' "$log"
check "the balanced default has both uplinks" wait_for 20 balanced_is "dev wan1 dev wan2"
http_get pc 3 "http://$NET4/" >/dev/null
wait_for_sql 20 "SELECT count(*) FROM flows WHERE dport = 80 AND egress = uplink" 3
is "flows are steered" "$(sql "SELECT count(*) FROM flows WHERE dport = 80 AND egress = uplink")" 3

: >"$log"
at router ip route add 9.9.9.0/24 via 192.168.10.2
at net ip link set isp1 down
check "an uplink goes down: the balanced default follows" wait_for 60 balanced_is "dev wan2"
at router nft delete table inet waymark
check "a deleted table is repaired" wait_for 60 table_is_there
check "a client is answered" wait_for 20 waymark status
daemon_stop
is "the daemon stops with status 0" $? 0
check "the steering is removed" waymark remove
is "the routes of main are unchanged" "$(main_routes)" $((2 * routes))

done_testing
