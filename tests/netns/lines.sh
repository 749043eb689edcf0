# SPDX-License-Identifier: GPL-2.0-or-later
#
# lines.sh - for tests of lines that change under constant traffic: what the far
# ends of both lines have seen of each flow, what each flow has lost, whether the
# routes are as planned. Sourced after lib.sh. It must not know what changes.
#
# A flow is told by "PROTOCOL . PORT": the client's port, which no NAT of the lab
# changes while it is free.

BEAT=$lib_dir/beat.py
BEAT_PORT=7
BEAT_IN_PORT=7007

# The far ends note which flows' packets come in by them. What the internet answers is
# first routed without its line's mark, and must find a route then while the line of
# its default route is away.
lines_watch() {
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

# lines_seen 1|2: "PROTOCOL PORT" of each flow that the far end has seen, sorted.
lines_seen() {
	at net nft -j list set inet watch "seen$1" | python3 -c '
import json, sys
for item in json.load(sys.stdin)["nftables"]:
    for e in item.get("set", {}).get("elem", []):
        print(*e["concat"])' | sort
}

lines_port=10000

# lines_begin NAME NAMESPACE SPEC...: constant traffic, a message each 10 ms a flow;
# each flow from a port that no other flow of the test has.
lines_begin() {
	local name=$1 ns=$2
	shift 2
	lines_port=$((lines_port + 200))
	background "$name" "$ns" python3 "$BEAT" 10 $lines_port "$@"
	wait_for 15 grep -q '^beating' "$lab_tmp/$name.out" || {
		diag "$(cat "$lab_tmp/$name.out" "$lab_tmp/$name.err")"
		die "no traffic of $name"
	}
}

# The usual traffic: TCP and UDP, IPv4 and IPv6, from the PC, the router and from
# outside to a forwarded port on each uplink. Notes which flow is whose.
lines_start() {
	at net nft flush set inet watch seen1
	at net nft flush set inet watch seen2
	lines_begin pc pc "udp $NET4 $BEAT_PORT 8" "tcp $NET4 $BEAT_PORT 8" "udp $NET6 $BEAT_PORT 8" \
		"tcp $NET6 $BEAT_PORT 8"
	lines_begin own router "udp $NET4 $BEAT_PORT 8" "tcp $NET4 $BEAT_PORT 8" "udp $NET6 $BEAT_PORT 8"
	lines_begin in1 net "udp $WAN1_4 $BEAT_IN_PORT 3" "tcp $WAN1_4 $BEAT_IN_PORT 3"
	lines_begin in2 net "udp $WAN2_4 $BEAT_IN_PORT 3" "tcp $WAN2_4 $BEAT_IN_PORT 3" "udp $WAN2_6 $BEAT_IN_PORT 2"
	lines_note
}

lines_note() {
	lines_seen 1 >"$lab_tmp/line1"
	lines_seen 2 >"$lab_tmp/line2"
}

lines_stop() {
	local name
	for name in pc own in1 in2; do
		kill -TERM "$(eval "echo \$background_pid_$name")"
	done
	for name in pc own in1 in2; do
		background_end "$name"
	done
	cat "$lab_tmp/pc.out" "$lab_tmp/own.out" "$lab_tmp/in1.out" "$lab_tmp/in2.out" |
		grep '^flow' >"$lab_tmp/flows.told"
}

# lines_strays 1|2: flows that began by the line and were seen by the other.
lines_strays() {
	lines_seen $((3 - $1)) | comm -12 - "$lab_tmp/line$1"
}

# lines_damage 1|2: flows of the line that lost, had refused or resent something.
lines_damage() {
	awk 'NR == FNR { mine[$1 " " $2] = 1; next }
		($2 " " $4 in mine) && ($8 || $10 || $12)' "$lab_tmp/line$1" "$lab_tmp/flows.told"
}

lines_count() { # 1|2
	wc -l <"$lab_tmp/line$1"
}

# routes_planned: what 'waymark rules' would install; routes_there: what of Waymark
# the kernel has.
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

# follows WHAT COMMAND...: the command succeeds soon.
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

# The provider's end of a line comes back, with what went with it.
line_up() { # 1|2
	at net ip link set "isp$1" up
	eval "at net ip addr add \$GW$1_6/64 dev isp$1 nodad" 2>/dev/null
	eval "at net ip route replace default via \$WAN$1_4 dev isp$1 table 10$1"
	eval "at net ip route replace default via \$WAN$1_6 dev isp$1 table 10$1"
	at net ip route replace default via $WAN1_4 dev isp1 2>/dev/null
}

uplink_is() { # UPLINK INTERFACE STATE
	waymark uplinks --csv | grep -q "^$1,$2,$3,"
}
