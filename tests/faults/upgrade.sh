#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# upgrade.sh - proves that waymarkd can be replaced while traffic flows: each time its file is
# exchanged and it is started again, no message is lost, no flow changes its uplink or becomes
# unknown, and the ruleset keeps its handles; that an older waymarkd refuses a newer history, leaves
# it and the steering as they are, and that traffic flows on.
#
# UPGRADES: number of replacements (4).

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

UPGRADES=${UPGRADES:-4}

beats() {
	grep -q '^beating' "$lab_tmp/beat.out"
}

total() { # FIELD: of all lines that beat.py prints at its end
	sed -n "s/^flow .* $1 \([0-9]*\) .*/\1/p" "$lab_tmp/beat.out" | awk '{ n += $1 } END { print n + 0 }'
}

handles() {
	at router nft -a list table inet waymark | grep -o '# handle [0-9]*$' | cksum
}

# As a package manager does: the new file takes the place of the running one.
replace() {
	cp "$lab_tmp/new" "$lab_tmp/waymarkd.new"
	mv "$lab_tmp/waymarkd.new" "$WAYMARKD"
}

lab_up
nat masquerade
serve net 80 7
cp "$WAYMARKD" "$lab_tmp/new"
WAYMARKD=$lab_tmp/waymarkd
replace
daemon_start
background beat pc python3 "${PEER%/*}/beat.py" 20 41000 "tcp $NET4 7 20" "udp $NET4 7 20" \
	"tcp $NET6 7 10" "udp $NET6 7 10"
check "flows are open" wait_for 20 beats
wait_for_sql 20 "SELECT count(*) FROM flows WHERE sport BETWEEN 41000 AND 41059" 60
before=$(handles)
changed=0 i=0
while [ "$i" -lt "$UPGRADES" ]; do
	replace
	daemon_stop
	daemon_run
	[ "$(handles)" = "$before" ] || changed=$((changed + 1))
	i=$((i + 1))
done
is "replaced $UPGRADES times: how often the ruleset had new handles" "$changed" 0

# --- a downgrade ----------------------------------------------------------------------------------

daemon_stop
version=$(sql 'PRAGMA user_version')
# The id of an application and the version are in the file itself.
sqlite3 "$lab_tmp/flows.db" 'PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
before_file=$(cksum <"$lab_tmp/flows.db")
nsenter --net="/proc/$ns_router/ns/net" -- timeout -k 5 30 "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
	</dev/null >"$lab_tmp/older.log" 2>&1
is "a newer history: an older waymarkd ends with status 1" $? 1
check "... it says why" grep -q 'has schema version 99, newer than this program' "$lab_tmp/older.log"
is "... the history is unchanged" "$(cksum <"$lab_tmp/flows.db")" "$before_file"
is "... the ruleset is unchanged" "$(handles)" "$before"
sqlite3 "$lab_tmp/flows.db" "PRAGMA user_version = $version" >/dev/null
daemon_run
background_end beat TERM
is "messages that were lost" "$(total lost)" 0
is "... or refused" "$(total refused)" 0
is "flows with an unknown verdict" \
	"$(sql "SELECT count(*) FROM flows WHERE sport BETWEEN 41000 AND 41059 AND verdict <> 'ok'")" 0
is "flows with more than one row" \
	"$(sql "SELECT count(*) FROM (SELECT sport FROM flows WHERE sport BETWEEN 41000 AND 41059 GROUP BY sport HAVING count(*) > 1)")" 0
is "each stop is a gap" "$(sql "SELECT count(*) FROM gaps WHERE reason = 'the daemon was stopped'")" $((UPGRADES + 1))
daemon_stop
is "the daemon stops with status 0" $? 0
done_testing
