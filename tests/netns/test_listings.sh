#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_listings.sh - each question of an operator is answered by one command: times, who,
# stats, usage, columns, order, and terminals of several sizes.

. "${0%/*}/lib.sh"

lab_up
out=$lab_tmp/out
err=$lab_tmp/err

run() { # STATUS WHAT ARGUMENT...: run the tool; its exit status must be STATUS
	local wanted=$1 what=$2 got
	shift 2
	waymark "$@" >"$out" 2>"$err"
	got=$?
	is "$what: exit $wanted" "$got" "$wanted" || diag "$(cat "$err")"
}

says() { # WHAT PATTERN: standard error has such a line
	check "$1" grep -q -- "^waymark: .*$2" "$err" || diag "$(cat "$err")"
}

json() { # EXPRESSION of python on the document d
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' \
		"$out" "$1"
}

counts() { # WANTED FILTER...: number of matching flows
	local wanted=$1
	shift
	run 0 "flows $*" flows --json "$@"
	is "flows $*: $wanted" "$(json 'len(d)')" "$wanted"
}

nat masquerade
serve net 80 7
daemon_start
http_get pc 6 "http://$NET4/" >/dev/null
http_get pc 6 "http://[$NET6]/" >/dev/null
wait_for_sql 5 "select count(*) from flows where dport = 80" 12

# --- times ------------------------------------------------------------------------------------

# A flow is found by any time at which it was live.
hold old pc udp $NET4 7 1
wait_for_sql 5 "select count(*) from flows where proto = 'tcp' and proto = 'tcp' and dport = 7" 1
sleep 1
began=$(sql "select started from flows where dport = 7")
counts 1 --port 7 --at now
counts 1 --port 7 --since now
counts 1 --port 7 --at "$began"
counts 0 --port 7 --until "$began"
counts 0 --port 7 --at '2 minutes ago'
local_time=$(TZ=CET-1CEST date -d "$began" '+%Y-%m-%d %H:%M:%S')
TZ=CET-1CEST waymark flows -o wide --port 7 --at "$local_time" >"$out" 2>"$err"
check 'local time in and out' grep -q "$local_time" "$out" || diag "$(cat "$out" "$err")"
TZ=CET-1CEST waymark flows -o wide --port 7 --utc --at "$(TZ=UTC0 date -d "$began" '+%Y-%m-%d %H:%M:%S')" >"$out" 2>"$err"
check '--utc: UTC in and out' grep -q "$(TZ=UTC0 date -d "$began" '+%Y-%m-%d %H:%M:%S')[.0-9]*Z" "$out"
TZ=CET-1CEST waymark flows --csv --port 7 >"$out"
check 'CSV is UTC' grep -q "$began" "$out"
hold_close old

run 0 'flows --columns' flows --columns id,dst,path --port 80
is 'flows --columns: these columns' "$(head -n 1 "$out" | tr -s ' ' | sed 's/^ //')" 'ID DST PATH'
run 2 'a column that is mistyped' flows --columns id,verdct
says 'the nearest column' 'unknown column "verdct" (did you mean verdict)'
run 0 'flows --sort' flows --json --port 80 --sort sport --limit 3
is 'flows --sort: the largest' "$(json '[f["sport"] for f in d]')" \
	"$(sql "select '[' || group_concat(sport, ', ') || ']' from (select sport from flows where 80 in (sport, dport) order by sport desc limit 3)")"
check 'flows --sort: a notice says that rows were left out' grep -q 'only the first 3 rows are shown' "$err"

# --- who, stats, usage -----------------------------------------------------------------------

one="from flows where dport = 80 and src = '$PC4' order by id limit 1"
at=$(sql "select started $one")
run 0 'who had a public port' who "$(sql "select nat_src || ':' || nat_sport $one")" --proto tcp --at "$at" --json
is 'who: the inside host' "$(json '(d[0]["host"], d[0]["port"], d[0]["uplink"])')" \
	"('$PC4', $(sql "select sport $one"), '$(sql "select uplink $one")')"
run 0 'who, a port that no host had' who $WAN1_4:1 --at "$at"
check 'who: the answer is nobody' grep -q '^nobody used' "$out" || diag "$(cat "$err")"
run 1 'who, before there was a daemon' who $WAN1_4:1 --at '2 days ago'
says 'who: not known' 'the answer is unknown, because flows between'
check_not 'who: the answer does not say nobody' grep -q nobody "$out"
run 2 'who, no address' who
run 2 'who, no address either' who wan1:80
run 0 'stats' stats --by uplink,dport --json --dport 80
is 'stats: every flow is counted once' "$(json 'sum(s["flows"] for s in d if s["dport"] == "80" or s["dport"] == 80)')" 12
is 'stats: by both columns' "$(json 'sorted({s["uplink"] for s in d})')" "['wan1', 'wan2']"
run 0 'stats by hour' stats --by hour --dport 80
run 2 'stats by an unknown column' stats --by uplnk
says 'stats: the nearest column' 'did you mean uplink'
run 2 'stats by three columns' stats --by src,dst,dport
run 2 'usage by the year' usage --by year
run 0 'tampering' tampering --json
run 0 'tampering as CSV' tampering --csv
check 'tampering --csv: header' sh -c 'head -n 1 "$1" | grep -q "^time,.*what,pid,process,action"' sh "$out"

# --- live flows: counters and TCP states by the daemon --------------------------------------------

hold held pc tcp $NET4 7 1
wait_for_sql 5 "select count(*) from flows where state = 'live' and proto = 'tcp' and dport = 7" 1
run 0 'flows --live' flows --live --proto tcp --dport 7 --json
is 'flows --live: the TCP state' "$(json '[f["tcp_state"] for f in d]')" "['ESTABLISHED']"
is 'flows --live: counters that the history does not have' \
	"$(json 'd[0]["bytes"] > 100 and d[0]["packets_reply"] > 1') $(sql "select bytes is null from flows where proto = 'tcp' and dport = 7")" 'True 1'
run 0 'flows --live --min-bytes: filtered by live counters' flows --live --proto tcp --dport 7 --min-bytes 1GB --json
is 'flows --live --min-bytes: no row' "$(json 'len(d)')" 0
run 0 'flows, not live' flows --proto tcp --dport 7 --json
is 'the view has no column tcp_state' "$(json '"tcp_state" in d[0]')" False
hold_close held
none_lives() { [ "$(waymark flows --live --proto tcp --dport 7 --json)" = '[]' ]; }
check 'a connection in TIME_WAIT has ended' wait_for 10 none_lives
check '... and the kernel still has its entry' sh -c 'nsenter --net=/proc/$1/ns/net conntrack -L -p tcp --dport 7 2>/dev/null | grep -qE "TIME_WAIT|CLOSE"' sh "$ns_router"
wait_for_sql 5 "select state from flows where proto = 'tcp' and dport = 7" ended
is 'the row has its end' "$(sql "select ended is not null from flows where proto = 'tcp' and dport = 7")" 1
sed 's,/control.sock,/absent.sock,' "$lab_tmp/waymark.conf" >"$lab_tmp/elsewhere.conf"
at router "$WAYMARK" -c "$lab_tmp/elsewhere.conf" flows --live >"$out" 2>"$err"
is 'flows --live without a daemon: exit 0' $? 0
says 'flows --live without a daemon' 'live flows are shown from the history'

# --- the daemon's socket, without a configuration -----------------------------------------------

for command in status uplinks metrics; do
	at router "$WAYMARK" -c /nonexistent --socket "$lab_tmp/control.sock" $command >"$out" 2>"$err"
	is "$command --socket needs no configuration" $? 0
done
at router "$WAYMARK" -c /nonexistent uplinks --socket "$lab_tmp/control.sock" --json >"$out" 2>"$err"
is 'uplinks --socket' "$(json '[u["name"] for u in d]')" "['wan1', 'wan2']"
at router "$WAYMARK" -c /nonexistent --socket "$lab_tmp/absent.sock" status >"$out" 2>"$err"
is 'status --socket without a daemon: exit 3' $? 3

# --- a terminal -------------------------------------------------------------------------------------

# on_terminal COLUMNS LINES ARGUMENT...: the output on a terminal of that size; the pager is cat -n.
on_terminal() {
	local columns=$1 lines=$2
	shift 2
	at router env WAYMARK_PAGER='sed s/^/paged:/' NO_COLOR=1 TERM=xterm python3 -c '
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if not pid:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", int(sys.argv[2]), int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[3], sys.argv[3:])
try:
    while True:
        sys.stdout.buffer.write(os.read(fd, 65536).replace(b"\r", b""))
except OSError:
    pass' "$columns" "$lines" "$WAYMARK" -c "$lab_tmp/waymark.conf" "$@" >"$out"
}

longest() { LC_ALL=C.UTF-8 awk '{ if (length($0) > n) n = length($0) } END { print n + 0 }' "$out"; }

on_terminal 80 50 usage --by day
check 'usage in 80 columns: rates have their unit' grep -q 'bit/s' "$out" || diag "$(cat "$out")"
for command in flows mismatches uplinks gaps tampering usage failover; do
	on_terminal 80 50 $command --limit 8 2>/dev/null || on_terminal 80 50 $command
	check "$command fits 80 columns" test "$(longest)" -le 80 || diag "$(cat "$out")"
done
on_terminal 80 50 who "$(sql "select nat_src || ':' || nat_sport $one")" --at "$at"
check 'who in 80 columns: the host is not cut' grep -q "^$PC4 " "$out" || diag "$(cat "$out")"
on_terminal 80 50 flows --port 80
is 'a terminal: the newest is last' \
	"$(awk 'NR == 2 { first = $1 } { last = $1 } END { print (first < last) }' "$out")" 1
check_not 'a terminal: output that fits is not paged' grep -q '^paged:' "$out"
on_terminal 80 10 flows --port 80
check 'a terminal: output longer than its height is paged' grep -q '^paged:' "$out" || diag "$(cat "$out")"
on_terminal 160 50 flows --port 80
check 'a wide terminal has more columns' grep -q 'NAT_SRC' "$out" || diag "$(cat "$out")"

daemon_stop
done_testing
