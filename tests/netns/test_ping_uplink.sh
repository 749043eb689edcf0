#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that ping-uplink tests its own uplink, also while that one is drained or down, with
# less loss and latency allowed for recovery than for failure; and that waymarkd with it takes
# an uplink down and up again, and drains one without a warning about flows that stay.

. "${0%/*}/lib.sh"

PING=${0%/*}/../../libexec/ping-uplink

pings() { # EXPECTED WHAT [VARIABLE=VALUE]...
	local wanted=$1 what=$2
	shift 2
	is "$what" "$(at router env UPLINK=wan1 INTERFACE=wan1 ADDRESS=$WAN1_4 ADDRESS6= CHECK= "$@" \
		sh "$lab_tmp/ping-uplink" >"$lab_tmp/out" 2>&1; echo $?)" "$wanted" || diag "$(cat "$lab_tmp/out")"
}

state_is() { # STATE HEALTH
	waymark uplinks --json | python3 -c '
import json, sys
u = json.load(sys.stdin)[0]
sys.exit([u["state"], u["health"]] != sys.argv[1:])' "$@"
}

isp1_drops() {
	at net nft add table inet isp
	at net nft 'add chain inet isp in { type filter hook prerouting priority raw - 1; }'
	at net nft "add rule inet isp in iifname isp1 ip daddr { $NET4, $NET4_VIA1 } drop"
	at net nft "add rule inet isp in iifname isp1 ip6 daddr $NET6 drop"
}

isp1_passes() {
	at net nft delete table inet isp
}

lab_up
nat masquerade
at router sysctl -qw net.ipv4.ping_group_range='0 2147483647'
sed "s/^TARGETS=.*/TARGETS='$NET4 $NET4_VIA1'/; s/^TARGETS6=.*/TARGETS6=$NET6/" "$PING" >"$lab_tmp/ping-uplink"
chmod 755 "$lab_tmp/ping-uplink"
daemon_start

# --- the program -------------------------------------------------------------------------------

pings 0 "all answers: good"
pings 0 "by IPv6 alone" ADDRESS= ADDRESS6=$WAN1_6
pings 0 "by the interface, without an address" ADDRESS=
isp1_drops
pings 1 "the provider drops: bad"
pings 1 "by the interface, too" ADDRESS=
pings 0 "by the other uplink: good" UPLINK=wan2 INTERFACE=wan2 ADDRESS=$WAN2_4
isp1_passes
at net nft 'add table inet isp; add chain inet isp in { type filter hook prerouting priority raw - 1; }'
at net nft 'add rule inet isp in iifname isp1 meta length > 1200 drop'
pings 0 "the provider drops large packets: small pings are good"
cp "$lab_tmp/ping-uplink" "$lab_tmp/ping-uplink.small"
sed -i 's/^SIZE=.*/SIZE=1400/' "$lab_tmp/ping-uplink"
pings 1 "large pings are bad"
isp1_passes
pings 0 "without the fault large pings are good"
mv "$lab_tmp/ping-uplink.small" "$lab_tmp/ping-uplink"
for word in drain down; do
	is "the operator sets $word" "$(waymark uplink wan1 $word >/dev/null; echo $?)" 0
	check "$word is in force" wait_for 5 grep -q "wan1: $([ $word = down ] && echo down || echo drained), decided by an operator" "$lab_tmp/waymarkd.log"
	sleep 1
	before=$(if_packets router wan1 tx)
	pings 0 "while it is $word: good"
	in_range "the pings leave by wan1" "$(($(if_packets router wan1 tx) - before))" 10 40
done
waymark uplink wan1 auto >/dev/null
if at net tc qdisc add dev isp1 root netem delay 400ms 2>/dev/null; then
	pings 0 "400 ms: not bad"
	pings 1 "400 ms after a bad result: not good yet" CHECK=bad
	at net tc qdisc del dev isp1 root
else
	skip "400 ms" "this kernel has no netem"
fi
daemon_stop

# --- with the daemon ------------------------------------------------------------------------------

config_write
sed -i "s|weight    = 1|weight = 1 health { exec = \"$lab_tmp/ping-uplink\" interval = \"3s\" down-after = 1 up-after = 1 on-failure = \"down\" }|" "$lab_tmp/waymark.conf"
daemon_run
check "the check passes: healthy" wait_for 20 state_is up healthy
isp1_drops
check "the check fails: down" wait_for 30 state_is down silent
check "the history has the cause" wait_for_sql 5 "SELECT cause, decision FROM uplink_states WHERE uplink = 'wan1' AND state = 'down' ORDER BY id DESC LIMIT 1" "health|down"
isp1_passes
check "the check passes again, after the hold time: up" wait_for 60 state_is up healthy
check "the history has the cause" wait_for_sql 5 "SELECT state, cause FROM uplink_states WHERE uplink = 'wan1' ORDER BY id DESC LIMIT 1" "up|health"

done_testing
