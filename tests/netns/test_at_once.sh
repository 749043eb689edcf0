#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that simultaneous events do not hide each other: tampering beside a reload, a
# renamed interface or a stop is repaired and reported with its process; a table that wrote
# marks and was deleted again is named; an uplink that fails while another one's routes
# wait to be withdrawn is followed at once.

. "${0%/*}/lib.sh"

# Stop the daemon, so that all events wait when it continues.
at_once_begin() {
	kill -STOP "$daemon_pid"
}

at_once_end() { # [SIGNAL]
	[ -z "${1:-}" ] || kill "-$1" "$daemon_pid"
	kill -CONT "$daemon_pid"
}

# tamper COMMAND...: runs on the router; sets $pid to its pid.
tamper() {
	# shellcheck disable=SC2016 # for that shell
	at router sh -c 'echo $$ >"$0" && exec "$@"' "$lab_tmp/pid" "$@" || die "failed: $*"
	pid=$(cat "$lab_tmp/pid")
}

repairs_by() { # WHAT PID: number of repairs recorded for that process
	sql "SELECT count(*) FROM tampering WHERE what LIKE '$1' AND pid = $2 AND action = 'restored'"
}

table_is_reported() { # WHEN
	wait_for 5 is_reported_once "$pid"
	is "$1: the process that deleted the table is reported" "$(repairs_by 'table inet waymark: gone' "$pid")" 1
	check "$1: the table is reinstalled" at router nft list table inet waymark
	wait_for_sql 5 "SELECT count(*) FROM gaps WHERE reason LIKE '%removed by nft (pid $pid)' AND ended IS NOT NULL" 1
	is "$1: the gap is recorded" \
		"$(sql "SELECT count(*) FROM gaps WHERE reason LIKE '%removed by nft (pid $pid)' AND ended IS NOT NULL")" 1
}

is_reported_once() {
	[ "$(repairs_by 'table inet waymark: gone' "$1")" = 1 ]
}

log_lines() { # TEXT
	grep -c -e "$1" "$lab_tmp/waymarkd.log"
}

log_has_more() { # TEXT COUNT
	[ "$(log_lines "$1")" -gt "$2" ]
}

# The daemon has handled the events that its own start caused.
daemon_is_quiet() {
	wait_for 5 grep -q ': ready' "$lab_tmp/waymarkd.log"
	sleep 1.5
}

lab_up
nat masquerade
daemon_start
daemon_is_quiet

# --- and a reload ----------------------------------------------------------------------

at_once_begin
tamper ip rule del fwmark 3/0xff
rule_pid=$pid
tamper nft flush ruleset
at_once_end HUP
check "reloaded" wait_for 5 grep -q 'configuration reloaded' "$lab_tmp/waymarkd.log"
table_is_reported "with a reload"
is "with a reload: the process that deleted the rule is reported" "$(repairs_by 'rule 4003: fwmark 0x3/0xff %(IPv4)' "$rule_pid")" 1
nat_load

# --- and another interface ----------------------------------------------------------------

ups=$(log_lines 'interface wan2 is up')
at_once_begin
tamper nft flush ruleset
at router ip link set wan2 down
at router ip link set wan2 name other
at_once_end
table_is_reported "with an interface renamed"
at router ip link set other name wan2
at router ip link set wan2 up
check "wan2 is back" wait_for 5 log_has_more 'interface wan2 is up' "$ups"
is "an interface renamed is no tampering" "$(sql "SELECT count(*) FROM tampering")" 3

# --- a table that came and went -------------------------------------------------------------

serve net 80 7
hold marked pc udp $NET4 7 8 || die 'no flows'
wait_for_sql 10 "SELECT count(*) FROM flows WHERE dport = 7 AND egress = uplink" 8
at_once_begin
# Its mark bits are changed, so that each packet leaves by the other uplink.
at router nft -f - <<-'END' || die 'no table'
	table inet painter {
		chain forward { type filter hook forward priority 0; udp dport 7 ct mark set ct mark xor 0x1; }
	}
END
hold_send marked >/dev/null
at router nft delete table inet painter
at_once_end
check "a table that came and went: a mark has changed" wait_for_sql 10 \
	"SELECT count(*) > 0 FROM mismatches WHERE reason = 'mark-changed'" 1
check "... each time the log names the table and its process" sh -c \
	'! grep "packets left by.*mark-changed" "$1" | grep -v "nft added a rule that sets marks (table inet painter, chain forward)"' \
	sh "$lab_tmp/waymarkd.log" || diag "$(grep mark-changed "$lab_tmp/waymarkd.log")"
hold_close marked

# --- two uplinks --------------------------------------------------------------------------

log_last() { # TEXT: the number of the last line that holds it
	grep -n -e "$1" "$lab_tmp/waymarkd.log" | tail -n 1 | cut -d: -f1
}

both_are_up() {
	[ "$(at router ip route show table 252 default | grep -c 'nexthop via')" = 2 ]
}

# In one shell of the router, because time is short: wan2 fails as soon as the log has
# wan1's failure.
uplinks_fail_in_turn() { # WAN1-DOWNS
	# shellcheck disable=SC2016 # for that shell
	at router sh -c 'ip -6 rule del fwmark 3/0xff
		ip link set wan1 down
		tries=0
		until [ "$(grep -c "interface wan1 is down" "$0")" -gt "$1" ] || [ $((tries += 1)) -gt 500 ]; do
			sleep 0.01
		done
		ip link set wan2 down' "$lab_tmp/waymarkd.log" "$1"
}

# The tampering is repaired a while after wan1's failure, and wan1's routes are withdrawn
# then. On a busy machine the shell may miss that interval, so it tries again.
second_is_first() {
	local tries=0 downs repaired
	while [ $((tries += 1)) -le 12 ]; do
		downs=$(log_lines 'interface wan2 is down')
		repaired=$(log_lines repaired)
		uplinks_fail_in_turn "$(log_lines 'interface wan1 is down')"
		wait_for 5 log_has_more repaired "$repaired"
		wait_for 5 log_has_more 'interface wan2 is down' "$downs"
		at router ip link set wan1 up
		at router ip link set wan2 up
		wait_for 5 both_are_up
		[ "$(log_last 'interface wan2 is down')" -ge "$(log_last repaired)" ] || return 0
	done
	return 1
}

check "a failure is followed although another uplink's routes wait to be withdrawn" second_is_first

# --- and a stop ------------------------------------------------------------------------------

# A daemon that has not repaired yet repairs at once.
daemon_stop
: >"$lab_tmp/waymarkd.log"
daemon_run
daemon_is_quiet
at_once_begin
tamper nft flush ruleset
stopped=$daemon_pid
at_once_end TERM
wait "$stopped"
daemon_pid=
table_is_reported "with a stop"

check_not "no sanitizer reports an error" grep -q -e 'ERROR: AddressSanitizer' -e 'runtime error' "$lab_tmp/waymarkd.log"
done_testing
