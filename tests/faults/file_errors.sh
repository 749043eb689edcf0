#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# file_errors.sh - proves that waymarkd steers, repairs and answers while every file that it writes
# (history, alerts, textfile, state, decisions) fails with EIO, ENOSPC or EROFS; that it reports
# this, and that afterwards the history has each flow or a gap, and the other files are written
# again.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

waymarkd_start() {
	: >"$log"
	LD_PRELOAD=$lab_tmp/stall_disk.so STALL_BELOW=$lab_tmp/slow/ STALL_WHILE=$lab_tmp/failing \
		nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
		</dev/null >>"$log" 2>&1 &
	daemon_pid=$!
	wait_for 30 grep -q ' ready: ' "$log" || die "not ready: $(tail -n 3 "$log")"
}

sql() {
	sqlite3 -batch -noheader -cmd '.timeout 5000' "file:$lab_tmp/slow/flows.db?mode=ro" "$1"
}

table_is_there() {
	at router nft list table inet waymark >/dev/null 2>&1
}

# The flows of this turn: rows, and what gaps count.
accounted() { # SINCE-MS COUNT
	[ $(($(sql "SELECT count(*) FROM flows WHERE started_ms >= $1 AND dport = 80") +
		$(sql "SELECT ifnull(sum(lost), 0) FROM gaps WHERE ended_ms >= $1"))) -ge "$2" ]
}

restored() { # COUNT
	[ "$(grep -c '"reason":"ruleset-restored"' "$lab_tmp/slow/alerts.jsonl")" -ge "$1" ]
}

textfile_is_newer() {
	[ -n "$(find "$lab_tmp/slow/waymark.prom" -newer "$lab_tmp/freed")" ]
}

decision_is() {
	[ "$(waymark uplinks --json | python3 -c '
import json, sys
print(next(u["state"] for u in json.load(sys.stdin) if u["name"] == "wan1"))')" = "$1" ]
}

# failing ERRNO NAME CAUSE
failing() {
	local begun
	begun=$(date +%s%3N)
	echo "$1" >"$lab_tmp/failing"
	check "$2: new connections work" http_get pc 10 "http://$NET4/"
	check "... the log has the cause" wait_for 20 grep -q "cannot write the history: $3" "$log" ||
		diag "$(cat "$log")"
	at router nft delete table inet waymark
	check "... a deleted table is repaired" wait_for 20 table_is_there
	waymark uplink wan1 drain >"$lab_tmp/out" 2>&1
	check "... status answers" waymark status
	check "... new connections work after the repair" http_get pc 10 "http://$NET4/"
	rm "$lab_tmp/failing"
	touch "$lab_tmp/freed"
	waymark uplink wan1 auto >/dev/null 2>&1
	check "... afterwards the history is written again" \
		wait_for 30 grep -q 'writing the history works again' "$log"
	check "... each flow is in it or counted by a gap" wait_for 20 accounted "$begun" 20
	check "... the textfile is written" wait_for 40 textfile_is_newer
	check "... an operator decides" wait_for 20 decision_is up
	at router nft delete table inet waymark
	check "... a later alert is in the file" wait_for 20 restored $((turn + 1))
	turn=$((turn + 1))
	kill -TERM "$daemon_pid"
	wait "$daemon_pid"
	is "... the daemon stops with status 0" $? 0
	is "... the history is intact" "$(sql 'PRAGMA integrity_check')" ok
}

lab_up
nat masquerade
serve net 80 7
log=$lab_tmp/waymarkd.log
mkdir "$lab_tmp/slow"
chmod 777 "$lab_tmp/slow"
config_write
sed -i '/^alert/,/^}/d; s,^\(database .*"\).*/,\1'"$lab_tmp"'/slow/,; s,^\(control-socket .*"\).*/,\1'"$lab_tmp"'/slow/,' \
	"$lab_tmp/waymark.conf"
printf 'alert { json = "%s/slow/alerts.jsonl" min-interval = "1s" }\nprometheus { textfile = "%s/slow/waymark.prom" }\n' \
	"$lab_tmp" "$lab_tmp" >>"$lab_tmp/waymark.conf"
cc -O1 -shared -fPIC -o "$lab_tmp/stall_disk.so" "$top_src/tests/faults/stall_disk.c" || die "no cc"
turn=0
waymarkd_start
failing 5 EIO 'the disk reports an I/O error'
waymarkd_start
failing 28 ENOSPC 'the disk is full'
waymarkd_start
failing 30 EROFS 'the file system is read-only'

# Without the state file a stop could not restore what was there before.
waymark remove >/dev/null 2>&1
before=$(at router nft list ruleset; at router ip rule; at router ip -6 rule)
echo 5 >"$lab_tmp/failing"
LD_PRELOAD=$lab_tmp/stall_disk.so STALL_BELOW=$lab_tmp/slow/ STALL_WHILE=$lab_tmp/failing \
	nsenter --net="/proc/$ns_router/ns/net" -- timeout -k 5 60 "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
	</dev/null >"$log" 2>&1
is "a start whose state cannot be saved fails" $? 1
check "... the error names the state file" grep -q "cannot save the steering's state file in the folder of .*: Input/output error" "$log"
is "... the network is unchanged" "$(at router nft list ruleset; at router ip rule; at router ip -6 rule)" "$before"
done_testing
