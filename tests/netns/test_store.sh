#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that a history which cannot be written is reported: when the failure starts, by one
# log line and one alert that reaches the webhook meanwhile, and again when it ends; that a
# gap has the cause of lost records; that a damaged or deleted database is noticed, set aside
# and replaced by a new one with the live flows, also when it was damaged before the start.

. "${0%/*}/lib.sh"

own_mounts "$@"

PORT=8643
LOG_FULL='cannot write the history: the disk is full'
LOG_AGAIN='writing the history works again'

store_sql() {
	sqlite3 -batch -noheader -cmd '.timeout 5000' "$lab_tmp/disk/history/flows.db" "$1"
}

store_sql_is() { # QUERY WANTED
	[ "$(store_sql "$1")" = "$2" ]
}

log_count() { # TEXT
	grep -c -- "$1" "$lab_tmp/waymarkd.log"
}

log_has() { # TEXT COUNT
	[ "$(log_count "$1")" = "$2" ]
}

overs() { # KIND
	grep "\"kind\":\"$1\"" "$lab_tmp/alerts.jsonl" | grep -c '"state":"over"'
}

has_overs() { # KIND COUNT
	[ "$(overs "$1")" = "$2" ]
}

alerts() { # KIND REASON STATE
	grep "\"kind\":\"$1\"" "$lab_tmp/alerts.jsonl" 2>/dev/null | grep "\"reason\":\"$2\"" |
		grep -c "\"state\":\"$3\""
}

has_alerts() { # KIND REASON STATE COUNT
	[ "$(alerts "$1" "$2" "$3")" = "$4" ]
}

# flows N: UDP flows without an answer.
flows() {
	at pc python3 -c "
import socket, sys
for port in range(20000, 20000 + int(sys.argv[1])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('$PC4', port))
    s.sendto(b'x', ('$NET4', 9))
    s.close()" "$1" || die "no flows"
}

lab_up
nat none
mkdir "$lab_tmp/disk" "$lab_tmp/hook"
mount -t tmpfs -o size=24m tmpfs "$lab_tmp/disk" || skip_all "cannot mount a tmpfs"
background hook router python3 "${0%/*}/hook.py" $PORT "$lab_tmp/hook"
check "the webhook's server runs" wait_for 10 grep -q ready "$lab_tmp/hook.out"
config_alert="webhook = \"http://127.0.0.1:$PORT/\""
config_write 'retention = "0s" max-size = "0"'
sed -i "s|\"$lab_tmp/flows.db\"|\"$lab_tmp/disk/history/flows.db\"|" "$lab_tmp/waymark.conf"
WAYMARK_QUEUE_RECORDS=500
export WAYMARK_QUEUE_RECORDS
daemon_run
serve net 80 7
hold alive pc tcp "$NET4" 7 1 || die "no flow"

# --- a full disk --------------------------------------------------------------------------

disk_fill "$lab_tmp/disk"
flows 1500
at router conntrack -D -p udp >/dev/null 2>&1
check "a full disk is reported" wait_for 10 grep -q "$LOG_FULL" "$lab_tmp/waymarkd.log"
check "an alert reports it" wait_for 10 has_alerts store 'disk full' raised 1
check "the alert reaches the webhook meanwhile" wait_for 10 grep -q '|store|disk full|' "$lab_tmp/hook/log"
check "records are lost: an alert reports it too" wait_for 10 has_alerts gap 'queue full' raised 1
check "the log has the cause" grep -q 'loses records, because its queue is full: the disk is full' "$lab_tmp/waymarkd.log"
check "status shows the error" sh -c "nsenter --net=/proc/$ns_router/ns/net '$WAYMARK' -c '$lab_tmp/waymark.conf' status | grep -q 'last error'"
is "no alert is over yet" "$(overs store) $(overs gap)" "0 0"
rm "$lab_tmp/disk/ballast"
check "space again: one log line" wait_for 20 log_has "$LOG_AGAIN" 1
check "one alert is over" wait_for 10 has_overs store 1
check "the gap is over" wait_for 10 has_overs gap 1
is "each was reported once" "$(log_count "$LOG_FULL") $(alerts store 'disk full' raised) $(alerts gap 'queue full' raised)" "1 1 1"
check "the gap has the cause and the number" wait_for 10 store_sql_is \
	"SELECT source, reason, lost > 0, ended IS NOT NULL FROM gaps WHERE source = 'store'" \
	'store|the disk is full|1|1'

# --- a damaged database ---------------------------------------------------------------------

dd if=/dev/urandom of="$lab_tmp/disk/history/flows.db" bs=4096 count=1 conv=notrunc 2>/dev/null
check "a damaged database is reported" wait_for 20 \
	log_has 'the database was damaged and is kept as flows.db.damaged-.*a new database was created' 1
check "an alert reports it" wait_for 10 has_alerts store damaged raised 1
check "it is set aside" wait_for 5 sh -c "ls $lab_tmp/disk/history | grep -q '^flows.db.damaged-[0-9TZ]*\$'"
check "the new database has the live flow" wait_for 10 store_sql_is \
	"SELECT state, uplink IS NOT NULL FROM flows WHERE proto = 'tcp' AND dport = 7" 'live|1'
check "the new database has the states of the uplinks" wait_for 10 store_sql_is "SELECT count(DISTINCT uplink) FROM uplink_states" 2 || diag "$(store_sql "SELECT * FROM uplink_states")"
check "a gap explains the missing history" wait_for 10 store_sql_is \
	"SELECT substr(reason, 1, 41), ended IS NOT NULL FROM gaps WHERE source = 'store'" \
	'the database was damaged and is kept as f|1' || diag "$(store_sql "SELECT * FROM gaps")"
check "the alert is over" wait_for 20 has_overs store 2

# --- a deleted database ----------------------------------------------------------------------

rm "$lab_tmp/disk/history/flows.db" "$lab_tmp/disk/history/flows.db-wal" "$lab_tmp/disk/history/flows.db-shm"
check "a deleted database is reported" wait_for 20 \
	log_has 'the database.s file was moved, replaced or deleted; a new database was created' 1
check "an alert reports it" wait_for 10 has_alerts store moved raised 1
check "the new database has the live flow" wait_for 10 store_sql_is \
	"SELECT state FROM flows WHERE proto = 'tcp' AND dport = 7" live
check "the alert is over again" wait_for 20 has_overs store 3
is "the new database is intact" "$(store_sql 'PRAGMA integrity_check')" ok

# --- damaged while no daemon runs --------------------------------------------------------------

daemon_stop
is "the daemon stops with status 0" $? 0
rm "$lab_tmp/disk/history/"flows.db.damaged-*
dd if=/dev/urandom of="$lab_tmp/disk/history/flows.db" bs=4096 count=1 conv=notrunc 2>/dev/null
check "a command only reports it" sh -c "! '$WAYMARK' -c '$lab_tmp/waymark.conf' flows >/dev/null 2>'$lab_tmp/flows.err' && grep -q 'not an SQLite database' '$lab_tmp/flows.err'" ||
	diag "$(cat "$lab_tmp/flows.err")"
daemon_run
check "a start reports it" wait_for 10 \
	log_has 'flows.db is damaged: file is not a database; the file was renamed to flows.db.damaged-' 1
check "an alert reports it" wait_for 10 has_alerts store damaged raised 2
check "it is set aside" sh -c "ls $lab_tmp/disk/history | grep -q '^flows.db.damaged-[0-9TZ]*\$'"
check "the new database has the live flow" wait_for 10 store_sql_is \
	"SELECT state FROM flows WHERE proto = 'tcp' AND dport = 7" live
check "a gap explains the missing history" wait_for 10 store_sql_is \
	"SELECT substr(reason, 1, 41), started < ended FROM gaps WHERE source = 'store'" \
	'the database was damaged and is kept as f|1' || diag "$(store_sql "SELECT * FROM gaps")"
check "the alert is over once more" wait_for 20 has_overs store 4
hold_close alive
daemon_stop
is "the daemon stops with status 0" $? 0
umount "$lab_tmp/disk"
done_testing
