#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_reasons.sh - each mismatch has the reason that caused it: every cause is made on
# purpose, one at a time, and the reason is looked for by name; for forwarded flows, the
# router's own, inbound flows to the router and through a port forward, IPv4 and IPv6. The
# daemon repairs nothing meanwhile (repair = false).

. "${0%/*}/lib.sh"

# The router's default route does not matter here: each flow starts by wan1, then table main
# prefers wan2, so that a packet that is not routed by its mark strays.
lab_up
nat none
forward_port udp 99 98
serve net 80 7
serve router 80 7
daemon_start 'repair = false
	balance = false'

# An echo server that answers once more after one and a half seconds, unless the file "late"
# exists: replies without a request.
echo_twice() { # NAMESPACE PORT
	background "twice_$1" "$1" python3 -c '
import os, sys, time
sys.path.insert(0, sys.argv[1])
import peer, select
sockets = peer.udp_sockets(int(sys.argv[2]))
print("ready", flush=True)
later = []
while True:
    for s in select.select(sockets, [], [], 0.05)[0]:
        data, sender = s.recvfrom(4096)
        s.sendto(data, sender)
        later.append((time.monotonic() + 1.5, s, data, sender))
    while later and later[0][0] <= time.monotonic() and not os.path.exists(sys.argv[3]):
        due, s, data, sender = later.pop(0)
        try:
            s.sendto(data, sender)
        except OSError: # refused: the router is without a route
            pass' "$lib_dir" "$2" "$lab_tmp/late"
	wait_for 20 grep -q ready "$lab_tmp/twice_$1.out" || die "no late echo in $1"
}
echo_twice router 97
echo_twice pc 98

# --- flows ---------------------------------------------------------------------------

forwarded="dport = 7 AND src IN ('$PC4', '$PC6')"
own="dport = 7 AND src IN ('$WAN1_4', '$WAN1_6')"
inbound="dport = 97"
through="dport = 99"

prefer_wan2() { # add|del
	local family
	for family in -4 -6; do
		at router ip $family route "$1" default via "$(gateway $family 2)" dev wan2 metric 50
	done
}

gateway() { # -4|-6 UPLINK
	eval "echo \$GW${2}_${1#-}"
}

flows_begin() {
	before=$(sql 'SELECT ifnull(max(id), 0) FROM mismatches')
	hold_many lan pc "udp $NET4 7 2" "udp $NET6 7 2" "tcp $NET4 7 1" "tcp $NET6 7 1" &&
		hold_many own router "udp $NET4 7 2 $WAN1_4" "udp $NET6 7 2 $WAN1_6" &&
		hold_many outside net "udp $WAN1_4 97 2 $NET4_VIA1" "udp $WAN1_6 97 2 $NET6_VIA1" \
			"udp $WAN1_4 99 2 $NET4_VIA1" "udp $WAN1_6 99 2 $NET6_VIA1" ||
		die 'no flows'
	prefer_wan2 add
	sleep 0.6
}

flows_push() {
	hold_push lan
	hold_push own
	hold_push outside
}

flows_end() {
	prefer_wan2 del
	hold_drop lan
	hold_drop own
	hold_drop outside
}

# reasoned REASON WHAT [SELECTION]...: since flows_begin each selection has mismatches in both
# families, all with this reason.
reasoned() {
	local reason=$1 what=$2 selection family
	shift 2
	[ $# -gt 0 ] || set -- "$forwarded" "$own" "$inbound" "$through"
	for selection; do
		for family in "NOT LIKE" LIKE; do
			wait_for_sql 12 "SELECT count(*) > 0 FROM mismatches
				WHERE id > $before AND src $family '%:%' AND $selection" 1
			sleep 0.1
			is "$what, $(name_of "$selection"), $([ "$family" = LIKE ] && echo IPv6 || echo IPv4): $reason" \
				"$(sql "SELECT DISTINCT reason FROM mismatches
					WHERE id > $before AND src $family '%:%' AND $selection")" "$reason"
		done
	done
	is "$what: no other reason" "$(sql "SELECT count(*) FROM mismatches
		WHERE id > $before AND reason <> '$reason'")" 0 || diag "$(sql "SELECT * FROM mismatches
		WHERE id > $before AND reason <> '$reason'")"
}

name_of() {
	case $1 in
	"$forwarded") echo forwarded ;;
	"$own") echo "the router's own" ;;
	"$inbound") echo inbound ;;
	"$through") echo 'port forward' ;;
	esac
}

# heal: make the daemon install everything again.
heal() {
	kill -HUP "$daemon_pid"
	wait_for 15 healed || die 'the steering is not reinstalled'
}

healed() {
	[ "$(rules)" = "$installed" ] &&
		at router ip route show table 251 | grep -q "default via $GW1_4 dev wan1" &&
		at router ip -6 route show table 251 | grep -q "default via $GW1_6 dev wan1" &&
		at router nft list chain inet waymark prerouting | grep -q 'ct mark' &&
		at router nft list chain inet waymark output | grep -q 'ct mark'
}

others() { # RULES: foreign chains
	at router nft -f - <<-EOT || die "rules of others: $1"
		table inet others {
			$1
		}
	EOT
}

# table_empty: also without the rules that refuse bound packets. In IPv6 a flush keeps the
# unreachable route.
table_empty() {
	refusals_away 2>/dev/null
	at router ip route flush table 251
	at router ip -6 route flush table 251
	at router ip -6 route del unreachable default table 251 metric 4294967295 2>/dev/null
}

# rules_away: delete all rules that lead packets of wan1 to its table, by mark, source or
# interface, and those that refuse packets bound to its addresses.
rules_away() {
	local family
	for family in -4 -6; do
		while at router ip $family rule del table 251 2>/dev/null; do :; done
	done
	refusals_away
}

# bindings_away: the uplink's addresses are not routed to its table; marks still are.
bindings_away() {
	at router ip -4 rule del from $WAN1_4 table 251
	at router ip -6 rule del from $WAN1_6 table 251
	refusals_away
}

refusals_away() {
	at router ip -4 rule del from $WAN1_4 unreachable
	at router ip -6 rule del from $WAN1_6 unreachable
}

rules() {
	at router ip -4 rule | sort
	at router ip -6 rule | sort
}
installed=$(rules)

# Each held flow of the PC has got a second answer.
flows_have_sent() {
	[ "$(grep -c '^answered' "$lab_tmp/hold.lan.out")" -ge 1 ] &&
		[ "$(grep -c '^answered' "$lab_tmp/hold.own.out")" -ge 1 ]
}

# --- routing -------------------------------------------------------------------------------

flows_begin
while at router ip rule del table 251 2>/dev/null; do :; done
hold_push own
hold_push outside
wait_for_sql 3 "SELECT count(*) > 0 FROM mismatches WHERE id > $before AND $through" 1
is "packets bound to an address of the uplink are refused without its rules" "$(sql "SELECT count(*)
	FROM mismatches WHERE id > $before AND src NOT LIKE '%:%' AND ($own OR $inbound)")" 0
flows_end
heal

flows_begin
rules_away
flows_push
reasoned rule-missing 'the rule is deleted'
flows_end
heal

flows_begin
at router ip rule add pref 900 fwmark 2/0xff to 203.0.113.0/24 lookup 250
at router ip -6 rule add pref 900 fwmark 2/0xff to 2001:db8:113::/48 lookup 250
flows_push
reasoned rule-before 'a rule before it'
at router ip rule del pref 900
at router ip -6 rule del pref 900
flows_end

# By ports, and by the user of the router's own packets; and a jump over ours.
flows_begin
for family in -4 -6; do
	to=203.0.113.0/24
	[ $family = -4 ] || to=2001:db8:113::/48
	at router ip $family rule add pref 900 ipproto udp dport 7 lookup 250
	at router ip $family rule add pref 901 ipproto tcp dport 7 lookup 250
	at router ip $family rule add pref 902 iif lo uidrange 0-0 to $to lookup 250
done
flows_push
reasoned rule-before 'rules by port and by user before it' "$forwarded" "$own" "$inbound"
for priority in 900 901 902; do
	at router ip rule del pref $priority
	at router ip -6 rule del pref $priority
done
flows_end

flows_begin
at router ip rule add pref 900 goto 32766
at router ip -6 rule add pref 900 goto 32766
flows_push
reasoned rule-before 'a rule that jumps over it'
check '... the log names it' grep -q 'ip rule priority 900 goto 32766 takes over flow' "$lab_tmp/waymarkd.log"
at router ip rule del pref 900
at router ip -6 rule del pref 900
flows_end

flows_begin
table_empty
flows_push
reasoned route-missing 'the table is empty'
flows_end
heal

flows_begin
table_empty
at router ip route add default via $GW2_4 dev wan2 table 251
at router ip -6 route add default via $GW2_6 dev wan2 table 251
flows_push
reasoned route-missing 'its default route is moved'
flows_end
table_empty
heal

flows_begin
at router ip route add $NET4/32 via 192.168.10.77 dev lan
at router ip -6 route add $NET6/128 via fd00:10::77 dev lan
flows_push
reasoned route-specific "a route of main's own" "$forwarded" "$own"
at router ip route del $NET4/32 dev lan
at router ip -6 route del $NET6/128 dev lan
flows_end

flows_begin
at router ip route add $NET4/32 via $GW2_4 dev wan2
at router ip -6 route add $NET6/128 via $GW2_6 dev wan2
flows_push
wait_for 3 flows_have_sent
is "a route of main's own by another uplink changes nothing" \
	"$(sql "SELECT count(*) FROM mismatches WHERE id > $before")" 0
at router ip route del $NET4/32 dev wan2
at router ip -6 route del $NET6/128 dev wan2
flows_end

flows_begin
at router ip route add $NET4/32 via $GW2_4 dev wan2 table 251
at router ip -6 route add $NET6/128 via $GW2_6 dev wan2 table 251
flows_push
reasoned route-specific "a specific route in the uplink's table" "$forwarded" "$own"
at router ip route del $NET4/32 table 251
at router ip -6 route del $NET6/128 table 251
flows_end

# The replies come late, when the uplink is already down.
flows_begin
: >"$lab_tmp/late"
hold_push outside
sleep 0.1
at router ip link set wan1 down
sleep 0.25
table_empty
hold_push lan
at router ip addr add $WAN1_6/64 dev lo nodad # IPv6 takes the address with the link
hold_push own
rm "$lab_tmp/late"
reasoned uplink-down 'the uplink is down' "$forwarded" "$through"
reasoned uplink-down 'the uplink is down' "$own" "$inbound"
flows_end
at router ip addr del $WAN1_6/64 dev lo
at router ip link set wan1 up
at router ip -6 addr replace $WAN1_6/64 dev wan1 nodad
at router ip route replace default via $GW1_4 dev wan1 metric 100
at router ip -6 route replace default via $GW1_6 dev wan1 metric 100
sleep 0.3
heal

# --- marks -------------------------------------------------------------------------------

# Each of the 18 held flows has wan2's mark.
marks_are_changed() {
	[ "$(at router sh -c 'for f in ipv4 ipv6; do conntrack -L -f $f -m 3/0xff; done' 2>/dev/null |
		grep -c 'port=\(7\|97\|98\|99\) ')" -ge 18 ]
}

flows_begin
others 'chain forward { type filter hook forward priority 0; ct mark and 0xff == 2 ct mark set 3; }
	chain output { type filter hook output priority 0; ct mark and 0xff == 2 ct mark set 3; }'
flows_push
wait_for 5 marks_are_changed || diag 'a mark is not changed'
at router nft delete table inet others
reasoned mark-changed 'the mark is changed after routing'
check '... by a table that was deleted since: the log names it and its process' grep -Eq \
	'mark-changed; nft added a rule that sets marks [(]table inet others, chain (forward|output)[)]' "$lab_tmp/waymarkd.log"
check '... the alert has its process' sh -c 'grep "\"reason\":\"mark-changed\"" "$1" | grep -q "\"process\":\"nft\""' sh "$lab_tmp/alerts.jsonl" ||
	diag "$(grep mark-changed "$lab_tmp/alerts.jsonl" | tail -2)"
waymark report >"$lab_tmp/report.html"
check '... and the report' grep -Eq \
	'marks were changed: nft added a rule that sets marks [(]table inet others, chain (forward|output)[)]' "$lab_tmp/report.html"
flows_end

flows_begin
others 'chain prerouting { type filter hook prerouting priority -155; ct mark and 0xff == 2 ct mark set 3; }
	chain output { type filter hook output priority -155; ct mark and 0xff == 2 ct mark set 3; }'
flows_push
reasoned mark-changed 'the mark is changed before routing'
at router nft delete table inet others
flows_end

before=$(sql 'SELECT ifnull(max(id), 0) FROM mismatches')
others 'chain forward { type filter hook forward priority 0; oifname wan1 ct state new ct mark set 3; }
	chain output { type filter hook output priority 0; oifname wan1 ct state new ct mark set 3; }'
hold_many lan pc "udp $NET4 7 2" "udp $NET6 7 2"
hold_many own router "udp $NET4 7 2 $WAN1_4" "udp $NET6 7 2 $WAN1_6"
reasoned mark-changed 'the first packet gets another mark' "$forwarded" "$own"
at router nft delete table inet others
hold_drop lan
hold_drop own

before=$(sql 'SELECT ifnull(max(id), 0) FROM mismatches')
others 'chain postrouting { type filter hook postrouting priority -100; oifname wan1 ct state new ct mark set 3; }'
hold_many lan pc "udp $NET4 7 2" "udp $NET6 7 2"
hold_many own router "udp $NET4 7 2 $WAN1_4" "udp $NET6 7 2 $WAN1_6"
reasoned mark-changed 'the mark is changed after our hook' "$forwarded" "$own"
at router nft delete table inet others
hold_drop lan
hold_drop own

# --- restoring -----------------------------------------------------------------------------

flows_begin
at router nft flush chain inet waymark prerouting
at router nft flush chain inet waymark output
hold_push own
hold_push outside
wait_for_sql 5 "SELECT count(*) > 0 FROM mismatches WHERE id > $before AND $through" 1
is "without their marks packets bound to an address of the uplink leave by it all the same" \
	"$(sql "SELECT count(*) FROM mismatches WHERE id > $before AND ($own OR $inbound)")" 0
bindings_away
flows_push
reasoned restore-missing 'the restore chains are empty'
flows_end
heal

flows_begin
bindings_away
others 'chain prerouting { type filter hook prerouting priority -140; meta mark set 0; }
	chain output { type route hook output priority -140; meta mark set 0; }'
flows_push
reasoned restore-missing "a foreign rule overwrites the packet mark"
at router nft delete table inet others
flows_end
heal

# --- no known reason ----------------------------------------------------------------

flows_begin
others 'chain prerouting { type filter hook prerouting priority -140; meta mark 2 meta mark set 3; }
	chain output { type route hook output priority -140; meta mark 2 meta mark set 3; }
	chain postrouting { type filter hook postrouting priority -160; meta mark 3 ct mark 2 meta mark set 2; }'
flows_push
reasoned unexplained 'the mark differs only during routing'
at router nft delete table inet others
flows_end

# --- masquerade: the kernel deletes the flow, only the packet is evidence ------------------------

nat masquerade
flows_begin
rules_away
flows_push
reasoned rule-missing 'the rule is deleted, masqueraded' "$forwarded"
flows_end
heal

done_testing
