#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_tamper.sh - when another process undoes parts of the steering or the evidence, they
# are repaired, recorded in the history with that process, and alerted, and the time without
# evidence is a gap; what is undone again and again is given up once; with repair = false it
# is only reported.

. "${0%/*}/lib.sh"

# --- helpers -----------------------------------------------------------------------------

sql_now() {
	sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
}

# Everything that Waymark installed, as the system's tools list it.
listing() {
	at router nft -s list table inet waymark
	listing_of_tables main
	listing_to_leave
} 2>&1

listing_of_tables() { # TABLE...
	for table; do
		# A table that has no route does not exist.
		at router ip -4 route show table "$table" 2>/dev/null | sort
		at router ip -6 route show table "$table" 2>/dev/null | sort
	done
}

# The state that must be equal before the start and after the removal.
listing_to_leave() {
	at router ip -4 rule
	at router ip -6 rule
	listing_of_tables 250 251 252
	at router sysctl net.netfilter.nf_conntrack_acct net.netfilter.nf_conntrack_timestamp \
		net.netfilter.nf_conntrack_events net.ipv4.conf.all.src_valid_mark \
		net.ipv4.conf.wan1.rp_filter net.ipv4.conf.wan2.rp_filter \
		net.ipv4.fib_multipath_hash_policy net.ipv6.fib_multipath_hash_policy
} 2>&1

is_as_before() {
	[ "$(listing)" = "$before" ]
}

# tamper COMMAND...: runs on the router; sets $pid to its pid, $since to the time before.
tamper() {
	since=$(sql_now)
	# shellcheck disable=SC2016 # for that shell
	at router sh -c 'echo $$ >"$0" && exec "$@"' "$lab_tmp/pid" "$@" >/dev/null ||
		die "tampering failed: $*"
	pid=$(cat "$lab_tmp/pid")
}

# rows WHAT ACTION [AND]: number of rows since the last tampering.
rows() {
	sql "SELECT count(*) FROM tampering WHERE time >= '$since' AND what LIKE '$1' AND action = '$2' ${3:-}"
}

has_row() { # WHAT ACTION [AND]
	[ "$(rows "$@")" -gt 0 ]
}

alert_has() { # TEXT
	grep '"kind":"tampering"' "$lab_tmp/alerts.jsonl" | grep -q -e "$1"
}

# undoes WHAT-IS-UNDONE BY COMMAND...: the command's change is repaired in time, and reported
# with its process; BY is "unknown" where the kernel does not give one.
undoes() {
	local what=$1 by=$2 who
	shift 2
	tamper "$@"
	wait_for 5 is_as_before
	check "repaired: $*" is_as_before ||
		{ listing >"$lab_tmp/now"; echo "$before" | diff - "$lab_tmp/now" | sed 's/^/# /'; }
	case $by in
	unknown)
		who="AND process IS NULL AND pid IS NULL"
		;;
	ip)
		# rtnetlink gives only a pid; its name is known if the process still runs.
		who="AND pid = $pid AND ifnull(process, 'ip') = 'ip'"
		;;
	*)
		who="AND pid = $pid AND process = '$by'"
		;;
	esac
	wait_for 2 has_row "$what" restored "$who"
	check "... and in the history, by $by" has_row "$what" restored "$who"
	is "... and no other row" \
		"$(sql "SELECT count(*) FROM tampering WHERE time >= '$since' AND what NOT LIKE '$what'")" 0 ||
		diag "$(sql "SELECT * FROM tampering WHERE time >= '$since'")"
}

gap_is_there() {
	sql_is "SELECT count(*) FROM gaps WHERE source = 'evidence' AND reason LIKE '%evidence rules%'
		AND started >= '$since' AND ended IS NOT NULL AND ended < strftime('%Y-%m-%dT%H:%M:%fZ', started, '+5 seconds')" 1
}

no_gap_is_there() {
	sql_is "SELECT count(*) FROM gaps WHERE started >= '$since'" 0
}

# undoes_ruleset: the same for the ruleset, which makes a gap.
undoes_ruleset() {
	undoes "$@"
	wait_for 20 gap_is_there
	check "... the time without evidence is one gap" gap_is_there ||
		diag "$(sql "SELECT * FROM gaps WHERE started >= '$since'")"
}

# undoes_other: the same for changes that leave the evidence intact, which make no gap.
undoes_other() {
	undoes "$@"
	check "... and no gap is made" no_gap_is_there
}

# Reload, which resets the counts of repairs and what was given up.
reload() {
	local n
	n=$(grep -c 'configuration reloaded' "$lab_tmp/waymarkd.log")
	kill -HUP "$daemon_pid"
	wait_for 20 log_has_more 'configuration reloaded' "$n" || die "not reloaded"
}

log_has_more() { # TEXT COUNT
	[ "$(grep -c "$1" "$lab_tmp/waymarkd.log")" -gt "$2" ]
}

# --- steering ----------------------------------------------------------------------------

lab_up
nat masquerade
serve net 80 7
# One sysctl has the right value before the start, and is not changed.
at router nft add table inet probe '{ chain c { type filter hook input priority 0; ct state new; }; }'
at router sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=0
found=$(listing_to_leave)
daemon_start
before=$(listing)

undoes_ruleset 'table inet waymark: gone' nft nft delete table inet waymark
undoes_ruleset 'table inet waymark: %chain prerouting changed%' nft \
	nft flush chain inet waymark prerouting
undoes_ruleset 'table inet waymark: chain restore_0x2 changed' nft \
	nft flush chain inet waymark restore_0x2
undoes_ruleset 'table inet waymark: chain postrouting changed' nft \
	nft insert rule inet waymark postrouting return
reload
undoes_ruleset 'table inet waymark: gone' nft nft flush ruleset
check "the daemon does not touch foreign tables" at router sh -c '! nft list table inet lab_nat'
nat_load
undoes_ruleset 'table inet waymark: flags dormant added' nft \
	nft add table inet waymark '{ flags dormant; }'
undoes 'table inet waymark: chain stranger added' nft nft add chain inet waymark stranger
check "... a chain that no packet passes makes no gap" no_gap_is_there
reload

undoes_other 'rule 4002: fwmark 0x2/0xff lookup 251%(IPv4)' ip ip rule del fwmark 2/0xff
undoes_other 'rule 4003: %(IPv6)' ip ip -6 rule del fwmark 3/0xff
undoes_other 'rule 4001: %suppress_prefixlength 1%(IPv4)' ip ip rule del pref 4001
undoes_other 'rule 1500: %not in the configuration' ip ip rule add pref 1500 lookup 9 protocol 87
undoes_other 'route: % table 251 %(IPv4)' ip ip route flush table 251
undoes_other 'route: % table 251 %(IPv6)' ip ip -6 route flush table 251
undoes_other 'route: default via 192.168.2.1 dev wan2 table 250 %' ip ip route del default table 250
undoes_other 'route: default via 192.168.2.1 dev wan2 table 250 %' ip \
	ip route replace default via $GW1_4 dev wan1 table 250
undoes_other 'route: default table 252 % nexthop %(IPv4)' ip ip route del default table 252
undoes_other 'route: default table 252 % nexthop %(IPv4)' ip \
	ip route replace default via $GW1_4 dev wan1 table 252
undoes_other 'route: default table 252 % nexthop %(IPv6)' ip ip -6 route del default table 252
undoes_other 'rule 32765: %lookup 252%(IPv4)' ip ip rule del pref 32765 lookup 252
# The rule behind it is installed again too, because the order matters, and is unchanged.
undoes_other 'rule 32765: lookup main %(IPv4)' ip ip rule del pref 32765 lookup main
undoes_other 'rule 32765: lookup main %(IPv6)' ip ip -6 rule del pref 32765 lookup main
undoes_other 'route: 198.51.100.1 %not in the configuration' ip \
	ip route add 198.51.100.1 via $GW1_4 protocol 87

undoes_other 'sysctl net/netfilter/nf_conntrack_acct = 1: was 0' unknown \
	sysctl -qw net.netfilter.nf_conntrack_acct=0
undoes_other 'sysctl net/netfilter/nf_conntrack_timestamp = 1: was 0' unknown \
	sysctl -qw net.netfilter.nf_conntrack_timestamp=0
undoes_other 'sysctl net/netfilter/nf_conntrack_events = 1: was 2' unknown \
	sysctl -qw net.netfilter.nf_conntrack_events=2
since=$(sql_now)
at router sysctl -qw net.ipv4.conf.all.src_valid_mark=1
sleep 1
is "a sysctl that Waymark does not set is not touched" \
	"$(at router sysctl -n net.ipv4.conf.all.src_valid_mark)$(sql "SELECT what FROM tampering WHERE time >= '$since'")" 1
at router sysctl -qw net.ipv4.conf.all.src_valid_mark=0
undoes_other 'sysctl net/ipv4/conf/wan2/rp_filter = 2: was 1' unknown \
	sysctl -qw net.ipv4.conf.wan2.rp_filter=1
undoes_other 'sysctl net/ipv4/fib_multipath_hash_policy = 1: was 0' unknown \
	sysctl -qw net.ipv4.fib_multipath_hash_policy=0
undoes_other 'sysctl net/ipv6/fib_multipath_hash_policy = 1: was 0' unknown \
	sysctl -qw net.ipv6.fib_multipath_hash_policy=0

# The second one is changed while the first one is being repaired.
check "a sysctl that is changed while another one is repaired is not missed" at router python3 -c '
import sys, time
first, second = ("/proc/sys/net/ipv%d/fib_multipath_hash_policy" % n for n in (4, 6))
for i in range(3):
    for path in (first, second):
        open(path, "w").write("0")
        end = time.time() + 20
        while open(path).read() != "1\n":
            if time.time() > end: sys.exit(path + " is not repaired")'

for reason in ruleset-restored rule-restored route-restored sysctl-restored; do
	wait_for 3 alert_has "\"reason\":\"$reason\""
	check "an alert reports $reason" alert_has "\"reason\":\"$reason\""
done
check "the log names the process" grep -q 'tampering by nft (pid [0-9]*): table inet waymark: gone; repaired' \
	"$lab_tmp/waymarkd.log"

# --- changes that are no tampering -----------------------------------------------------------------

since=$(sql_now)
at router ip link set wan1 down
sleep 0.3
at router ip link set wan1 up
sleep 0.2
# So fast that only the kernel's notices show it; IPv4 routes have none.
at router ip -batch - <<-END
	link set wan2 down
	link set wan2 up
	addr del $WAN1_4/24 dev wan1
	addr add $WAN1_4/24 dev wan1
	addr add $WAN1_6/64 dev wan1 nodad
	addr add $WAN2_6/64 dev wan2 nodad
END
sleep 1
waymark apply || die "apply failed"
# Reinstalled at once: a rule that is missing for half a second is repaired as tampering.
at router ip -batch - <<-END || die "the rule is not there again"
	rule del fwmark 2/0xff
	rule add pref 4002 fwmark 2/0xff lookup 251 protocol 87
END
at router nft add table inet others '{ chain c { type filter hook input priority 0; }; }'
at router nft delete table inet others
at router ip route add 198.51.100.0/24 via $GW1_4
at router ip route del 198.51.100.0/24
sleep 1.2
is "interfaces and a rule that go and come back, and 'waymark apply', are no tampering" \
	"$(sql "SELECT group_concat(what, '; ') FROM tampering WHERE time >= '$since'")" ""
check "... the routes follow" at router sh -c 'ip route show table 251 | grep -q "default via" &&
	ip -6 route show table 250 | grep -q "default via"'
before=$(listing)

# --- flows ---------------------------------------------------------------------------------

is_locked() {
	! flock -n "$lab_tmp/steering.lock" true
}

hold live pc udp $NET4 7 30 || die "no flows"
# They start and end before the repair: another process holds the lock until then.
background holder router flock -o -x "$lab_tmp/steering.lock" sleep 60
wait_for 5 is_locked || die "the lock is not held"
tamper nft delete table inet waymark
http_get pc 10 "http://$NET4/" >/dev/null
at router conntrack -D -p tcp --dport 80 >/dev/null 2>&1
background_end holder
wait_for 10 is_as_before
is "live flows are answered when the table is back" "$(hold_send live)" 30
sleep 0.5
is "... each by the uplink of its mark, with verdict unknown for the time without evidence" \
	"$(sql "SELECT count(*) FROM flows WHERE proto = 'udp' AND dport = 7 AND state = 'live'
		AND egress = uplink AND verdict = 'unknown' AND reason = 'gap'")" 30
is "no false mismatch is reported" "$(sql "SELECT count(*) FROM mismatches WHERE time >= '$since'")" 0
wait_for_sql 3 "SELECT count(*) FROM flows WHERE dport = 80 AND started >= '$since' AND state <> 'live'" 10
is "flows of the time without evidence are unknown" \
	"$(sql "SELECT count(*) || verdict || reason FROM flows WHERE dport = 80 AND started >= '$since'
		AND state <> 'live' GROUP BY verdict, reason")" 10unknowngap
hold_close live

# A firewall reload flushes the ruleset and loads its own tables in one transaction.
cat >"$lab_tmp/firewall.nft" <<-END
	flush ruleset
	table inet firewall {
		chain forward {
			type filter hook forward priority filter; policy accept;
			ct state invalid drop
		}
	}
END
reload
undoes_ruleset 'table inet waymark: gone' nft nft -f "$lab_tmp/firewall.nft"
check "a firewall's reload keeps its tables" at router nft list chain inet firewall forward
nat_load

# --- a repair that fails ----------------------------------------------------------------------

# A table with a living owner: no other process may change it.
owner_is_there() {
	at router nft list table inet waymark | grep -q 'flags owner'
}

failures() {
	[ "$(grep -c 'cannot reconcile routes and rules' "$lab_tmp/waymarkd.log")" -ge "$1" ]
}

# The pauses between failures are doubled each time; a notice in between may add a failure.
later_each_time() {
	grep 'cannot reconcile routes and rules' "$lab_tmp/waymarkd.log" | tail -n +$((before_failures + 1)) |
		python3 -c '
import datetime, sys
times = [datetime.datetime.fromisoformat(line[:23]) for line in sys.stdin]
pauses = [(b - a).total_seconds() for a, b in zip(times, times[1:])]
sys.exit(not any(a >= 0.9 and b >= 1.9 and b > 1.5 * a for a, b in zip(pauses, pauses[1:])))'
}

reload
background owner router python3 -c '
import subprocess
with subprocess.Popen(["nft", "-i"], stdin=subprocess.PIPE) as nft:
    nft.stdin.write(b"delete table inet waymark\nadd table inet waymark { flags owner; }\n")
    nft.stdin.flush()
    nft.wait()'
wait_for 5 owner_is_there
before_failures=$(grep -c 'cannot reconcile routes and rules' "$lab_tmp/waymarkd.log")
wait_for 40 failures $((before_failures + 4))
check "a repair that fails is tried again" failures $((before_failures + 4))
check "... after a longer pause each time" wait_for 40 later_each_time
background_end owner
wait_for 40 is_as_before
check "... until it succeeds" is_as_before
reload

# --- giving up --------------------------------------------------------------------------------

rule_is_there() {
	at router ip -4 rule | grep -q 'fwmark 0x2/0xff'
}

reload
since=$(sql_now)
first=$since
# Undo each repair at once: a repair that lasts is not counted.
background undoer router sh -c 'while :; do ip -4 rule del fwmark 2/0xff 2>/dev/null || sleep 0.1; done'
wait_for 90 has_row 'rule 4002%' gave-up
background_end undoer
check_not "a rule that is deleted after each of eight repairs stays deleted" rule_is_there
is "... the last repairs are spaced" "$(sql "SELECT min(gap) > 4 FROM (SELECT
	(julianday(time) - julianday(lag(time) OVER (ORDER BY time))) * 86400 AS gap,
	row_number() OVER (ORDER BY time) AS n FROM tampering WHERE time >= '$since'
	AND what LIKE 'rule 4002%' AND action = 'restored') WHERE n > 5")" 1
is "... there were eight repairs" "$(rows 'rule 4002%' restored)" 8
is "... the rule is given up once" "$(rows 'rule 4002%' gave-up)" 1
check "... the log reports it as an error" \
	grep -q 'error: tampering by .* rule 4002: .*gave up' "$lab_tmp/waymarkd.log"
check "... an alert reports it" alert_has '"reason":"rule-gave-up"'
tamper ip -6 rule del fwmark 2/0xff
wait_for 1 has_row 'rule 4002%IPv6%' restored
check "other objects are still repaired" has_row 'rule 4002%IPv6%' restored
check_not "... but not that rule" rule_is_there
reload
check "a reload reinstalls it" rule_is_there
tamper ip -4 rule del fwmark 2/0xff
wait_for 1 has_row 'rule 4002%IPv4%' restored
check "... and it is repaired again" rule_is_there
is "... nothing else was given up" \
	"$(sql "SELECT count(*) FROM tampering WHERE time >= '$first' AND action = 'gave-up'")" 1

# --- repair = false ------------------------------------------------------------------------------

gap_is_open() {
	sql_is "SELECT count(*) FROM gaps WHERE source = 'evidence' AND started >= '$since' AND ended IS NULL" 1
}

gap_is_closed() {
	sql_is "SELECT count(*) FROM gaps WHERE source = 'evidence' AND started >= '$since' AND ended IS NOT NULL" 1
}

daemon_stop
daemon_start 'repair = false'
tamper ip rule del fwmark 2/0xff
wait_for 2 has_row 'rule 4002%' noticed "AND pid = $pid"
check "with repair = false the change is noticed" has_row 'rule 4002%' noticed "AND pid = $pid"
at router ip link set wan2 down
sleep 0.6
check "... interfaces are followed" at router sh -c '! ip route show table 250 | grep -q wan2'
at router ip link set wan2 up
at router ip addr add $WAN2_6/64 dev wan2 nodad
wait_for 2 at router sh -c 'ip route show table 250 | grep -q "default via"'
check "... and when they come back" at router sh -c 'ip route show table 250 | grep -q "default via"'
check_not "... the rule is not repaired" rule_is_there
is "... and is reported once" "$(sql "SELECT count(*) FROM tampering WHERE time >= '$since'")" 1
waymark apply || die "apply failed"
sleep 0.8
before=$(listing)
tamper ip rule del fwmark 2/0xff
wait_for 2 has_row 'rule 4002%' noticed
check "... and again after it was correct in between" has_row 'rule 4002%' noticed
wait_for 3 alert_has '"reason":"rule-noticed"'
check "... an alert reports it" alert_has '"reason":"rule-noticed"'
check "... with its family as a field" alert_has '"family":"ipv[46]","object":"rule [^"]*".*"reason":"rule-noticed"'
tamper nft delete table inet waymark
wait_for 2 has_row 'table inet waymark: gone' noticed
check "a table that stays away is noticed" has_row 'table inet waymark: gone' noticed
wait_for 2 gap_is_open
check "... and makes a gap that stays open" gap_is_open
sleep 0.7
check_not "... and is not repaired" at router nft list table inet waymark
waymark apply || die "apply failed"
wait_for 2 gap_is_closed
check "... until another process reinstalls it" gap_is_closed
check "... and everything is as before" is_as_before

# --- mode audit ---------------------------------------------------------------------------------

daemon_stop
waymark remove || die "remove failed"
is "remove restores the state before the start, not the tampered one" "$(listing_to_leave)" "$found"
daemon_start 'mode = "audit"'
since=$(sql_now)
at router ip rule add pref 2000 fwmark 9 lookup 99
at router ip rule del pref 2000
at router sysctl -qw net.ipv4.conf.all.src_valid_mark=1
at router sysctl -qw net.ipv4.conf.all.src_valid_mark=0
sleep 1
is "in mode audit changes of rules and routes are not reported" \
	"$(sql "SELECT count(*) FROM tampering WHERE time >= '$since'")" 0
before=$(listing)
undoes_ruleset 'table inet waymark: gone' nft nft flush ruleset
undoes_other 'sysctl net/netfilter/nf_conntrack_acct = 1: was 0' unknown \
	sysctl -qw net.netfilter.nf_conntrack_acct=0
daemon_stop
check "the daemon stops with status 0" test $? = 0
check_not "no sanitizer reports an error" grep -q -e 'ERROR: AddressSanitizer' -e 'runtime error' "$lab_tmp/waymarkd.log"
done_testing
