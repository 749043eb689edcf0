#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_chaos.sh - under random events (links, addresses, gateways, reloads, tampering)
# and constant traffic no stray packet goes unseen and none is invented, flows of a
# line that nothing happened to go on, and in the end all stands as 'waymark rules'
# says; judged from captures at the far ends. No flow is ok that left by another interface.
# CHAOS_SECONDS=1800 CHAOS_SEED=7 make it longer or repeat it; CHAOS_PROTECT=1 protects the
# table: then nothing that others do to the ruleset makes a packet stray or breaks a flow.

. "${0%/*}/lib.sh"

seconds=${CHAOS_SECONDS:-30}
# The same day each time, unless another is asked for: its moments differ all the same.
seed=${CHAOS_SEED:-1}
CHAOS=$lib_dir/chaos.py
protected=${CHAOS_PROTECT:+protected}

command -v tcpdump >/dev/null || skip_all "tcpdump is missing"

capture() { # isp1|isp2
	background "capture_$1" net tcpdump -i "$1" -Q in -U -n -s 128 -Z root -w "$lab_tmp/$1.pcap" 'tcp or udp or icmp or icmp6'
	wait_for 10 grep -q listening "$lab_tmp/capture_$1.err" || die "tcpdump does not listen"
}

# Of the rules that share a priority the order counts where the balanced default begins.
listing() {
	for family in -4 -6; do
		at router ip $family rule show | grep -v '^32765:' | sort
		at router ip $family rule show | grep '^32765:'
		at router ip $family route show table all proto 87 | sort
	done
	at router nft -s list table inet waymark | sed '/^\tflags/,/^$/d; s/ # progname.*//'
}

# Whether the history and the captures agree; what strayed and is unknown is in judge.out.
judged() {
	python3 "$CHAOS" judge "$lab_tmp" $protected >"$lab_tmp/judge.out" && return
	grep -v ' times, ' "$lab_tmp/judge.out"
	return 1
}

# Questions of a line that went unanswered while nothing happened to it.
broken_without_cause() { # 1|2
	awk -v line="$1" '
		NR == FNR { if (index($3, line)) { from[++n] = $1 - 1.2; to[n] = $2 + ($3 == "12" ? 6 : 0.5) } next }
		{ hit = 0
		  for (i = 1; i <= n; i++) if ($2 >= from[i] && $2 <= to[i]) hit = 1
		  if (!hit) print }' "$lab_tmp/events" "$lab_tmp/probe$1.out" "$lab_tmp/probe$1_6.out"
}

lab_up && nat none
at router sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1
at net sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1
# ("auto" removes the event mask if another process listens: the listing would depend on it.)
daemon_start "events = \"full\"${protected:+ protect-table = true}"
[ -z "$protected" ] || waymark status --json | grep -q '"table_protected":true' ||
	skip_all 'this kernel cannot protect a table (Linux 6.9 can)'
echo "$daemon_pid" >"$lab_tmp/waymarkd.pid"
serve net 80 7
serve pc 8080 7007
capture isp1
capture isp2
before=$(listing)

# From outside, one probe a line and family; from the PC and the router, flows that
# are balanced, short and long.
background probe1 net python3 "$CHAOS" probe $PC4 7007 $NET4_VIA1
background probe2 net python3 "$CHAOS" probe $PC4 7007 $NET4_VIA2
background probe1_6 net python3 "$CHAOS" probe $PC6 7007 $NET6_VIA1
background probe2_6 net python3 "$CHAOS" probe $PC6 7007 $NET6_VIA2
background pc4 pc python3 "$CHAOS" probe $NET4 7 $PC4
background pc6 pc python3 "$CHAOS" probe $NET6 7 $PC6
background short pc python3 "$PEER" make $NET4 7 $((20000 + seconds * 20)) 0.05
background own router python3 "$CHAOS" probe $NET4 7 0.0.0.0

diag "seed $seed, $seconds seconds${protected:+, the table is protected}"
python3 "$CHAOS" events "$seconds" "$seed" "$lab_tmp" "$ns_router" "$ns_net" $protected
check "events happened" test -s "$lab_tmp/events"

for name in probe1 probe2 probe1_6 probe2_6 pc4 pc6 short own; do
	background_end $name
done
for name in isp1 isp2; do
	background_end "capture_$name" INT
done
# Everything read and written: half a second and a batch.
sleep 1.5

check "each stray is in the history, nothing but strays is, and no flow is ok that strayed" judged
diag "$(grep ' times, \|^unknown\|^judged' "$lab_tmp/judge.out")"
is "flows of wan1 broke only when something happened to it" "$(broken_without_cause 1)" ""
is "flows of wan2 broke only when something happened to it" "$(broken_without_cause 2)" ""

settled() {
	listing >"$lab_tmp/after"
	printf '%s\n' "$before" | diff - "$lab_tmp/after"
}
check "all stands as before" wait_for 5 settled
daemon_stop
check "the daemon lived through it" grep -q 'stopping on TERM' "$lab_tmp/waymarkd.log"
check "all of it can be removed" waymark remove
waymark rules >"$lab_tmp/rules"
check "and installed again by a shell, as 'waymark rules' says" at router sh -ex "$lab_tmp/rules"
check "which is as before" settled
[ -z "${CHAOS_KEEP:-}" ] || cp -r "$lab_tmp" "$CHAOS_KEEP"
done_testing
