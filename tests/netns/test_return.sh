#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves on-uplink-up = "return": flows that started on a backup of a higher tier are
# re-established on the preferred uplink once it is back, idle and UDP ones first, a few per
# second, and no other flow is touched; traffic on a backup is an alert until then; "hold"
# deletes nothing; an operator's decisions are in the history with user and cause.

. "${0%/*}/lib.sh"

alert_has() { # STATE
	cat "$lab_tmp/alerts.jsonl" 2>/dev/null | grep '"kind":"uplink"' | grep '"reason":"backup"' | grep -c "\"state\":\"$1\""
}

alerts_are() { # RAISED OVER
	[ "$(alert_has raised) $(alert_has over)" = "$1 $2" ]
}

live() { # CONDITION
	sql "SELECT count(*) FROM flows WHERE state = 'live' AND $1"
}

config_tiers() { # LINE
	config_write "$1"
	sed -i 's/weight    = 2/weight = 2 tier = 2/' "$lab_tmp/waymark.conf"
}

lab_up
nat masquerade
serve net 80 7
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=900 \
	net.netfilter.nf_conntrack_udp_timeout_stream=900
config_tiers 'on-uplink-up = "return"'
daemon_run

# --- return ---------------------------------------------------------------------------------------

hold first pc udp $NET4 7 8
wait_for_sql 10 "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7 AND uplink = 'wan1'" 8
check "the lower tier carries new flows: no alert" alerts_are 0 0
waymark uplink wan1 drain >/dev/null
check "drained: traffic on a backup uplink is an alert" wait_for 10 alerts_are 1 0
check "the history has the user of the decision" wait_for_sql 5 \
	"SELECT state, cause, decision, user FROM uplink_states WHERE uplink = 'wan1' ORDER BY id DESC LIMIT 1" \
	"drain|operator|drain|root"
sleep 1
hold_many second pc "udp $NET4 7 12" "tcp $NET4 7 5" "udp $NET6 7 6"
wait_for_sql 10 "SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan2' AND dport = 7" 23
is "new flows use the backup" "$(live "uplink = 'wan2' AND dport = 7")" 23
waymark uplink wan1 auto >/dev/null
check "the alert is over" wait_for 10 alerts_are 1 1
check "its text has bytes" grep -q '"kind":"uplink".*which carried [0-9.]*[KMG]* bytes' "$lab_tmp/alerts.jsonl"
check "each flow of the backup is deleted" wait_for 30 sql_is "SELECT count(*) FROM deleted_flows WHERE action = 'returned'" 23
is "no other flow is deleted" "$(sql "SELECT count(*) FROM deleted_flows d JOIN flows f ON f.id = d.flow_id WHERE f.uplink = 'wan1'")" 0
is "TCP flows are deleted last" "$(sql "SELECT group_concat(DISTINCT proto) FROM (SELECT f.proto FROM deleted_flows d JOIN flows f ON f.id = d.flow_id ORDER BY d.time_ms, d.rowid)" 2>/dev/null ||
	sql "SELECT group_concat(DISTINCT proto) FROM (SELECT f.proto FROM deleted_flows d JOIN flows f ON f.id = d.flow_id ORDER BY d.time_ms)")" "udp,tcp"
in_range "a few per second: ms from the first to the last deletion" \
	"$(sql "SELECT max(time_ms) - min(time_ms) FROM deleted_flows WHERE action = 'returned'")" 4000 30000
hold_push second
check "UDP is re-established by the preferred uplink" wait_for 10 sql_is \
	"SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan1' AND proto = 'udp' AND dport = 7" 26
is "flows that were on the preferred uplink stay" "$(sql "SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan1' AND id < (SELECT min(flow_id) FROM deleted_flows)")" 8
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0
is "drained is no failover" "$(waymark failover --json)" "[]"
hold_drop second
waymark uplink wan1 down >/dev/null
check "down by the operator" wait_for 10 alerts_are 2 1
sleep 1
hold fourth pc udp $NET4 7 4
wait_for_sql 10 "SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan2' AND proto = 'udp' AND dport = 7" 4
waymark uplink wan1 auto >/dev/null
check "its flows return too" wait_for 30 sql_is "SELECT count(*) FROM deleted_flows WHERE action = 'returned'" 27
check "failover has cause, decision, user, and the flows that returned" wait_for 10 sh -c \
	"'$WAYMARK' -c '$lab_tmp/waymark.conf' failover --csv | grep -q '^wan1,20.*Z,20.*Z,returned,wan2,4,0,.*,operator,down,root,'" ||
	diag "$(waymark failover --csv)"
hold_drop fourth
daemon_stop

# --- hold -----------------------------------------------------------------------------------------

config_tiers 'on-uplink-up = "hold"'
daemon_run
before=$(sql 'SELECT count(*) FROM deleted_flows')
waymark uplink wan1 down >/dev/null
check "down: another alert" wait_for 10 alerts_are 3 2
sleep 1
hold third pc udp $NET4 7 5
wait_for_sql 10 "SELECT count(*) > 4 FROM flows WHERE state = 'live' AND uplink = 'wan2' AND dport = 7" 1
waymark uplink wan1 auto >/dev/null
check "hold: the alert is over with the return" wait_for 10 alerts_are 3 3
check "the stranded flows are logged with their bytes" wait_for 15 grep -q 'flows (.* bytes) are still on backup uplinks' "$lab_tmp/waymarkd.log"
sleep 2
is "hold: nothing is deleted" "$(sql 'SELECT count(*) FROM deleted_flows')" "$before"

done_testing
