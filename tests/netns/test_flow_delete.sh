#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves on-mismatch: "record" deletes nothing; "delete-flow" deletes exactly the conntrack
# entry of the flow that mismatches, which is then re-established with the right mark; the
# history has each deletion; at most ten are deleted per second though each of a hundred is
# recorded; no flow of an uplink that is down is deleted.

. "${0%/*}/lib.sh"

# Each flow starts by wan1; while diverted, table main prefers wan2, so that a packet that is
# not routed by its mark leaves by wan2.
lab_up
nat none
serve net 80 7
settings='repair = false
	balance = false'
daemon_start "$settings"

entries() { # the flows of the PC: "PORT ID", sorted
	at router conntrack -L -o id 2>/dev/null | grep 'dport=7 ' |
		sed -n 's/.* sport=\([0-9]*\) .*sport=7 .* id=\([0-9]*\)$/\1 \2/p' | sort
}

# The entries except those of these ports.
entries_but() { # PORT...
	local port all
	all=$(entries)
	for port; do
		all=$(echo "$all" | grep -v "^$port ")
	done
	echo "$all"
}

# Another process writes another uplink's mark to one flow, whose label shows wan1.
misplace() { # PROTO PORT
	at router conntrack -U -p "$1" -s $PC4 --orig-port-src "$2" -m 3 >/dev/null 2>&1
}

# The rule of wan1's mark is deleted, or installed again.
diverted() { # add|del
	at router ip route "$1" default via $GW2_4 dev wan2 metric 50
	case $1 in
	add) at router ip rule del pref 4002 ;;
	del) kill -HUP "$daemon_pid" && wait_for 15 has_rule ;;
	esac
}

has_rule() {
	at router ip rule | grep -q '^4002:'
}

is_watched() {
	at pc curl -s --max-time 1 "http://$LAN4:81/"
	grep -q ' flow ' "$lab_tmp/watch.out"
}

mismatches() { # PORT...: how many of them have a mismatch
	sql "SELECT count(DISTINCT sport) FROM mismatches WHERE sport IN ($(echo "$*" | tr ' ' ','))"
}

counted() { # deleted|not_deleted
	waymark status --json | sed 's/.*"'"$1"'": *\([0-9]*\).*/\1/'
}

reload() { # CONFIGURATION TEXT
	local before
	before=$(grep -c 'configuration reloaded' "$lab_tmp/waymarkd.log")
	config_write "$1"
	kill -HUP "$daemon_pid"
	wait_for 15 reloaded_since "$before" || die 'no reload'
}

reloaded_since() {
	[ "$(grep -c 'configuration reloaded' "$lab_tmp/waymarkd.log")" -gt "$1" ]
}

# --- record ---------------------------------------------------------------------------

hold_many off pc "udp $NET4 7 2" "tcp $NET4 7 2" || die 'no flows'
# shellcheck disable=SC2046 # a list
set -- $(hold_ports off)
before=$(entries)
is "four flows" "$(echo "$before" | wc -l)" 4
misplace udp "$1"
misplace tcp "$3"
check "off: the mismatches are recorded" wait_for_sql 5 "SELECT count(DISTINCT flow_id) FROM mismatches" 2
# The rows of a later second show that the daemon has processed the earlier ones.
hold mark pc udp $NET4 7 1
check "off: time has passed" wait_for_sql 5 "SELECT count(*) FROM flows WHERE sport = $(hold_ports mark)" 1
hold_close mark
is "off, the default: nothing is deleted" "$(entries_but "$(hold_ports mark)")" "$before"
is "off: no deletion is reported" "$(sql "SELECT count(*) FROM deleted_flows") $(counted deleted) $(counted not_deleted)" "0 0 0"
hold_close off
# Their entries would time out during the test.
at router conntrack -F >/dev/null 2>&1

# --- delete-flow ------------------------------------------------------------------------

settings="$settings
	on-mismatch = \"delete-flow\""
reload "$settings"
background watch router "$WAYMARK" -c "$lab_tmp/waymark.conf" watch
check "a client watches" wait_for 10 is_watched
hold_many one pc "udp $NET4 7 3" "tcp $NET4 7 3" || die 'no flows'
# shellcheck disable=SC2046 # a list
set -- $(hold_ports one)
u=$1 t=$4
before=$(entries_but "$u" "$t")
misplace udp "$u"
misplace tcp "$t"
check "a flow of UDP and one of TCP are deleted" wait_for_sql 5 "SELECT count(*) FROM deleted_flows c
	JOIN mismatches m ON m.id = c.mismatch_id AND m.flow_id = c.flow_id
	WHERE m.sport IN ($u, $t) AND c.action = 'deleted'" 2
check "their entries are gone" wait_for 5 at router sh -c "! conntrack -L 2>/dev/null | grep 'sport=\\($u\\|$t\\) dport=7 '"
is "the other entries are unchanged" "$(entries_but "$u" "$t")" "$before"
check "their rows end as mismatches, with the mismatch's reason" wait_for_sql 5 \
	"SELECT DISTINCT state || verdict || reason FROM flows WHERE id IN (SELECT flow_id FROM deleted_flows)" \
	"endedmismatchmark-changed"
is "the daemon's log names each" "$(grep -c 'conntrack entry deleted (on-mismatch = delete-flow)' "$lab_tmp/waymarkd.log")" 2
is "each flow is answered" "$(hold_send one)" 6
check "they were re-established by an uplink with the right mark" wait_for_sql 5 \
	"SELECT count(*) FROM flows WHERE sport IN ($u, $t) AND state = 'live'
		AND mark = 2 AND egress = 'wan1' AND verdict = 'ok'" 2
id=$(sql "SELECT min(flow_id) FROM deleted_flows")
check "the watching client is notified" wait_for 5 grep -q " deleted  flow $id: conntrack entry deleted, because of mismatch" "$lab_tmp/watch.out"
background_end watch
check "explain reports it" sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' explain $id | grep -q '^deleted .*entry was deleted'"
hold_close one

# wan1's rule is deleted: stray flows are re-established by wan2.
hold lost pc udp $NET4 7 2 || die 'no flows'
ports=$(hold_ports lost | tr '\n' ' ')
diverted add
hold_push lost
check "a lost rule: both flows are deleted" wait_for_sql 5 "SELECT count(*) FROM deleted_flows c JOIN flows f ON f.id = c.flow_id
	WHERE f.sport IN ($(echo $ports | tr ' ' ',')) AND f.reason = 'rule-missing' AND f.state = 'ended'" 2
is "a lost rule: they are answered" "$(hold_send lost)" 2
check "a lost rule: they are re-established by wan2, with its mark" wait_for_sql 5 "SELECT count(*) FROM flows
	WHERE sport IN ($(echo $ports | tr ' ' ',')) AND state = 'live' AND mark = 3 AND egress = 'wan2' AND verdict = 'ok'" 2
hold_close lost
diverted del

# --- the rate limit -------------------------------------------------------------------------

hold many pc udp $NET4 7 100 || die 'no flows'
# shellcheck disable=SC2046 # a list
ports=$(hold_ports many | tr '\n' ' ')
deleted_before=$(counted deleted) not_deleted_before=$(counted not_deleted)
diverted add
hold_push many
# shellcheck disable=SC2086 # a list
all_counted() { [ "$(mismatches $ports)" = 100 ] && [ $(($(counted deleted) + $(counted not_deleted) - deleted_before - not_deleted_before)) = 100 ]; }
check "a hundred at once: each is recorded, each is deleted or counted" wait_for 10 all_counted
in_range "some are not deleted, because of the rate limit" $(($(counted not_deleted) - not_deleted_before)) 1 99
check "each counted deletion is a row" wait_for_sql 5 "SELECT count(*) FROM deleted_flows" "$(counted deleted)"
in_range "at most ten deletions are in any second" "$(sql "SELECT max((SELECT count(*) FROM deletion o
	WHERE o.time > c.time - 990 AND o.time <= c.time)) FROM deletion c")" 1 10
check "metrics have both counters" sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' metrics | grep -c 'flows_\(not_\)\?deleted_total [1-9]' | grep -q 2"
hold_drop many
diverted del

# --- an uplink that is down -----------------------------------------------------------------

# With repair, flows of an uplink that stays down leave by the other uplink.
reload 'balance = false
	on-mismatch = "delete-flow"'
hold down pc udp $NET4 7 3 || die 'no flows'
# shellcheck disable=SC2046 # a list
ports=$(hold_ports down | tr '\n' ' ')
deletions=$(counted deleted) not_deleted_before=$(counted not_deleted)
at router ip route add default via $GW2_4 dev wan2 metric 50
at net ip link set isp1 down
strays() { hold_push down && [ "$(mismatches $ports)" = 3 ]; }
check "the uplink is down: its flows stray, and are reported" wait_for 10 strays
is "no flow is deleted or counted as not deleted" "$(counted deleted) $(counted not_deleted)" "$deletions $not_deleted_before"
hold_drop down

done_testing
