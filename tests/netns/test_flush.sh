#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves on-uplink-down: "flush" deletes exactly the flows of the uplink that is
# down, after the routes have followed, and only while another uplink is up; "hold"
# deletes none. The history says which flows ended so, and the other uplink's flows
# lose nothing.

. "${0%/*}/lib.sh"
. "${0%/*}/lines.sh"

marked_sum() { # MARK [OPTION]...: entries with it, whatever other bits they have
	local mark=$1
	shift
	{
		at router conntrack -L -m "$mark/0xff" "$@"
		at router conntrack -L -f ipv6 -m "$mark/0xff" "$@"
	} 2>/dev/null | wc -l
}

# The flows of the history, one a conntrack entry, that live by an uplink.
live_ids() { # UPLINK
	sql "SELECT group_concat(id) FROM (SELECT id FROM flows WHERE state = 'live' AND uplink = '$1' ORDER BY id)"
}

flushed() { # IDS: of them, those that say so
	sql "SELECT count(*) FROM flows WHERE id IN ($1) AND state = 'ended' AND reason = 'uplink-down-flush' AND verdict = 'ok'"
}

lab_up
# Only deletions end an entry here, also of connections that were reset.
for timeout in $(at router sysctl -aN 2>/dev/null |
	grep -E '^net\.netfilter\.nf_conntrack_(tcp|udp|icmp|icmpv6)_timeout'); do
	at router sysctl -qw "$timeout=600"
done
nat snat
forward_port tcp 7007
forward_port udp 7007
serve net 80 7
serve pc 8080 7007
lines_watch

# --- flush ------------------------------------------------------------------------------

# Each route that changes is logged.
daemon_start 'log-level = "debug"
	on-uplink-down = "flush"'
lines_start
# Bits that are others' do not save a flow, nor doom one.
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
is "wan1 is down: each of its flows was deleted, and says so" "$(flushed "$one")" "$n_one"
is "no flow of wan2 was" "$(sql "SELECT count(*) FROM flows WHERE id IN ($two) AND (state <> 'live' OR reason IS NOT NULL)")" 0
check "the routes were gone before" sh -c "awk '/removed route: default via $GW1_4 dev wan1 table 251/ { gone = NR }
	/its flows are deleted/ { exit !gone }' '$lab_tmp/waymarkd.log'"
is "it is told once" "$(grep -c 'its flows are deleted' "$lab_tmp/waymarkd.log")" 1
wait_for 2 sh -c "[ \"\$(sqlite3 '$lab_tmp/flows.db' \"SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan2'\")\" -gt $n_two ]"
in_range "what went on is re-established by wan2" "$(($(sql "SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan2'") - n_two))" 4 60
lines_stop
is "no message of wan2's flows is lost" "$(lines_damage 2)" ""
is "no flow of wan2 left by wan1" "$(lines_strays 2)" ""
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0
at router nft delete table inet others

# --- no other line -----------------------------------------------------------------------

n_two=$(marked_sum 3)
in_range "entries of wan2" "$n_two" 8 200
at net ip link set isp2 down
wait_for 2 uplink_is wan2 wan2 down
sleep 1.2
is "no uplink is up: wan2's flows are not deleted" "$(marked_sum 3)" "$n_two"
line_up 1
wait_for 3 sh -c "grep -q 'wan2 is down: its flows are deleted' '$lab_tmp/waymarkd.log'"
wait_for 2 [ "$(marked_sum 3)" = 0 ]
is "another uplink is up again: now they are" "$(marked_sum 3)" 0
line_up 2
wait_for 2 uplink_is wan2 wan2 up

# A line that flickers keeps its flows.
lines_start
n_one=$(marked_sum 2)
told=$(grep -c 'its flows are deleted' "$lab_tmp/waymarkd.log")
at net ip link set isp1 down
sleep 0.1
line_up 1
sleep 1
in_range "a line that flickers keeps its flows" "$(marked_sum 2)" "$n_one" 200
is "none is said to be deleted" "$(grep -c 'its flows are deleted' "$lab_tmp/waymarkd.log")" "$told"
lines_stop

# --- hold ----------------------------------------------------------------------------------

daemon_stop
at router conntrack -F 2>/dev/null
daemon_start 'on-uplink-down = "hold"'
lines_start
# Of UDP: what strays may be ended by the other end's reset.
n_one=$(grep -c udp "$lab_tmp/line1")
at net ip link set isp1 down
wait_for 2 uplink_is wan1 wan1 down
sleep 1.2
in_range "hold: wan1's UDP flows are kept" "$(marked_sum 2 -p udp)" "$n_one" 200
is "hold: none is said to be deleted" "$(sql "SELECT count(*) FROM flows WHERE reason = 'uplink-down-flush' AND started > (SELECT max(started) FROM gaps WHERE source = 'daemon')")" 0
lines_stop
# A line that stays away lets its flows go by another, and each that does is told.
told_are_strays() {
	[ "$(sql "SELECT DISTINCT proto || ' ' || sport FROM mismatches WHERE expected = 'wan1' AND egress = 'wan2'" | sort)" = "$(lines_strays 1)" ]
}
check "hold: each flow of wan1 that left by wan2 is told as a mismatch, and no other" wait_for 2 told_are_strays

done_testing
