#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_masks.sh - steering and audit work under any mark-mask, contiguous or split, while other
# rules set all other bits of the packet mark and the ct mark before each of our hooks: these
# bits are still set after our hook, on every packet, forwarded, local and from outside, in
# both families. Then collisions: the check and the start report rules that overlap with
# Waymark's marks, and the start is refused where our marks would have no effect.

. "${0%/*}/lib.sh"

lab_up
nat masquerade
forward_port tcp 8080
forward_port tcp 7007
serve net 80 7
serve pc 8080 7007
serve router 8081 7008

config_masked() { # MASK MARK1 MARK2
	config_write "mark-mask = $1"
	sed -i -e "s/mark      = 2/mark      = $2/" -e "s/mark      = 3/mark      = $3/" \
		"$lab_tmp/waymark.conf"
}

# --- foreign bits -------------------------------------------------------------------

# stranger OTHER: set these bits of both marks just before our hooks, and count the packets
# with and without them just after.
stranger() {
	local hook
	{
		echo 'add table inet stranger; delete table inet stranger; table inet stranger {'
		for hook in prerouting output input postrouting; do
			echo "counter ${hook}_kept { }; counter ${hook}_lost { }"
			echo "chain after_$hook {
				type filter hook $hook priority -149
				meta mark & $1 != $1 counter name ${hook}_lost
				ct mark & $1 != $1 counter name ${hook}_lost
				meta mark & $1 == $1 ct mark & $1 == $1 counter name ${hook}_kept
			}"
		done
		for hook in prerouting output; do
			echo "chain before_$hook {
				type filter hook $hook priority -151
				meta mark set meta mark | $1
				ct state new ct mark set ct mark | $1
			}"
		done
		echo '}'
	} | at router nft -f - || die 'no stranger'
}

counted() { # COUNTER
	at router nft list counter inet stranger "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

pages() { # NAMESPACE COUNT URL...
	local ns=$1 count=$2 url
	shift 2
	for url; do
		http_get "$ns" "$count" "$url"
	done >>"$lab_tmp/pages"
}

traffic() {
	: >"$lab_tmp/pages"
	pages pc 8 "http://$NET4/" "http://[$NET6]/"
	pages router 4 "http://$NET4/" "http://[$NET6]/"
	pages net 4 "http://$WAN1_4:8080/" "http://$WAN2_4:8080/" "http://[$WAN1_6]:8080/" \
		"http://[$WAN2_6]:8080/"
	pages net 3 "http://$WAN1_4:8081/" "http://[$WAN2_6]:8081/"
	is "$mask: every page was received" "$(grep -c ' 200 960$' "$lab_tmp/pages")" 46
	hold udp pc udp $NET4 7 10 && hold own router udp $NET4 7 4 && hold in net tcp $WAN2_4 7007 5
	is "$mask: flows are answered" "$(hold_send udp) $(hold_send own) $(hold_send in)" '10 4 5'
	flows=65
}

for one in '0x000000ff 2 3' '0x3f00 0x100 0x200' '0x00ff0000 0x10000 0x420000' \
	'0x000f0f00 0x0a0300 0x050c00' '0x80000001 0x80000000 0x80000001'; do
	# shellcheck disable=SC2086 # three words
	set -- $one
	mask=$1 other=$(printf '0x%08x' $((~$1 & 0xffffffff)))
	rm -f "$lab_tmp"/flows.db*
	stranger "$other"
	config_masked "$1" "$2" "$3"
	daemon_run
	traffic
	right="SELECT count(*) FROM flows WHERE verdict = 'ok' AND mark =
		CASE uplink WHEN 'wan1' THEN $(($2)) ELSE $(($3)) END
		AND coalesce(egress, egress_reply) = uplink"
	wait_for_sql 10 "$right" $flows
	is "$mask: all flows by an uplink are ok, with its mark under the mask" \
		"$(sql "$right")" $flows
	is "$mask: no other verdict is in the history" \
		"$(sql "SELECT count(*) FROM flows WHERE verdict NOT IN ('ok', 'local')")" 0
	in_range "$mask: both uplinks were used" \
		"$(sql "SELECT count(*) FROM flows WHERE uplink = 'wan1' AND src = '$PC4'")" 1 17
	is "$mask: conntrack has our bits and the foreign bits" \
		"$(at router conntrack -L -p tcp --dport 7007 --src $NET4 2>/dev/null |
			grep -c " mark=$((other | $3)) ")" 5
	for hook in prerouting input output postrouting; do
		# 46 pages of at least 5 packets each way; each hook sees a part of them.
		in_range "$mask: $hook: packets with all foreign bits" "$(counted ${hook}_kept)" 50 100000
		is "$mask: $hook: no packet without them" "$(counted ${hook}_lost)" 0
	done
	hold_close udp
	hold_close own
	hold_close in
	daemon_stop
	waymark remove >/dev/null
	at router conntrack -F 2>/dev/null
done
at router nft delete table inet stranger

# --- collisions -------------------------------------------------------------------------------

mask=0x3f00
first="$mask 0x100 0x200"

# found WHAT LEVEL PATTERN: the check reports it, and fails for an error; a start logs it, and
# is not refused.
found() {
	local status
	# shellcheck disable=SC2086 # three words
	config_masked $first
	waymark check >"$lab_tmp/check" 2>&1
	status=$?
	check "$1: the check reports it" grep -Eq "^$2: $3" "$lab_tmp/check" || diag "$(cat "$lab_tmp/check")"
	[ "$2" = warning ] || is "$1: the check fails" $status 1
	: >"$lab_tmp/waymarkd.log"
	daemon_run
	check "$1: the start reports it" grep -Eq "$3" "$lab_tmp/waymarkd.log" ||
		diag "$(cat "$lab_tmp/waymarkd.log")"
	daemon_stop
	waymark remove >/dev/null
}

state_of_router() {
	at router nft -s list ruleset
	for family in -4 -6; do
		at router ip $family rule
		at router ip $family route show table all | sort
	done
	at router sysctl net.netfilter.nf_conntrack_acct net.netfilter.nf_conntrack_timestamp \
		net.ipv4.conf.all.src_valid_mark net.ipv4.fib_multipath_hash_policy
}

# refused WHAT PATTERN: a start fails with an error that names it, and changes nothing.
refused() {
	local before
	before=$(state_of_router)
	# shellcheck disable=SC2086 # three words
	config_masked $first
	: >"$lab_tmp/waymarkd.log"
	at router timeout 10 "$WAYMARKD" -c "$lab_tmp/waymark.conf" >>"$lab_tmp/waymarkd.log" 2>&1
	is "$1: the start is refused" $? 1
	check "$1: the error names it" grep -Eq "$2" "$lab_tmp/waymarkd.log" ||
		diag "$(cat "$lab_tmp/waymarkd.log")"
	is "$1: nothing is changed" "$(state_of_router)" "$before"
}

# shellcheck disable=SC2086 # three words
config_masked $first
: >"$lab_tmp/waymarkd.log"
daemon_run
check_not 'without a collision nothing is reported' grep -Eq 'warning|error|collision' "$lab_tmp/waymarkd.log"
daemon_stop
waymark remove >/dev/null

at router ip rule add pref 32000 fwmark 0x200/0x200 lookup 100
found 'an ip rule with a mask that overlaps' warning \
	'the ip rule "priority 32000 fwmark 0x200/0x200 lookup 100" \(IPv4\) matches mark bits 0x200'
at router ip rule del pref 32000

at router ip rule add pref 500 fwmark 0x10000/0xff0000 lookup 100
waymark check >"$lab_tmp/check" 2>&1
check 'an ip rule with a mask that does not overlap is no finding' \
	grep -q '^ok: no ip rule of another program takes over pinned flows' "$lab_tmp/check"
at router ip rule del pref 500

at router nft -f - <<-'END'
	table ip stranger {
		chain paint {
			type filter hook forward priority 0
			ct mark set ct mark & 0xffff00ff | 0x4200
		}
	}
END
found 'a rule of nftables that writes our bits' error \
	'table ip stranger, chain paint writes bits 0x3f00 of the ct mark'
at router nft delete table ip stranger

at router nft -f - <<-'END'
	table ip stranger {
		chain paint {
			type filter hook forward priority 0
			ct label set 70
			log group 77
		}
	}
END
found 'a label in use' error 'table ip stranger, chain paint sets connlabels'
found 'a log group in use by rules' warning \
	'table ip stranger, chain paint logs to NFLOG group 77'
at router nft delete table ip stranger

at router ip rule add pref 500 fwmark 0x200/0x3f00 lookup 100
refused 'an ip rule before ours that takes our marks' \
	"ip rule 'priority 500 fwmark 0x200/0x3f00 lookup 100' .IPv4. comes before Waymark's rules and matches the mark of uplink wan2"
at router ip rule del pref 500

at router ip -6 rule add pref 4002 from fd00:77::/64 lookup 100
refused 'a priority in use' "ip rule 'priority 4002 from fd00:77::/64 lookup 100' .IPv6. uses one of the priorities 4000 to 4008"
at router ip -6 rule del pref 4002

# NFULNL_MSG_CONFIG with NFULNL_CFG_CMD_BIND (linux/netfilter/nfnetlink_log.h)
at router python3 -c '
import socket, struct, time
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
body = struct.pack("=BB", 0, 0) + struct.pack("!H", 77) + struct.pack("=HHB3x", 5, 1, 1)
s.send(struct.pack("=IHHII", 16 + len(body), 4 << 8 | 1, 5, 1, 0) + body)
time.sleep(60)' &
owner=$!
wait_for 5 at router grep -q '^ *77 ' /proc/net/netfilter/nfnetlink_log
# Without root waymarkd cannot read which process has the group, so it looks before.
waymark check >"$lab_tmp/check" 2>&1
check 'the log group taken by a program: the check names it' \
	grep -Eq '^error: NFLOG group 77 is used by python3 \(pid [0-9]+\)' "$lab_tmp/check" ||
	diag "$(cat "$lab_tmp/check")"
refused 'the log group taken by a program' 'NFLOG group 77 is used by python3 \(pid [0-9]+\)'
kill $owner 2>/dev/null
wait $owner 2>/dev/null

done_testing
