#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves passive health: an uplink whose provider drops everything is silent within seconds and
# taken down, the other uplink's flows are untouched, and it comes back; one dead server, a
# scan from inside, a dead service and idle time change nothing; the last usable uplink stays up.

. "${0%/*}/lib.sh"

BROWSE=$lib_dir/../bench/browse.py

# The fault is in the provider's network: the interface stays up and the gateway answers.
provider() { # 1|2 drop|drop4|loss|pass
	local rule
	case $2 in
	drop) rule="iifname isp$1 meta nfproto { ipv4, ipv6 } th dport { 53, 80 } drop" ;;
	drop4) rule="iifname isp$1 ip protocol { tcp, udp } th dport { 53, 80 } drop" ;;
	loss) rule="iifname isp$1 th dport { 53, 80 } numgen random mod 10 < 5 drop" ;;
	pass) rule= ;;
	esac
	at net nft -f - <<-END
		table inet provider$1
		delete table inet provider$1
		table inet provider$1 {
			chain in {
				type filter hook prerouting priority raw - 1
				$rule
			}
		}
	END
}

health_is() { # UPLINK HEALTH [STATE]
	waymark uplinks --json | python3 -c '
import json, sys
u = next(u for u in json.load(sys.stdin) if u["name"] == sys.argv[1])
sys.exit(u["health"] != sys.argv[2] or (len(sys.argv) > 3 and u["state"] != sys.argv[3]))' "$@"
}

ms() {
	date +%s%3N
}

lab_up
nat masquerade
at net ip route add local 198.18.0.0/16 dev lo
at net ip -6 route add local 2001:db8:200::/48 dev lo
at net nft 'add table inet dead; add chain inet dead in { type filter hook prerouting priority raw; }'
at net nft 'add rule inet dead in ip daddr 198.19.0.0/16 drop; add rule inet dead in ip6 daddr 2001:db8:201::/48 drop'
background serve net python3 "$BROWSE" serve
wait_for 10 grep -q ready "$lab_tmp/serve.out" || die "no servers"
config_write
sed -i 's/weight    = .*/weight = 1 health { passive = true on-failure = "down" up-after = 1 interval = "1s" }/' \
	"$lab_tmp/waymark.conf"
daemon_run
check "no flows yet: idle" health_is wan1 idle up
# Two offices, so that one has traffic while the other pauses.
background browse pc python3 "$BROWSE" browse 40 400 3
background browse2 pc python3 "$BROWSE" browse 40 400 4
check "answers: healthy" wait_for 20 health_is wan1 healthy up
check "answers by wan2: healthy" wait_for 20 health_is wan2 healthy up
sleep 15

# --- the provider of wan1 drops everything ---------------------------------------------------

began=$(ms)
provider 1 drop
check "the provider drops all: wan1 is silent and down" wait_for 15 health_is wan1 silent down
echo "# silent and down after $(($(ms) - began)) ms"
check "wan2 is healthy" wait_for 20 health_is wan2 healthy up || diag "$(waymark uplinks; tail -n 20 "$lab_tmp/waymarkd.log")"
check "its cause is health" grep -q 'wan1: down, decided by its health' "$lab_tmp/waymarkd.log"
check "an alert reports it" wait_for 5 grep -q '"kind":"health".*wan1' "$lab_tmp/alerts.jsonl"
sleep 1
newest=$(sql "SELECT max(id) FROM flows")
# The traffic has pauses, but they are shorter than the time for which wan1 stays down.
check "new flows leave by wan2" wait_for 20 sql_is "SELECT count(*) > 20 FROM flows WHERE id > $newest AND uplink = 'wan2'" 1
is "no new flow leaves by wan1" "$(sql "SELECT count(*) FROM flows WHERE id > $newest AND uplink = 'wan1' AND dport IN (53, 80)")" 0
is "flows that moved to wan2 have the reason uplink-down" "$(sql "SELECT group_concat(DISTINCT reason) FROM mismatches")" uplink-down
# The flows without answers end after a while, and have counters then.
tells_all() {
	waymark failover --uplink wan1 --json | python3 -c '
import json, sys
s = json.load(sys.stdin)[0]
print(s)
sys.exit(not (s["cause"] == "health" and s["detected_by"] == "flows" and s["decision"] == "down" and
              s["began"] < s["down"] and s["detection_ms"] > 0 and
              s["packets_lost"] >= s["unanswered"] > 0))'
}
check "waymark failover has the detection and the lost packets" wait_for 10 tells_all || diag "$(tells_all)"
provider 1 pass
check "the provider is back: wan1 is used again and healthy" wait_for 60 health_is wan1 healthy up

# --- a dead service ---------------------------------------------------------------------------

# Name resolution is dead by both uplinks: browsers begin no other flows for seconds.
before=$(grep -c 'by its health' "$lab_tmp/waymarkd.log")
at net nft 'add table inet names; add chain inet names in { type filter hook prerouting priority raw; }'
at net nft add rule inet names in udp dport 53 drop
sleep 20
is "no server answers on port 53: no uplink is drained or down" \
	"$(grep -c 'by its health' "$lab_tmp/waymarkd.log")" "$before" ||
	diag "$(tail -n 20 "$lab_tmp/waymarkd.log")"
at net nft delete table inet names
both_healthy() {
	health_is wan1 healthy up && health_is wan2 healthy up
}
check "it answers again: both are healthy" wait_for 90 both_healthy || diag "$(waymark uplinks; tail -n 20 "$lab_tmp/waymarkd.log")"

# --- no outage -----------------------------------------------------------------------

before=$(grep -c 'by its health' "$lab_tmp/waymarkd.log")
at net nft add rule inet dead in ip daddr 198.18.0.2 drop
at net nft add rule inet dead in ip6 daddr 2001:db8:200::2 drop
at pc python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(3000):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"scan", (f"198.19.{n // 250}.{1 + n % 250}", 9))
    s.close()
    time.sleep(0.004)'
is "a dead popular server and a scan from inside: no state changes" \
	"$(grep -c 'by its health' "$lab_tmp/waymarkd.log")" "$before"
check "wan1 is healthy" wait_for 20 health_is wan1 healthy up || diag "$(waymark uplinks; tail -n 20 "$lab_tmp/waymarkd.log")"
check "wan2 is healthy" wait_for 20 health_is wan2 healthy up || diag "$(waymark uplinks; tail -n 20 "$lab_tmp/waymarkd.log")"

# --- the last usable uplink -------------------------------------------------------------------------------

provider 1 drop
provider 2 drop
both_known() {
	health_is wan1 silent && health_is wan2 silent
}
check "all providers drop: both are silent" wait_for 60 both_known || diag "$(waymark uplinks; tail -n 20 "$lab_tmp/waymarkd.log")"
one_up() {
	waymark uplinks --json | grep -q '"state": *"up"'
}
check "one of them stays up" one_up

done_testing
