#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# disk.sh - proves that waymarkd works while a disk does not answer: that of the alerts' file and
# the textfile, that of the history, and that of the steering's state. It reports this, answers,
# repairs, and lets new connections through; postponed records are written when the disk answers
# again, or a gap counts them, and a stop does not wait for the disk.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

lab_up
nat masquerade
serve net 80 7
mkdir "$lab_tmp/slow"
chmod 777 "$lab_tmp/slow"
config_write
printf 'alert { json = "%s/slow/alerts.jsonl" }\nprometheus { textfile = "%s/slow/waymark.prom" }\n' \
	"$lab_tmp" "$lab_tmp" >"$lab_tmp/sinks"
sed -i '/^alert/,/^}/d' "$lab_tmp/waymark.conf"
cat "$lab_tmp/sinks" >>"$lab_tmp/waymark.conf"
cc -O1 -shared -fPIC -o "$lab_tmp/stall_disk.so" "$top_src/tests/faults/stall_disk.c" || die "no cc"
log=$lab_tmp/waymarkd.log

waymarkd_start() {
	: >"$log"
	LD_PRELOAD=$lab_tmp/stall_disk.so STALL_BELOW=$lab_tmp/slow/ STALL_WHILE=$lab_tmp/stalled \
		nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
		</dev/null >>"$log" 2>&1 &
	daemon_pid=$!
	wait_for 30 grep -q ' ready: ' "$log" || die "not ready: $(tail -n 3 "$log")"
}

flows_are() {
	[ "$(sql "SELECT count(*) FROM flows WHERE proto = 'tcp' AND dport = 80")" -ge "$1" ]
}

table_is_there() {
	at router nft list table inet waymark >/dev/null 2>&1
}

has_ended() {
	! readlink "/proc/$daemon_pid/exe" >/dev/null 2>&1
}

waymarkd_start
check "the textfile is written" wait_for 20 test -s "$lab_tmp/slow/waymark.prom"
: >"$lab_tmp/stalled"
at router nft delete table inet waymark
check "the disk does not answer: a deleted table is repaired" wait_for 20 table_is_there
check "... the log reports the alerts' file" \
	wait_for 20 grep -q "alert json .*: the disk does not answer; lines wait" "$log"
check "... the log reports the textfile" \
	wait_for 30 grep -q 'cannot write prometheus textfile .*: the disk does not answer' "$log"
check "... status answers" waymark status
http_get pc 5 "http://$NET4/" >/dev/null 2>&1
check "... a new flow is in the history" wait_for 20 flows_are 1
check_not "... no alert is in the file" test -s "$lab_tmp/slow/alerts.jsonl"
blocked "the disk of the alerts' file and of the textfile does not answer"
rm "$lab_tmp/stalled"
check "the disk answers again: the alerts are in the file" \
	wait_for 20 grep -q '"reason":"ruleset-restored"' "$lab_tmp/slow/alerts.jsonl"
check "... the textfile is written again" \
	wait_for 30 grep -q 'writing prometheus textfile .* works again' "$log"
: >"$lab_tmp/stalled"
at router nft delete table inet waymark
wait_for 20 table_is_there
kill -TERM "$daemon_pid"
check "a stop does not wait for the disk" wait_for 20 has_ended
rm "$lab_tmp/stalled"

# --- the history's disk ------------------------------------------------------------------------

connects() { # NUMBER: open so many new connections; prints how many fail
	local failed=0 i=0
	while [ "$i" -lt "$1" ]; do
		http_get pc 1 "http://$NET4/" >/dev/null 2>&1 || failed=$((failed + 1))
		i=$((i + 1))
	done
	echo "$failed"
}

# The flows made since the disk stopped answering: rows, and what gaps count.
accounted() {
	[ $(($(sql "SELECT count(*) FROM flows WHERE started >= '$1' AND dport = 80") +
		$(sql "SELECT ifnull(sum(lost), 0) FROM gaps WHERE ended >= '$1'"))) -ge "$2" ]
}

is_stalled() {
	waymark status --json | python3 -c '
import json, sys
sys.exit(json.load(sys.stdin)["store"]["depth"] < 1)'
}

sed -i "s,^database .*,database = \"$lab_tmp/slow/flows.db\"," "$lab_tmp/waymark.conf"
sed -i "1i on-stop = \"remove\"" "$lab_tmp/waymark.conf"
waymarkd_start
sql() {
	sqlite3 "file:$lab_tmp/slow/flows.db?mode=ro" "$@"
}
http_get pc 1 "http://$NET4/" >/dev/null
check "the history is written" wait_for 20 flows_are 1
begun=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
: >"$lab_tmp/stalled"
is "the history's disk does not answer: no new connection fails" "$(connects 20)" 0
check "... records wait" wait_for 20 is_stalled
at router nft delete table inet waymark
check "... a deleted table is repaired" wait_for 20 table_is_there
check "... status answers" waymark status
blocked "the history's disk does not answer"
rm "$lab_tmp/stalled"
check "the disk answers again: each flow is in the history or counted by a gap" wait_for 30 accounted "$begun" 20 ||
	diag "$(sql "SELECT count(*), min(started) FROM flows; SELECT * FROM gaps")"
# The operators' decisions are stored beside the history.
: >"$lab_tmp/stalled"
check "the history's disk does not answer again: an uplink is drained" \
	timeout 5 nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARK" -c "$lab_tmp/waymark.conf" uplink wan1 drain
check "... the log says that the decision is not saved" \
	grep -q "the disk of .*flows.db.uplinks does not answer" "$log"
check "... status answers" waymark status
blocked "the disk of the operators' decisions does not answer"
rm "$lab_tmp/stalled"
check "... the decision is saved afterwards" wait_for 20 grep -q '^wan1 drain' "$lab_tmp/slow/flows.db.uplinks"
waymark uplink wan1 auto >/dev/null
: >"$lab_tmp/stalled"
is "the history's disk does not answer once more: no new connection fails" "$(connects 5)" 0
kill -TERM "$daemon_pid"
check "... a stop does not wait for ever for it" wait_for 60 has_ended
rm "$lab_tmp/stalled"
check "... the log reports the lost records" grep -q "the disk of the history does not answer: [1-9][0-9]* records are lost" "$log"
check_not "... the steering is removed" table_is_there
is "... the history is intact" "$(sql 'PRAGMA integrity_check')" ok

# --- the disk of the steering's state -------------------------------------------------------------

mkdir "$lab_tmp/state"
chmod 777 "$lab_tmp/state"
sed -i "s,^control-socket .*,control-socket = \"$lab_tmp/state/control.sock\"," "$lab_tmp/waymark.conf"
# As at a boot: the disk is busy for a while.
: >"$lab_tmp/stalled"
(sleep 2; rm "$lab_tmp/stalled") &
LD_PRELOAD=$lab_tmp/stall_disk.so STALL_BELOW=$lab_tmp/state/steering.json STALL_WHILE=$lab_tmp/stalled \
	nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
	</dev/null >"$log" 2>&1 &
daemon_pid=$!
check "the state's disk does not answer at a start: waymarkd waits, and is ready when it answers" \
	wait_for 30 grep -q ' ready: ' "$log" || die "not ready: $(tail -n 3 "$log")"
check_not "... it was ready after the disk" test -e "$lab_tmp/stalled"
cp "$lab_tmp/state/steering.json" "$lab_tmp/steering.before"
: >"$lab_tmp/stalled"
sed -i 's/mark      = 3/mark      = 4/' "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
check "the state's disk does not answer: a reload is refused" \
	wait_for 20 grep -q 'reload: .*; the old configuration stays' "$log"
check "... the rules stay" sh -c "nsenter --net=/proc/$ns_router/ns/net ip rule | grep -q 'fwmark 0x3/'"
at router nft delete table inet waymark
check "... a deleted table is repaired" wait_for 20 table_is_there
check "... the log says that the state is not saved" \
	wait_for 5 grep -q "cannot save the steering's state file " "$log"
check "... status answers" waymark status
check "... the state file is unchanged" cmp -s "$lab_tmp/state/steering.json" "$lab_tmp/steering.before"
blocked "the state's disk does not answer" "$lab_tmp/state/control.sock"
rm "$lab_tmp/stalled"
# The postponed state is written first, and a reload meanwhile is refused as before.
reloads() {
	kill -HUP "$daemon_pid"
	sleep 0.5
	grep -q 'configuration reloaded' "$log"
}
check "the state's disk answers again: a reload succeeds" wait_for 20 reloads
check_not "... the new state is saved" cmp -s "$lab_tmp/state/steering.json" "$lab_tmp/steering.before"
kill -TERM "$daemon_pid"
check "... the daemon stops" wait_for 20 has_ended
check_not "... no state file of the removed steering is left" test -e "$lab_tmp/state/steering.json"

done_testing
