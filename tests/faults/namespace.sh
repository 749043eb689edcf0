#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# namespace.sh - proves that waymarkd outlives the deletion of network namespaces: of its
# neighbours', with which all its interfaces vanish, and of the name of its own. It answers, its
# uplinks are missing, new uplinks are used, and it stops with its history intact.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

uplinks_are() { # STATE
	[ "$(waymark uplinks --json | python3 -c '
import json, sys
print(*sorted({u["state"] for u in json.load(sys.stdin)}))')" = "$1" ]
}

links() {
	at router ip -o link show | grep -c -e wan -e lan
}

links_are() { # COUNT
	[ "$(links)" = "$1" ]
}

lab_up
nat masquerade
serve net 80 7
daemon_start
http_get pc 6 "http://$NET4/" >/dev/null
check "flows are in the history" wait_for 10 sql_is "SELECT count(*) FROM flows WHERE dport = 80" 6
for pid in $ns_pc $ns_net; do
	ns=$(readlink "/proc/$pid/ns/net")
	find /proc/[0-9]*/ns/net -lname "net:?${ns#net:?}" 2>/dev/null |
		sed 's,^/proc/\([0-9]*\)/.*,\1,' | xargs -r kill -KILL 2>/dev/null
done
check "the neighbours' namespaces are deleted: all interfaces vanish" wait_for 20 links_are 0
check "... the uplinks are missing" wait_for 20 uplinks_are missing
check "... status answers" waymark status
ip netns attach "waymark-$$" "$ns_router" && ip netns delete "waymark-$$"
is "the name of its own namespace is deleted" $? 0
check "... status answers" waymark status
for n in 1 2; do
	at router ip link add "wan$n" type veth peer name "peer$n"
	at router ip address add "192.168.$n.10/24" dev "wan$n"
	at router ip link set "peer$n" up
	at router ip link set "wan$n" up
done
check "new interfaces: the uplinks are up" wait_for 20 uplinks_are up
daemon_stop
is "the daemon stops with status 0" $? 0
is "the history is intact" "$(sql 'PRAGMA integrity_check')" ok
is "... and has the flows" "$(sql "SELECT count(*) FROM flows WHERE dport = 80")" 6
done_testing
