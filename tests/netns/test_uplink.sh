#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that an operator's decision about an uplink (drain, down, auto) is obeyed, recorded
# with its user, kept over a restart, and ended after --for; that new flows which another rule
# leads to a drained uplink are mismatches; that a check program decides; and that the tools
# show it.

. "${0%/*}/lib.sh"

field_is() { # UPLINK FIELD VALUE
	waymark uplinks --json | python3 -c '
import json, sys
u = next(u for u in json.load(sys.stdin) if u["name"] == sys.argv[1])
sys.exit(str(u[sys.argv[2]]) != sys.argv[3])' "$@"
}

# The uplinks that new flows of the PC use.
used() {
	http_get pc 12 "http://$NET4/" >/dev/null
	sleep 0.3
	sql "SELECT group_concat(DISTINCT uplink) FROM (SELECT uplink FROM flows WHERE dport = 80 ORDER BY id DESC LIMIT 12)"
}

lab_up
nat masquerade
serve net 80 7
daemon_start
is "uplink without a decision is a usage error" "$(waymark uplink wan1 2>/dev/null; echo $?)" 2
is "an unknown decision is a usage error" "$(waymark uplink wan1 sideways 2>/dev/null; echo $?)" 2
is "an unknown uplink is an error" "$(waymark uplink wan9 down 2>/dev/null; echo $?)" 2

check "drain" waymark uplink wan1 drain
check "its state is drain" wait_for 3 field_is wan1 state drain
check "its cause is the operator" field_is wan1 cause operator
check "it was decided by root" field_is wan1 decided_by root
is "new flows leave by the other one" "$(used)" wan2
sleep 1
at router ip route add 198.51.100.0/24 via $GW1_4 dev wan1
at pc ping -c 1 -W 1 -q $GW1_4 >/dev/null
at pc ping -c 1 -W 1 -q 198.51.100.1 >/dev/null
at router ping -c 1 -W 1 -q -I wan1 $NET4 >/dev/null
wait_for_sql 5 "SELECT count(*) FROM flows WHERE proto = 'icmp' AND egress = 'wan1'" 3
is "its network, a route of its own and bound flows may use it: no mismatch" \
	"$(sql "SELECT count(*) FROM flows WHERE proto = 'icmp' AND egress = 'wan1' AND verdict = 'ok'"; sql "SELECT count(*) FROM mismatches")" "3
0"
at router ip route del 198.51.100.0/24 via $GW1_4 dev wan1
at router ip rule add pref 100 iif lan lookup 251
http_get pc 3 "http://$NET4/" >/dev/null
check "flows that another rule leads to it are mismatches" wait_for_sql 5 \
	"SELECT count(*), reason, expected, egress FROM mismatches GROUP BY 2, 3, 4" "3|not-drained|wan1|wan1"
check "an alert names the rule" wait_for 5 grep -q '"kind":"mismatch".*"reason":"not-drained".*priority 100 .*lookup 251 takes over' "$lab_tmp/alerts.jsonl" || diag "$(cat "$lab_tmp/alerts.jsonl")"
check "explain says what to do" sh -c \
	"'$WAYMARK' -c '$lab_tmp/waymark.conf' explain $(sql "SELECT max(flow_id) FROM mismatches") | grep -q 'Remove the ip rule or route that leads new flows to this uplink'"
at router ip rule del pref 100
is "without it new flows leave by the other one" "$(used)" wan2
is "no more mismatches" "$(sql "SELECT count(*) FROM mismatches")" 3
says() { # PATTERN COMMAND...
	local pattern=$1
	shift
	waymark "$@" | grep -q "$pattern"
}
check "status shows the decision" says '^uplink    wan1: drain, .* (drain, decided by root)$' status
check "nagios shows the decision" says '; wan1: drain, decided by root |' nagios
waymark uplink wan1 drain --for 2h >/dev/null
check "status shows when it ends" says '^uplink    wan1: drain, .* (drain, decided by root until 20[0-9: -]*)$' status
check "uplinks --json shows when it ends" says '"name": "wan1",.*"until": "20[^"]*Z"' uplinks --json
waymark uplink wan1 drain >/dev/null
check "the log has the user" grep -q 'uplink wan1: drain, decided by root' "$lab_tmp/waymarkd.log"
daemon_stop
daemon_run
check "after a restart it is still drained" wait_for 3 field_is wan1 state drain
is "after a restart new flows still leave by the other one" "$(used)" wan2

# Tools compare with the decision, not with the configuration file alone.
as_decided() {
	check "$1: check finds the rules and routes correct" wait_for 5 sh -c \
		"nsenter --net=/proc/$ns_router/ns/net '$WAYMARK' -c '$lab_tmp/waymark.conf' check | grep -q 'rules and routes match the configuration'"
	is "$1: diff finds no difference" "$(waymark diff)" ""
	waymark apply >/dev/null
	is "$1: apply keeps the decision" "$(used)" wan2
}
as_decided drain

check "down" waymark uplink wan1 down
check "its state is down" wait_for 3 field_is wan1 state down
as_decided down
is "new flows leave by the other one" "$(used)" wan2
check "the gateway is reached by its interface's own address" at router ping -qc1 -W2 -I wan1 "$GW1_4"
check "auto" waymark uplink wan1 auto
check "its state is up" wait_for 3 field_is wan1 state up
check "its cause is the link" field_is wan1 cause link

check "down for three seconds" waymark uplink wan2 down --for 3s
check "its state is down" wait_for 3 field_is wan2 state down
check "after that its state is up" wait_for 8 field_is wan2 state up

# --- a check program ------------------------------------------------------------------------

daemon_stop
cat >"$lab_tmp/check" <<END
#!/bin/sh
env | grep -E '^(INTERFACE|ADDRESS|MARK|GATEWAY|UPLINK)=' | sort >"$lab_tmp/seen.\$INTERFACE.new" 2>/dev/null
{ id -un; grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status; } >"$lab_tmp/seen/\$INTERFACE.privilege" 2>/dev/null
mv "$lab_tmp/seen.\$INTERFACE.new" "$lab_tmp/seen/\$INTERFACE" 2>/dev/null
[ ! -e "$lab_tmp/fail.\$INTERFACE" ]
END
mkdir "$lab_tmp/seen"
chmod 755 "$lab_tmp/check"
chmod 777 "$lab_tmp" "$lab_tmp/seen"
sed -i "s|weight    = .*|weight = 1 health { exec = \"$lab_tmp/check\" interval = 1s down-after = 2 up-after = 2 on-failure = \"drain\" }|" \
	"$lab_tmp/waymark.conf"
daemon_run
check "the check passes: healthy" wait_for 5 field_is wan1 health healthy
is "the check program gets its uplink" "$(cat "$lab_tmp/seen/wan1")" \
	"ADDRESS=$WAN1_4
GATEWAY=$GW1_4
INTERFACE=wan1
MARK=0x2
UPLINK=wan1"
is "the check program runs as the alert user" "$(head -n 1 "$lab_tmp/seen/wan1.privilege")" "$(id -un 65534)"
is "the check program has no privilege" "$(grep -c '^Cap...:[[:space:]]*0*$' "$lab_tmp/seen/wan1.privilege")" 3
touch "$lab_tmp/fail.wan1"
check "the check fails: drained" wait_for 8 field_is wan1 state drain
check "its cause is health" field_is wan1 cause health
check "status shows that its health decided" says '^uplink    wan1: drain, .* (decided by its health)$' status
check "nagios shows that its health decided" says '; wan1: drain, decided by its health |' nagios
is "new flows leave by the other one" "$(used)" wan2
touch "$lab_tmp/fail.wan2"
sleep 4
check "the last usable uplink stays" field_is wan2 state up
check "the operator outranks the check" waymark uplink wan1 up
check "its state is up" wait_for 3 field_is wan1 state up

done_testing
