# SPDX-License-Identifier: GPL-2.0-or-later
#
# traffic.sh - for tests that change an uplink under constant traffic: which uplink each
# flow used (seen at the providers' ends), which flows lost messages, and whether the
# routes are as planned. Sourced after lib.sh. It must not know what changes.
#
# A flow is identified by "PROTOCOL . PORT": the client's port, which no NAT of the lab
# changes while it is free.

BEAT=$lib_dir/beat.py
BEAT_PORT=7
BEAT_IN_PORT=7007

# Count flows by the provider's interface that their packets enter. A reply of the
# internet is first routed without its uplink's mark, and must find a route also while
# the uplink of the default route is down.
traffic_watch() {
	at net ip -batch - <<-END || die "spare routes of net"
		route add default via $WAN2_4 dev isp2 metric 4000
		route add default via $WAN2_6 dev isp2 metric 4000
	END
	at net nft -f - <<-END || die "watch of net"
		table inet watch {
			set seen1 { type inet_proto . inet_service; flags dynamic; size 4096; }
			set seen2 { type inet_proto . inet_service; flags dynamic; size 4096; }
			chain prerouting {
				type filter hook prerouting priority raw
				iifname "isp1" th dport $BEAT_PORT add @seen1 { meta l4proto . th sport }
				iifname "isp2" th dport $BEAT_PORT add @seen2 { meta l4proto . th sport }
				iifname "isp1" th sport $BEAT_IN_PORT add @seen1 { meta l4proto . th dport }
				iifname "isp2" th sport $BEAT_IN_PORT add @seen2 { meta l4proto . th dport }
			}
		}
	END
}

# traffic_seen 1|2: "PROTOCOL PORT" of each flow seen at that uplink's far end, sorted.
traffic_seen() {
	at net nft -j list set inet watch "seen$1" | python3 -c '
import json, sys
for item in json.load(sys.stdin)["nftables"]:
    for e in item.get("set", {}).get("elem", []):
        print(*e["concat"])' | sort
}

traffic_port=10000

# traffic_add NAME NAMESPACE SPEC...: constant traffic, one message per flow every 10 ms;
# each flow from a port that no other flow of the test uses.
traffic_add() {
	local name=$1 ns=$2
	shift 2
	traffic_port=$((traffic_port + 200))
	background "$name" "$ns" python3 "$BEAT" 10 $traffic_port "$@"
	wait_for 15 grep -q '^beating' "$lab_tmp/$name.out" || {
		diag "$(cat "$lab_tmp/$name.out" "$lab_tmp/$name.err")"
		die "no traffic of $name"
	}
}

# The usual traffic: TCP and UDP, IPv4 and IPv6, from the PC, from the router, and from
# outside to a forwarded port on each uplink. Records the uplink of each flow.
traffic_start() {
	at net nft flush set inet watch seen1
	at net nft flush set inet watch seen2
	traffic_add pc pc "udp $NET4 $BEAT_PORT 8" "tcp $NET4 $BEAT_PORT 8" "udp $NET6 $BEAT_PORT 8" \
		"tcp $NET6 $BEAT_PORT 8"
	traffic_add own router "udp $NET4 $BEAT_PORT 8" "tcp $NET4 $BEAT_PORT 8" "udp $NET6 $BEAT_PORT 8"
	traffic_add in1 net "udp $WAN1_4 $BEAT_IN_PORT 3" "tcp $WAN1_4 $BEAT_IN_PORT 3"
	traffic_add in2 net "udp $WAN2_4 $BEAT_IN_PORT 3" "tcp $WAN2_4 $BEAT_IN_PORT 3" "udp $WAN2_6 $BEAT_IN_PORT 2"
	traffic_record_uplinks
}

traffic_record_uplinks() {
	traffic_seen 1 >"$lab_tmp/uplink1"
	traffic_seen 2 >"$lab_tmp/uplink2"
}

traffic_stop() {
	local name
	for name in pc own in1 in2; do
		kill -TERM "$(eval "echo \$background_pid_$name")"
	done
	for name in pc own in1 in2; do
		background_end "$name"
	done
	cat "$lab_tmp/pc.out" "$lab_tmp/own.out" "$lab_tmp/in1.out" "$lab_tmp/in2.out" |
		grep '^flow' >"$lab_tmp/flows.report"
}

# traffic_strays 1|2: flows of that uplink that were also seen at the other one.
traffic_strays() {
	traffic_seen $((3 - $1)) | comm -12 - "$lab_tmp/uplink$1"
}

# traffic_damage 1|2: flows of that uplink with a message lost, refused or sent again.
traffic_damage() {
	awk 'NR == FNR { mine[$1 " " $2] = 1; next }
		($2 " " $4 in mine) && ($8 || $10 || $12)' "$lab_tmp/uplink$1" "$lab_tmp/flows.report"
}

traffic_count() { # 1|2
	wc -l <"$lab_tmp/uplink$1"
}

# routes_planned: what 'waymark rules' would install; routes_there: Waymark's routes and
# rules in the kernel.
routes_planned() {
	waymark rules | sed -n 's/^ip -\([46]\) route [a-z]* /\1 /p; s/^ip -\([46]\) rule add /\1 rule /p' |
		routes_words
}

routes_there() {
	local f
	for f in 4 6; do
		at router ip -o "-$f" route show table all proto 87 | sed "s/^/$f /"
		at router ip "-$f" rule show | sed -n "s/^\([0-9]*\):\t\(.*\)proto 87.*/$f rule priority \1 \2/p"
	done | routes_words
}

routes_words() {
	tr -d '\\' | tr -s ' \t' ' ' |
		sed 's/ table main\b//; s/ proto 87\b//; s/ protocol 87\b//; s/ pref medium//; s/ from all//; s/ fwmark 0x0\// fwmark 0\//; s/\( from [^ /]*\)\/\(32\|128\) /\1 /; s/ linkdown//g; s/ dead//g; s/ \[detached\]//; s/ *$//' |
		sort
}

routes_are_planned() {
	[ "$(routes_there)" = "$(routes_planned)" ] || {
		routes_planned >"$lab_tmp/planned"
		routes_there | diff "$lab_tmp/planned" -
	}
}

# follows WHAT COMMAND...: the command succeeds within 20 seconds.
follows() {
	local what=$1
	shift
	if wait_for 20 "$@"; then
		ok "$what, soon"
	else
		not_ok "$what, soon"
		diag "$("$@" 2>&1)"
		diag "$(routes_there)"
	fi
}

# routes_have TEXT / routes_lack TEXT
routes_have() {
	routes_there | grep -q -e "$1"
}

routes_lack() {
	! routes_there | grep -q -e "$1"
}

# Set the provider's interface up again, with the addresses and routes that it lost.
isp_up() { # 1|2
	at net ip link set "isp$1" up
	eval "at net ip addr add \$GW$1_6/64 dev isp$1 nodad" 2>/dev/null
	eval "at net ip route replace default via \$WAN$1_4 dev isp$1 table 10$1"
	eval "at net ip route replace default via \$WAN$1_6 dev isp$1 table 10$1"
	at net ip route replace default via $WAN1_4 dev isp1 2>/dev/null
}

uplink_is() { # UPLINK INTERFACE STATE
	waymark uplinks --csv | grep -q "^$1,$2,$3,"
}
