#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that alerts can be silenced for maintenance: nothing is sent meanwhile, the
# history has the alerts and who silenced them, it ends by itself or when asked, and only
# root may.

. "${0%/*}/lib.sh"

# raise: a change that raises an alert of kind tampering.
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
is "so is no word" $? 2
waymark alert silence --for 2h --uplink wan9 >"$lab_tmp/out" 2>&1
is "an uplink that does not exist is refused" $? 2
check "by its name" grep -q 'no uplink "wan9" (did you mean wan1)' "$lab_tmp/out"

# --- silent -------------------------------------------------------------------------------

waymark alert silence --for 2h >"$lab_tmp/out"
is "all alerts are silenced" $? 0
check "it says until when, and by whom" grep -Eq "alerts of all uplinks are silenced until .*, by user root, process waymark \(pid [0-9]+\)" "$lab_tmp/out"
check "the history has it" wait_for_sql 5 \
	"SELECT kind || ' ' || state || ' ' || (text LIKE '%by user root, process waymark (pid %)') FROM alerts" "silence raised 1"
check "an alert becomes a row" raise 0
is "and is not sent" "$(sent)" 0
check "as JSON" sh -c "'$WAYMARK' -c '$lab_tmp/waymark.conf' alert list --json | grep -q '\"uplink\":null'"

# --- and no longer ---------------------------------------------------------------------------

waymark alert unsilence >"$lab_tmp/out"
check "it ends when asked" grep -q "no alerts are silenced" "$lab_tmp/out"
check "the history has the end, too" wait_for_sql 5 "SELECT count(*) FROM alerts WHERE kind = 'silence' AND state = 'over'" 1
waymark alert silence --for 3s --uplink wan1 >"$lab_tmp/out"
check "one uplink's is listed" grep -q "alerts of wan1 are silenced until" "$lab_tmp/out"
check "and ends by itself" wait_for 5 is_listed "no alerts are silenced"
check "the next alert" raise "$(tamperings)"
is_sent() { [ "$(sent)" -gt 0 ]; }
check "is sent" wait_for 10 is_sent

done_testing
