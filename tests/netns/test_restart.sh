#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_restart.sh - the history survives the daemon's end: stopped in the middle of a batch
# it loses nothing; killed it loses at most the last moment, which is a gap; live flows keep
# their row, no flow is there twice, and flows from before the first start are there without
# verdict ok. Labels whose meaning changed since are no evidence.

. "${0%/*}/lib.sh"

# A killed daemon may lose flows that are at most this old.
LAST_MOMENT_MS=250

# --- a stream of flows, each from its own port -----------------------------------------------

flows_begin() { # FIRST-PORT
	background make4 pc python3 "$PEER" make $NET4 7 "$1" 0.004
	background make6 pc python3 "$PEER" make $NET6 7 "$1" 0.004
	wait_for 10 made_more 20
}

made() { # "SOURCE|PORT|TIME" of each answered flow
	sed -n "s/^\([0-9]*\) \([0-9]*\)$/$PC4|\1|\2/p" "$lab_tmp/make4.out"
	sed -n "s/^\([0-9]*\) \([0-9]*\)$/$PC6|\1|\2/p" "$lab_tmp/make6.out"
}

made_more() { # COUNT: wait for COUNT more, of both families
	[ "$(wc -l <"$lab_tmp/make4.out")" -ge "$1" ] && [ "$(wc -l <"$lab_tmp/make6.out")" -ge "$1" ]
}

# Make COUNT more flows while something happens.
flows_more() { # COUNT
	wait_for 20 made_more "$(($(wc -l <"$lab_tmp/make4.out") + $1))"
}

flows_end() {
	background_end make4
	background_end make6
	made >"$lab_tmp/made"
}

# with_made QUERY: the history with the flows that were made as table made.
with_made() {
	{
		echo 'CREATE TEMP TABLE made (src, sport INTEGER, at INTEGER);'
		sed "s/^\([^|]*\)|\([0-9]*\)|\([0-9]*\)$/INSERT INTO made VALUES ('\1', \2, \3);/" "$lab_tmp/made"
		echo "$1;"
	} | sqlite3 -batch -noheader -cmd '.timeout 5000' -cmd 'PRAGMA temp_store = MEMORY' "$lab_tmp/flows.db" |
		grep -v '^2$' || :
}

# Each flow that was made is in the history exactly once.
each_once() { # WHAT FIRST-PORT
	local bad
	bad=$(with_made "SELECT m.src, m.sport, count(f.id) FROM made m LEFT JOIN flows f ON
		f.src = m.src AND f.sport = m.sport AND f.proto = 'udp' AND f.dport = 7
		GROUP BY 1, 2 HAVING count(f.id) <> 1 LIMIT 10")
	is "$1: each of the $(wc -l <"$lab_tmp/made") flows is in the history once" "$bad" ''
	# The last flow of each family may have been made but not yet printed.
	in_range "$1: no other flow is" "$(sql "SELECT count(*) FROM flows WHERE proto = 'udp' AND dport = 7 AND
		sport BETWEEN $2 AND $2 + 5999 AND src IN ('$PC4', '$PC6')")" \
		"$(wc -l <"$lab_tmp/made")" "$(($(wc -l <"$lab_tmp/made") + 2))"
}

now_ms() {
	date +%s%3N
}

row() { # of the held flows: the columns that must not change while they live
	sql "SELECT id, ct_id, state, mark, uplink, egress, egress_reply, ingress, verdict, reason
		FROM flows WHERE sport IN ($1) ORDER BY id"
}

held_ports() { # NAME...
	local name
	for name in "$@"; do
		hold_ports "$name"
	done | paste -s -d ,
}

daemon_gaps() {
	sql "SELECT count(*) FROM gaps WHERE source = 'daemon'"
}

# --- before the first start ----------------------------------------------------------------------

# Of the flows from before the start, those whose NAT address is an uplink's get that uplink's
# mark, and the others stay without a mark. None has room for a label, so only a logged packet
# without a mark shows its egress.
predating() {
	local ports
	# Where timestamps were on already, a flow's age alone must not make it one of ours.
	# Without a listener the kernel sends no end of these flows (nf_conntrack_events=2);
	# only the next table dump shows it.
	at router sysctl -qw net.netfilter.nf_conntrack_timestamp=1 net.netfilter.nf_conntrack_events=1
	nat none
	hold plain pc udp $NET4 7 3 || die 'no flows before the start'
	hold idle pc udp $NET6 7 3 || die 'no flows before the start'
	nat masquerade
	hold hidden pc udp $NET4 7 3 || die 'no flows before the start'
	hold tcp net tcp $WAN1_4 7007 3 $NET4_VIA1 || die 'no flows before the start'
	daemon_start
	ports=$(held_ports plain idle hidden tcp)
	wait_for 5 sql_is "SELECT count(*) FROM flows WHERE sport IN ($ports)" 12
	is 'from before the start: all are in the history with verdict unknown' \
		"$(verdicts_of "$ports")" 'unknown|predates|12'
	is 'from before the start: they are answered' "$(hold_send plain) $(hold_send hidden) $(hold_send tcp)" '3 3 3'
	wait_for 5 sql_is "SELECT count(*) FROM flows WHERE sport IN ($(held_ports plain)) AND verdict = 'unmarked'" 3
	is 'from before the start: flows that leave without a mark are unmarked' \
		"$(verdicts_of "$(held_ports plain)")" 'unmarked||3'
	is 'from before the start: flows that leave with a mark are not ok by the mark alone' \
		"$(verdicts_of "$(held_ports hidden tcp)")" 'unknown|predates|6'
	is 'from before the start: idle flows stay unknown' \
		"$(verdicts_of "$(held_ports idle)")" 'unknown|predates|3'
	hold_close plain
	hold_close idle
	hold_close hidden
	hold_close tcp
	at router conntrack -F >/dev/null 2>&1
	# A flow that is missing in a dump is "lost" until its end is read.
	wait_for 5 sql_is "SELECT count(*) FROM flows WHERE sport IN ($ports) AND state <> 'ended'" 0
	is 'from before the start: each is there once, and has ended' "$(sql "SELECT count(*), count(DISTINCT sport || src)
		FROM flows WHERE sport IN ($ports) AND state = 'ended'")" '12|12'
}

verdicts_of() { # PORTS
	sql "SELECT verdict, reason, count(*) FROM flows WHERE sport IN ($1) GROUP BY 1, 2"
}

# --- the daemon ends ---------------------------------------------------------------------------------

# Flows that live through all of it: in each direction and family.
live_open() {
	hold live_pc pc udp $NET4 7 4 || die 'no flows'
	hold live_pc6 pc tcp $NET6 7 4 || die 'no flows'
	hold live_in net tcp $WAN2_4 7007 4 $NET4_VIA2 || die 'no flows'
	live=$(held_ports live_pc live_pc6 live_in)
	wait_for 5 sql_is "SELECT count(*) FROM flows WHERE sport IN ($live) AND verdict = 'ok'" 12
	live_rows=$(row "$live")
}

live_is_kept() { # WHAT
	is "$1: live flows keep their rows and verdicts" "$(row "$live")" "$live_rows"
	is "$1: ... and are answered" "$(hold_send live_pc) $(hold_send live_pc6) $(hold_send live_in)" '4 4 4'
	is "$1: ... and keep them afterwards" "$(row "$live")" "$live_rows"
}

# entry_end PORT: delete that flow from conntrack.
entry_end() {
	at router conntrack -D -p udp --orig-src $PC4 --orig-port-src "$1" >/dev/null 2>&1
}

# End the first flows of the stream while it runs: their ends must not be lost either.
some_end() { # FIRST-PORT
	local port=$1
	while [ "$port" -lt "$(($1 + 10))" ]; do
		entry_end "$port" || not_ok "flow from port $port cannot be ended"
		port=$((port + 1))
	done
}

stopped() {
	local gaps
	gaps=$(daemon_gaps)
	flows_begin 20000
	some_end 20000
	flows_more 50
	daemon_stop
	is 'SIGTERM: exit status 0' $? 0
	made >"$lab_tmp/made.before"
	check 'SIGTERM: the steering stays' at router nft list chain inet waymark postrouting
	is 'SIGTERM: ended flows have their end and counters' \
		"$(sql "SELECT count(*) FROM flows WHERE src = '$PC4' AND sport BETWEEN 20000 AND 20009 AND
			dport = 7 AND (state, packets, packets_reply, verdict) = ('ended', 1, 1, 'ok')")" 10
	flows_more 30
	daemon_run
	flows_more 30
	flows_end
	wait_for 10 stream_is_there
	each_once 'SIGTERM' 20000
	is 'SIGTERM: flows that began while it ran are ok' "$(not_ok_of "$lab_tmp/made.before")" ''
	is 'SIGTERM: nothing is mismatch or unmarked' "$(sql "SELECT count(*) FROM flows
		WHERE verdict NOT IN ('ok', 'local', 'unknown') AND sport BETWEEN 20000 AND 32000")" 0
	is 'SIGTERM: the time without a daemon is a gap' "$(($(daemon_gaps) - gaps))" 1
	live_is_kept 'SIGTERM'
}

stream_is_there() {
	[ -z "$(with_made "SELECT 1 FROM made m LEFT JOIN flows f ON f.src = m.src AND f.sport = m.sport
		WHERE f.id IS NULL LIMIT 1")" ]
}

not_ok_of() { # FILE of made flows
	cp "$lab_tmp/made" "$lab_tmp/made.all"
	cp "$1" "$lab_tmp/made"
	with_made "SELECT f.* FROM made m JOIN flows f ON f.src = m.src AND f.sport = m.sport AND f.dport = 7
		WHERE f.verdict <> 'ok' LIMIT 5"
	cp "$lab_tmp/made.all" "$lab_tmp/made"
}

killed() {
	local gaps at_ms gone_ms
	gaps=$(daemon_gaps)
	flows_begin 26000
	some_end 26000
	flows_more 100
	at_ms=$(now_ms)
	daemon_stop KILL
	gone_ms=$(now_ms)
	flows_more 30
	made >"$lab_tmp/made"
	is "SIGKILL: all but the last $LAST_MOMENT_MS ms is in the history" "$(with_made "
		SELECT m.src, m.sport, $at_ms - m.at FROM made m LEFT JOIN flows f ON f.src = m.src AND f.sport = m.sport
		WHERE f.id IS NULL AND m.at < $at_ms - $LAST_MOMENT_MS LIMIT 10")" ''
	diag "the oldest missing flow: $(with_made "SELECT ifnull(max($at_ms - m.at), 0) FROM made m
		LEFT JOIN flows f ON f.src = m.src AND f.sport = m.sport
		WHERE f.id IS NULL AND m.at < $at_ms") ms old"
	daemon_run
	flows_more 30
	flows_end
	wait_for 10 stream_is_there
	each_once 'SIGKILL: found again' 26000
	is 'SIGKILL: nothing is mismatch or unmarked' "$(sql "SELECT count(*) FROM flows
		WHERE verdict NOT IN ('ok', 'local', 'unknown') AND sport BETWEEN 20000 AND 32000")" 0
	is 'SIGKILL: ended flows keep their end' \
		"$(sql "SELECT count(*) FROM flows WHERE src = '$PC4' AND sport BETWEEN 26000 AND 26009 AND
			dport = 7 AND (state, packets, packets_reply, verdict) = ('ended', 1, 1, 'ok')")" 10
	is 'SIGKILL: the time without a daemon is a gap' "$(($(daemon_gaps) - gaps))" 1
	is 'SIGKILL: ... that covers the kill, and has ended' "$(sql "SELECT
		(julianday(started) - 2440587.5) * 86400000 <= $gone_ms AND
		(julianday(ended) - 2440587.5) * 86400000 >= $gone_ms FROM gaps
		WHERE source = 'daemon' ORDER BY id DESC LIMIT 1")" 1
	live_is_kept 'SIGKILL'
}

# Flows that ended while no daemon ran have verdict unknown, and are known to have ended.
ended_meanwhile() {
	hold gone pc udp $NET4 7 2 || die 'no flows'
	gone=$(held_ports gone)
	wait_for 5 sql_is "SELECT count(*) FROM flows WHERE sport IN ($gone) AND state = 'live'" 2
	daemon_stop
	for port in $(hold_ports gone); do
		entry_end "$port"
	done
	daemon_run
	wait_for 5 sql_is "SELECT count(*) FROM flows WHERE sport IN ($gone) AND state = 'lost'" 2
	is 'a flow that ended while no daemon ran is lost, once' \
		"$(sql "SELECT state, count(*) FROM flows WHERE sport IN ($gone) GROUP BY 1")" 'lost|2'
	hold_close gone
}

# A label with another meaning than before is no evidence.
relabelled() {
	local stay
	hold stay pc tcp $NET6 7 9 || die 'no flows'
	stay=$(held_ports stay)
	wait_for 5 sql_is "SELECT count(*) FROM flows WHERE sport IN ($stay) AND verdict = 'ok'" 9
	daemon_stop
	daemon_start 'label-base = 65'
	is 'another label-base: flows from before are answered' "$(hold_send stay)" 9
	check 'another label-base: their labels are cleared' \
		grep -q 'labels now stand for other uplinks: [0-9]* flows lost their old labels' "$lab_tmp/waymarkd.log"
	is 'another label-base: their egress is kept' "$(sql "SELECT count(*) FROM flows
		WHERE sport IN ($stay) AND verdict = 'ok' AND egress = uplink")" 9
	daemon_stop
	daemon_run
	is 'the same label-base again: nothing is cleared' "$(grep -c 'labels now stand for other' "$lab_tmp/waymarkd.log")" 1
	hold_close stay
}

lab_up
nat masquerade
forward_port tcp 7007
serve net 80 7
serve pc 8080 7007
# No entry may time out during the test.
predating
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=300
live_open
stopped
killed
ended_meanwhile
relabelled
is 'no mismatch meanwhile' "$(sql 'SELECT count(*) FROM mismatches')" 0
done_testing
