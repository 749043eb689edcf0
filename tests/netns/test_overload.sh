#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that a daemon that does not keep up reports exactly what it lost: events made = events
# read + events that a gap counts; flows that live through the overload are found by the dump;
# those that ended unseen are lost, with a gap as the reason.

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

made="dst = '203.0.113.1'"
lost_sum() {
	sql "SELECT coalesce(sum(lost), 0) FROM gaps WHERE source = 'events'"
}

settled() {
	wait_for 30 status_is events.resyncing false
	wait_for 30 status_is gaps_open 0
}

# The buffer holds 819 events, and the daemon is stopped while 20,000 flows begin and end.
daemon_start 'event-buffer = "1 MiB" events = minimal'
at router sysctl -qw net.netfilter.nf_conntrack_acct=1
is "the buffer is as large as configured" "$(status_of events.buffer_bytes)" 1048576
generate -r 1000 churn 1000
is "without load nothing overruns" "$(status_of events.overruns)" 0
wait_for_sql 60 "SELECT count(*) FROM flows WHERE $made AND state = 'ended'" 1000
read_before=$(status_of events.received)
kill -STOP "$daemon_pid"
generate -f 1000 churn 20000
kill -CONT "$daemon_pid"
sleep 1.2
settled
events=$(($(status_of events.received) - read_before))
lost=$(lost_sum)
diag "$events events read, $lost lost"
check "the buffer overran" test "$(status_of events.overruns)" -gt 0
check "events were lost" test "$lost" -gt 0
is "events made = events read + events that a gap counts" $((events + lost)) 40000
generate -f 21000 -r 1000 churn 1000
wait_for_sql 60 "SELECT count(*) FROM flows WHERE $made AND state = 'ended'
	AND coalesce(reason, '') <> 'gap' AND sport >= 0" 2000
settled
is "no flow is there twice" \
	"$(sql "SELECT count(*) - count(DISTINCT src || ' ' || sport || ' ' || dport) FROM flows WHERE $made AND state <> 'lost'")" 0
is "no ended flow is live in the history" "$(sql "SELECT count(*) FROM flows WHERE $made AND state = 'live'")" 0
check "each gap has an end" wait_for_sql 5 "SELECT count(*) FROM gaps WHERE ended IS NULL" 0
check "a resync followed" grep -q 'resync: ' "$lab_tmp/waymarkd.log"
check "an alert reported it" grep -q '"kind": *"gap"' "$lab_tmp/alerts.jsonl"

# Flows that live through the overload are found by the dump, and so are those that ended.
generate -f 100000 make 300
wait_for_sql 10 "SELECT count(*) FROM flows WHERE $made AND state = 'live'" 300
kill -STOP "$daemon_pid"
generate -f 200000 make 5000
generate -f 100000 delete 300
kill -CONT "$daemon_pid"
check "flows whose NEW was lost are found" \
	wait_for_sql 30 "SELECT count(*) FROM flows WHERE $made AND state = 'live'" 5000
is "flows whose DESTROY was lost are lost, in a gap" \
	"$(sql "SELECT count(*) FROM flows WHERE $made AND state = 'lost'")" "$(status_of flows_lost)"
check "no flow is there twice" sql_is "SELECT count(*) - count(DISTINCT src || ' ' || sport || ' ' || dport)
	FROM flows WHERE $made AND state = 'live'" 0
generate -f 200000 delete 5000
check "no ended flow is live in the history" \
	wait_for_sql 30 "SELECT count(*) FROM flows WHERE $made AND state = 'live'" 0

done_testing
