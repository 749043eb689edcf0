#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that `waymark failover` reports what became of each flow when an uplink went
# down: it moved to another uplink, was deleted, is stranded, idle or ended; and which
# flows started on the backup and still run there after the return; with the byte counts
# of the kernel. An uplink that is already down when the daemon starts is no failover.

. "${0%/*}/lib.sh"
. "${0%/*}/traffic.sh"

failed_over() { # OPTION...: one row per class: "class by flows live bytes bytes_unknown"
	waymark failover --csv "$@" | sed 1d | cut -d, -f4-9
}

failed_over_is() { # WANTED OPTION...
	local wanted=$1
	shift
	[ "$(failed_over "$@")" = "$wanted" ]
}

rows_are() { # WHAT WANTED OPTION...
	local what=$1 wanted=$2
	shift 2
	wait_for 5 failed_over_is "$wanted" "$@"
	is "$what" "$(failed_over "$@")" "$wanted"
}

flow_ids() { # CONDITION
	sql "SELECT group_concat(id) FROM (SELECT id FROM flows WHERE $1 ORDER BY id DESC)"
}

# The bytes of these flows in conntrack, both directions summed.
table_bytes() { # IDS
	sql "SELECT ct_id FROM flows WHERE id IN ($1)" >"$lab_tmp/ct_ids"
	at router conntrack -L -o id 2>/dev/null | awk 'NR == FNR { mine[$1] = 1; next } {
		bytes = 0
		for (i = 1; i <= NF; i++) {
			if ($i ~ /^bytes=/) bytes += substr($i, 7)
			if ($i ~ /^id=/) id = substr($i, 4)
		}
		if (id in mine) sum += bytes
	} END { print sum + 0 }' "$lab_tmp/ct_ids" -
}

listed() { # CLASS: ids, newest first
	waymark failover --list "$1" --csv | sed 1d | cut -d, -f1 | paste -sd, -
}

# Flows that neither moved nor were deleted end with time, so their classes are summed.
held_as_one() {
	awk -F, '/^(stranded|idle|ended),/ { held += $3; next } { print $1 "," $2 "," $3 } END { print "held,," held }'
}

count() { # IDS
	echo "$1" | tr ',' '\n' | grep -c .
}

# The routes of an uplink that stays down are removed; its flows then leave by the other.
released() {
	routes_lack 'default.* table 251' && uplink_is wan1 wan1 down
}

# Make flows until the watching client prints one; they use no uplink and have no class.
is_watched() {
	at pc curl -s --max-time 1 "http://$LAN4:81/"
	grep -q ' flow ' "$lab_tmp/watch.out"
}

lab_up
nat snat
forward_port udp 7007
serve net 80 7
serve pc 8080 7007
# No flow may time out during the test.
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=900 \
	net.netfilter.nf_conntrack_udp_timeout_stream=900
daemon_start 'on-uplink-down = "hold"'

is "no failover: an empty array" "$(waymark failover --json)" "[]"
waymark failover >"$lab_tmp/out" 2>"$lab_tmp/err"
is "no failover: exit 0" $? 0
check "no failover: the message says so" grep -q 'no failovers in the history' "$lab_tmp/err"
wait_for_sql 5 "SELECT count(*) FROM uplink_states" 2
is "the history has the uplinks' states at the start" \
	"$(sql "SELECT uplink, interface, state FROM uplink_states ORDER BY uplink")" "wan1|wan1|up
wan2|wan2|up"

# --- hold: some move, some are stranded -------------------------------------------------

hold out pc udp $NET4 7 40
hold in net udp $WAN1_4 7007 5 $NET4_VIA1
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live' AND proto = 'udp' AND uplink IS NOT NULL" 45
out=$(flow_ids "uplink = 'wan1' AND dport = 7")
in=$(flow_ids "dport = 7007")
n_out=$(count "$out")
in_range "flows by wan1" "$n_out" 1 39
background watch router "$WAYMARK" -c "$lab_tmp/waymark.conf" watch
check "a client watches" wait_for 10 is_watched
# Just before the outage: the kernel has only whole seconds for a flow's last packet.
hold_send in >/dev/null
at net ip link set isp1 down
check "wan1 is down" wait_for 5 released
check "the watching client is notified" wait_for 5 grep -q ' uplink   wan1 is down' "$lab_tmp/watch.out"
background_end watch
# Returns when all are answered, so that no byte is in flight.
hold_send out >/dev/null
wait_for_sql 5 "SELECT count(DISTINCT flow_id) FROM mismatches WHERE reason = 'uplink-down'" "$n_out"
hold new pc udp $NET4 7 7
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7 AND uplink IS NOT NULL" 47
new=$(flow_ids "state = 'live' AND dport = 7 AND started > (SELECT max(time) FROM uplink_states WHERE state = 'down')")
rows_are "while wan1 is down: each class, with the bytes that conntrack counts" \
"moved,wan2,$n_out,$n_out,$(table_bytes "$out"),0
deleted,,0,0,0,0
stranded,,0,0,0,0
idle,,5,5,$(table_bytes "$in"),0
ended,,0,0,0,0
backup,wan2,7,7,$(table_bytes "$new"),0
returned,,0,0,0,0"
for _ in 1 2 3 4 5 6 7 8; do
	sleep 0.55 # the daemon keeps a snapshot for half a second
	listed stranded
done >"$lab_tmp/stranded"
is "no flow is stranded at any time within a second" "$(sort -u "$lab_tmp/stranded")" ""
is "the failover has no end yet" "$(waymark failover --json | grep -c '"uplink": "wan1", "down": "20[^"]*Z", "back": null')" 7
is "the link was the cause: detected by it; nothing was measured before" "$(waymark failover --json | python3 -c '
import json, sys
print({(s["detected_by"], s["began"], s["detection_ms"], s["unanswered"], s["packets_lost"]) for s in json.load(sys.stdin)})')" \
	"{('link', None, None, None, None)}"
waymark failover -o wide >"$lab_tmp/out"
check "the table says that no packet was counted" grep -q 'link .*not measured .*not counted' "$lab_tmp/out" ||
	diag "$(cat "$lab_tmp/out")"
is "the flows that moved" "$(listed moved)" "$out"
is "a flow that sends nothing is not stranded" "$(listed stranded)" ""
is "the flows that send nothing" "$(listed idle)" "$in"
is "the flows on the backup" "$(listed backup)" "$new"
is "the interfaces that they left by, and their bytes" "$(waymark failover --list moved --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print({(f["uplink"], f["egress"], f["verdict"]) for f in d}, sum(f["bytes"] + f["bytes_reply"] for f in d))')" \
	"{('wan1', 'wan1,wan2', 'mismatch')} $(table_bytes "$out")"

# --- the return ----------------------------------------------------------------------------

isp_up 1
check "wan1 is up again" wait_for 5 uplink_is wan1 wan1 up
bytes=$(table_bytes "$new")
for port in $(hold_ports new | head -n 3); do
	at router conntrack -D -p udp --orig-port-src "$port" >/dev/null 2>&1
done
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'ended' AND id IN ($new)" 3
first="moved,wan2,$n_out,$n_out,$(table_bytes "$out"),0
deleted,,0,0,0,0
stranded,,0,0,0,0
idle,,5,5,$(table_bytes "$in"),0
ended,,0,0,0,0
backup,wan2,7,4,$bytes,0
returned,,0,0,0,0"
rows_are "after the return: four of seven still run on the backup, and no byte is lost" "$first"
is "the failover has an end" "$(waymark failover --json | grep -c '"back": "20')" 7

# No capability, and the group of the history's readers. A user namespace has root's alone.
# shellcheck disable=SC2046 # words
at router setpriv $([ -n "${LAB_IN_USERNS:-}" ] || echo "--groups $(stat -c %g "$lab_tmp/flows.db")") \
	--bounding-set=-all --inh-caps=-all --no-new-privs \
	"$WAYMARK" failover --database "$lab_tmp/flows.db" --csv >"$lab_tmp/out" 2>"$lab_tmp/err"
is "without privilege and daemon: exit 0" $? 0
known=$(sql "SELECT sum(bytes + bytes_reply) FROM flows WHERE id IN ($new)")
is "without privilege and daemon: bytes of live flows are unknown" "$(sed 1d "$lab_tmp/out" | cut -d, -f4-9)" \
"moved,wan2,$n_out,$n_out,,$n_out
deleted,,0,0,0,0
stranded,,5,5,,5
idle,,0,0,0,0
ended,,0,0,0,0
backup,wan2,7,4,$known,4
returned,,0,0,0,0"
# shellcheck disable=SC2046 # words
is "without privilege: the daemon answers with the bytes" "$(at router setpriv $([ -n "${LAB_IN_USERNS:-}" ] || echo "--groups $(stat -c %g "$lab_tmp/flows.db")") \
	--bounding-set=-all --inh-caps=-all --no-new-privs \
	"$WAYMARK" -c "$lab_tmp/waymark.conf" failover --csv | sed 1d | cut -d, -f4-9)" "$first"
check "without privilege and daemon: the message says so" grep -q 'cannot read the byte counts of live flows: CAP_NET_ADMIN is missing' "$lab_tmp/err"

# --- flush: all are deleted ---------------------------------------------------------------------

# wan1 goes down while no daemon runs: the start finds it so, and that is no failover.
for name in out in new; do
	hold_close $name
done
daemon_stop
at net ip link set isp1 down
daemon_start 'on-uplink-down = "flush"'
wait_for_sql 5 "SELECT state FROM uplink_states WHERE uplink = 'wan1' ORDER BY time DESC LIMIT 1" down
is "an uplink that is down at the start is no failover" "$(failed_over | held_as_one)" "$(echo "$first" | held_as_one)"
isp_up 1
check "wan1 is up once more" wait_for 5 uplink_is wan1 wan1 up
at router conntrack -F 2>/dev/null
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live' AND uplink IS NOT NULL" 0
hold last pc udp $NET4 7 40
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7 AND uplink IS NOT NULL" 40
last=$(flow_ids "state = 'live' AND uplink = 'wan1' AND dport = 7")
n_last=$(count "$last")
in_range "flows by wan1" "$n_last" 1 39
bytes=$(table_bytes "$last")
at net ip link set isp1 down
rows_are "flush: each flow of wan1 is deleted, with the bytes that conntrack had counted" \
"moved,,0,0,0,0
deleted,,$n_last,0,$bytes,0
stranded,,0,0,0,0
idle,,0,0,0,0
ended,,0,0,0,0
backup,,0,0,0,0
returned,,0,0,0,0"
is "the flows that were deleted" "$(listed deleted)" "$last"
is "wan2 had no failover" "$(waymark failover --uplink wan2 --json)" "[]"

# --- a time in the past ---------------------------------------------------------------------------

back=$(waymark failover --csv --at "$(sql "SELECT max(time) FROM uplink_states WHERE state = 'up' AND time < (SELECT max(ended) FROM gaps WHERE source = 'daemon')")" | awk -F, 'END { print $3 }')
is "--at shows the failover before that time" "$(failed_over --at "$back" | held_as_one)" "$(echo "$first" | held_as_one)"
is "--at before the first failover shows none" "$(waymark failover --json --at "$(sql "SELECT min(time) FROM uplink_states")")" "[]"
waymark failover --at nonsense >/dev/null 2>"$lab_tmp/err"
is "no valid time: exit 2" $? 2
waymark failover --list nonsense >/dev/null 2>"$lab_tmp/err"
is "no valid class: exit 2" $? 2
check "the message lists the classes" grep -q 'expected one of moved, deleted, stranded, idle, ended, backup, returned' "$lab_tmp/err"

start=$(sql "SELECT min(time) FROM uplink_states")
is "--since shows each failover, oldest first" "$(waymark failover --since "$start" --uplink wan1 --csv | sed 1d | cut -d, -f2 | uniq)" \
	"$(waymark failover --csv --at "$back" | sed 1d | cut -d, -f2 | uniq
	waymark failover --csv | sed 1d | cut -d, -f2 | uniq)"
is "... with all classes of each" "$(waymark failover --since "$start" --csv | sed 1d | cut -d, -f4 | sort | uniq -c | sed 's/^ *//')" \
"2 backup
2 deleted
2 ended
2 idle
2 moved
2 returned
2 stranded"
is "--until is before that time" "$(waymark failover --until "$back" --csv | sed 1d | cut -d, -f2 | uniq)" \
	"$(waymark failover --csv --at "$back" | sed 1d | cut -d, -f2 | uniq)"
is "no failover in a span: an empty array" "$(waymark failover --json --until "$start")" "[]"
is "--list shows the flows of the newest in the span" "$(waymark failover --until "$back" --list moved --csv | sed 1d | cut -d, -f1 | paste -sd, -)" \
	"$(waymark failover --at "$back" --list moved --csv | sed 1d | cut -d, -f1 | paste -sd, -)"

# --- a reload ---------------------------------------------------------------------------------------

sed -i 's/uplink wan2/uplink spare/' "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
check "a renamed uplink: its state is in the history under the new name" \
	wait_for_sql 5 "SELECT state FROM uplink_states WHERE uplink = 'spare'" up
is "... and not under the old one" "$(sql "SELECT count(*) FROM uplink_states WHERE uplink = 'wan2'")" 2

# --- stranded ----------------------------------------------------------------------------------------

# Packets from outside still arrive by an uplink that an operator takes down. Without answers
# nothing of them leaves by another uplink: they did not move.
daemon_stop
isp_up 1
at router conntrack -F 2>/dev/null
daemon_start 'on-uplink-down = "hold"'
check "wan1 is up for the last time" wait_for 5 uplink_is wan1 wan1 up
hold visits net udp $WAN1_4 7007 6 $NET4_VIA1
hold quiet net udp $WAN1_4 7007 3 $NET4_VIA1
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7007 AND ingress = 'wan1'" 9
visits=$(flow_ids "state = 'live' AND dport = 7007 AND sport IN ($(hold_ports visits | paste -sd, -))")
at pc nft 'add table inet mute; add chain inet mute in { type filter hook input priority 0; }'
at pc nft 'add rule inet mute in udp dport 7007 drop'
waymark uplink wan1 down >/dev/null
check "wan1 is down by decision" wait_for 5 uplink_is wan1 wan1 down
visits_are_stranded() {
	hold_push visits
	[ "$(listed stranded)" = "$visits" ]
}
check "flows that still send, and did not move, are stranded" wait_for 15 visits_are_stranded ||
	diag "$(failed_over; listed stranded; echo "wanted $visits")"
is "their number, and that of those that send nothing" "$(failed_over --uplink wan1 | grep -e stranded -e idle | cut -d, -f1-4)" \
"stranded,,6,6
idle,,3,3"
waymark uplink wan1 auto >/dev/null
hold_drop visits
hold_drop quiet

done_testing
