#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_explain.sh - 'waymark explain' gives the right story for single flows: ok, stray,
# inbound, with a changed mark, without a mark, with another uplink's address; by id and by
# addresses, as text and as JSON, without a daemon, without privilege, and with the right
# error when the flow does not exist.

. "${0%/*}/lib.sh"

out=$lab_tmp/out
err=$lab_tmp/err

run() { # STATUS WHAT ARGUMENT...
	local wanted=$1 what=$2
	shift 2
	waymark "$@" >"$out" 2>"$err"
	is "$what: exit $wanted" $? "$wanted" || diag "$(cat "$err")"
}

# Wrapped lines are joined; commands stay on lines of their own.
prints() { # WHAT PATTERN
	sed -e ':a' -e 'N' -e '$!ba' -e 's/\n \{11\}\([^ ]\)/ \1/g' "$out" >"$out.joined"
	check "$1" grep -Eq -- "$2" "$out.joined" || diag "$(cat "$out")"
}

step() { # NAME: the texts of that step in the JSON
	python3 -c 'import json, sys
for s in json.load(open(sys.argv[1]))["story"]:
    if s["step"] == sys.argv[2]: print(s["text"])' "$out" "$1"
}

lab_up
out=$lab_tmp/out
err=$lab_tmp/err
nat none
forward_port udp 99 7
serve net 80 7
serve pc 80 7
daemon_start 'repair = false
	balance = false'

# --- wrong usage ------------------------------------------------------------------------

run 2 'no flow named' explain
run 2 'not a number' explain seven
check 'not a number: the error quotes it' grep -q '"seven": expected' "$err"
run 2 'an id and addresses' explain 1 --src $PC4
run 2 'two ids' explain 1 2
run 2 'a bad port' explain --dport 70000
run 1 'no such flow' explain 4711
check 'no such flow: the error says so' grep -q 'no flow 4711 in the history' "$err"
run 1 'no flow matches' explain --dport 4711

# --- ok ---------------------------------------------------------------------------------------

hold_many lan pc "udp $NET4 7 1" "udp $NET6 7 1"
hold_many outside net "udp $WAN2_4 99 1 $NET4_VIA2"
wait_for_sql 5 "SELECT count(*) FROM flows WHERE verdict = 'ok'" 3
id=$(sql "SELECT id FROM flows WHERE src = '$PC4'")
run 0 'a flow that is ok' explain "$id"
prints 'its uplink' '^uplink +wan1 \(interface wan1\): ct mark 0x2 '
prints 'why this uplink' 'first packet was routed out of wan1'
is 'the verdict is in the third line' "$(sed -n '/^verdict/{=;q}' "$out")" 3
check_not 'it fits 80 columns' sh -c 'grep -v "^ *[$] " "$1" | grep -q "^.\{81\}"' sh "$out"
prints 'the rule that it should match' '^expected .*ip rule [0-9]+: fwmark 0x2/0xff lookup 251'
prints 'the rule that it matches' '^path .*ip rule priority [0-9]+ .*table 251 has default via .* dev wan1.*which is right'
prints "the kernel's answer" "^kernel .*table 251, out of wan1 via $GW1_4"
prints 'the command that asks the kernel' "\\\$ ip route get $NET4 from $PC4 iif lan mark 0x2"
prints 'the verdict' '^verdict +ok \(verdict 7 of 7\)'
check_not 'nothing to fix' grep -q '^fix' "$out"
command=$(sed -n 's/^ *\$ \(ip route get .*\)/\1/p' "$out")
check 'the command works, and prints the same' sh -c "nsenter --net=/proc/$ns_router/ns/net -- $command | grep -q 'dev wan1 table 251'"

run 0 'by addresses and port, IPv6' explain --proto udp --src $PC6 --dst $NET6 --dport 7
prints 'IPv6: the kernel answers' "^kernel .*table 251, out of wan1 via $GW1_6"
run 1 'by a port on the other side' explain --src $PC6 --sport 7

run 0 'an inbound flow' explain --dport 99
prints 'inbound: the mark is for its replies' 'entered by uplink wan2. Its mark makes the replies leave'
prints 'inbound: the command asks for the reply' "\\\$ ip route get $NET4_VIA2 from $PC4 iif lan mark 0x3"
prints 'inbound: its route' "^kernel .*table 250, out of wan2 via $GW2_4"
prints 'inbound: its translation' "Destination translated to $PC4:7"

at net curl -s --max-time 5 --interface $NET4_VIA2 http://$WAN2_4:9999/
wait_for_sql 5 "SELECT count(*) FROM flows WHERE dport = 9999 AND state = 'ended'" 1
run 0 'a refused connection' explain --dport 9999
prints 'refused: no evidence' '^verdict +local \(verdict 6 of 7\)'
prints 'refused: the reason' 'an RST that refused the connection'

# --- a mismatch ------------------------------------------------------------------------------------

at router ip route add default via $GW2_4 dev wan2 metric 50
at router ip rule del fwmark 0x2/0xff
hold_push lan
wait_for_sql 3 'SELECT count(*) FROM mismatches' 1
wait_for_sql 3 'SELECT count(*) > 0 FROM tampering' 1
run 0 'a stray flow' explain "$id"
prints 'a stray: the rule that it matches now' '^path .*ip rule priority 32766 lookup main'
prints 'a stray: what is wrong now' 'Wrong now: .*\(rule-missing\)|^ +\(rule-missing\)'
prints "a stray: the kernel's answer" "^kernel .*table main, out of wan2 via $GW2_4"
prints 'a stray: the evidence' 'a packet of the original direction left by'
prints 'a stray: the kind of evidence' 'logged by the rules'
prints 'a stray: the verdict' 'mismatch \(verdict 1 of 7\)'
prints 'a stray: the reason' '^reason .*rule-missing'
prints 'a stray: the process that did it' '^tampering .*rule '
prints 'a stray: the fix' "^ *\\$ waymark -c $lab_tmp/waymark.conf apply$"
check 'a stray: the fix comes before the evidence' sh -c '[ "$(sed -n "/^fix/{=;q}" "$1")" -lt "$(sed -n "/^evidence/{=;q}" "$1")" ]' sh "$out"
# With --socket alone the daemon supplies what explain needs of the configuration.
cp "$out" "$lab_tmp/by-configuration"
at router "$WAYMARK" -c /nonexistent --socket "$lab_tmp/control.sock" explain "$id" >"$out" 2>"$err"
is 'with --socket alone the output is the same' "$(cat "$out" "$err")" "$(cat "$lab_tmp/by-configuration")"
run 0 'as JSON' explain --json "$id"
check 'as JSON: valid' python3 -m json.tool "$out"
is 'as JSON: the same verdict' "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); print(d["flow"]["id"], d["flow"]["verdict"], len(d["mismatches"]))' "$out")" \
	"$id mismatch 1"
tuple=$(sql "SELECT proto || ' ' || src || ':' || sport || ' > ' || dst || ':' || dport FROM flows WHERE id = $id")
run 0 'by the 5-tuple as flows prints it' explain "$tuple"
prints 'by the 5-tuple: that flow' "^flow +$id: $tuple( |\$)"
run 2 'not a 5-tuple' explain 'tcp somewhere > nowhere'
at router ip route del default via $GW2_4 dev wan2 metric 50
waymark apply >/dev/null
run 0 'a stray flow, repaired' explain "$id"
prints 'repaired: no fix is needed' '^fix +None needed now'
check_not 'repaired: no command for it' grep -q 'waymark .*apply' "$out"
at router ip rule del fwmark 0x2/0xff

# --- a mark that was changed ---------------------------------------------------------------------------

at router nft -f - <<-END
	table inet others {
		chain forward {
			type filter hook forward priority 0
			ct mark and 0xff == 2 ct mark set ct mark and 0xffffff00 or 3
			ct mark set ct mark or 0x100
		}
	}
END
hold_push lan
wait_for_sql 3 'SELECT count(*) >= 2 FROM mark_changes' 1
run 0 'a changed mark' explain --json --src $PC6
is 'a changed mark: when, from what, to what' \
	"$(step change | sed 's/^[^a-z]*: //')" 'the mark changed from 0x2 (wan1) to 0x3 (wan2).'
is 'a changed mark: the one rule that writes these bits' "$(step writer)" \
	'A rule in table inet others, chain forward sets the ct mark to 0x3 and may have written this mark.'
is 'a changed mark: the reason' "$(step reason | cut -d' ' -f1)" 'mark-changed:'
at router nft delete table inet others
run 0 'a changed mark, the rule gone' explain --src $PC6
prints 'a changed mark: no rule is found' 'No rule of another program writes these bits now'

# --- without a mark --------------------------------------------------------------------------------------

at router conntrack -U -s $PC4 -m 0 >/dev/null 2>&1
hold_push lan
wait_for_sql 3 "SELECT mark FROM flows WHERE id = $id" 0
run 0 'without a mark' explain "$id"
prints 'without a mark: the story says so' '^uplink +None: the flow has no mark'

# --- another uplink's address: the router's own traffic without translation -----------------------------------

hold_drop lan
kill -HUP "$daemon_pid"
wait_for 3 at router sh -c 'ip rule | grep -q "fwmark 0x2/0xff"'
at router ip route add default via $GW2_4 dev wan2 metric 50
at router ip -6 route add default via $GW2_6 dev wan2 metric 50
# Another process's rules take these sources before the rules that lead each to its uplink.
at router ip rule add pref 3000 from $WAN1_4 lookup main
at router ip -6 rule add pref 3000 from $WAN1_6 lookup main
hold_many own router "udp $NET4 7 1 $WAN1_4" "udp $NET6 7 1 $WAN1_6"
for source in $WAN1_4 $WAN1_6; do
	wait_for_sql 5 "SELECT verdict FROM flows WHERE src = '$source' AND dport = 7" wrong-source
	is "its own traffic from $source, by wan2, untranslated" \
		"$(sql "SELECT verdict, egress FROM flows WHERE src = '$source' AND dport = 7")" 'wrong-source|wan2'
done
run 0 'another source' explain --src $WAN1_4 --dport 7
prints 'another source: the verdict' 'wrong-source \(verdict 2 of 7\)'
prints 'another source: the fix' '\$ nft add rule .* oifname wan2 masquerade'
hold_drop own
check 'another source: an alert' grep -q '"kind":"wrong-source"' "$lab_tmp/alerts.jsonl"

# With NAT the source is rewritten, and the flows are ok.
nat masquerade
hold_many own router "udp $NET4 7 1 $WAN1_4" "udp $NET6 7 1 $WAN1_6"
for source in $WAN1_4 $WAN1_6; do
	latest="FROM flows WHERE src = '$source' AND dport = 7 ORDER BY id DESC LIMIT 1"
	wait_for_sql 5 "SELECT verdict $latest" ok
	is "translated: $source" "$(sql "SELECT verdict, egress $latest")" 'ok|wan2'
done

# --- without a daemon, without privilege -------------------------------------------------------------------------

daemon_stop
run 0 'without a daemon' explain "$id"
# Readers are in the history's group. In a user namespace it is that of the only user.
group=
[ -n "${LAB_IN_USERNS:-}" ] || group='--regid waymark --clear-groups'
at router setpriv $group --bounding-set=-all --inh-caps=-all --no-new-privs \
	"$WAYMARK" -c "$lab_tmp/waymark.conf" explain --src $PC6 >"$out" 2>"$err"
is 'without privilege: exit 0' $? 0
prints 'without privilege: the route is shown all the same' '^kernel .*The kernel answers: '
prints 'without privilege: the story says what cannot be read' 'ruleset cannot be read'

done_testing
