#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_export.sh - proves that each row of the history arrives once per id, or is named in a gap,
# whatever a server, the network or a crash does: an HTTP server that fails in ten ways, an
# exporter killed at random moments, pruned rows, a replaced history.

# shellcheck source=tests/netns/lib.sh
. "${0%/*}/../netns/lib.sh"

parts=$top_src/tests/export
EXPORT=$top_build/src/waymark-export
MAKE=$top_build/tests/export/make_history
command -v python3 >/dev/null || skip_all "python3 is missing"

dir=$(mktemp -d) || exit 1
sink_pid=
trap 'kill $sink_pid 2>/dev/null; rm -rf "$dir"' EXIT

sink_start() { # ARGUMENT...: sets $port and $sink_pid
	rm -f "$dir/sink" # the file may be checked before it is written again
	python3 "$parts/sink.py" --stall 3 "$@" >"$dir/sink" 2>&1 &
	sink_pid=$!
	until port=$(sed -n 's/^port //p' "$dir/sink" 2>/dev/null) && [ -n "$port" ]; do
		kill -0 $sink_pid || exit 1
		sleep 0.1
	done
}

sink_stop() {
	kill $sink_pid
	wait $sink_pid 2>/dev/null
}

fault() { # NAME [TABLE]: each INSERT (into TABLE) has this fault; none: no further one
	curl -s -X POST -H 'Content-Length: 0' "http://127.0.0.1:$port/mode?fault=$1${2:+&table=$2}"
}

configure() { # HISTORY [LINE]
	cat >"$dir/conf" <<-END
		database = "$1"
		uplink wan1 { interface = "lo" mark = 2 table = 251 gateway = none }
		export {
		    router = "gw1"
		    clickhouse = {"http://127.0.0.1:$port/waymark"}
		    state-file = "$dir/state"
		    timeout = "1s"
		    ${2:-}
		}
	END
}

# compare IDS HISTORY...: compare the rows that arrived.
compare() {
	mkdir -p "$dir/rows"
	for table in flows mismatches gaps tampering uplink_states usage alerts coverage; do
		curl -s "http://127.0.0.1:$port/rows?table=$table" >"$dir/rows/$table"
	done
	local ids=$1
	shift
	python3 "$parts/compare.py" "$ids" "$dir/rows" "$@"
}

# --- each fault alone: the batch is sent again until it is acknowledged -----------

sink_start
"$MAKE" "$dir/one.db" 500
configure "$dir/one.db"
for name in status500 status429 status503 error200 cut silent stall stored-silent stored-500 half-reply; do
	rm -f "$dir/state" "$dir/log"
	fault $name
	"$EXPORT" -c "$dir/conf" --once 2>"$dir/log" &
	pid=$!
	until grep -qs "did not acknowledge" "$dir/log" || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
	fault none
	wait $pid
	is "after $name each row is acknowledged" $? 0
	check "$name is reported" grep -q "did not acknowledge" "$dir/log"
done
check "each row arrived unchanged" compare 1-500 "$dir/one.db"
"$EXPORT" -c "$dir/conf" status --json >"$dir/status"
check "status says that nothing is pending" python3 -c "
import json
t = json.load(open('$dir/status'))['targets'][0]
assert t['pending'] == 0 and t['failures'] > 0 and t['error'] == '', t"
check "metrics are printed" sh -c "'$EXPORT' -c '$dir/conf' metrics | grep -q '^waymark_export_pending_rows{target=\"clickhouse\",table=\"flows\"} 0\$'"

# --- standard error is a full pipe that is not read -----------------------------------------

rm -f "$dir/state"
fault status500
python3 - "$EXPORT" "$dir/conf" "$port" >"$dir/pipe" <<-'END'
	import fcntl, json, os, subprocess, sys, time, urllib.request
	export, configuration, port = sys.argv[1:]

	def failures(name):
	    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as reply:
	        return json.load(reply).get(name, 0)

	def fault(name):
	    urllib.request.urlopen(f"http://127.0.0.1:{port}/mode?fault={name}", data=b"")

	def wait_for(is_true):
	    end = time.monotonic() + 30
	    while not is_true() and time.monotonic() < end:
	        time.sleep(0.1)
	    return is_true()

	r, w = os.pipe()
	fcntl.fcntl(w, 1031, 4096)  # F_SETPIPE_SZ
	os.write(w, bytes(4096))
	before = failures("status500")
	x = subprocess.Popen([export, "-c", configuration, "--once"], stderr=w)
	os.close(w)
	print("tried again:", wait_for(lambda: failures("status500") > before + 1))
	os.read(r, 4096)
	before = failures("status503")
	fault("status503")
	wait_for(lambda: failures("status503") > before)
	fault("none")
	try:
	    print("status:", x.wait(30))
	except subprocess.TimeoutExpired:
	    x.kill()
	print(os.read(r, 4096).decode())
END
check "standard error is not read: rows are sent again" grep -qx "tried again: True" "$dir/pipe"
check "standard error is read again: the exporter ends" grep -qx "status: 0" "$dir/pipe"
check "standard error is read again: the dropped lines are counted" \
	grep -q "[1-9][0-9]* log lines were dropped: standard error was not read" "$dir/pipe"

# --- a damaged state file: all rows are shipped again, none is there twice -------------------

printf 'torn' >"$dir/state"
"$EXPORT" -c "$dir/conf" --once 2>"$dir/log"
is "a damaged state file does not stop the exporter" $? 0
check "the damaged file is reported" grep -q "is damaged" "$dir/log"
check "rows sent again replace the former ones" compare 1-500 "$dir/one.db"

# --- standard output whose reader has gone ------------------------------------------------------

configure "$dir/one.db" 'file = "-"'
rm -f "$dir/state"
{
	timeout 30 "$EXPORT" -c "$dir/conf" --once file 2>"$dir/log"
	echo $? >"$dir/exit"
} | head -c 0
is "the reader of standard output has gone: the exporter ends with a failure" "$(cat "$dir/exit")" 1
check "... and says why" grep -q "standard output: Broken pipe (giving up)" "$dir/log"
is "with a reader each flow is printed" \
	"$("$EXPORT" -c "$dir/conf" --once file 2>"$dir/log" | grep -c '"table": *"flows"')" 500

# --- a verdict that changes after the flow was shipped -----------------------------------------

sink_stop
sink_start
configure "$dir/late.db"
rm -f "$dir/state"
mismatched() { # count the flows that arrived with that verdict
	curl -s "http://127.0.0.1:$port/rows?table=flows" | grep -c '"verdict": "mismatch"'
}
"$MAKE" "$dir/late.db" 1000 1 0 0 "$dir/ended" &
make_pid=$!
until [ -e "$dir/ended" ]; do sleep 0.1; done
check "flows are shipped before their verdict changes" timeout 60 "$EXPORT" -c "$dir/conf" --once
before=$(mismatched)
rm "$dir/ended"
wait $make_pid
check "changed flows are shipped again" timeout 60 "$EXPORT" -c "$dir/conf" --once
is "each changed flow has its new verdict" "$(mismatched)" $((before + 10))
check "each flow is there once" compare 1-1000 "$dir/late.db"

# --- nothing found differs from nothing seen ---------------------------------------------------

sink_stop
sink_start
rm -f "$dir/state"
newest() { # TABLE EXPRESSION: of the newest row
	curl -s "http://127.0.0.1:$port/rows?table=$1" >"$dir/table"
	python3 -c "
import json, sys
rows = [json.loads(line) for line in open('$dir/table')]
row = max(rows, key=lambda r: int(r['row_version'])) if rows else None
print($2 if row else 'no row')"
}
configure "$dir/none.db"
"$EXPORT" -c "$dir/conf" --once 2>"$dir/log"
is "without a history the exporter fails" $? 1
is "without a history there is no heartbeat" "$(newest heartbeat row)" "no row"
configure "$dir/quiet.db"
"$MAKE" "$dir/quiet.db" 0
check "a history without flows is shipped" timeout 60 "$EXPORT" -c "$dir/conf" --once
is "nothing found: no flow" "$(newest flows row)" "no row"
is "nothing found: the heartbeat says that waymarkd writes" \
	"$(newest heartbeat "int(row['time_ms']) - int(row['alive_ms']) < 600000 and row['last_flow_id']")" 0
is "nothing found: the coverage says that all packets were seen" \
	"$(newest coverage "row['share'], row['left_packets']")" "1 100"
sqlite3 "$dir/quiet.db" "UPDATE meta SET value = value - 3600000 WHERE name = 'alive_ms'"
check "a history that is not written any more is shipped" timeout 60 "$EXPORT" -c "$dir/conf" --once
is "nothing seen: the heartbeat says that waymarkd does not write" \
	"$(newest heartbeat "int(row['time_ms']) - int(row['alive_ms']) > 3000000")" True

# --- --since ----------------------------------------------------------------------------

sink_stop
sink_start
configure "$dir/one.db"
rm -f "$dir/state"
timeout 30 "$EXPORT" -c "$dir/conf" --once --since tomorrow 2>"$dir/log"
is "--since ships no older row" "$(curl -s "http://127.0.0.1:$port/rows?table=flows" | wc -l)" 0

# --- SIGKILL at random moments, faults, while flows arrive ------------------------------

sink_stop
sink_start --faults 0.4 --seed "${SEED:-7}"
configure "$dir/busy.db"
rm -f "$dir/state"
"$MAKE" "$dir/busy.db" 10000 1 2000 &
make_pid=$!
for i in $(seq "${KILLS:-8}"); do
	"$EXPORT" -c "$dir/conf" 2>>"$dir/log" &
	pid=$!
	sleep "0.$((RANDOM % 9 + 1))"
	kill -KILL $pid
	wait $pid 2>/dev/null
done
wait $make_pid
fault none
check "after $i kills each row is acknowledged" timeout 60 "$EXPORT" -c "$dir/conf" --once
check "each row arrived, once per id" compare 1-10000 "$dir/busy.db"
sink_stop

# --- killed when rows and gaps have arrived, but before the position is saved; then pruned ------

sink_start
configure "$dir/pruned.db"
rm -f "$dir/state"
fill() { # FIRST-ID: the history keeps a part of the newest 30,000 flows
	"$MAKE" "$dir/pruned.db" 30000 "$1" 0 2000000
}
kill_in() { # TABLE: when its rows have arrived, but before they are acknowledged
	fault stored-500 "$1"
	"$EXPORT" -c "$dir/conf" --once 2>"$dir/log" &
	pid=$!
	until grep -qs "did not acknowledge" "$dir/log" || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
	kill -KILL $pid
	wait $pid 2>/dev/null
	fault none
}
# gaps_check LAST [TABLE]: print how many rows are missing up to id LAST, how many of them the gaps
# count, and the number of gaps without a count, for batches whose arrival is not known.
gaps_check() {
	local table=${2:-flows}
	curl -s "http://127.0.0.1:$port/rows?table=$table" >"$dir/flows"
	curl -s "http://127.0.0.1:$port/rows?table=gaps" >"$dir/gaps"
	python3 -c "
import json, sys
ids = {int(json.loads(line)['id']) for line in open('$dir/flows')}
gaps = [json.loads(line) for line in open('$dir/gaps')]
gaps = [g for g in gaps if g['source'] == 'export' and ': table $table,' in g['reason']]
assert len({g['id'] for g in gaps}) == len(gaps), gaps
print($1 - len(ids), sum(int(g['lost'] or 0) for g in gaps), sum(g['lost'] is None for g in gaps))"
}
fill 1
kill_in gaps
first=$(gaps_check 30000)
check "flows are pruned before they are shipped" [ "${first%% *}" -gt 0 ]
is "killed after the gap: the gaps count the missing flows" "$first" \
	"${first%% *} ${first%% *} 0"
fill 30001
kill_in flows
fill 60001
check "after two kills the rest is shipped" timeout 60 "$EXPORT" -c "$dir/conf" --once
second=$(gaps_check 90000)
check "flows are pruned after each kill" [ "${second%% *}" -gt $((2 * ${first%% *})) ]
is "no missing flow is counted twice" "${second% *}" "${second%% *} ${second%% *}"
check "flows that may have arrived are named" \
	grep -q "pruned before the exporter knew whether they had arrived: table flows" "$dir/gaps"
check "shipping again adds nothing" timeout 60 "$EXPORT" -c "$dir/conf" --once
is "then the gaps are the same" "$(gaps_check 90000)" "$second"
# One mismatch per 50 flows: those that arrived and those that the gaps count are all.
other=$(gaps_check 1800 mismatches)
check "mismatches are pruned before they are shipped" [ "${other%% *}" -gt 0 ]
is "the gaps count the missing mismatches" "$other" "${other%% *} ${other%% *} 0"

sink_stop

# --- rows that are pruned before they are shipped are named in a gap ---------------------

sink_start
configure "$dir/small.db"
rm -f "$dir/state"
"$MAKE" "$dir/small.db" 60000 1 0 2000000
check "the remaining rows are shipped" timeout 60 "$EXPORT" -c "$dir/conf" --once
check "the pruned rows are named in a gap" compare 1-60000 "$dir/small.db"
check "that gap has the reason" grep -q "pruned before they were shipped" "$dir/rows/gaps"

# --- another history under the same path ------------------------------------------------

"$MAKE" "$dir/fresh.db" 1000 1
"$EXPORT" -c "$dir/conf" 2>"$dir/log" &
pid=$!
sleep 1
"$MAKE" "$dir/small.db" 500 60001
mv "$dir/small.db" "$dir/left.db"
for suffix in -wal -shm; do [ ! -e "$dir/small.db$suffix" ] || mv "$dir/small.db$suffix" "$dir/left.db$suffix"; done
mv "$dir/fresh.db" "$dir/small.db"
until grep -q "history was replaced" "$dir/log"; do
	kill -0 $pid || break
	sleep 0.2
done
kill $pid
wait $pid
is "the exporter stops with status 0" $? 0
check "the new history is shipped" timeout 60 "$EXPORT" -c "$dir/conf" --once
check "both histories have arrived completely" compare 1-60500 "$dir/small.db" "$dir/left.db"

done_testing
