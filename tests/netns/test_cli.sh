#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_cli.sh - the command line tool for users and scripts: exit status, error messages,
# valid JSON and CSV, filters, with and without a daemon, with and without privilege.

. "${0%/*}/lib.sh"

lab_up

out=$lab_tmp/out
err=$lab_tmp/err

# run STATUS WHAT ARGUMENT...: run the tool; its exit status must be STATUS. Its output is in
# $out and $err.
run() {
	local wanted=$1 what=$2 got
	shift 2
	waymark "$@" >"$out" 2>"$err"
	got=$?
	is "$what: exit $wanted" "$got" "$wanted" || diag "$(cat "$err")"
}

says() { # WHAT PATTERN: standard error has such a line, and each starts with the tool's name
	check "$1" grep -q -- "^waymark: .*$2" "$err" || diag "$(cat "$err")"
	check_not "$1: every line names the tool" grep -qv '^waymark: ' "$err"
}

is_json() { # WHAT: standard output is JSON
	check "$1" python3 -m json.tool "$out"
}

json() { # EXPRESSION of python on the document d
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' \
		"$out" "$1"
}

unprivileged() { # ARGUMENT...: the tool without any capability
	at router setpriv --bounding-set=-all --inh-caps=-all --no-new-privs \
		"$WAYMARK" -c "$lab_tmp/waymark.conf" "$@" >"$out" 2>"$err"
}

config_write

# --- usage ------------------------------------------------------------------------

run 0 'help' --help
check 'help lists every command' sh -c '
	for c in check rules apply remove status uplinks flows mismatches gaps; do
		grep -q "^  $c " "$1" || exit 1
	done' sh "$out"
run 0 'version' --version
check 'version: the version' sh -c 'head -n 1 "$1" | grep -qx "waymark [0-9.]*"' sh "$out"
check 'version: the features' grep -q 'sqlite [0-9.]*, jansson [0-9.]*' "$out"
run 2 'no command'
run 2 'an unknown command' frobnicate
says 'the error names it' 'unknown command "frobnicate"'
run 2 'a command that is mistyped' mismatchs
says 'the nearest command' 'did you mean mismatches'
run 2 'an option that is mistyped' flows --lmit 3
says 'the nearest option' 'did you mean --limit'
run 2 'an unknown option' --frobnicate
run 2 'an option that the command does not take' gaps --src 192.0.2.1
says 'the error names it' 'gaps: unknown option --src'
run 2 'an option without its value' flows --src
says 'the error names it' '--src needs a value'
run 2 'one argument too many' status please
says 'the error names it' 'status: unexpected argument "please"'
run 2 'a flow without quotes' explain tcp "$PC4:40000" # > ADDRESS:PORT, which the shell takes
says 'the error shows the quotes' "quote the flow: 'tcp A:P > B:Q'"
run 2 'JSON and CSV at once' flows --json --csv
run 2 'an unknown subject of completion' --list-options frobnicate
for command in $("$WAYMARK" --list-commands | cut -f1); do
	run 0 "help of $command" "$command" --help
	check "help of $command names each of its options" sh -c '
		for o in $("$1" --list-options "$2" | cut -f1 | grep "^--"); do
			grep -q -- "${o%=}" "$3" || exit 1
		done' sh "$WAYMARK" "$command" "$out"
done

# --- filters: each bad value -----------------------------------------------------------

refused() { # OPTION VALUE WANTED
	run 2 "--$1 $2" flows "--$1" "$2"
	says "--$1 $2: the error says what is wanted" "flows: --$1 \"$2\": expected .*$3"
}

refused since tuesday-ish 'ago'
refused since '' 'ago'
refused until 2026-13-45 'ago'
refused src 192.0.2.256 'address or prefix'
refused src 192.0.2.1/33 'address or prefix'
refused dst wan1 'address or prefix'
refused dst '2001:db8::/129' 'address or prefix'
refused port 65536 '0 to 65535'
refused port -1 '0 to 65535'
refused port http '0 to 65535'
refused proto 256 'protocol'
refused proto tpc 'protocol'
refused uplink '' 'name'
refused min-duration 10 'duration with its unit'
refused min-bytes lots 'size'
refused at 25:00 'ago'
refused host wan1 'address or prefix'
refused verdict wrong 'mismatch, wrong-source, foreign, unmarked, unknown, local, ok'
refused reason because 'rule-missing, route-missing, uplink-down, mark-changed, restore-missing, unexplained'
refused limit -5 'number'
refused limit 10x 'number'
run 2 'a moment and an interval' flows --at now --since yesterday
says 'both are named' '--at cannot be combined with --since'
run 2 'an interval that ends before it begins' flows --since '1 hour ago' --until '2 hours ago'
says 'the error names both times' '--since "1 hour ago" must be earlier than --until "2 hours ago"'

# --- no configuration, a bad one -----------------------------------------------------------

for command in rules apply remove status uplinks flows mismatches gaps; do
	"$WAYMARK" -c "$lab_tmp/absent.conf" $command >"$out" 2>"$err"
	is "$command without a configuration: exit 1" $? 1
	says "$command without a configuration: the error names it" 'absent.conf'
done
printf 'mode = "steer"\nuplink a { interface = "x" mark = 0x100 table = 9 }\n' >"$lab_tmp/bad.conf"
"$WAYMARK" -c "$lab_tmp/bad.conf" rules >"$out" 2>"$err"
is 'a bad configuration: exit 1' $? 1
says 'a bad configuration: file and line' 'bad.conf:2: '
"$WAYMARK" -c "$lab_tmp/bad.conf" check --json >"$out" 2>"$err"
is 'check of a bad configuration: exit 1' $? 1
is_json 'check of a bad configuration: JSON'
is 'check of a bad configuration: an error with file and line' \
	"$(json 'any(f["level"] == "error" and "bad.conf:2" in f["what"] for f in d)')" True

# --- no daemon -----------------------------------------------------------------------------

run 3 'status without a daemon' status
says 'status without a daemon: the error says so' 'waymarkd is not running'
run 3 'status --json without a daemon' status --json
is 'status --json without a daemon: prints nothing' "$(cat "$out")" ''
run 0 'uplinks without a daemon' uplinks --json
says 'uplinks without a daemon: a warning says so' 'waymarkd is not running'
is_json 'uplinks without a daemon: JSON'
is 'uplinks without a daemon: state from the kernel' \
	"$(json '[(u["name"], u["state"], u["mark"], u["flows_live"]) for u in d]')" \
	"[('wan1', 'up', 2, None), ('wan2', 'up', 3, None)]"
is 'uplinks without a daemon: gateways and addresses' \
	"$(json '(d[0]["gateway"], d[0]["gateway6"], d[0]["addresses"])')" \
	"('$GW1_4', '$GW1_6', ['$WAN1_4/24', '$WAN1_6/64'])"
run 1 'flows without a history' flows
says 'flows without a history: names it' 'flows.db'

# --- a daemon that hangs, closes the connection, sends garbage -------------------------------------------

# pretend ANSWER: a socket that sends this answer to one client.
pretend() {
	rm -f "$lab_tmp/control.sock"
	python3 -c '
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1] + ".new"); s.listen(1)
os.rename(sys.argv[1] + ".new", sys.argv[1])
c, _ = s.accept(); c.recv(4096)
if sys.argv[2] == "hang": time.sleep(8)
c.sendall(sys.argv[2].encode())
' "$lab_tmp/control.sock" "$1" &
	pretend_pid=$!
	wait_for 5 test -S "$lab_tmp/control.sock"
	sleep 0.1
}

pretend ''
run 1 'a daemon that closes the connection' status
says 'a daemon that breaks off: says so' 'cannot ask waymarkd'
pretend 'no json'
run 1 'a daemon that sends garbage' status
says 'a daemon that talks nonsense: says so' 'invalid reply'
pretend '{"error":"too many clients; try again"}'
run 1 'a daemon that refuses' status
says 'a daemon that refuses: says why' 'too many clients'
pretend '{"pid":1,"ready":false,"version":"9","mode":"steer"}'
run 3 'a daemon that is not ready' status
pretend hang
run 3 'a daemon that hangs' status
says 'a daemon that hangs: says so' 'does not answer'
kill $pretend_pid 2>/dev/null
rm -f "$lab_tmp/control.sock"

# --- no privilege ------------------------------------------------------------------------------

before=$(at router nft -s list ruleset; at router ip rule; at router ip route show table all)
for command in apply remove; do
	unprivileged $command
	is "$command without privilege: exit 1" $? 1
	says "$command without privilege: the error names the capability" "$command needs CAP_NET_ADMIN; run it as root"
done
unprivileged rules
is 'rules without privilege: exit 0' $? 0
check 'rules without privilege: the ruleset' grep -q 'table inet waymark' "$out"
check 'rules without privilege: an ip rule' grep -q 'fwmark 0x2/0xff' "$out"
unprivileged check --json
is_json 'check without privilege: JSON'
is 'check without privilege: a finding names what could not be checked' \
	"$(json 'sum("CAP_NET_ADMIN" in f["what"] for f in d)')" 1
is 'none of these commands changed anything' \
	"$(at router nft -s list ruleset; at router ip rule; at router ip route show table all)" "$before"

# --- check -----------------------------------------------------------------------------------------

run 0 'check of a healthy host' check
check_not 'check: one line per finding' grep -Evq '^(ok|warning|error): ' "$out" || diag "$(cat "$out")"
run 0 'check --csv' check --csv
is 'check --csv: header' "$(head -n 1 "$out")" level,what,fix

# beside COMMAND...: runs on the router until beside_end.
beside() {
	at router sh -c 'echo $$ >"$0"; exec "$@"' "$lab_tmp/beside.pid" "$@" >/dev/null 2>&1 &
	wait_for 5 test -s "$lab_tmp/beside.pid"
}

beside_end() {
	kill "$(cat "$lab_tmp/beside.pid")"
	wait_for 5 test ! -d "/proc/$(cat "$lab_tmp/beside.pid")"
	rm "$lab_tmp/beside.pid"
}

# finds WHAT LEVEL PATTERN: check reports it.
finds() {
	waymark check >"$out" 2>"$err"
	check "check finds $1" grep -Eq -- "^$2: .*$3" "$out" || diag "$(cat "$out")"
}

at router nft -f - <<-END
	table ip others {
		chain c { type filter hook prerouting priority 0; meta mark set meta mark | 0x1; }
	}
END
finds 'a mark of others' error 'table ip others, chain c writes bits 0x1 of the packet mark'
waymark check >/dev/null 2>&1
is 'check with an error: exit 1' $? 1
at router nft delete table ip others
at router ip rule add pref 5000 fwmark 0x7 lookup 77
finds 'an ip rule of others' warning 'matches mark bits 0x7 [(]under mark-mask 0xff[)]'
at router ip rule del pref 5000
at router ip route add 198.51.100.0/24 dev lan table 251
finds 'a route of others in a table of ours' warning 'in the table of uplink wan1.*ip -4 route del'
at router ip route del 198.51.100.0/24 table 251
at router ip link set wan2 down
finds 'an uplink that is down' warning 'uplink wan2: interface wan2 is down.*ip link set dev wan2 up'
at router ip link set wan2 up
at router ip -6 addr add $WAN2_6/64 dev wan2 nodad 2>/dev/null
at router ip route add default via $GW2_4 dev wan2 metric 200 2>/dev/null
at router ip -6 route add default via $GW2_6 dev wan2 metric 200 2>/dev/null
at router sysctl -qw net.ipv4.ip_forward=0
finds 'disabled forwarding' warning 'ip_forward is 0'
at router sysctl -qw net.ipv4.ip_forward=1
config_alert="exec = \"$lab_tmp/absent\"" config_write
finds 'a missing alert program' error 'alert exec .*/absent cannot be run: No such file'
echo 'this is no database' >"$lab_tmp/flows.db"
config_write
finds 'a file that is no database' error 'flows.db'
rm "$lab_tmp/flows.db"
# NFULNL_MSG_CONFIG with NFULNL_CFG_CMD_BIND (linux/netfilter/nfnetlink_log.h)
beside python3 -c '
import socket, struct, time
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
body = struct.pack("=BB", 0, 0) + struct.pack("!H", 77) + struct.pack("=HHB3x", 5, 1, 1)
s.send(struct.pack("=IHHII", 16 + len(body), 4 << 8 | 1, 5, 1, 0) + body)
time.sleep(60)'
wait_for 5 at router grep -q '^ *77 ' /proc/net/netfilter/nfnetlink_log
finds 'the process that has the NFLOG group' error 'NFLOG group 77 is used by python3'
beside_end
beside conntrack -E
wait_for 5 at router grep -Eq '^[0-9a-f]+ 12 +[0-9]+ +00000007 ' /proc/net/netlink
finds 'the process that listens to events' ok 'conntrack .*listens to conntrack events'
beside_end

# --- apply and remove ------------------------------------------------------------------------------

state_of_router() {
	at router nft -s list ruleset
	at router ip rule
	at router ip -6 rule
	at router ip route show table all | sort
	at router ip -6 route show table all | grep -v ' linkdown' | sort
}

before=$(state_of_router)
run 0 'remove of nothing' remove
run 0 'apply' apply
applied=$(state_of_router)
check 'apply installs the rules' at router sh -c 'ip rule | grep -q "fwmark 0x2/0xff lookup 251"'
run 0 'check after apply' check
check 'check after apply: rules and routes are installed' grep -q '^ok: the installed ip rules and routes match the configuration' "$out" ||
	diag "$(cat "$out")"
run 0 'apply again' apply
is 'apply again changes nothing' "$(state_of_router)" "$applied"
at router ip rule del pref 4002
finds 'a missing rule of Waymark' warning 'installed ip rules and routes differ from the configuration .*; waymark -c [^ ]*/waymark.conf apply'
run 0 'remove' remove
is 'remove leaves the network as it was' "$(state_of_router)" "$before"
run 0 'remove again' remove

# --- with a daemon -----------------------------------------------------------------------------------

nat masquerade
serve net 80 7
daemon_start
run 0 'status' status
for word in daemon flows events nflog history queue alerts coverage 'uplink    wan1: up'; do
	check "status shows $word" grep -q "^$word" "$out"
done
run 0 'status --json' status --json
is_json 'status --json: JSON'
is 'status --json: ready' "$(json 'd["ready"]')" True
run 0 'uplinks' uplinks --json
is 'uplinks: from the daemon' "$(json '[(u["name"], u["state"], u["flows_live"] is None) for u in d]')" \
	"[('wan1', 'up', False), ('wan2', 'up', False)]"
is 'uplinks: nothing on standard error' "$(cat "$err")" ''

http_get pc 6 "http://$NET4/" >/dev/null
http_get pc 6 "http://[$NET6]/" >/dev/null
wait_for_sql 5 "select count(*) from flows where dport = 80" 12
columns='id,started,ended,state,proto,src,sport,dst,dport,nat_src,nat_sport,nat_dst,nat_dport,zone,ct_id,mark,uplink,ingress,egress,egress_reply,verdict,reason,packets,bytes,packets_reply,bytes_reply'

run 0 'flows --csv' flows --csv --port 80
is 'flows --csv: header' "$(head -n 1 "$out")" "$columns"
is 'flows --csv: one line per flow' "$(($(wc -l <"$out") - 1))" 12
run 0 'flows --json' flows --json --port 80
is 'flows --json: the columns of the view, in order' "$(json '",".join(d[0].keys())')" "$columns"
is 'flows --json: numbers are numbers' "$(json '{type(f["dport"]).__name__ for f in d}')" "{'int'}"
is 'flows --json: newest first' "$(json '[f["id"] for f in d] == sorted([f["id"] for f in d], reverse=True)')" True
run 0 'flows as a table' flows --port 80
is 'flows as a table: header and a line per flow' "$(wc -l <"$out")" 13
check 'flows as a table: the flow as explain takes it' grep -Eq "tcp $PC4:[0-9]+ > $NET4:80 " "$out"
check_not 'flows as a table: no colour in a pipe' grep -q "$(printf '\033')" "$out"

run 0 'check beside the daemon' check
check 'check beside the daemon: the NFLOG group is held by waymarkd' grep -q '^ok: NFLOG group 77 is used by waymarkd' "$out" ||
	diag "$(cat "$out")"
check_not 'check beside the daemon: no other listener' grep -q 'listens to conntrack events' "$out"
loaded() { at router nft -a list table inet waymark | head -n 1; } # handles are not reused
before=$(loaded)
run 0 'apply beside the daemon' apply
is 'apply beside the daemon: the rules are not loaded again' "$(loaded)" "$before"
run 0 'metrics' metrics
check 'metrics: the daemon is up' grep -qx 'waymark_up 1' "$out"
check 'metrics: an uplink' grep -qx 'waymark_uplink_up{uplink="wan1",interface="wan1"} 1' "$out"
check_not 'metrics: only comments and samples' grep -Evq '^(# (HELP|TYPE) waymark_[a-z0-9_]+ |waymark_[a-z0-9_]+([{][^}]*[}])? [0-9.]+$)' "$out"

# counts WANTED FILTER...: number of matching flows.
counts() {
	local wanted=$1
	shift
	run 0 "flows $*" flows --json "$@"
	is "flows $*: $wanted" "$(json 'len(d)')" "$wanted"
}

counts 6 --port 80 --dst $NET4
counts 6 --port 80 --dst "$NET6/64"
counts 6 --port 80 --src $PC4
counts 12 --port 80 --proto tcp
counts 12 --port 80 --proto 6
counts 0 --port 80 --proto udp
counts 12 --port 80 --since '10 minutes ago'
counts 0 --port 80 --until '10 minutes ago'
counts 0 --port 80 --until 1970-01-01T00:00:00Z
counts 0 --port 80 --since tomorrow
counts 0 --port 80 --verdict mismatch
counts 12 --port 80 --verdict ok
run 2 'an uplink that is mistyped' flows --uplink wam1
says 'the nearest uplink' 'no uplink "wam1" in the history (did you mean wan1)'
counts 0 --port 81
counts 6 --dport 80 --host $PC4
counts 0 --sport 80
counts 12 --dport 80 --started-since '10 minutes ago'
counts 0 --dport 80 --started-since tomorrow
# Counters are in the history when a flow has ended.
at router conntrack -D -p tcp --dport 80 >/dev/null 2>&1
at router conntrack -D -f ipv6 -p tcp --dport 80 >/dev/null 2>&1
wait_for_sql 10 "SELECT count(*) FROM flows WHERE dport = 80 AND bytes + bytes_reply >= 100" 12
counts 12 --port 80 --min-bytes 100
counts 0 --port 80 --min-bytes '1 GiB'
counts 0 --port 80 --min-duration 1h
counts 0 --port 80 --unanswered

counts 5 --port 80 --limit 5
check 'a notice says that --limit left out rows' grep -q 'only the newest 5 rows are shown; more rows match' "$err"
counts 1 --port 80 --limit 1
check '... in the singular for one row' grep -q 'only the newest row is shown; more rows match' "$err"
counts 12 --port 80 --limit 12
is 'a limit that fits gives no notice' "$(cat "$err")" ''
counts 12 --port 80 --limit 0
run 0 'flows --uplink wan1' flows --json --port 80 --uplink wan1
one=$(json 'len(d)')
run 0 'flows --uplink wan2' flows --json --port 80 --uplink wan2
is 'each flow has its uplink' "$((one + $(json 'len(d)')))" 12

# A foreign rule sends packets with the mark of wan1 out of wan2.
nat none
at router ip rule add pref 500 fwmark 0x2/0xff lookup 250
# Some of these flows use wan1, and they stay open.
hold strays pc tcp $NET4 7 24 || die "no flows"
wait_for_sql 10 "SELECT count(*) FROM flows WHERE dport = 7 AND uplink IS NOT NULL" 24
wait_for_sql 10 "SELECT (SELECT count(*) FROM mismatches) = (SELECT count(*) FROM flows WHERE dport = 7 AND uplink = 'wan1')" 1
at router ip rule del pref 500
nat masquerade
run 0 'mismatches --json' mismatches --json
all=$(json 'len(d)')
is 'mismatches: expected uplink and egress' \
	"$(json '{(m["expected"], m["egress"], m["dport"]) for m in d}')" "{('wan1', 'wan2', 7)}"

# mismatched WANTED FILTER...: number of matching mismatches.
mismatched() {
	local wanted=$1
	shift
	run 0 "mismatches $*" mismatches --json "$@"
	is "mismatches $*: $wanted" "$(json 'len(d)')" "$wanted"
}

mismatched "$all" --uplink wan1
mismatched "$all" --uplink wan2
mismatched "$all" --src $PC4 --dst $NET4 --port 7 --proto tcp
mismatched 0 --dst $NET6
mismatched "$all" --verdict mismatch
mismatched 0 --verdict ok
mismatched 1 --limit 1
mismatched 1 --limit 1 --verdict mismatch
mismatched "$all" --live
mismatched 0 --reason uplink-down
run 0 'mismatches as a table' mismatches
is 'mismatches as a table: header and one line per row' "$(wc -l <"$out")" "$((all + 1))"

COLUMNS=80 waymark mismatches >"$out" 2>"$err"
check_not 'mismatches in 80 columns: no flow is cut' grep -q '…' "$out"

for listing in mismatches gaps; do
	run 0 "$listing --json of nothing" $listing --json --until '2 days ago'
	is "$listing --json of nothing: an empty array" "$(json 'd')" '[]'
	run 0 "$listing --csv of nothing" $listing --csv --until '2 days ago'
	is "$listing --csv of nothing: the header" "$(wc -l <"$out")" 1
	run 0 "$listing of nothing" $listing --until '2 days ago'
	says "$listing of nothing: says so" "no $listing in the history"
done
run 0 'mismatches --csv' mismatches --csv
is 'mismatches --csv: header' "$(head -n 1 "$out")" \
	id,time,flow_id,proto,src,sport,dst,dport,direction,mark,expected,egress,reason,evidence,packets
run 0 'gaps --csv' gaps --csv
is 'gaps --csv: header' "$(head -n 1 "$out")" id,started,ended,source,lost,reason

"$WAYMARK" -c "$lab_tmp/absent.conf" flows --database "$lab_tmp/flows.db" --json >"$out" 2>"$err"
is 'flows --database needs no configuration' $? 0
waymark flows --json >/dev/full 2>"$err"
is 'a full disk: exit 1' $? 1
says 'a full disk: says so' 'cannot write the output'

daemon_stop
run 3 'status after the daemon' status
run 3 'metrics after the daemon' metrics
check 'metrics after the daemon: waymark_up is 0' grep -qx 'waymark_up 0' "$out"
run 0 'flows after the daemon' flows --json --port 80
is 'flows after the daemon: all' "$(json 'len(d)')" 12

# An interface name may have any bytes.
daemon_start "uplink odd { interface = \"$(printf 'w\351b')\" mark = 4 table = 249 gateway = \"none\" }"
run 0 'a name that is not UTF-8: uplinks' uplinks --json
is 'a name that is not UTF-8: the uplink is there' "$(json '[u["interface"] for u in d if u["name"] == "odd"]')" "['w?b']"
run 0 'a name that is not UTF-8: metrics' metrics
check 'a name that is not UTF-8: metrics has the uplink' grep -qx 'waymark_uplink_up{uplink="odd",interface="w?b"} 0' "$out"
daemon_stop

done_testing
