#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_chaos.sh - under random events (interfaces, addresses, gateways, reloads, tampering) and
# constant traffic every stray packet is in the history and no other is, no flow that left by
# another interface is ok, flows of an uplink that had no event continue, and in the end the
# network is as 'waymark rules' prints. Compared with captures at the far ends.
# CHAOS_SECONDS=1800 makes it longer, CHAOS_SEED=7 repeats a run; CHAOS_PROTECT=1 protects the
# table: then no foreign change of the ruleset makes a packet stray or breaks a flow.

. "${0%/*}/lib.sh"

seconds=${CHAOS_SECONDS:-30}
# The default seed repeats the same events; their exact moments still differ.
seed=${CHAOS_SEED:-1}
CHAOS=$lib_dir/chaos.py
protected=${CHAOS_PROTECT:+protected}

command -v tcpdump >/dev/null || skip_all "tcpdump is missing"

capture() { # isp1|isp2
	background "capture_$1" net tcpdump -i "$1" -Q in -U -n -s 128 -Z root -w "$lab_tmp/$1.pcap" 'tcp or udp or icmp or icmp6'
	wait_for 10 grep -q listening "$lab_tmp/capture_$1.err" || die "tcpdump does not listen"
}

# The order of rules that share a priority matters where the balanced default begins.
listing() {
	for family in -4 -6; do
		at router ip $family rule show | grep -v '^32765:' | sort
		at router ip $family rule show | grep '^32765:'
		at router ip $family route show table all proto 87 | sort
	done
	at router nft -s list table inet waymark | sed '/^\tflags/,/^$/d; s/ # progname.*//'
}

# judged: the history and the captures agree; judge.out has the stray and unknown flows.
judged() {
	python3 "$CHAOS" judge "$lab_tmp" $protected >"$lab_tmp/judge.out" && return
	grep -v ' times, ' "$lab_tmp/judge.out"
	return 1
}

# Unanswered requests of flows by an uplink that had no event.
broken_without_cause() { # 1|2
	awk -v uplink="$1" '
		NR == FNR { if (index($3, uplink)) { from[++n] = $1 - 1.2; to[n] = $2 + ($3 == "12" ? 6 : 0.5) } next }
		{ hit = 0
		  for (i = 1; i <= n; i++) if ($2 >= from[i] && $2 <= to[i]) hit = 1
		  if (!hit) print }' "$lab_tmp/events" "$lab_tmp/probe$1.out" "$lab_tmp/probe$1_6.out"
}

is_running() { # NAME
	eval "kill -0 \$background_pid_$1"
}

lab_up && nat none
at router sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1
at net sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1
# The short flows bind one port after the other from 20000 on.
at pc sysctl -qw net.ipv4.ip_local_port_range='10000 19999'
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

# From outside, one probe per uplink and family; from the PC and the router, balanced flows,
# short and long.
background probe1 net python3 "$CHAOS" probe $PC4 7007 $NET4_VIA1
background probe2 net python3 "$CHAOS" probe $PC4 7007 $NET4_VIA2
background probe1_6 net python3 "$CHAOS" probe $PC6 7007 $NET6_VIA1
background probe2_6 net python3 "$CHAOS" probe $PC6 7007 $NET6_VIA2
background pc4 pc python3 "$CHAOS" probe $NET4 7 $PC4
background pc6 pc python3 "$CHAOS" probe $NET6 7 $PC6
background short pc python3 "$PEER" make $NET4 7 20000 0.05
background own router python3 "$CHAOS" probe $NET4 7 0.0.0.0

diag "seed $seed, $seconds seconds${protected:+, the table is protected}"
python3 "$CHAOS" events "$seconds" "$seed" "$lab_tmp" "$ns_router" "$ns_net" $protected
check "events happened" test -s "$lab_tmp/events"

for name in probe1 probe2 probe1_6 probe2_6 pc4 pc6 short own; do
	check "$name had traffic until the end" is_running $name
	background_end $name
done
for name in isp1 isp2; do
	background_end "capture_$name" INT
done
# Wait until everything is read and written: half a second and a batch.
sleep 1.5

check "the mismatches of the history are exactly the stray packets, and no stray flow is ok" judged
diag "$(grep ' times, \|^unknown\|^judged' "$lab_tmp/judge.out")"
is "flows of wan1 broke only by an event of wan1" "$(broken_without_cause 1)" ""
is "flows of wan2 broke only by an event of wan2" "$(broken_without_cause 2)" ""

settled() {
	listing >"$lab_tmp/after"
	printf '%s\n' "$before" | diff - "$lab_tmp/after"
}
check "rules, routes and ruleset are as before" wait_for 5 settled
daemon_stop
check "the daemon ran until its stop" grep -q 'stopping: received SIGTERM' "$lab_tmp/waymarkd.log"
check "remove succeeds" waymark remove
waymark rules >"$lab_tmp/rules"
check "a shell installs the output of 'waymark rules'" at router sh -ex "$lab_tmp/rules"
check "... and the network is as before" settled
[ -z "${CHAOS_KEEP:-}" ] || cp -r "$lab_tmp" "$CHAOS_KEEP"
done_testing
