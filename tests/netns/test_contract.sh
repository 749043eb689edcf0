#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_contract.sh - promises that all commands keep: they work with the socket alone, for a
# reader in the group, without a daemon, and correct mistyped names.

. "${0%/*}/lib.sh"

lab_up
out=$lab_tmp/out
err=$lab_tmp/err

# gives STATUS WHAT ARGUMENT...: run the tool without a configuration; its exit status must be
# STATUS.
gives() {
	local wanted=$1 what=$2 got
	shift 2
	timeout 20 nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARK" -c "$lab_tmp/absent.conf" \
		"$@" >"$out" 2>"$err" </dev/null
	got=$?
	is "$what: exit $wanted" "$got" "$wanted" || diag "$(cat "$err")"
}

run() { # STATUS WHAT ARGUMENT...: the same with the lab's configuration
	local wanted=$1 what=$2
	shift 2
	gives "$wanted" "$what" -c "$lab_tmp/waymark.conf" "$@"
}

says() { # WHAT TEXT: standard error has TEXT
	check "$1" grep -Fq -- "$2" "$err" || diag "$(cat "$err")"
}

json() { # EXPRESSION of python on the document d
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' \
		"$out" "$1"
}

# Commands that ask the daemon or the history.
asking="status uplinks flows mismatches gaps coverage failover tampering stats usage report
	metrics nagios explain=1 alert=list who=203.0.113.10 prune=--yes uplink=wan1=auto"
# Commands that read the configuration, or neither.
apart="init check diff rules apply confirm remove import alert-test"

words() { # NAME=ARGUMENT...: as words
	echo "$1" | tr '=' ' '
}

nat masquerade
serve net 80 7
config_alert="exec = \"/bin/false\"" daemon_start
http_get pc 4 "http://$NET4/" >/dev/null
wait_for_sql 10 'SELECT count(*) FROM flows WHERE dport = 80' 4

# --- with the socket alone ------------------------------------------------------------------------

for one in $asking; do
	case $one in
	nagios) continue ;; # its exit status has another meaning
	esac
	# shellcheck disable=SC2046 # words
	gives 0 "$one by --socket alone" --socket "$lab_tmp/control.sock" $(words "$one")
done
gives 0 'flows by --socket alone' --socket "$lab_tmp/control.sock" flows --json --port 80
is 'flows by --socket alone: the flows of its history' "$(json 'len(d)')" 4
gives 0 'status by --socket alone' --socket "$lab_tmp/control.sock" status --json
is 'status: where the configuration is' "$(json 'd["config"]')" "$lab_tmp/waymark.conf"
is 'status: where the history is' "$(json 'd["database"]')" "$lab_tmp/flows.db"
nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARK" -c "$lab_tmp/absent.conf" \
	--socket "$lab_tmp/control.sock" nagios >"$out" 2>"$err"
check 'nagios by --socket alone: the status line has the mismatches' grep -Eq 'mismatches [0-9]+, ' "$out"
for one in $apart; do
	gives 2 "$one and --socket" --socket "$lab_tmp/control.sock" "$one"
	says "$one and --socket: the option is refused" "--socket is not possible: this command needs the configuration"
done
for one in $asking; do
	case $one in nagios) continue ;; esac
	# shellcheck disable=SC2046 # words
	gives 3 "$one, no daemon at the socket" --socket "$lab_tmp/absent.sock" $(words "$one")
	says "$one, no daemon at the socket: the error says so" 'waymarkd is not running'
done
gives 2 'nagios, no daemon at the socket: critical' --socket "$lab_tmp/absent.sock" nagios
check '... its status line says so' grep -q '^WAYMARK CRITICAL - the daemon is not running' "$out"

# --- names that are mistyped ---------------------------------------------------------------------

near() { # ARGUMENTS NAME: a usage error that names NAME
	# shellcheck disable=SC2086 # words
	run 2 "$1" $1
	says "$1: the nearest is $2" "did you mean $2"
}

near 'mismatchs' mismatches
near '--sokcet x status' --socket
near 'flows --lmit 3' --limit
near 'flows --uplink wan9' wan1
near 'flows --ingress wam2' wan2
near 'flows --egress wan9' wan1
near 'flows --verdict mismtach' mismatch
near 'flows --reason rule-befor' rule-before
near 'flows --columns dts' dst
near 'flows --sort byts' bytes
near 'mismatches --uplink wan9' wan1
near 'coverage --uplink wan9' wan1
near 'failover --uplink wan9' wan1
near 'usage --uplink wan9' wan1
near 'stats --by uplnk' uplink
near 'uplink wan9 down' wan1
near 'uplink wan1 dwon' down
near 'alert silence --for 1h --uplink wan9' wan1

exporting() { # STATUS WHAT ARGUMENT...: waymark-export
	local wanted=$1 what=$2 got
	shift 2
	"$top_build/src/waymark-export" -c "$lab_tmp/waymark.conf" "$@" >"$out" 2>"$err"
	got=$?
	is "waymark-export $what: exit $wanted" "$got" "$wanted" || diag "$(cat "$err")"
}

exporting 2 'with an option that is mistyped' schema --clustr x
says 'waymark-export: the nearest option' "unknown option '--clustr' (did you mean --cluster)"
exporting 2 'with a target that is mistyped' --once clickhuose
says 'waymark-export: the nearest target' 'did you mean clickhouse'
exporting 2 'with a command that is mistyped' staus
says 'waymark-export: the nearest command' 'did you mean status'
is 'waymark-export: an error is one line' "$(wc -l <"$err")" 1
exporting 0 'status, before anything was shipped' status --json
is 'waymark-export status: the JSON has the name of the router' "$(json 'd["router"]')" "$(uname -n)"
check_not 'status without a target says nothing of the exporter' sh -c '"$@" | grep -q ^export' sh \
	"$WAYMARK" -c "$lab_tmp/waymark.conf" status
cp "$lab_tmp/waymark.conf" "$lab_tmp/export.conf"
cat >>"$lab_tmp/export.conf" <<-END
	export {
		file = "$lab_tmp/shipped.jsonl"
		state-file = "$lab_tmp/export.state"
	}
END
says_of_export() { # WHAT PATTERN
	"$WAYMARK" -c "$lab_tmp/export.conf" status >"$out" 2>"$err"
	check "$1" grep -q "^export    $2" "$out" || diag "$(grep ^export "$out")"
}
says_of_export 'status: the exporter does not run' 'waymark-export is not running'
"$top_build/src/waymark-export" -c "$lab_tmp/export.conf" --once 2>"$err" || diag "$(cat "$err")"
says_of_export 'status: the rows that are not shipped' 'file: [0-9]* rows pending, last acknowledged 20'
echo damaged >"$lab_tmp/export.state"
says_of_export 'status: a state file that is damaged' 'unknown: cannot read .*export.state: the file is damaged'

# --- uplinks ------------------------------------------------------------------------------------

run 0 'uplinks as JSON' uplinks --json
is 'uplinks: the documented names' "$(json '[k for k in "name interface state cause health answered_share tier weight flows_live bytes_sent bytes_received mismatches".split() if k not in d[0]]')" '[]'
is 'uplinks: without a quota both values are null' "$(json '[(u["quota"], u["quota_used"]) for u in d]')" \
	'[(None, None), (None, None)]'

# --- columns ------------------------------------------------------------------------------------

run 0 'columns as a table heads them' flows --columns ID,NAT_SRC --port 80
is '... are those of the view' "$(head -n 1 "$out" | tr -s ' ' | sed 's/^ //')" 'ID NAT_SRC'
run 0 'the integer twins of times' flows --columns started,started_ms --json --port 80
is '... have the same time' "$(json 'all(__import__("datetime").datetime.fromisoformat(f["started"][:-1] + "+00:00").timestamp() * 1000 - f["started_ms"] < 1 for f in d)')" True
run 0 'gaps --sort' gaps --sort started
run 0 'coverage --sort' coverage --sort left_bytes
run 0 'tampering --sort' tampering --sort time
run 0 'coverage of now' coverage --at now --json
is '... has the rows of this hour' "$(json 'sorted(c["uplink"] for c in d)')" "['wan1', 'wan2']"

# --- an operator's decision is recorded with its end ---------------------------------------------------

run 0 'a decision' uplink wan2 drain
wait_for_sql 10 "SELECT user || process FROM uplink_states WHERE decision = 'drain'" rootwaymark
run 0 'its end' uplink wan2 auto
check 'the user who ended it is in the history' wait_for_sql 10 \
	"SELECT state, cause, user, process FROM uplink_states WHERE decision = 'auto'" 'up|operator|root|waymark'
is '... once' "$(sql "SELECT count(*) FROM uplink_states WHERE uplink = 'wan2' AND user IS NOT NULL")" 2

# --- metrics ------------------------------------------------------------------------------------

run 0 'metrics' metrics
for name in build_info up flows_live 'flows_total{verdict="ok"}' mismatches_total \
	'bytes_total{uplink="wan1",direction="sent"}' tampering_total gaps_total \
	'coverage_missing_packets_total{uplink="wan1",cause="gap"}' events_overruns_total \
	nflog_lost_total history_dropped_total 'history_delay_seconds_bucket{le="+Inf"}' \
	'uplink_up{uplink="wan1",interface="wan1"}' 'uplink_state{uplink="wan1",state="up"}' \
	'uplink_health{uplink="wan1",health="' 'uplink_tier{uplink="wan1"' \
	'uplink_weight{uplink="wan2"'; do
	check "metrics has $name" grep -Fq "waymark_$name" "$out"
done

# --- a reader in the group ------------------------------------------------------------------------------------

# reader STATUS WHAT ARGUMENT...: run the tool as a member of the group, without privilege.
reader() {
	local wanted=$1 what=$2 got
	shift 2
	timeout 20 nsenter --net="/proc/$ns_router/ns/net" -- setpriv --reuid=65534 --regid=65534 \
		--groups="$(getent group waymark | cut -d: -f3)" --bounding-set=-all --inh-caps=-all \
		"$WAYMARK" -c "$lab_tmp/waymark.conf" "$@" >"$out" 2>"$err" </dev/null
	got=$?
	is "$what: exit $wanted" "$got" "$wanted" || diag "$(cat "$err")"
}

if [ -z "${LAB_IN_USERNS:-}" ]; then
	for one in status uplinks flows mismatches gaps coverage failover tampering stats usage \
		report metrics rules check explain=1 who=203.0.113.10 alert=list; do
		# shellcheck disable=SC2046 # words
		reader 0 "a reader: $one" $(words "$one")
	done
	for one in apply remove confirm prune=--yes uplink=wan1=down alert=silence=--for=1h; do
		# shellcheck disable=SC2046 # words
		reader 1 "a reader may not: $one" $(words "$one")
		says "a reader may not: $one: says so" 'permission denied'
	done
else
	skip 'a reader in the group' 'a user namespace has one user'
fi

# --- a failure says why ------------------------------------------------------------------------------

at router ip link set wan2 down
says_why() { waymark status | grep -A1 '^alerts .* [1-9][0-9]* failed' | grep -q 'last error: .*false'; }
check 'status: why an alert could not be sent' wait_for 20 says_why || diag "$(waymark status)"

# --- no daemon -----------------------------------------------------------------------------------

daemon_stop
for one in status metrics watch alert=list uplink=wan1=down; do
	# shellcheck disable=SC2046 # words
	run 3 "$one without a daemon" $(words "$one")
	says "$one without a daemon: the error says so" 'waymarkd is not running'
done
for one in flows mismatches gaps stats usage uplinks tampering; do
	run 0 "$one without a daemon" $one
done

done_testing
