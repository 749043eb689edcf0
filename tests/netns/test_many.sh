#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_many.sh - sixty uplinks work: all are installed and used, each flow stays on its
# uplink in both directions, a fault of one is found, and all are removed without a trace.
# The sixty-first is an error with its line in the file. A higher label-base leaves room
# for fewer uplinks, which work as well.

. "${0%/*}/lib.sh"

lab_up
nat_rules='oifname "up*" masquerade'
nat_forwards="iifname \"up*\" tcp dport 8080 dnat ip to $PC4:8080"
nat_load
serve pc 8080 7
serve net 80 7

# links_make COUNT: interfaces up1, up2 ... with the peers at1, at2 ... of net
links_make() {
	local i=1
	while [ $i -le "$1" ]; do
		echo "link add up$i type veth peer name at$i netns $ns_net"
		echo "link set up$i up"
		echo "addr add 10.60.$i.10/24 dev up$i"
		i=$((i + 1))
	done | at router ip -batch - || die 'no links'
	i=1
	while [ $i -le "$1" ]; do
		echo "link set at$i up"
		echo "addr add 10.60.$i.1/24 dev at$i"
		i=$((i + 1))
	done | at net ip -batch - || die 'no far ends'
}

# config_many COUNT [TEXT]: marks 1 and up, one line per uplink after the first three.
config_many() {
	local i=1
	{
		echo "database = \"$lab_tmp/flows.db\""
		echo "control-socket = \"$lab_tmp/control.sock\""
		echo "${2:-balance = true}"
		while [ $i -le "$1" ]; do
			echo "uplink uplink$i { interface = \"up$i\" mark = $i table = $((1000 + i)) gateway = \"10.60.$i.1\" }"
			i=$((i + 1))
		done
	} >"$lab_tmp/waymark.conf"
}

state_of_router() {
	local family
	at router nft -s list ruleset
	for family in -4 -6; do
		at router ip $family rule
		at router ip $family route show table all | sort
	done
	at router sysctl -a --pattern 'nf_conntrack_(acct|timestamp|events)$|rp_filter$|src_valid_mark$|fib_multipath_hash_policy$'
}

# The replies go to $NET4, which is in no uplink's own network.
pages_in() { # UPLINK: 2 pages from outside
	http_get net 2 "http://10.60.$1.10:8080/" --interface $NET4
}

steered() { # COUNT FLOWS-OUT
	local i
	: >"$lab_tmp/pages"
	http_get pc "$2" "http://$NET4/" >>"$lab_tmp/pages"
	for i in 1 2 $(($1 / 2)) $(($1 - 1)) "$1"; do
		pages_in "$i" >>"$lab_tmp/pages"
	done
	is "$1 uplinks: every page came" "$(grep -c ' 200 960$' "$lab_tmp/pages")" $(($2 + 10))
	wait_for_sql 5 "SELECT count(*) FROM flows WHERE verdict = 'ok'" $(($2 + 10))
	is "$1 uplinks: every flow is ok, by the uplink of its mark" \
		"$(sql "SELECT count(*) FROM flows WHERE verdict = 'ok' AND uplink = 'uplink' || mark
			AND coalesce(egress, egress_reply) = 'up' || mark")" $(($2 + 10))
	is "$1 uplinks: flows that enter by five of them leave by the same" \
		"$(sql "SELECT count(*) FROM flows WHERE ingress = uplink AND dst = '10.60.' || mark || '.10'")" 10
}

links_make 60
before=$(state_of_router)

# --- sixty-one, and labels -----------------------------------------------------------------

refused() { # WHAT PATTERN
	local status
	waymark check >"$lab_tmp/out" 2>&1
	status=$?
	check "$1: the error names the line of the file" grep -Eq "waymark.conf:$2" "$lab_tmp/out" ||
		diag "$(cat "$lab_tmp/out")"
	is "$1: the check fails" $status 1
	check_not "$1: apply refuses" waymark apply
	at router timeout 10 "$WAYMARKD" -c "$lab_tmp/waymark.conf" >"$lab_tmp/out" 2>&1
	is "$1: the daemon refuses" $? 1
	check "$1: its error names the line of the file" grep -Eq "waymark.conf:$2" "$lab_tmp/out"
	is "$1: nothing has changed" "$(state_of_router)" "$before"
}

config_many 61
refused '61 uplinks' "64: uplink 'uplink61' is one too many: there are 61, and at most 60"
config_many 25 'label-base = 100'
refused '25 uplinks from label 100' '3: .*label-base'

# --- sixty -------------------------------------------------------------------------------------

config_many 60
check '60 uplinks: apply' waymark apply
is '60 uplinks: a rule for each mark' \
	"$(at router ip rule show | grep -c 'fwmark 0x.* lookup 10[0-9][0-9] proto 87')" 60
is '60 uplinks: the rule for local destinations comes first' \
	"$(at router ip rule show | grep 'proto 87' | sed -n 2p | grep -c 'lookup main suppress_prefixlength 1')" 1
# Five per uplink (mark, interface, three addresses); two jumps, their target, local
# destinations, and two for the balanced default.
is '60 uplinks: no other rule' "$(at router ip rule show | grep -c 'proto 87')" $((5 * 60 + 6))
is '60 uplinks: the balanced default spreads over all of them' \
	"$(at router ip route show default table 252 proto 87 | grep -c 'nexthop')" 60
check '60 uplinks: apply again' waymark apply
check '60 uplinks: remove' waymark remove
is '60 uplinks: remove leaves the network as it was' "$(state_of_router)" "$before"

daemon_run
steered 60 300
in_range '60 uplinks: nearly all were used' \
	"$(sql "SELECT count(DISTINCT uplink) FROM flows WHERE src = '$PC4'")" 50 60
hold udp pc udp $NET4 7 60 || die 'no flows'
wait_for_sql 5 "SELECT count(*) FROM flows WHERE proto = 'udp' AND verdict = 'ok'" 60
busiest=$(sql "SELECT mark || ' ' || count(*) FROM flows WHERE proto = 'udp' AND verdict = 'ok' AND mark <> 1
	GROUP BY mark ORDER BY count(*) DESC LIMIT 1")
hit=${busiest#* } busiest=${busiest%% *}
at router ip route replace default via 10.60.1.1 dev up1 table $((1000 + busiest))
hold_send udp >/dev/null
wait_for_sql 2 'SELECT count(DISTINCT flow_id) FROM mismatches' "$hit"
is "60 uplinks: one uplink's route is moved: its flows are mismatches" \
	"$(sql "SELECT count(DISTINCT flow_id) FROM mismatches WHERE expected = 'uplink$busiest' AND egress = 'up1'")" "$hit"
is '60 uplinks: ... and no others' "$(sql 'SELECT count(DISTINCT flow_id) FROM mismatches')" "$hit"
hold_close udp
daemon_stop
check '60 uplinks: remove after the daemon' waymark remove
is '60 uplinks: remove leaves the network as it was' "$(state_of_router)" "$before"
at router conntrack -F 2>/dev/null
rm -f "$lab_tmp"/flows.db*

# --- another label-base -------------------------------------------------------------------------

# A label is computed from its mark: 1 to 23 have 105 to 127.
config_many 23 'label-base = 100'
daemon_run
steered 23 60
is '23 uplinks from label 100: labels are from 100 up' \
	"$(at router nft -s list table inet waymark | sed -n 's/.*ct label set \([0-9]*\).*/\1/p' | sort -n | sed -n '1p;$p' | tr '\n' ' ')" '100 127 '
daemon_stop
check '23 uplinks: remove' waymark remove
is '23 uplinks: remove leaves the network as it was' "$(state_of_router)" "$before"

done_testing
