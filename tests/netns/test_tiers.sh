#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves failover and return on three uplinks in two tiers, under 500 TCP flows and a UDP stream,
# when providers drop everything while their interfaces stay up: no flow of another uplink is
# touched, the flows of the failed one are deleted, those on the backup return, and a capture at
# the providers' ends agrees with the history flow by flow.

. "${0%/*}/lib.sh"

BEAT=$lib_dir/beat.py
WAN3_4=192.168.3.10 WAN3_6=fd00:3::10
GW3_4=192.168.3.1 GW3_6=fd00:3::1

uplink3_add() {
	veth_add router $WAN3_4/24 $WAN3_6/64 wan3 net $GW3_4/24 $GW3_6/64 isp3
	at net ip -batch - <<-END || die "routes of net"
		route replace 192.168.3.0/24 dev isp3 proto kernel scope link src $NET4
		route replace fd00:3::/64 dev isp3 proto kernel metric 256 src $NET6
		route add default via $WAN3_4 dev isp3 table 107
		route add default via $WAN3_6 dev isp3 table 107
		rule add pref 107 fwmark 3 lookup 107
	END
	at net ip -6 rule add pref 107 fwmark 3 lookup 107
	at net nft add rule inet back prerouting iifname isp3 ct state new ct mark set 3
}

# The capture: each client port that the internet saw, by protocol and provider.
capture_start() {
	at net nft -f - <<-END || die "no capture"
		table inet capture {
			set seen { type inet_proto . inet_service . ifname; flags dynamic; size 16384; }
			chain prerouting {
				type filter hook prerouting priority raw - 10
				iifname { isp1, isp2, isp3 } th dport 7 add @seen { meta l4proto . th sport . iifname }
			}
		}
	END
}

captured() { # "tcp 20001 wan1" per line, sorted
	at net nft -j list set inet capture seen | python3 -c '
import json, sys
for item in json.load(sys.stdin)["nftables"]:
    for e in item.get("set", {}).get("elem", []):
        e = e.get("elem", e)
        proto, port, name = e.get("val", e)["concat"] if "concat" not in e else e["concat"]
        print(proto, port, name.replace("isp", "wan"))' | sort -u
}

recorded() { # the same, from the history
	sql "SELECT DISTINCT f.proto || ' ' || f.nat_sport || ' ' || e.interface
		FROM flows f JOIN flow_egress e ON e.flow_id = f.id AND e.direction = 'original' WHERE f.dport = 7" | sort -u
}

agree() {
	captured >"$lab_tmp/captured"
	recorded >"$lab_tmp/recorded"
	cmp -s "$lab_tmp/captured" "$lab_tmp/recorded"
}

provider() { # 1|2 drop|pass
	at net nft -f - <<-END
		table inet provider$1
		delete table inet provider$1
		table inet provider$1 {
			chain in {
				type filter hook prerouting priority raw - 1
				$([ "$2" = pass ] || echo "iifname isp$1 meta l4proto { tcp, udp } drop")
			}
		}
	END
	[ "$2" = drop ] && touch "$lab_tmp/fail.wan$1" || rm -f "$lab_tmp/fail.wan$1"
}

# beat NAME FIRST-PORT MILLISECONDS SPEC...: constant traffic of the PC.
beat() {
	local name=$1 port=$2 ms=$3
	shift 3
	background "$name" pc python3 "$BEAT" "$ms" "$port" "$@"
	wait_for 60 grep -q '^beating' "$lab_tmp/$name.out" || {
		diag "$(cat "$lab_tmp/$name.out" "$lab_tmp/$name.err")"
		die "no traffic of $name"
	}
}

live_on() { # UPLINK [CONDITION]: ids of its live flows
	sql "SELECT group_concat(id) FROM (SELECT id FROM flows WHERE state = 'live' AND uplink = '$1' AND dport = 7 AND ${2:-1} ORDER BY id)"
}

count() { # IDS
	echo "$1" | tr ',' '\n' | grep -c .
}

# Flows of a finished beat whose port is in the file and that lost a message.
damage() { # NAME IDS
	sql "SELECT proto || ' ' || sport FROM flows WHERE id IN ($2)" >"$lab_tmp/mine"
	awk 'NR == FNR { mine[$1 " " $2] = 1; next }
		($2 " " $4 in mine) && ($8 || $10 || $12)' "$lab_tmp/mine" "$lab_tmp/$1.out"
}

state_is() { # UPLINK STATE
	waymark uplinks --json | python3 -c '
import json, sys
u = next(u for u in json.load(sys.stdin) if u["name"] == sys.argv[1])
sys.exit(u["state"] != sys.argv[2])' "$@"
}

untouched() { # WHAT IDS UPLINK
	is "$1: its $(count "$2") flows live" "$(sql "SELECT count(*) FROM flows WHERE id IN ($2) AND state = 'live'")" "$(count "$2")"
	is "$1: they left by $3 alone" \
		"$(sql "SELECT DISTINCT interface FROM flow_egress WHERE flow_id IN ($2) AND direction = 'original'")" "$3"
	is "$1: none was deleted" "$(sql "SELECT count(*) FROM deleted_flows WHERE flow_id IN ($2)")" 0
	is "$1: no mismatch" "$(sql "SELECT count(*) FROM mismatches WHERE flow_id IN ($2)")" 0
}

lab_up
uplink3_add
capture_start
nat snat
nat_rules="$nat_rules
	oifname wan3 snat ip to $WAN3_4
	oifname wan3 snat ip6 to $WAN3_6"
nat_load
serve net 80 7
printf '#!/bin/sh\n[ ! -e "%s/fail.$UPLINK" ]\n' "$lab_tmp" >"$lab_tmp/check"
chmod 755 "$lab_tmp/check"
config_write 'on-uplink-down = "flush" on-uplink-up = "return"'
sed -i "s|weight    = .*|weight = 1 health { exec = \"$lab_tmp/check\" interval = 1s down-after = 1 up-after = 1 on-failure = \"down\" }|" \
	"$lab_tmp/waymark.conf"
cat >>"$lab_tmp/waymark.conf" <<-END
	uplink wan3 {
		interface = "wan3"  mark = 4  table = 249  gateway = "$GW3_4"  gateway6 = "$GW3_6"  tier = 2
	}
END
daemon_run
# Each IPv4 and IPv6 flow has a port of its own, as the capture identifies flows by their ports.
beat many 20000 500 "tcp $NET4 7 400" "tcp $NET6 7 100"
beat stream 30000 20 "udp $NET4 7 1"
wait_for_sql 10 "SELECT count(*) FROM flows WHERE state = 'live' AND dport = 7" 501
one=$(live_on wan1)
two=$(live_on wan2)
in_range "flows by wan1" "$(count "$one")" 100 400
is "the others by wan2, none by the second tier" "$(count "$two"):$(count "$(live_on wan3)")" "$((501 - $(count "$one"))):0"

# --- the provider of wan1 drops everything -------------------------------------------------

provider 1 drop
check "wan1 is down" wait_for 30 state_is wan1 down
# A flow that sends between the new routes and its deletion has left by wan2, too.
check "its flows are deleted" wait_for_sql 20 "SELECT count(*) FROM flows WHERE id IN ($one) AND state = 'ended'
	AND reason IN ('uplink-down-flush', 'uplink-down')" "$(count "$one")"
sleep 2
untouched "wan1 fails, wan2" "$two" wan2
is "no flow uses the second tier" "$(sql "SELECT count(*) FROM flows WHERE uplink = 'wan3'")" 0
is "failover has each flow of wan1" "$(waymark failover --uplink wan1 --csv | awk -F, '
	$4 == "moved" || $4 == "deleted" { n += $6 } $4 == "stranded" || $4 == "idle" { other += $6 } END { print n, other + 0 }')" "$(count "$one") 0"
check "the capture and the history agree" wait_for 20 agree || diag "$(diff "$lab_tmp/captured" "$lab_tmp/recorded")"
background_end many
is "no message of wan2's flows is lost" "$(damage many "$(sql "SELECT group_concat(id) FROM flows WHERE id IN ($two) AND proto = 'tcp'")")" ""

# --- that of wan2, too ---------------------------------------------------------------------------

provider 2 drop
check "wan2 is down: the second tier is usable" wait_for 30 state_is wan2 down
check "new flows use the second tier" wait_for 10 sql_is "SELECT count(*) > 0 FROM flows WHERE uplink = 'wan3' AND proto = 'udp'" 1
beat spare 21000 500 "tcp $NET4 7 50" "udp $NET6 7 10"
wait_for_sql 10 "SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan3' AND sport BETWEEN 21000 AND 21059" 60
three=$(live_on wan3)
untouched "both fail, wan3" "$(live_on wan3 'sport BETWEEN 21000 AND 21059')" wan3
check "the capture and the history agree" wait_for 20 agree || diag "$(diff "$lab_tmp/captured" "$lab_tmp/recorded")"

# --- the return --------------------------------------------------------------------------------------

provider 1 pass
check "wan1 is up again after the hold time" wait_for 90 state_is wan1 up
beat back 22000 500 "tcp $NET4 7 40" "udp $NET4 7 10"
wait_for_sql 10 "SELECT count(*) FROM flows WHERE state = 'live' AND uplink = 'wan1' AND sport BETWEEN 22000 AND 22049" 50
fresh=$(live_on wan1 'sport BETWEEN 22000 AND 22049')
check "each flow of the backup is deleted to return" wait_for 120 sql_is \
	"SELECT count(DISTINCT flow_id) FROM deleted_flows WHERE action = 'returned' AND flow_id IN ($three)" "$(count "$three")"
sleep 1
untouched "the return, wan1" "$fresh" wan1
check "the stream is back on wan1" wait_for 10 sql_is \
	"SELECT uplink FROM flows WHERE state = 'live' AND sport = 30000 AND proto = 'udp' ORDER BY id DESC LIMIT 1" wan1
is "failover has the flows that returned" \
	"$(waymark failover --uplink wan1 --list returned --csv --limit 0 | sed 1d | wc -l)" "$(count "$three")" ||
	diag "$(waymark failover --uplink wan1)"
check "the capture and the history agree" wait_for 20 agree || diag "$(diff "$lab_tmp/captured" "$lab_tmp/recorded")"
for name in stream spare back; do
	background_end $name
done
is "no message of the fresh flows is lost" "$(damage back "$fresh")" ""
is "nothing was deleted but flows of failed uplinks and of the backup" \
	"$(sql "SELECT count(*) FROM deleted_flows d WHERE action = 'returned' AND flow_id NOT IN ($three)")" 0
is "the only mismatches are those of uplinks that were down" \
	"$(sql "SELECT count(*) FROM mismatches WHERE reason != 'uplink-down'")" 0

done_testing
