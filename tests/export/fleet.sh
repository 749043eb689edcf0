#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fleet.sh - proves that every flow of nine routers arrives exactly once at two ClickHouse shards,
# or is named in a gap, whatever fails. A shard is killed and returns; a proxy cuts, stalls and
# fails requests; exporters are killed at 51 random moments; flows end late and out of order,
# change their verdict after they were shipped, are pruned; a history is replaced; the disk of a
# state file is full; the clock jumps. A router without flows, one whose waymarkd has stopped and
# one whose exporter has stopped differ. Then the queries of sql/clickhouse are run, on this version and,
# where npm has chdb, on today's ClickHouse. Run by "./bootstrap fleet".

# shellcheck source=tests/netns/lib.sh
. "${0%/*}/../netns/lib.sh"
parts=$top_src/tests/export
# shellcheck source=tests/export/cluster.sh
. "$parts/cluster.sh"

EXPORT=$top_build/src/waymark-export
MAKE=$top_build/tests/export/make_history
FLOWS=${FLOWS:-20000}
PRUNED=60000 # flows of gw4; its history keeps a part of them
routers="1 2 3 4 5 6 7 8 9"
tables="flows mismatches gaps tampering uplink_states usage alerts coverage"
for command in clickhouse-server java curl python3; do
	command -v $command >/dev/null || skip_all "$command is missing"
done
fleet_dir=$(mktemp -d) || exit 1
proxy_pid=
trap 'kill $proxy_pid $(jobs -p) 2>/dev/null; cluster_down 2>/dev/null; rm -rf "$fleet_dir"' EXIT

statements() { # FILE: one per line
	python3 -c "
import re, sys
text = re.sub(r'^--.*$', '', open(sys.argv[1]).read(), flags=re.M)
for s in text.split(';'):
    if s.strip():
        print(' '.join(s.split()))" "$1"
}

# ask_all FILE [DATABASE]: run its statements; fails with the server's message.
ask_all() {
	local sql answer
	while read -r sql; do
		answer=$(ask "$sql" "${2:-waymark}") || return 1
		case $answer in *Exception*)
			printf '%s\n%s\n' "$sql" "$answer" | cut -c1-500
			return 1
			;;
		esac
	done <<-END
		$(statements "$1")
	END
}

proxy_start() { # sets $proxy_pid and $proxy_port
	python3 "$parts/sink.py" --faults 0.3 --seed "${SEED:-$RANDOM}" --stall 5 \
		--forward 127.0.0.1:$http_port_1 --forward 127.0.0.1:$http_port_2 >"$fleet_dir/proxy" 2>&1 &
	proxy_pid=$!
	await 30 grep -q '^port' "$fleet_dir/proxy" || return 1
	proxy_port=$(sed -n 's/^port //p' "$fleet_dir/proxy")
}

configure() { # N [STATE-FILE]
	cat >"$fleet_dir/gw$1.conf" <<-END
		database = "$fleet_dir/gw$1.db"
		uplink wan1 { interface = "lo" mark = 2 table = 251 gateway = none }
		export {
		    router = "gw$1"
		    clickhouse = {"http://127.0.0.1:$proxy_port/waymark"}
		    state-file = "${2:-$fleet_dir/gw$1.state}"
		    timeout = "3s"
		}
	END
}

# Half of the exporters do not wait for a full batch, so that they are killed while they send.
# One that ended before its kill does not count.
kill_often() { # N KILLS
	local pid killed=0 once
	while [ $killed -lt "$2" ]; do
		once=
		[ $((killed % 2)) = 0 ] || once=--once
		# shellcheck disable=SC2086 # an argument or none
		"$EXPORT" -c "$fleet_dir/gw$1.conf" $once 2>>"$fleet_dir/gw$1.log" &
		pid=$!
		sleep "$((RANDOM % 2)).$((RANDOM % 9 + 1))"
		kill -KILL $pid 2>/dev/null
		wait $pid 2>/dev/null
		[ $? != 137 ] || killed=$((killed + 1))
		[ $killed != "$2" ] || break
	done
	echo "$killed" >"$fleet_dir/killed$1"
}

history_move() { # FROM TO
	local suffix
	for suffix in "" -wal -shm; do
		rm -f "$fleet_dir/$2$suffix"
		[ ! -e "$fleet_dir/$1$suffix" ] || mv "$fleet_dir/$1$suffix" "$fleet_dir/$2$suffix"
	done
}

has_entered() { # NAME: the exporter of gw5 ships the history that was made as NAME
	grep -q "\"history\":\"$(cat "$fleet_dir/$1.name")\"" "$fleet_dir/gw5.state"
}

# gw5: its history is replaced under a running exporter, which ships the old one to its end, and
# replaced again while no exporter runs, which loses the unshipped rows.
replace_history() {
	local pid
	"$EXPORT" -c "$fleet_dir/gw5.conf" 2>>"$fleet_dir/gw5.log" &
	pid=$!
	await 60 test -s "$fleet_dir/gw5.state"
	history_move gw5.db gw5-first.db
	history_move gw5-second.db gw5.db
	await 120 has_entered gw5-second
	kill -KILL $pid
	wait $pid 2>/dev/null
	history_move gw5.db gw5-second.db
	history_move gw5-third.db gw5.db
}

# gw6: the folder of the state file is full.
disk_full() {
	unshare -m true 2>/dev/null || return 9
	# shellcheck disable=SC2016 # expanded by that shell
	unshare -m sh -c '
		mount -t tmpfs -o size=16k none "$1/full" || exit 9
		head -c 65536 /dev/zero >"$1/full/filler" 2>/dev/null
		"$2" -c "$1/gw6.conf" --once && "$2" -c "$1/gw6.conf" --once || exit 1
		rm "$1/full/filler"
		"$2" -c "$1/gw6.conf" --once && test -s "$1/full/state"
	' - "$fleet_dir" "$EXPORT" 2>>"$fleet_dir/gw6.log"
}

# gw3: the clock jumps forward and back by months under a running exporter.
jump_clock() {
	local library pid step
	# shellcheck disable=SC2016 # expanded by that shell
	library=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"')
	echo +0 >"$fleet_dir/clock"
	LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$fleet_dir/clock FAKETIME_NO_CACHE=1 \
		FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 \
		"$EXPORT" -c "$fleet_dir/gw3.conf" 2>>"$fleet_dir/gw3.log" &
	pid=$!
	for step in +40d -40d +2h -2h +0; do
		sleep 1
		echo $step >"$fleet_dir/clock"
	done
	kill -KILL $pid
	wait $pid 2>/dev/null
	rm -f /dev/shm/sem.faketime_sem_$pid /dev/shm/faketime_shm_$pid
}

# gw7: the verdict of every 100th flow changes after the flow was shipped.
change_late() {
	await 60 test -e "$fleet_dir/ended" || return 1
	"$EXPORT" -c "$fleet_dir/gw7.conf" --once 2>>"$fleet_dir/gw7.log" || return 1
	late_before=$(mismatched)
	rm "$fleet_dir/ended"
	wait "$late_pid"
}

mismatched() { # count the flows of gw7 with that verdict
	ask "SELECT count() FROM flows FINAL WHERE router = 'gw7' AND verdict = 'mismatch'"
}

fetch() { # FOLDER: the rows of every router, the newest version of each
	local table
	mkdir -p "$1"
	for table in $tables heartbeat; do
		ask "SELECT * FROM $table FINAL FORMAT JSONEachRow" >"$1/$table"
	done
}

is_whole() { # N LAST HISTORY...
	local table n=$1 last=$2
	shift 2
	mkdir -p "$fleet_dir/rows$n"
	for table in $tables; do
		grep "\"router\":\"gw$n\"" "$fleet_dir/rows/$table" >"$fleet_dir/rows$n/$table"
	done
	python3 "$parts/compare.py" "1-$last" "$fleet_dir/rows$n" "$@"
}

has_gap() { # N REASON
	grep "\"router\":\"gw$1\"" "$fleet_dir/rows/gaps" | grep -q "$2"
}

history_ask() { # ROUTER SQL
	python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    print(*row, sep="\t")' "$fleet_dir/$1.db" "$2"
}

answer() { # QUESTION [SED-COMMANDS]
	sed -e "${2:-}" "$top_src/sql/clickhouse/$1.sql" >"$fleet_dir/question"
	ask "$(statements "$fleet_dir/question")"
}

# The questions that read one row of a flow without FINAL give what the history has.
flows_compare() {
	local src port ms
	read -r src port ms <<-END
		$(history_ask gw1 "SELECT nat_src, nat_sport, started_ms FROM flows
			WHERE nat_src <> src AND nat_sport > 0 ORDER BY id LIMIT 1 OFFSET 5000")
	END
	is "who had $src port $port" \
		"$(answer 02-who-had-address "s/1772366400000/$ms/g; s/203\.0\.113\.5/$src/g; s/40000/$port/g" |
			awk '$1 == "gw1" { print $2 }')" \
		"$(history_ask gw1 "SELECT id FROM flows WHERE nat_src = '$src' AND nat_sport = $port
			AND started_ms <= $ms AND ended_ms >= $ms ORDER BY id")"
	src=$(history_ask gw1 "SELECT src FROM flows WHERE started_ms = $ms ORDER BY id LIMIT 1")
	is "the flows of $src" \
		"$(answer 19-host-at-time "s/1772366400000/$ms/g; s/1772366460000/$((ms + 60000))/g; s/192\.168\.1\.10/$src/" |
			cut -f 1,2,7)" \
		"$(history_ask gw1 "SELECT id, proto, verdict FROM flows WHERE src = '$src'
			AND started_ms < $ms + 60000 AND ended_ms >= $ms ORDER BY id LIMIT 1000")"
	is "the flows with two interfaces" \
		"$(answer 18-two-interfaces | awk '$1 == "gw1" { print $2, $7, $8 }')" \
		"$(history_ask gw1 "SELECT id, egress, verdict FROM flows WHERE egress LIKE '%,%'
			ORDER BY id LIMIT 100" | tr '\t' ' ')"
}

# dashboard_queries: print those of the Grafana dashboard, with values for its variables.
dashboard_queries() {
	python3 -c '
import json, re, sys
def queries(node):
    if isinstance(node, dict):
        for name, value in node.items():
            yield from [value] if name == "rawSql" else queries(value)
    elif isinstance(node, list):
        for value in node:
            yield from queries(value)
for sql in queries(json.load(open(sys.argv[1]))):
    sql = sql.replace("${__from}", "1700000000000").replace("${__to}", "1900000000000")
    print(re.sub(r"\$\{router[^}]*\}", "\x27gw1\x27", sql) + ";")' \
		"$top_src/doc/grafana/waymark-fleet.json"
}

# The newest library gets the rows that 18.16 returns. It computes nat_key itself.
takes_today() {
	local table
	dashboard_queries >"$fleet_dir/dashboard"
	for table in $tables heartbeat; do
		[ -s "$fleet_dir/rows/$table" ] || continue
		head -n 1000 "$fleet_dir/rows/$table" | sed 's/,"nat_key":[0-9]*//' >"$fleet_dir/some"
		printf 'INSERT INTO %s FORMAT JSONEachRow\n%s\n' "$table" "$(wc -l <"$fleet_dir/some")"
		cat "$fleet_dir/some"
	done | node "$parts/chdb.js" "$fleet_dir/today.sql" "$top_src"/sql/clickhouse/*.sql \
		"$fleet_dir/dashboard"
}

routers_of_shard() { # NUMBER
	eval "local http=\$http_port_$1"
	curl -sS "http://127.0.0.1:$http/?database=waymark" --data-binary \
		"SELECT uniq(router) FROM flows_local"
}

# --- the faults ----------------------------------------------------------------

cluster_up && ok "ZooKeeper and two shards start" || die "the cluster does not start"
proxy_start || die "the proxy does not start"
"$EXPORT" schema --dialect 18 --cluster fleet >"$fleet_dir/ddl.sql"
check "18.16 takes the tables" ask_all "$fleet_dir/ddl.sql" default

mkdir "$fleet_dir/full"
for n in 1 2 3 4 5 7 8 9; do configure $n; done
configure 6 "$fleet_dir/full/state"
"$MAKE" "$fleet_dir/gw5.db" 3000 1
"$MAKE" "$fleet_dir/gw5-second.db" 3000 3001
"$MAKE" "$fleet_dir/gw5-third.db" 3000 6001
python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT value FROM meta WHERE name = \"history\"").fetchone()[0])' \
	"$fleet_dir/gw5-second.db" >"$fleet_dir/gw5-second.name"
"$MAKE" "$fleet_dir/gw6.db" 3000 1
"$MAKE" "$fleet_dir/gw7.db" 2000 1 0 0 "$fleet_dir/ended" &
late_pid=$!
"$MAKE" "$fleet_dir/gw8.db" 0
"$MAKE" "$fleet_dir/gw9.db" 100 1
python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("UPDATE meta SET value = value - 3600000 WHERE name = \"alive_ms\"")' "$fleet_dir/gw9.db"
makers=
for n in 1 2 3; do
	"$MAKE" "$fleet_dir/gw$n.db" "$FLOWS" 1 2000 &
	makers="$makers $!"
done
"$MAKE" "$fleet_dir/gw4.db" $PRUNED 1 8000 2000000 &
makers="$makers $!"
sleep 1
exporters=
for n in 1 2 4; do
	kill_often $n "${KILLS:-17}" &
	exporters="$exporters $!"
done
replace_history &
exporters="$exporters $!"
if command -v faketime >/dev/null; then
	jump_clock &
	exporters="$exporters $!"
else
	skip "clock jumps" "faketime is missing"
fi
sleep 4
shard_stop 2
sleep 6
shard_start 2
# shellcheck disable=SC2086 # lists of numbers
wait $makers $exporters
check "the shard returns" await 180 shard_is_up 2
is "exporters were killed" "$(cat "$fleet_dir"/killed* | awk '{ n += $1 } END { print n }')" \
	$((3 * ${KILLS:-17}))
change_late
is "flows of gw7 are shipped before their verdict changes" $? 0
disk_full
case $? in
9) skip "the state file's disk is full" "no file system can be mounted" ;;
0)
	ok "a full disk of the state file does not stop the exporter"
	check "the full disk is reported" grep -q "cannot save .*No space left" "$fleet_dir/gw6.log"
	;;
*) not_ok "a full disk of the state file does not stop the exporter" ;;
esac
configure 6

# --- the result -----------------------------------------------------------------------

last=
for n in $routers; do
	timeout 300 "$EXPORT" -c "$fleet_dir/gw$n.conf" --once 2>>"$fleet_dir/gw$n.log" &
	last="$last $!"
done
n=0
for pid in $last; do
	n=$((n + 1))
	wait "$pid"
	is "gw$n ships everything" $? 0
done
faults=$(curl -s "http://127.0.0.1:$proxy_port/counts")
diag "the proxy: $faults"
check "the proxy failed in every way" python3 -c "
import json, sys
counts = json.loads(sys.argv[1])
for name in ('status500', 'status429', 'status503', 'error200', 'cut', 'silent', 'stall',
             'stored-silent', 'stored-500', 'half-reply'):
    assert counts.get(name), name" "$faults"
fetch "$fleet_dir/rows"
for n in 1 2 3; do
	check "every row of gw$n has arrived, once" is_whole $n "$FLOWS" "$fleet_dir/gw$n.db"
done
check "the pruned rows of gw4 are named in gaps" is_whole 4 $PRUNED "$fleet_dir/gw4.db"
check "those gaps have the reason" has_gap 4 "pruned before they were shipped"
check "the replaced history of gw5 has arrived to its end, and so has its successor" \
	is_whole 5 9000 "$fleet_dir/gw5-first.db" "$fleet_dir/gw5.db"
check "the rows that gw5's replacement lost are named in a gap" \
	has_gap 5 "the history was replaced before its rows were shipped: table flows, all changes of the history from number 1 on"
check "every row of gw6 has arrived, once" is_whole 6 3000 "$fleet_dir/gw6.db"
check "every row of gw7 has arrived, once" is_whole 7 2000 "$fleet_dir/gw7.db"
is "the verdicts that changed after they were shipped have arrived" "$(mismatched)" \
	$((late_before + 20))
for n in 1 2; do
	check "shard $n has routers" [ "$(routers_of_shard $n)" -gt 0 ]
done

# --- the queries ------------------------------------------------------------------------

for question in "$top_src"/sql/clickhouse/*.sql; do
	check "18.16 answers ${question##*/}" ask_all "$question"
done
is "the mismatches of gw1 are as many as its history has" \
	"$(answer 01-mismatches-today | awk '$1 == "gw1" { n += $3 } END { print n }')" \
	"$(history_ask gw1 "SELECT count(*) FROM mismatches")"
is "tampering is counted over all routers" "$(answer 13-tampering | cut -f 1,2,3)" \
	"nft	$(ask "SELECT count() FROM tampering FINAL")	8"
is "one version runs on all routers" "$(answer 16-versions | awk '{ n += $3 } END { print n }')" 9
check "long gaps name the unshipped rows" sh -c 'echo "$1" | grep -q "pruned before"' - \
	"$(answer 06-long-gaps)"
flows_compare

# Nothing found differs from nothing seen.
is "gw8 has no flow" "$(ask "SELECT count() FROM flows WHERE router = 'gw8'")" 0
is "gw8: all packets were seen" "$(ask "SELECT share, left_packets FROM coverage FINAL
	WHERE router = 'gw8'")" "1	100"
is "waymarkd of gw9 does not run" "$(answer 17-behind | awk '$1 ~ /^gw[89]$/ { print $1 }')" gw9
is "the routers report" "$(answer 03-silent-routers)" ""
ask "INSERT INTO heartbeat (router, history, id, time_ms, row_version) VALUES
	('gw10', 'h', 1, (toUnixTimestamp(now()) - 600) * 1000, 1)"
is "gw10 does not report any more" "$(answer 03-silent-routers | cut -f 1)" gw10

if [ -d "${NODE_PATH:-/nowhere}/chdb" ] && command -v node >/dev/null; then
	"$EXPORT" schema >"$fleet_dir/today.sql"
	check "today's ClickHouse takes the tables and answers the queries, the dashboard's too" \
		takes_today
else
	skip "today's ClickHouse" "chdb is missing (npm install chdb @chdb/lib-linux-x64-gnu, NODE_PATH)"
fi
done_testing
