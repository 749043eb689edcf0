#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that the alert of a mismatch is over when no packet of it leaves any more, and
# not before, however long its flow goes on; and that one which goes on after that is
# reported again.

. "${0%/*}/lib.sh"

lab_up
nat none
serve net 80 7
config_write 'repair = false
	balance = false'
sed -i 's/min-interval = .*/min-interval = "2s"/' "$lab_tmp/waymark.conf"
daemon_run

alerts() { # raised|over: of mismatches
	grep '"kind":"mismatch"' "$lab_tmp/alerts.jsonl" 2>/dev/null | grep -c "\"state\":\"$1\""
}

has_alerts() { # raised|over NUMBER
	[ "$(alerts "$1")" = "$2" ]
}

packets() {
	sql "SELECT sum(packets) FROM mismatches"
}

hold one pc udp $NET4 7 1 || die 'no flow'
# The line that its mark names is found by it no longer; table main prefers the other.
at router ip route add default via $GW2_4 dev wan2 metric 50
at router ip rule del pref 4002
hold_push one
check "a mismatch is alerted" wait_for 5 has_alerts raised 1
# Half as long again as what counts as quiet, on the flow's own packets.
i=0
while [ $i -lt 60 ]; do
	hold_push one
	sleep 0.1
	i=$((i + 1))
done
check "its packets were counted" [ "$(packets)" -gt 30 ]
is "as long as they come it is not over" "$(alerts over)" 0
is "nor is it reported twice" "$(alerts raised)" 1
check "when they do not it is over" wait_for 15 has_alerts over 1
hold_push one
check "the same flow is reported again when it goes on" wait_for 5 has_alerts raised 2
is "it is one mismatch" "$(sql 'SELECT count(*) FROM mismatches')" 1
hold_close one
daemon_stop

done_testing
