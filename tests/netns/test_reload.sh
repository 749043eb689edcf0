#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that a reload can add, remove, re-mark, re-weight and reorder uplinks under
# constant traffic: the flows of an unchanged uplink lose no packet, none strays, and no
# false mismatch is reported; a broken file and keys that cannot change leave everything
# as it is; a removed uplink's flows are reported, and become foreign with their next
# packet; the service manager is notified.

. "${0%/*}/lib.sh"
. "${0%/*}/traffic.sh"

head_of_config() {
	cat <<-END
		database       = "${database:-$lab_tmp/flows.db}"
		control-socket = "${socket:-$lab_tmp/control.sock}"
		${extra:-}
		alert { json = "$lab_tmp/alerts.jsonl"  min-interval = "1s" }
	END
}

uplink_text() { # NAME MARK TABLE WEIGHT
	local n=${1#wan}
	echo "uplink $1 { interface = \"$1\" mark = $2 table = $3 gateway = \"192.168.$n.1\" gateway6 = \"fd00:$n::1\" weight = $4 }"
}

# reload [UPLINK TEXT]...: load this configuration; returns when it is in force or refused.
# Waits for the service manager's notice, because the log combines equal messages.
reload() {
	local n line
	n=$(grep -c '^READY=1' "$lab_tmp/manager.out")
	{ head_of_config; for line; do echo "$line"; done; } >"$lab_tmp/waymark.conf"
	kill -HUP "$daemon_pid"
	wait_for 30 reload_is_done "$n" || die "no reload"
}

reload_is_done() {
	[ "$(grep -c '^READY=1' "$lab_tmp/manager.out")" -gt "$1" ]
}

# Make flows until the watching client prints one.
is_watched() {
	at pc curl -s --max-time 1 "http://192.168.10.1:81/"
	grep -q '"type":"flow"' "$lab_tmp/watch.out"
}

listing() {
	at router ip rule
	at router ip -6 rule
	at router ip route show table all
	at router ip -6 route show table all
	at router nft -s list ruleset
}

lab_up
# A third uplink without traffic.
at router ip link add wan3 type veth peer name isp3 netns "$ns_net"
at router ip addr add 192.168.3.10/24 dev wan3
at net ip addr add 192.168.3.1/24 dev isp3
at net ip link set isp3 up
at router ip link set wan3 up
nat snat
forward_port tcp 7007
forward_port udp 7007
forward_port tcp 5201
forward_port udp 5201
serve net 80 7
serve pc 8080 7007
traffic_watch
one=$(uplink_text wan1 2 251 1)
two=$(uplink_text wan2 3 250 2)
three=$(uplink_text wan3 4 249 1)
{ head_of_config; echo "$one"; echo "$two"; } >"$lab_tmp/waymark.conf"

# The service manager: a socket that prints each notice; every user may write to it.
background manager router python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
while True:
    print(s.recv(4096).decode().replace("\n", " "), flush=True)' "$lab_tmp/notify"
wait_for 5 [ -S "$lab_tmp/notify" ]
NOTIFY_SOCKET=$lab_tmp/notify
export NOTIFY_SOCKET
daemon_run
unset NOTIFY_SOCKET
wait_for 15 grep -q '^READY=1' "$lab_tmp/manager.out" || die "the manager was not notified"

# --- many reloads under traffic -----------------------------------------------------------

traffic_start
# Replies by wan2 at a high rate, counted where they leave the PC and where they
# arrive: a packet without its mark would stray.
at pc nft -f - <<-END
	table inet count {
		counter left { }
		chain output { type filter hook postrouting priority 0; udp sport 5201 counter name left; }
	}
END
at net nft -f - <<-END
	table inet count {
		counter isp1 { }
		counter isp2 { }
		counter isp3 { }
		chain prerouting {
			type filter hook prerouting priority -350
			iifname isp1 udp sport 5201 counter name isp1
			iifname isp2 udp sport 5201 counter name isp2
			iifname isp3 udp sport 5201 counter name isp3
		}
	}
END
counted() { # NAMESPACE COUNTER
	at "$1" nft list counter inet count "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
background sink pc iperf3 -s
wait_for 5 at pc sh -c 'ss -ltn | grep -q :5201'
background flood net iperf3 -c $WAN2_4 -u -b 30M -l 600 -R -t 14 -J
sleep 0.5
heavy=$(uplink_text wan1 2 251 50)
marked=$(uplink_text wan1 9 251 1)
tabled=$(uplink_text wan1 2 252 1)
n=0
for round in 1 2 3 4 5; do
	reload "$one" "$two" "$three"	# added
	reload "$heavy" "$two" "$three"	# re-weighted
	reload "$two" "$three" "$one"	# another order: its rule moves
	reload "$three" "$one" "$two"
	reload "$one" "$two" "$three"
	reload "$two"			# two removed
	reload "$marked" "$two"		# one back, with another mark
	reload "$tabled" "$two"		# another table
	reload "$one" "$two"
	n=$((n + 9))
done
check "after $n reloads the routes are as planned" routes_are_planned
wait_for 20 sh -c "! kill -0 $background_pid_flood 2>/dev/null"
traffic_stop
is "no message of wan2's $(traffic_count 2) flows is lost" "$(traffic_damage 2)" ""
is "no flow of wan2 left by another uplink" "$(traffic_strays 2)" ""
is "no mismatch of a flow of wan2" "$(sql "SELECT count(*) FROM mismatches WHERE expected = 'wan2'")" 0
check_not "no flow of an uplink that was removed is a mismatch" \
	grep 'marked for ,' "$lab_tmp/waymarkd.log"
in_range "a flood of replies meanwhile" "$(counted pc left)" 10000 1000000
is "all of it arrives by wan2" "$(counted net isp2)" "$(counted pc left)"
is "nothing of it by another uplink" "$(counted net isp1) $(counted net isp3)" "0 0"
check "the manager is notified each time" sh -c "[ \$(grep -c '^RELOADING=1 MONOTONIC_USEC=' '$lab_tmp/manager.out') = $n ] &&
	[ \$(grep -c '^READY=1' '$lab_tmp/manager.out') = $((n + 1)) ]"

# --- what is refused -------------------------------------------------------------------------

before=$(listing)
reload "$one" 'uplink wan2 { interface = "wan2" mark = 2 table = 250 }'
is "a broken file changes nothing" "$(listing)" "$before"
check "the error is reported, with file and line" grep -q "$lab_tmp/waymark.conf:[0-9]*: " "$lab_tmp/waymarkd.log"
refused() { # KEY
	reload "$one" "$two"
	is "another $1 changes nothing" "$(listing)" "$before"
	check "another $1 is refused by name" grep -q "reload: $1 cannot change" "$lab_tmp/waymarkd.log"
}
for extra in 'nflog-group = 78' 'mode = "audit"' 'label-base = 60' 'mark-mask = 0xfff'; do
	refused "${extra%% *}"
done
extra=
database=/nowhere/flows.db
refused database
database=
socket=/nowhere/control.sock
refused control-socket
socket=
reload "$one" "$two"
is "the same file again changes nothing" "$(listing)" "$before"
check "the daemon runs" waymark status

# --- flows of an uplink that is removed ------------------------------------------------------

nat none
hold stays pc udp $NET4 7 12 || die "no flows"
wait_for_sql 2 "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7 AND proto = 'udp' AND started > (SELECT max(started) FROM flows WHERE dport = 5201) AND verdict = 'ok'" 12
gone=$(sql "SELECT group_concat(id) FROM flows WHERE state = 'live' AND uplink = 'wan1' AND verdict = 'ok' AND sport IN ($(hold_ports stays | paste -sd,))")
n_gone=$(echo "$gone" | tr ',' '\n' | grep -c .)
in_range "flows live by wan1" "$n_gone" 1 12
background watch router "$WAYMARK" -c "$lab_tmp/waymark.conf" watch --json
check "a client watches" wait_for 10 is_watched
reload "$two"
check "the watching client is notified" wait_for 5 grep -q '"kind":"uplink".*"reason":"removed"' "$lab_tmp/watch.out"
background_end watch
check "each line of watch is a JSON object" python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)["type"]' "$lab_tmp/watch.out"
check "the log says how many flows live on without an uplink" \
	grep -q 'uplink wan1 (wan1) no longer has mark 0x2: [1-9][0-9]* live flows still have this mark' "$lab_tmp/waymarkd.log"
check "an alert reports it" wait_for 2 grep -q '"kind":"uplink".*removed\|removed.*"kind":"uplink"' "$lab_tmp/alerts.jsonl"
is "their verdict and uplink stay as they were" "$(sql "SELECT count(*) FROM flows WHERE id IN ($gone) AND verdict = 'ok' AND uplink = 'wan1'")" "$n_gone"
hold_send stays >"$lab_tmp/answered"
wait_for_sql 2 "SELECT count(*) FROM flows WHERE id IN ($gone) AND verdict = 'foreign'" "$n_gone"
is "they send on, and become foreign" "$(sql "SELECT count(*) FROM flows WHERE id IN ($gone) AND verdict = 'foreign'")" "$n_gone"
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches WHERE flow_id IN ($gone)")" 0
hold_close stays

done_testing
