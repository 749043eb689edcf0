#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_operator.sh - the commands that an operator and a monitoring system run beside the
# daemon work with and without it, healthy and with a fault: watch, nagios, prune and
# alert-test.

. "${0%/*}/lib.sh"

lab_up
out=$lab_tmp/out
err=$lab_tmp/err

run() { # STATUS WHAT ARGUMENT...
	local wanted=$1 what=$2 got
	shift 2
	waymark "$@" >"$out" 2>"$err"
	got=$?
	is "$what: exit $wanted" "$got" "$wanted" || diag "$(cat "$out" "$err")"
}

prints() { # WHAT PATTERN
	check "$1" grep -Eq -- "$2" "$out" || diag "$(cat "$out")"
}

nat none
serve net 80 7

# --- nothing runs -----------------------------------------------------------------------

config_write
run 3 'watch without a daemon' watch
run 3 'nagios without a history' nagios
prints 'nagios: one line' '^WAYMARK UNKNOWN - the history cannot be read; '
run 3 'nagios, a bad threshold' nagios -w mismatches=many
prints 'nagios: the message quotes it' '^WAYMARK UNKNOWN - --warning "mismatches=many": expected one or more of mismatches=N'
run 3 'nagios, a bad time' nagios --minutes 0
run 3 'nagios, no configuration' -c "$lab_tmp/absent.conf" nagios

# --- healthy ------------------------------------------------------------------------------

daemon_start 'repair = false
	balance = false'
background watch router "$WAYMARK" -c "$lab_tmp/waymark.conf" watch
background watch_json router "$WAYMARK" -c "$lab_tmp/waymark.conf" watch --json
sleep 0.3
hold_many lan pc "udp $NET4 7 2" "udp $NET6 7 1"
wait_for_sql 5 "SELECT count(*) FROM flows WHERE verdict = 'ok' AND dport = 7" 3
check 'watch shows a flow' wait_for 2 grep -Eq \
	"^[0-9:]{8} flow +[0-9]+ live: udp $PC4:[0-9]+ > $NET4:7, by wan1: ok\$" \
	"$lab_tmp/watch.out"
check 'watch --json: a flow' wait_for 2 grep -q \
	'"type":"flow".*"uplink":"wan1","egress":\["wan1"\].*"verdict":"ok"' "$lab_tmp/watch_json.out"
run 0 'nagios, healthy' nagios
prints 'nagios: status line and performance data' \
	'^WAYMARK OK - mismatches 0, unmarked 0, gaps 0, queue [0-9]+%, age [0-9]+s in 5 minutes; coverage since the start: wan1 (not compared yet|nothing sent|[0-9.]+%), wan2 (not compared yet|nothing sent|[0-9.]+%) \| mismatches=0;;1;0; unmarked=0;1;;0; gaps=0;1;;0; queue=[0-9]+%;50;90;0;100 age=[0-9]+s;;;0;( .coverage_wan[12].=[0-9.]+%;;;0;100)*$'
is 'nagios: one line' "$(wc -l <"$out")" 1
run 1 'nagios, the newest record is too old' nagios -w age=0
run 2 'nagios, a critical threshold' nagios -w age=0 -c age=0,queue=99

# --- a mismatch ----------------------------------------------------------------------------

at router ip route add default via $GW2_4 dev wan2 metric 50
at router ip rule del pref 4002
hold_push lan
wait_for_sql 3 'SELECT count(*) FROM mismatches' 2
check 'watch shows the mismatch' wait_for 2 grep -Eq \
	'MISMATCH [0-9]+ of flow [0-9]+: udp .*, packets of wan1 left by wan2: rule-missing' "$lab_tmp/watch.out"
hold_push lan stream
check 'watch sums repeated mismatches in one line' wait_for 20 grep -Eq \
	'MISMATCH continues \([0-9]+ updates\): packets of wan1 left by wan2 \(rule-missing\)' "$lab_tmp/watch.out"
check 'watch shows the alert' wait_for 2 grep -Eq 'ALERT +mismatch: flow ' "$lab_tmp/watch.out"
check 'watch shows the tampering' wait_for 2 grep -Eq 'tamper +rule 4002' "$lab_tmp/watch.out"
check 'watch --json: every line is an object with a type' python3 -c '
import json, sys
for line in open(sys.argv[1]): json.loads(line)["type"]' "$lab_tmp/watch_json.out"
run 2 'nagios, mismatches' nagios
prints 'nagios: how many' '^WAYMARK CRITICAL - mismatches 2, '
run 1 'nagios, mismatches that only warn' nagios -w mismatches=2 -c mismatches=3
run 0 'nagios, fewer than the threshold' nagios -w mismatches=3,gaps=9 -c mismatches=3
hold_drop lan

# --- retention ------------------------------------------------------------------------------

http_get pc 20 "http://$NET4/" >/dev/null
wait_for_sql 5 "SELECT count(*) FROM flows WHERE dport = 80" 20
at router conntrack -F >/dev/null 2>&1
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live'" 0
sleep 1.2
run 0 'prune by the daemon, nothing is old' prune
is 'prune: nothing is deleted' "$(sql 'SELECT count(*) FROM flows WHERE dport = 80')" 20
sed -i 's/^.*repair = false.*/&\nretention = "1s"/' "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
run 0 'prune by the daemon' prune
wait_for_sql 5 'SELECT count(*) FROM flows WHERE dport = 80' 0
run 0 'prune by the daemon, again' prune
prints 'prune says what it deleted' '^pruned: 0 flows deleted, [0-9]+ kept.*; [0-9.]+[KM]?B before, [0-9.]+[KM]?B now$'
is 'prune: ended flows are gone' "$(sql 'SELECT count(*) FROM flows WHERE dport = 80')" 0

sed -i 's/^retention = .*/retention = "1 day"/' "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
sleep 0.5
http_get pc 20 "http://$NET4/" >/dev/null
wait_for_sql 5 "SELECT count(*) FROM flows WHERE dport = 80" 20
at router conntrack -F >/dev/null 2>&1
wait_for_sql 5 "SELECT count(*) FROM flows WHERE state = 'live'" 0
daemon_stop
check 'watch ends with the daemon' wait_for 3 grep -q 'connection closed: waymarkd stopped' "$lab_tmp/watch.err"
run 2 'nagios, no daemon' nagios --minutes 1 -c queue=90
prints 'nagios: the status line says so' '^WAYMARK CRITICAL - the daemon is not running; mismatches [0-9]+, '
sed -i 's/^retention = .*/retention = "1s"/' "$lab_tmp/waymark.conf"
sleep 1.2
# Where fs.protected_regular is 2, root may not open another user's file in a sticky folder.
chmod 777 "$lab_tmp"
run 0 'prune without a daemon' prune
chmod 1777 "$lab_tmp"
prints 'prune without a daemon: how many' '^pruned: [1-9][0-9]* flows deleted'
is 'prune without a daemon: they are gone' "$(sql 'SELECT count(*) FROM flows WHERE dport = 80')" 0

# --- alerts -----------------------------------------------------------------------------------

rm -f "$lab_tmp/alerts.jsonl"
cat >"$lab_tmp/program" <<-END
	#!/bin/sh
	echo "\$WAYMARK_KIND" >"$lab_tmp/program.out"
	cat >>"$lab_tmp/program.out"
END
chmod 755 "$lab_tmp/program" "$lab_tmp"
config_alert="exec = \"$lab_tmp/program\"
	user = \"root\"
	syslog = false" config_write
run 0 'alert-test' alert-test
prints 'alert-test: the program' "^exec +$lab_tmp/program: delivered$"
prints 'alert-test: the file' "^json +$lab_tmp/alerts.jsonl: delivered$"
is 'alert-test: the program ran' "$(head -n 1 "$lab_tmp/program.out")" test
check 'alert-test: it got the alert' grep -q '"kind":"test"' "$lab_tmp/program.out"
config_alert="exec = \"$lab_tmp/program\"
	user = \"no-such-user\"
	syslog = false" config_write
run 1 'alert-test, a user that does not exist' alert-test
prints 'alert-test: the message names the user' "^exec .*user 'no-such-user' does not exist"
check 'alert-test: the file got the alert all the same' grep -q '"kind":"test"' "$lab_tmp/alerts.jsonl"
config_alert="exec = \"$lab_tmp/absent\"
	syslog = false" config_write
run 1 'alert-test, a program that does not exist' alert-test
prints 'alert-test: the message says why' '^exec .*absent: .*No such file'

done_testing
