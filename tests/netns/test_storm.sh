#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that a storm of mismatches does no harm: one of packets, from established flows whose
# rule was deleted, as fast as the machine can send, and one of flows, each of which
# mismatches. Meanwhile healthy flows are in the history with their ends; alerts, programs and
# log lines stay few, and aggregated alerts are counted; the history grows by one row per flow
# and mismatch; the daemon's memory stays bounded.

. "${0%/*}/lib.sh"

FLOOD=$top_build/tests/bench/flood
FLOWS=400
NEW=20000

[ -x "$FLOOD" ] || die "$FLOOD is not built"

# alert exec: each run takes a second; a storm must not queue them up.
slow_program() {
	printf '#!/bin/sh\nsleep 1\n' >"$lab_tmp/slow"
	chmod 755 "$lab_tmp/slow"
}

status_of() { # KEY...
	waymark status --json | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value[key]
print(value)' "$@"
}

# --- measurements during the storm -------------------------------------------------------------

# The number of alert programs among the daemon's children and grandchildren.
programs() { # PID
	local pid
	for pid in $(cat "/proc/$1/task/"*/children); do
		grep '^slow$' "/proc/$pid/comm"
		programs "$pid"
	done
}

# Every tenth of a second: the number of programs, and the daemon's memory in KiB.
watch_begin() {
	: >"$lab_tmp/watching"
	: >"$lab_tmp/seen"
	began=$(now_cs)
	logged=$(wc -l <"$lab_tmp/waymarkd.log")
	while [ -e "$lab_tmp/watching" ]; do
		echo "$(programs "$daemon_pid" | wc -l)" \
			"$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$daemon_pid/status")"
		sleep 0.1
	done >"$lab_tmp/seen" 2>/dev/null &
	watch_pid=$!
	healthy >"$lab_tmp/healthy" 2>"$lab_tmp/healthy.err" &
	healthy_pid=$!
}

watch_end() {
	rm -f "$lab_tmp/watching"
	wait $watch_pid $healthy_pid
	seconds=$((($(now_cs) - began) / 100 + 1))
}

# Flows that begin and end; one "PORT ..." per line.
healthy() {
	while [ -e "$lab_tmp/watching" ]; do
		http_get pc 5 "http://$NET4/"
		at router conntrack -D -p tcp --state TIME_WAIT >/dev/null 2>&1
		sleep 0.1
	done
	# The last of them may not have ended yet.
	wait_for 5 no_healthy_entry
}

no_healthy_entry() {
	at router conntrack -D -p tcp --orig-port-dst 80 >/dev/null 2>&1
	! at router conntrack -L -p tcp --orig-port-dst 80 2>/dev/null | grep -q .
}

most() { # COLUMN the largest value measured
	cut -d ' ' -f "$1" "$lab_tmp/seen" | sort -n | tail -n 1
}

# From one answer, because a summary may be sent at any time.
alerts_left_over() {
	waymark status --json | python3 -c '
import json, sys
a = json.load(sys.stdin)["alerts"]
print(a["raised"] - a["sent"] + a["summaries"] - a["aggregated"])'
}

judge() { # WHAT
	local what=$1 n
	n=$(grep -c ' 200 ' "$lab_tmp/healthy")
	is "$what: healthy flows work" "$(grep -vc ' 200 ' "$lab_tmp/healthy")" 0 || diag "$(cat "$lab_tmp/healthy.err")"
	healthy_n=$((healthy_n + n))
	check "$what: each of $n healthy flows is in the history, with its end" wait_for_sql 60 \
		"SELECT count(*) FROM flows WHERE dport = 80 AND state = 'ended' AND ended IS NOT NULL
			AND packets IS NOT NULL AND verdict IN ('ok', 'unknown')" $healthy_n ||
		diag "$(sql "SELECT state, verdict, reason, count(*) FROM flows WHERE dport = 80 GROUP BY 1, 2, 3")"
	check "$what: lost events are recorded as a gap" lost_is_written
	in_range "$what: programs at once" "$(most 1)" 0 8
	in_range "$what: growth of the daemon's memory in KiB" $(($(most 2) - memory)) -1000000 $growth
	in_range "$what: log lines, in $seconds s" $(($(wc -l <"$lab_tmp/waymarkd.log") - logged)) 1 $((seconds * 30 + 60))
	is "$what: raised = sent - summaries + aggregated" "$(alerts_left_over)" 0
	check "$what: alerts are sent once per kind and interval" alerts_are_few
	check "$what: the file has as many alerts as were sent" wait_for 15 alerts_are_all
}

lost_is_written() {
	[ "$(status_of events overruns)" = 0 ] || [ "$(sql "SELECT count(*) FROM gaps WHERE source = 'events'")" -gt 0 ]
}

# For each kind, uplinks and reason at most one alert per min-interval, which is a second.
alerts_are_few() {
	python3 - "$lab_tmp/alerts.jsonl" <<-'END'
		import collections, datetime, json, sys
		times = collections.defaultdict(list)
		for line in open(sys.argv[1]):
		    a = json.loads(line)
		    if a["state"] == "raised":
		        at = datetime.datetime.fromisoformat(a["time"].replace("Z", "+00:00"))
		        times[a["kind"], a["expected"], a["egress"], a["reason"]].append(at.timestamp())
		for key, t in times.items():
		    # A summary carries the time of its newest example: at most one between two.
		    for first, third in zip(t, t[2:]):
		        if third - first < 0.9:
		            sys.exit("%s: three within %.3f s" % (key, third - first))
	END
}

alerts_are_all() {
	[ "$(wc -l <"$lab_tmp/alerts.jsonl")" = "$(status_of alerts sent)" ]
}

history_bytes() {
	waymark status >/dev/null
	cat "$lab_tmp/flows.db" "$lab_tmp/flows.db-wal" 2>/dev/null | wc -c
}

# --- the lab ---------------------------------------------------------------------------------

# Flows start by wan1; with wan1's rule deleted and table main preferring wan2 they stray.
lab_up
nat none
slow_program
config_alert="exec = \"$lab_tmp/slow\""
daemon_start 'repair = false
	balance = false'
serve net 80 7
healthy_n=0
# In KiB; a sanitizer keeps up to 256 MiB of freed memory and about as much around it.
growth=100000
! grep -q __asan_init "$WAYMARKD" || growth=800000
memory=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$daemon_pid/status")

# --- a storm of packets ------------------------------------------------------------------------

# Open the flows; the flood starts when the file says so.
{
	wait_for 60 test -e "$lab_tmp/go"
	printf '250000\n250000\n250000\n'
} | at pc "$FLOOD" open $NET4 7 $FLOWS >"$lab_tmp/flood" 2>"$lab_tmp/flood.err" &
flood_pid=$!
wait_for 30 grep -q open "$lab_tmp/flood" || die "no flows: $(cat "$lab_tmp/flood.err")"
# The packets of the flood reach no host.
at net nft add chain inet back sink '{ type filter hook prerouting priority raw; }'
at net nft add rule inet back sink udp dport 7 drop
at router ip route add default via $GW2_4 dev wan2 metric 50
at router ip rule del fwmark 2/0xff || die "no rule of wan1"
watch_begin
packets=$(if_packets router wan2 tx)
flooded=$(now_cs)
: >"$lab_tmp/go"
wait $flood_pid
flooded=$(($(now_cs) - flooded))
packets=$(($(if_packets router wan2 tx) - packets))
diag "$packets packets in $flooded hundredths of a second: $((packets * 100 / (flooded + 1))) a second"
check "packets: the flood strayed" test "$packets" -gt 700000
watch_end
is "packets: one mismatch per flow" \
	"$(sql "SELECT count(*), count(DISTINCT flow_id) FROM mismatches WHERE dport = 7")" "$FLOWS|$FLOWS"
in_range "packets: NFLOG messages read" "$(status_of nflog received)" $FLOWS $((FLOWS + 1000 * (seconds + 2)))
judge packets
in_range "packets: the history in KiB" $(($(history_bytes) / 1024)) 1 16384

# --- a storm of flows ----------------------------------------------------------------------------

kill -HUP "$daemon_pid"
wait_for 20 sh -c "grep -q 'configuration reloaded' '$lab_tmp/waymarkd.log'" || die 'no reload'
at router ip route del default via $GW2_4 dev wan2 metric 50
at router nft -f - <<-'END' || die 'no foreign rule'
	table inet others {
		chain c {
			type filter hook prerouting priority -140
			udp dport 9 ct state new ct mark set 3
		}
	}
END
at net nft add rule inet back sink udp dport 9 drop
before=$(history_bytes)
watch_begin
at pc "$FLOOD" new $NET4 9 10000 $NEW >"$lab_tmp/new" || die 'no new flows'
diag "$(cat "$lab_tmp/new") ns per new flow"
check "flows: each is a mismatch" wait_for_sql 90 \
	"SELECT count(DISTINCT flow_id) FROM mismatches WHERE dport = 9" $NEW
watch_end
is "flows: one mismatch each" "$(sql "SELECT count(*), count(DISTINCT sport) FROM mismatches WHERE dport = 9")" "$NEW|$NEW"
is "flows: each is one row" "$(sql "SELECT count(*) FROM flows WHERE dport = 9")" $NEW
judge flows
diag "the history has grown by $(($(history_bytes) - before)) bytes"
in_range "flows: growth of the history in bytes per flow" $((($(history_bytes) - before) / NEW)) 50 1500
in_range "flows: the queue was never full" "$(status_of store dropped)" 0 0

done_testing
