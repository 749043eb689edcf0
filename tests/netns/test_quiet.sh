#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that the alert of a mismatch ends when no stray packet of the flow leaves any more,
# and not before, however long the flow lasts; and that later stray packets of the same flow
# raise it again.

. "${0%/*}/lib.sh"

lab_up
nat none
serve net 80 7
config_write 'repair = false
	balance = false'
sed -i 's/min-interval = .*/min-interval = "2s"/' "$lab_tmp/waymark.conf"
daemon_run

alerts() { # raised|over: number of mismatch alerts in that state
	grep '"kind":"mismatch"' "$lab_tmp/alerts.jsonl" 2>/dev/null | grep -c "\"state\":\"$1\""
}

has_alerts() { # raised|over NUMBER
	[ "$(alerts "$1")" = "$2" ]
}

packets() {
	sql "SELECT sum(packets) FROM mismatches"
}

hold one pc udp $NET4 7 1 || die 'no flow'
# The rule of its mark is deleted, and table main prefers the other uplink.
at router ip route add default via $GW2_4 dev wan2 metric 50
at router ip rule del pref 4002
hold_push one
check "a mismatch is alerted" wait_for 5 has_alerts raised 1
# Half as long again as the time that counts as quiet, measured by the flow's own packets.
i=0
while [ $i -lt 60 ]; do
	hold_push one
	sleep 0.1
	i=$((i + 1))
done
check "the flow sent packets meanwhile" [ "$(packets)" -gt 30 ]
is "while stray packets leave the alert is not over" "$(alerts over)" 0
is "the alert is raised once" "$(alerts raised)" 1
check "without stray packets the alert is over" wait_for 15 has_alerts over 1
hold_push one
check "the alert is raised again when the flow strays again" wait_for 5 has_alerts raised 2
is "the history has one mismatch" "$(sql 'SELECT count(*) FROM mismatches')" 1
hold_close one
daemon_stop

done_testing
