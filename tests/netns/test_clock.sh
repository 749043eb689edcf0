#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_clock.sh - the daemon works when its clock is set an hour back, an hour forward or a
# year forward: flows are written, tampering is repaired, alerts are sent, status answers, no
# history is deleted; and it starts with a clock in the past.
#
# libfaketime changes the clock of the daemon alone; the kernel's stays as it is.

. "${0%/*}/lib.sh"

# --- helpers -----------------------------------------------------------------------------

faketime_library() {
	for dir in /usr/lib/*/faketime /usr/lib/faketime /usr/lib64/faketime; do
		[ ! -e "$dir/libfaketimeMT.so.1" ] || { echo "$dir/libfaketimeMT.so.1"; return; }
	done
}

# clock_set SECONDS: set the daemon's clock off the kernel's by this much from now on.
clock_set() {
	echo "$1" >"$lab_tmp/clock.new"
	mv "$lab_tmp/clock.new" "$lab_tmp/clock"
}

# A script that becomes the daemon by exec, so that its pid is the daemon's.
daemon_wrap() {
	cat >"$lab_tmp/waymarkd" <<-END
		#!/bin/sh
		LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$lab_tmp/clock
		FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
		# libfaketime's correction of waits by the monotonic clock would end them at once.
		FAKETIME_FORCE_MONOTONIC_FIX=0
		# AddressSanitizer need not be the first library here.
		ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-}
		export ASAN_OPTIONS
		export LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE FAKETIME_DONT_FAKE_MONOTONIC
		export FAKETIME_FORCE_MONOTONIC_FIX
		exec "$WAYMARKD" "\$@"
	END
	chmod +x "$lab_tmp/waymarkd"
	WAYMARKD=$lab_tmp/waymarkd
}

uptime_s() {
	waymark status --json | sed -n 's/.*"uptime_s": *\([0-9-]*\).*/\1/p' | head -n 1
}

rule_is_there() {
	at router ip rule show | grep -q 'fwmark 0x2/0xff'
}

rule_delete() {
	at router ip rule del fwmark 0x2/0xff
}

tamperings() {
	sql "SELECT count(*) FROM tampering WHERE what LIKE 'rule %' AND action = 'restored'"
}

alerts() {
	cat "$lab_tmp/alerts.jsonl" 2>/dev/null | grep -c '"kind":"tampering"'
}

# works_at WHEN: the daemon does all its work with the clock as it has just been set.
works_at() {
	local flows ended alerted rows
	flows=$(sql "SELECT count(*) FROM flows")
	ended=$(sql "SELECT count(*) FROM flows WHERE state = 'ended' AND dport = 8080")
	alerted=$(alerts)
	rows=$(tamperings)
	http_get pc 3 "http://$NET4:8080/" >"$lab_tmp/got"
	is "$1: flows go through" "$(grep -c ' 200 ' "$lab_tmp/got")" 3
	# The daemon resyncs: by the kernel's clock the flows began at another time.
	waymark coverage >/dev/null
	# The kernel may take a while to end them.
	at router conntrack -D -p tcp --dport 8080 >/dev/null 2>&1
	check "$1: they are in the history, with their ends" \
		wait_for_sql 10 "SELECT count(*) FROM flows WHERE state = 'ended' AND dport = 8080" \
		$((ended + 3))
	is "$1: with their uplink" \
		"$(sql "SELECT count(*) FROM (SELECT * FROM flows WHERE dport = 8080 ORDER BY id DESC
			LIMIT 3) WHERE verdict = 'ok'")" 3
	rule_delete
	check "$1: a deleted rule is repaired" wait_for 3 rule_is_there
	check "$1: the tampering is in the history" wait_for 3 has_tamperings $((rows + 1))
	check "$1: an alert is sent" wait_for 5 has_alerts $((alerted + 1))
	in_range "$1: the uptime is the time that has passed" "$(uptime_s)" 0 300
	check "$1: no flow is deleted from the history" test "$(sql "SELECT count(*) FROM flows")" -ge $((flows + 3))
}

has_tamperings() {
	[ "$(tamperings)" -ge "$1" ]
}

has_alerts() {
	[ "$(alerts)" -ge "$1" ]
}

# Reload: retention runs when the configuration is read.
look_at_ages() {
	kill -HUP "$daemon_pid"
	sleep 2
}

# --- the test ----------------------------------------------------------------------------

library=$(faketime_library)
[ -n "$library" ] || skip_all "libfaketime is missing"
lab_up
nat masquerade
daemon_wrap
clock_set +0
serve net 8080 7
daemon_start 'retention = "90 days"'

works_at "before"

clock_set -3600
works_at "an hour back"

clock_set +3600
works_at "two hours forth"

clock_set +31536000
works_at "a year forth"
before=$(sql "SELECT count(*) FROM flows")
look_at_ages
is "a year forward: retention deletes nothing" "$(sql "SELECT count(*) FROM flows")" "$before"

clock_set -86400
works_at "a year and a day back"
look_at_ages
check "a year and a day back: retention deletes nothing" \
	test "$(sql "SELECT count(*) FROM flows")" -ge "$before"

check "no flow is lost" sql_is "SELECT count(*) FROM flows WHERE state = 'lost'" 0

# --- the turn of an hour ------------------------------------------------------------------

# The daemon's clock is some seconds before the hour: packets until then belong to this hour.
now=$(date +%s)
hour=$((now - now % 3600 + 7200))
clock_set +$((hour - 4 - now))
waymark coverage >/dev/null
check "an interval of the coverage ends with the hour" wait_for_sql 20 "SELECT count(*) > 0 FROM coverage_hour
	WHERE time = (${hour} - 3600) * 1000 AND ended BETWEEN ${hour}000 AND ${hour}000 + 3000" 1

# --- a start in the past -------------------------------------------------------------------

# By the kernel's clock, because the kernel reports when these flows began.
clock_set +0
hold stays pc tcp $NET4 7 2
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7" 2
check "live flows are in the history" \
	sql_is "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7" 2
daemon_stop KILL
clock_set -172800
daemon_run
check "killed, two days back: live flows keep their rows" \
	wait_for_sql 5 "SELECT count(*), count(DISTINCT sport) FROM flows
		WHERE state = 'live' AND dport = 7" "2|2"
check "the time between is a gap, with the times of the daemon's clock" \
	wait_for_sql 5 "SELECT count(*) FROM gaps WHERE source = 'daemon' AND ended < started" 1
works_at "two days back, after a start"
is "live flows are answered" "$(hold_send stays)" 2
hold_close stays
check "they were never lost" sql_is "SELECT count(*) FROM flows WHERE state = 'lost' AND dport = 7" 0
check "the database is intact" sql_is "PRAGMA integrity_check" ok

done_testing
