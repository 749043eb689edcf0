#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that waymarkd starts, steers and observes while the history's disk is full or read-only,
# with and without an earlier history; that it reports this, and writes what it observed when the
# disk can be written again, without overwriting an earlier row.

. "${0%/*}/lib.sh"

own_mounts "$@"

sql() {
	sqlite3 -batch -noheader -cmd '.timeout 5000' "file:$history/flows.db?mode=ro" "$1"
}

sql_says() { # QUERY WANTED
	[ "$(sql "$1" 2>/dev/null)" = "$2" ]
}

log_has() { # TEXT
	grep -q -- "$1" "$log"
}

alerts() { # STATE
	grep '"kind":"store"' "$lab_tmp/alerts.jsonl" 2>/dev/null | grep -c "\"state\":\"$1\""
}

alerts_are() { # STATE COUNT
	[ "$(alerts "$1")" = "$2" ]
}

disk_full() {
	disk_fill "$disk"
}

disk_read_only() {
	mount -o remount,ro "$disk"
}

disk_free() {
	mount -o remount,rw "$disk"
	rm -f "$disk/ballast"
}

# no_disk WHAT SPOIL CAUSE: start on a disk that SPOIL has made unwritable; free it later.
no_disk() {
	local rows ids raised over begun
	rows=$(sql "SELECT count(*), ifnull(min(id), 0), total(sport) FROM flows" 2>/dev/null) || rows='0|0|0.0'
	ids=$(sql "SELECT ifnull(max(id), 0) FROM flows" 2>/dev/null) || ids=0
	raised=$(alerts raised)
	over=$(alerts over)
	waymark remove >/dev/null 2>&1
	$2
	: >"$log"
	daemon_run
	check "$1: the ruleset is installed" at router nft list table inet waymark
	check "... the log has the cause" wait_for 10 log_has "cannot write the history: $3; records wait"
	check "... an alert is raised" wait_for 10 alerts_are raised $((raised + 1))
	begun=$(date +%s%3N)
	check "... connections work" http_get pc 8 "http://$NET4/"
	disk_free
	check "... the disk can be written: the log says so" wait_for 30 log_has 'writing the history works again'
	check "... the flows of the meantime are in the history" wait_for 20 sql_says \
		"SELECT count(*), count(uplink) FROM flows WHERE dport = 80 AND id > $ids AND started_ms >= $begun" '8|8'
	check "... no earlier row was overwritten" sql_says \
		"SELECT count(*), ifnull(min(id), 0), total(sport) FROM flows WHERE id <= $ids" "$rows"
	check "... the alert is over" wait_for 20 alerts_are over $((over + 1))
	is "... the history is intact" "$(sql 'PRAGMA integrity_check')" ok
	daemon_stop
	is "... the daemon stops with status 0" $? 0
}

lab_up
nat none
disk=$lab_tmp/disk
history=$disk/history
log=$lab_tmp/waymarkd.log
mkdir "$disk"
mount -t tmpfs -o size=16m tmpfs "$disk" || skip_all "cannot mount a tmpfs"
config_write
sed -i "s|\"$lab_tmp/flows.db\"|\"$history/flows.db\"|" "$lab_tmp/waymark.conf"
serve net 80 7
daemon_run
http_get pc 5 "http://$NET4/" >/dev/null
check "a history is made" wait_for 10 sql_says "SELECT count(*) FROM flows WHERE dport = 80" 5
daemon_stop

no_disk "a full disk" disk_full 'the disk is full'
no_disk "a read-only disk" disk_read_only 'the file system is read-only'

# --- without a history -----------------------------------------------------------------------------

mv "$history" "$disk/earlier"
mkdir "$history"
chmod --reference="$disk/earlier" "$history"
chown --reference="$disk/earlier" "$history"
no_disk "a read-only disk without a history" disk_read_only 'the file system is read-only'
rm "$history"/flows.db*
no_disk "a full disk without a history" disk_full 'the disk is full'

# --- a history that arrives later --------------------------------------------------------------------

rm "$history"/flows.db*
disk_read_only
: >"$log"
daemon_run
check "the log says that it starts without a history" log_has 'start without the history'
http_get pc 3 "http://$NET4/" >/dev/null
mount -o remount,rw "$disk"
rmdir "$history" && mv "$disk/earlier" "$history"
rows=$(sql "SELECT count(*), max(id), total(sport) FROM flows")
check "a history that arrives later: the error is in status" wait_for 20 sh -c \
	"'$WAYMARK' -c '$lab_tmp/waymark.conf' status | grep -q 'could not read at its start; restart waymarkd'"
daemon_stop
is "... the daemon stops with status 0" $? 0
check "... the log has the number of lost records" log_has 'cannot write the history: .*; [1-9][0-9]* records are lost'
is "... the history is unchanged" "$(sql "SELECT count(*), max(id), total(sport) FROM flows")" "$rows"
daemon_run
begun=$(date +%s%3N)
http_get pc 2 "http://$NET4/" >/dev/null
check "... the next start continues it" wait_for 10 sql_says \
	"SELECT count(*) FROM flows WHERE dport = 80 AND id > $(echo "$rows" | cut -d '|' -f 2) AND started_ms >= $begun" 2
daemon_stop
umount "$disk"
done_testing
