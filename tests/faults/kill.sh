#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill.sh - proves that waymarkd may be killed (SIGKILL) repeatedly at random moments while flows
# are made: no new connection fails, the history stays intact, and each flow is in it once, or
# falls into a gap.
#
# KILLS: number of kills (3).

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

KILLS=${KILLS:-3}
# A killed daemon may lose flows that are at most this old.
LAST_MOMENT_MS=250

made_more() { # COUNT
	[ "$(wc -l <"$lab_tmp/make4.out")" -ge "$1" ]
}

connects() { # NUMBER: open NUMBER new connections; prints how many fail
	local failed=0 i=0
	while [ "$i" -lt "$1" ]; do
		http_get pc 1 "http://$NET4:8080/" >/dev/null 2>&1 || failed=$((failed + 1))
		i=$((i + 1))
	done
	echo "$failed"
}

lab_up
nat masquerade
serve net 8080 7
daemon_start
background make4 pc python3 "$PEER" make $NET4 7 2000 0.02
check "flows are made" wait_for 10 made_more 20

failed=0 i=0
while [ "$i" -lt "$KILLS" ]; do
	sleep "0.$(awk -v seed="$i" 'BEGIN { srand(seed); printf "%03d", rand() * 800 }')"
	daemon_stop KILL
	failed=$((failed + $(connects 3)))
	daemon_run
	i=$((i + 1))
done
wait_for 10 made_more "$(($(wc -l <"$lab_tmp/make4.out") + 20))"
background_end make4
is "killed $KILLS times: new connections that failed" "$failed" 0
daemon_stop
is "the daemon stops with status 0" $? 0
is "the database is intact" "$(sql 'PRAGMA integrity_check')" ok
{
	echo 'CREATE TEMP TABLE made (sport INTEGER, at INTEGER);'
	sed 's/^\([0-9]*\) \([0-9]*\)$/INSERT INTO made VALUES (\1, \2);/' "$lab_tmp/make4.out"
	echo "CREATE TEMP TABLE found AS SELECT m.sport, m.at, count(f.id) AS n FROM made m LEFT JOIN flows f
		ON f.sport = m.sport AND f.proto = 'udp' AND f.dport = 7 GROUP BY m.sport;
		SELECT count(*) FROM found;
		SELECT count(*) FROM found WHERE n > 1;
		SELECT count(*) FROM found WHERE n = 0 AND NOT EXISTS (SELECT 1 FROM gaps g
			WHERE at BETWEEN g.started_ms - $LAST_MOMENT_MS AND g.ended_ms);"
} | sqlite3 -batch -noheader -cmd 'PRAGMA temp_store = MEMORY' "$lab_tmp/flows.db" >"$lab_tmp/found"
sed -i '/^2$/{1d}' "$lab_tmp/found"
check "flows were made" test "$(sed -n 1p "$lab_tmp/found")" -gt 40
is "of $(sed -n 1p "$lab_tmp/found") flows, those in the history twice" "$(sed -n 2p "$lab_tmp/found")" 0
is "... those neither in the history nor in a gap" "$(sed -n 3p "$lab_tmp/found")" 0
is "each kill is a gap" "$(sql "SELECT count(*) FROM gaps WHERE reason = 'the daemon died'")" "$KILLS"

done_testing
