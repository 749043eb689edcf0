#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that alerts can be silenced for maintenance: none is sent meanwhile, the history has
# the alerts and the user who silenced them, the silence ends by itself or by command, and only
# root may set it.

. "${0%/*}/lib.sh"

# raise: change something that raises an alert of kind tampering.
raise() {
	at router ip rule del fwmark 2/0xff
	wait_for_sql 10 "SELECT count(*) > $1 FROM alerts WHERE kind = 'tampering'" 1
}

tamperings() {
	sql "SELECT count(*) FROM alerts WHERE kind = 'tampering'"
}

sent() {
	grep -c '"kind": *"tampering"' "$lab_tmp/alerts.jsonl" 2>/dev/null || [ -e "$lab_tmp/alerts.jsonl" ] || echo 0
}

is_listed() { # TEXT
	waymark alert list | grep -qF -- "$1"
}

lab_up
nat none
daemon_start
check "nothing is silenced" is_listed "no alerts are silenced"

# --- refused ------------------------------------------------------------------------------

waymark alert silence >/dev/null 2>&1
is "without a duration it is a usage error" $? 2
waymark alert silence --for 5 >/dev/null 2>&1
is "a duration needs a unit" $? 2
waymark alert >/dev/null 2>&1
is "an unknown word is a usage error" $? 2
waymark alert silence --for 2h --uplink wan9 >"$lab_tmp/out" 2>&1
is "an uplink that does not exist is refused" $? 2
check "the error names it" grep -q 'no uplink "wan9" (did you mean wan1)' "$lab_tmp/out"

# --- silent -------------------------------------------------------------------------------

waymark alert silence --for 2h >"$lab_tmp/out"
is "all alerts are silenced" $? 0
check "the list has the end and the user" grep -Eq "alerts of all uplinks are silenced until .*, by user root, process waymark \(pid [0-9]+\)" "$lab_tmp/out"
check "the history has the silence" wait_for_sql 5 \
	"SELECT kind || ' ' || state || ' ' || (text LIKE '%by user root, process waymark (pid %)') FROM alerts" "silence raised 1"
check "an alert meanwhile is in the history" raise 0
is "the alert is not sent" "$(sent)" 0
check "the list as JSON" sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' alert list --json | grep -q '\"uplink\":null'"

# --- the end ---------------------------------------------------------------------------

waymark alert unsilence >"$lab_tmp/out"
check "the silence ends by command" grep -q "no alerts are silenced" "$lab_tmp/out"
check "the history has the end" wait_for_sql 5 "SELECT count(*) FROM alerts WHERE kind = 'silence' AND state = 'over'" 1
waymark alert silence --for 3s --uplink wan1 >"$lab_tmp/out"
check "the silence of one uplink is listed" grep -q "alerts of wan1 are silenced until" "$lab_tmp/out"
check "the silence ends by itself" wait_for 5 is_listed "no alerts are silenced"
check "an alert after the silence is in the history" raise "$(tamperings)"
is_sent() { [ "$(sent)" -gt 0 ]; }
check "the alert after the silence is sent" wait_for 10 is_sent

done_testing
