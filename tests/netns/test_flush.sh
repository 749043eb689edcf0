#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves on-uplink-down: "flush" deletes exactly the flows of the uplink that is down,
# after its routes are removed, and only while another uplink is up; "hold" deletes
# none. The history has the reason of each deleted flow, and the other uplink's flows
# lose nothing.

. "${0%/*}/lib.sh"
. "${0%/*}/traffic.sh"

marked_sum() { # MARK [OPTION]...: number of conntrack entries with this uplink's mark
	local mark=$1
	shift
	{
		at router conntrack -L -m "$mark/0xff" "$@"
		at router conntrack -L -f ipv6 -m "$mark/0xff" "$@"
	} 2>/dev/null | wc -l
}

# The live flows of an uplink; each is one conntrack entry.
live_ids() { # UPLINK
	sql "SELECT group_concat(id) FROM (SELECT id FROM flows WHERE state = 'live' AND uplink = '$1' ORDER BY id)"
}

flushed() { # IDS: how many of them have the reason uplink-down-flush
	sql "SELECT count(*) FROM flows WHERE id IN ($1) AND state = 'ended' AND reason = 'uplink-down-flush' AND verdict = 'ok'"
}

lab_up
# Entries end only by deletion here, also those of reset connections.
for timeout in $(at router sysctl -aN 2>/dev/null |
	grep -E '^net\.netfilter\.nf_conntrack_(tcp|udp|icmp|icmpv6)_timeout'); do
	at router sysctl -qw "$timeout=600"
done
nat snat
forward_port tcp 7007
forward_port udp 7007
serve net 80 7
serve pc 8080 7007
traffic_watch

# --- flush ------------------------------------------------------------------------------

# At this level each changed route is logged.
daemon_start 'log-level = "debug"
	on-uplink-down = "flush"'
traffic_start
# Mark bits outside mark-mask do not decide which flows are deleted.
at router nft add table inet others
at router nft 'add chain inet others c { type filter hook postrouting priority 0; ct mark set ct mark | 0x2000; }'
sleep 0.5
one=$(live_ids wan1)
two=$(live_ids wan2)
n_one=$(echo "$one" | tr ',' '\n' | wc -l)
n_two=$(echo "$two" | tr ',' '\n' | wc -l)
in_range "flows live by wan1" "$n_one" 8 60
in_range "flows live by wan2" "$n_two" 8 60
at net ip link set isp1 down
wait_for 3 sh -c "! sqlite3 '$lab_tmp/flows.db' \"SELECT id FROM flows WHERE id IN ($one) AND state = 'live'\" | grep -q ."
is "wan1 is down: each of its flows was deleted, with that reason" "$(flushed "$one")" "$n_one"
is "no flow of wan2 was deleted" "$(sql "SELECT count(*) FROM flows WHERE id IN ($two) AND (state <> 'live' OR reason IS NOT NULL)")" 0
check "its routes were removed before its flows were deleted" sh -c "awk '/removed route: default via $GW1_4 dev wan1 table 251/ { gone = NR }
	/its flows are deleted/ { exit !gone }' '$lab_tmp/waymarkd.log'"
is "the log reports the deletion once" "$(grep -c 'its flows were deleted' "$lab_tmp/waymarkd.log")" 1
wait_for 2 sh -c "[ \"\$(sqlite3 '$lab_tmp/flows.db' \"SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan2'\")\" -gt $n_two ]"
in_range "flows that send on are re-established by wan2" "$(($(sql "SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan2'") - n_two))" 4 60
traffic_stop
is "no message of wan2's flows is lost" "$(traffic_damage 2)" ""
is "no flow of wan2 left by wan1" "$(traffic_strays 2)" ""
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0
at router nft delete table inet others

# --- no other uplink ----------------------------------------------------------------------

n_two=$(marked_sum 3)
in_range "entries of wan2" "$n_two" 8 200
at net ip link set isp2 down
wait_for 2 uplink_is wan2 wan2 down
sleep 1.2
is "no uplink is up: wan2's flows are not deleted" "$(marked_sum 3)" "$n_two"
isp_up 1
wait_for 3 sh -c "grep -q 'wan2 is down: its flows were deleted' '$lab_tmp/waymarkd.log'"
wait_for 2 [ "$(marked_sum 3)" = 0 ]
is "another uplink is up again: wan2's flows are deleted now" "$(marked_sum 3)" 0
isp_up 2
wait_for 2 uplink_is wan2 wan2 up

# An uplink that flaps keeps its flows.
traffic_start
n_one=$(marked_sum 2)
reported=$(grep -c 'its flows were deleted' "$lab_tmp/waymarkd.log")
at net ip link set isp1 down
sleep 0.1
isp_up 1
sleep 1
in_range "an uplink that flaps keeps its flows" "$(marked_sum 2)" "$n_one" 200
is "the log reports no deletion" "$(grep -c 'its flows were deleted' "$lab_tmp/waymarkd.log")" "$reported"
traffic_stop

# --- hold ----------------------------------------------------------------------------------

daemon_stop
at router conntrack -F 2>/dev/null
daemon_start 'on-uplink-down = "hold"'
traffic_start
# UDP only: the far end may reset a TCP flow that strays.
n_one=$(grep -c udp "$lab_tmp/uplink1")
at net ip link set isp1 down
wait_for 2 uplink_is wan1 wan1 down
sleep 1.2
in_range "hold: wan1's UDP flows are kept" "$(marked_sum 2 -p udp)" "$n_one" 200
is "hold: no flow has the reason uplink-down-flush" "$(sql "SELECT count(*) FROM flows WHERE reason = 'uplink-down-flush' AND started > (SELECT max(started) FROM gaps WHERE source = 'daemon')")" 0
traffic_stop
# Flows of an uplink that stays down may leave by the other one; each that does is reported.
strays_are_reported() {
	[ "$(sql "SELECT DISTINCT proto || ' ' || sport FROM mismatches WHERE expected = 'wan1' AND egress = 'wan2'" | sort)" = "$(traffic_strays 1)" ]
}
check "hold: each flow of wan1 that left by wan2 is reported as a mismatch, and no other" wait_for 2 strays_are_reported

done_testing
