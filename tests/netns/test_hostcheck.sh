#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_hostcheck.sh - 'waymark init' proposes a configuration that 'waymark check' accepts,
# with any kind of default routes; the fix of a finding removes the finding; 'diff' shows the
# differences; a rule that takes pinned flows is reported when it appears later.

. "${0%/*}/lib.sh"

lab_up
out=$lab_tmp/out

# --- init ------------------------------------------------------------------------------------

defaults_flush() {
	at router ip -4 route flush default
	at router ip -6 route flush default
}

# init_as WHAT UPLINKS: init's file has UPLINKS uplinks, and check accepts it.
init_as() {
	at router "$WAYMARK" init >"$lab_tmp/init.conf" 2>"$lab_tmp/init.err" || die "init failed"
	is "init, $1: uplinks" "$(grep -c '^uplink ' "$lab_tmp/init.conf")" "$2"
	printf 'database = "%s/flows.db"\ncontrol-socket = "%s/control.sock"\n' "$lab_tmp" "$lab_tmp" \
		>>"$lab_tmp/init.conf"
	check "init, $1: check --config accepts it" "$WAYMARK" -c "$lab_tmp/init.conf" check --config
	check "init, $1: check accepts it" at router "$WAYMARK" -c "$lab_tmp/init.conf" check
}

init_says() { # WHAT PATTERN
	check "init, $1" grep -q -- "$2" "$lab_tmp/init.conf" || diag "$(cat "$lab_tmp/init.conf")"
}

defaults_flush
init_as 'no default route' 1
check 'init, no default route: the error says so' grep -q 'no default route' "$lab_tmp/init.err"
at router ip route add default via $GW1_4 dev wan1 proto dhcp metric 100
init_as 'one uplink' 1
init_says 'one uplink: by DHCP' "IPv4: current gateway $GW1_4 (from DHCP)"
init_says 'one uplink: how to add another' '^# uplink wan2'
at router ip -6 route add default via fe80::1 dev wan2 proto ra metric 1024
init_as 'DHCP and router advertisements' 2
init_says 'router advertisements' 'IPv6: current gateway fe80::1 (from router advertisements)'
at router ip link add 'p$(id)' type veth peer name ppppeer
at router ip link set dev 'p$(id)' up
at router ip link set dev ppppeer up
at router ip addr add 10.64.0.2 peer 10.64.0.1 dev 'p$(id)'
at router ip route add default dev 'p$(id)' metric 300
at router ip rule add pref 7000 fwmark 0x1/0xff lookup 251
init_as 'point to point, with marks and tables in use' 3
init_says 'a name with a shell in it' 'interface = "p\\x24\\x28id\\x29"'
init_says 'a mask that nothing uses' '^mark-mask = 0xff00'
check_not 'init: a table in use is not proposed' grep -q 'table *= 251' "$lab_tmp/init.conf"
at router ip rule del pref 7000
at router ip link del ppppeer
defaults_flush
at router ip route add default proto static nexthop via $GW1_4 dev wan1 nexthop via $GW2_4 dev wan2
init_as 'one route with two next hops' 2
defaults_flush
lab_router_routes

# --- fixes -------------------------------------------------------------------------

nat masquerade
config_write
waymark apply >/dev/null || die "apply failed"

# fix WHAT LEVEL PATTERN: check finds it; after its fix ran in a shell, check does not find it.
fix() {
	waymark check >"$out" 2>&1
	check "$1: check finds it" grep -Eq "^$2: .*$3" "$out" || diag "$(grep -v ^ok "$out")"
	grep -E "^$2: .*$3" "$out" | sed 's/^[^;]*; //' >"$lab_tmp/fix"
	check "$1: its fix works" at router sh -ex "$lab_tmp/fix"
	waymark check >"$out" 2>&1
	check_not "$1: the finding is gone" grep -Eq "^$2: .*$3" "$out"
}

at router ip link add 'v$(id)' type veth peer name vpeer
at router ip link set dev 'v$(id)' up
at router ip link set dev vpeer up
at router ip addr add 10.66.0.2/24 dev 'v$(id)'
at router ip route add default via 10.66.0.1 dev 'v$(id)' table 77
at router ip rule add pref 10 not fwmark 0x10000/0x10000 lookup 77
fix 'an inverted rule before ours' error 'priority 10 not fwmark 0x10000/0x10000 lookup 77'
check 'an inverted rule before ours: the fix moved it behind them' at router sh -c \
	'ip rule | grep -q "not from all fwmark 0x10000/0x10000 lookup 77"'
at router ip rule del not fwmark 0x10000/0x10000 lookup 77
at router ip -6 route add default dev 'v$(id)' table 77
at router ip -6 rule add pref 10 iif lan lookup 77
fix 'a rule for the LAN, IPv6' warning 'priority 10 iif lan lookup 77'
at router ip -6 rule del iif lan lookup 77
at router ip rule add pref 10 uidrange 5-6 ipproto tcp dport 443 lookup 77
fix 'a rule by user and port' warning 'uidrange 5-6 ipproto 6 dport 443'
at router ip rule del lookup 77
at router ip route add 203.0.113.0/24 via 10.66.0.1 dev 'v$(id)' table 78
at router ip rule add pref 10 lookup 78
fix 'a rule for some destinations' warning 'priority 10 lookup 78'
at router ip rule del lookup 78
at router ip rule add pref 10 blackhole
fix 'a rule that drops' error 'priority 10 blackhole'
at router ip rule del blackhole
at router ip rule add pref 10 iif 'v$(id)' lookup 77
fix 'a rule with a shell in it' warning 'iif v\$\(id\)'
at router ip rule del lookup 77
at router ip route add 198.51.100.0/24 dev 'v$(id)' table 251
fix 'a foreign route in an uplink table' warning 'in the table of uplink wan1'
at router nft -f - <<-'END'
	table ip stranger {
		chain paint { type filter hook forward priority 0; ct mark set 0x2; }
	}
END
fix 'a rule that writes our marks' error 'table ip stranger, chain paint writes bits'
at router nft delete table ip stranger
at router sysctl -qw net.ipv4.ip_forward=0
fix 'no forwarding' warning 'ip_forward is 0'

# Harmless rules are no findings: the kernel's for VRFs, and wg-quick's behind ours.
at router ip rule add pref 999 l3mdev
at router ip rule add pref 32000 not fwmark 51820 lookup 77
at router ip rule add pref 32001 lookup main suppress_prefixlength 0
waymark check >"$out" 2>&1
check 'harmless rules are no findings' grep -q '^ok: no ip rule of another program' "$out" ||
	diag "$(grep -v ^ok "$out")"
check "... the kernel's rule for VRFs is reported as such" grep -q \
	'^ok: the ip rule "priority 999 l3mdev" (IPv4) is the kernel.s rule for VRFs' "$out" ||
	diag "$(grep 999 "$out")"
at router ip rule del pref 999
at router ip rule del pref 32000
at router ip rule del pref 32001

# --- names ------------------------------------------------------------------------------------------

at router ip link property add dev wan1 altname uplinkone
sed 's/interface = "wan1"/interface = "uplinkone"/' "$lab_tmp/waymark.conf" >"$lab_tmp/alt.conf"
at router "$WAYMARK" -c "$lab_tmp/alt.conf" check >"$out" 2>&1
check 'check reports an alternative name of an interface' grep -q \
	'^error: uplink wan1: "uplinkone" is an alternative name of interface wan1; set interface = "wan1"' "$out"
sed 's/interface = "wan1"/interface = "wan1@if7"/' "$lab_tmp/waymark.conf" >"$lab_tmp/alt.conf"
at router "$WAYMARK" -c "$lab_tmp/alt.conf" check >"$out" 2>&1
check 'check reports a name in the form that ip link prints' grep -q '^error: uplink wan1: "wan1@if7" is the NAME@PARENT notation of interface wan1' "$out"

# --- diff -------------------------------------------------------------------------------------------

waymark apply >/dev/null || die "apply failed"
check 'diff: nothing differs after apply' waymark diff
rule=$(at router ip -4 rule | sed -n 's/^\([0-9]*\):.*fwmark 0x2\/0xff lookup 251.*/\1/p')
at router ip rule del pref "$rule"
at router ip route add 198.51.100.0/24 dev lan table 251 proto 87
at router nft add chain inet waymark stranger
waymark diff >"$out"
is 'diff: something differs: exit 1' $? 1
check 'diff: a missing rule' grep -q "^+ ip -4 rule priority $rule fwmark 0x2/0xff lookup 251" "$out"
check 'diff: an unexpected route' grep -q '^- ip -4 route 198.51.100.0/24 dev lan table 251' "$out"
check 'diff: a changed table' grep -q '^- table inet waymark: was changed after it was loaded' "$out"
waymark apply | grep -q '^apply: installed table inet waymark, 1 ip rule, 1 route$'
is 'apply succeeds' $? 0
is 'apply again changes nothing' "$(waymark apply)" 'apply: nothing to change'

# --- beside the daemon --------------------------------------------------------------------------------

waymark remove >/dev/null
daemon_start
sed -i 's/weight *= *[0-9]*/weight = 7/' "$lab_tmp/waymark.conf"
waymark check >"$out" 2>&1
is 'check with other weights in the file: no error' $? 0
check_not 'check has no finding about sysctls that waymarkd sets' grep -q '^warning: net/' "$out"
since=$(wc -l <"$lab_tmp/waymarkd.log")
has_more() { # PATTERN
	tail -n +$((since + 1)) "$lab_tmp/waymarkd.log" | grep -Eq "$1"
}
at router ip rule add pref 10 not fwmark 0x10000/0x10000 lookup 77
wait_for 10 has_more 'priority 10 not fwmark 0x10000/0x10000 lookup 77.*ip -4 rule add'
check 'a rule that appears later is reported, with its fix' \
	has_more 'priority 10 not fwmark 0x10000/0x10000 lookup 77.*ip -4 rule add'
wait_for 5 grep -q '"reason":"rule-before"' "$lab_tmp/alerts.jsonl"
check '... an alert is raised' grep -q '"reason":"rule-before".*priority 10 not fwmark' "$lab_tmp/alerts.jsonl"
check '... with its rule and process as fields' grep -q \
	'"uplink":"wan1","family":"ipv4","object":"priority 10 not fwmark[^"(]*",' "$lab_tmp/alerts.jsonl" ||
	diag "$(grep rule-before "$lab_tmp/alerts.jsonl")"
at router ip rule del pref 10
at router ip -6 rule add pref 11 lookup 77
wait_for 10 has_more 'priority 11 lookup 77.*IPv6'
check '... in IPv6' has_more 'priority 11 lookup 77.*IPv6'
at router ip -6 rule del pref 11
at router ip rule add pref 1000 l3mdev
check '... the rule of the first VRF is reported' wait_for 10 has_more "priority 1000.*is the kernel's rule for VRFs"
check_not '... without an alert' grep -q 'VRFs' "$lab_tmp/alerts.jsonl"
at router ip rule del pref 1000
is '... each is reported once' "$(tail -n +$((since + 1)) "$lab_tmp/waymarkd.log" | grep -c 'priority 10 not fwmark')" 1
daemon_stop
done_testing
