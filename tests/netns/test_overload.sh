#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The loss claim: a daemon that does not keep up says exactly what it does not know.
# Flows made = flows stored whole + flows stored with an end that a gap covers, and
# events made = events read + events that a gap counts.

. "${0%/*}/lib.sh"

CTGEN=$top_build/tests/bench/ctgen

lab_up
[ -x "$CTGEN" ] || die "$CTGEN is not built"
generate() {
	at router "$CTGEN" "$@" >"$lab_tmp/ctgen.out" || die "ctgen $*"
	grep -q 'refused 0 ' "$lab_tmp/ctgen.out" || die "the kernel refused flows: $(cat "$lab_tmp/ctgen.out")"
}

status_of() { # KEY-PATH, as jq's
	waymark status --json | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[key]
print(str(value).lower() if isinstance(value, bool) else value)' "$1"
}

status_is() { # KEY-PATH VALUE
	[ "$(status_of "$1")" = "$2" ]
}

# Of the generator's flows: each is there, once, with its end.
made="dst = '203.0.113.1'"
whole="$made AND state = 'ended' AND ended IS NOT NULL AND packets IS NOT NULL
	AND coalesce(reason, '') <> 'gap'"
covered="$made AND state = 'ended' AND ended IS NOT NULL AND packets IS NOT NULL
	AND reason = 'gap' AND EXISTS (SELECT 1 FROM gaps g WHERE g.source = 'events'
	AND g.started <= flows.ended AND g.ended >= flows.started)"

# 819 events fit, and the daemon sleeps while 20,000 flows begin and end.
daemon_start 'event-buffer = "1 MiB"'
at router sysctl -qw net.netfilter.nf_conntrack_acct=1
is "the buffer is as large as configured" "$(status_of events.buffer_bytes)" 1048576
is "ends of flows are reliable" "$(status_of events.reliable)" true
generate -r 1000 churn 1000
is "a quiet time overruns nothing" "$(status_of events.overruns)" 0
kill -STOP "$daemon_pid"
generate -f 1000 churn 20000
kill -CONT "$daemon_pid"
wait_for_sql 60 "SELECT count(*) FROM flows WHERE $made AND state = 'ended'" 21000
sleep 1.2
wait_for 20 status_is gaps_open 0
wait_for 10 status_is events.resyncing false
generate -f 21000 -r 1000 churn 1000
wait_for_sql 60 "SELECT count(*) FROM flows WHERE $made AND state = 'ended'" 22000
wait_for 10 status_is events.resyncing false
wait_for 10 status_is gaps_open 0

check "the buffer overran" test "$(status_of events.overruns)" -gt 0
is "every flow made is in the history with its end" \
	"$(sql "SELECT count(*) FROM flows WHERE $made AND state = 'ended'")" 22000
is "no flow is there twice" \
	"$(sql "SELECT count(*) FROM (SELECT DISTINCT src, sport, dst, dport FROM flows WHERE $made)")" 22000
n_whole=$(sql "SELECT count(*) FROM flows WHERE $whole")
n_covered=$(sql "SELECT count(*) FROM flows WHERE $covered")
diag "$n_whole whole, $n_covered covered by gaps"
is "flows made = flows whole + flows covered by gaps" $((n_whole + n_covered)) 22000
check "those of quiet times are whole" test "$n_whole" -ge 2000
check "some are not" test "$n_covered" -gt 0
is "no gap is open" "$(status_of gaps_open)" 0
check "each gap has its end" wait_for_sql 5 "SELECT count(*) FROM gaps WHERE ended IS NULL" 0
check "the table was looked at again" grep -q 'looked at the whole table' "$lab_tmp/waymarkd.log"
check "an alert told of it" grep -q '"kind": *"gap"' "$lab_tmp/alerts.jsonl"

# Flows that live through it are found by the dump, those that vanish by their ends.
generate -f 100000 make 300
wait_for_sql 10 "SELECT count(*) FROM flows WHERE $made AND state = 'live'" 300
kill -STOP "$daemon_pid"
generate -f 200000 make 5000
generate -f 100000 delete 300
kill -CONT "$daemon_pid"
wait_for_sql 30 "SELECT count(*) FROM flows WHERE $made AND state = 'live'" 5000
wait_for_sql 30 "SELECT count(*) FROM flows WHERE $made AND state = 'ended'" 22300
is "flows that began unheard are found" \
	"$(sql "SELECT count(*) FROM flows WHERE $made AND state = 'live'")" 5000
is "flows that ended meanwhile have ended" \
	"$(sql "SELECT count(*) FROM flows WHERE $made AND state = 'ended'")" 22300
is "none is there twice" "$(sql "SELECT count(*) FROM flows WHERE $made")" 27300
is "none is lost" "$(status_of flows_lost)" 0
generate -f 200000 delete 5000
wait_for_sql 30 "SELECT count(*) FROM flows WHERE $made AND state = 'live'" 0

# --- the safety valve --------------------------------------------------------------

max=$(at router cat /proc/sys/net/netfilter/nf_conntrack_max)
if [ "$max" -gt 400000 ]; then
	skip "the safety valve" "nf_conntrack_max is $max: too many flows to make"
	done_testing
fi
full=$((max * 81 / 100))
generate -f 300000 make $full
wait_for 20 status_is events.reliable false
is "above 80 % of the table reliable ends are off" "$(status_of events.reliable)" false
wait_for_sql 10 "SELECT count(*) FROM gaps WHERE ended IS NULL AND reason LIKE '%nearly full%'" 1
is "a gap says so" \
	"$(sql "SELECT count(*) FROM gaps WHERE ended IS NULL AND reason LIKE '%nearly full%'")" 1
is "status counts it" "$(status_of gaps_open)" 1
check "an alert told of it" grep -q 'nearly full' "$lab_tmp/alerts.jsonl"

# Now what is lost is lost, and counted: no event of these is delivered twice.
wait_for 30 status_is events.resyncing false
wait_for_sql 60 "SELECT count(*) FROM flows WHERE $made AND state = 'live'" $full
read_before=$(status_of events.received)
lost_before=$(sql "SELECT coalesce(sum(lost), 0) FROM gaps WHERE source = 'events'")
kill -STOP "$daemon_pid"
generate -f 30000 churn 10000
kill -CONT "$daemon_pid"
wait_for_sql 20 "SELECT count(*) FROM gaps WHERE ended IS NULL" 1
sleep 1.5
wait_for 30 status_is events.resyncing false
wait_for_sql 20 "SELECT count(*) FROM gaps WHERE ended IS NULL" 1
events=$(($(status_of events.received) - read_before))
lost=$(($(sql "SELECT coalesce(sum(lost), 0) FROM gaps WHERE source = 'events'") - lost_before))
diag "$events events read, $lost lost"
check "events were lost" test "$lost" -gt 0
is "events made = events read + events that a gap counts" $((events + lost)) 20000

generate -f 300000 delete $full
wait_for 20 status_is events.reliable true
is "below 60 % they are on again" "$(status_of events.reliable)" true
wait_for 20 status_is gaps_open 0
check "and the gap has its end" wait_for_sql 30 "SELECT count(*) FROM gaps WHERE ended IS NULL" 0 ||
	diag "$(sql "SELECT * FROM gaps WHERE ended IS NULL")"

done_testing
