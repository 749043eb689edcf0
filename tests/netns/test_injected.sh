#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_injected.sh - flows whose conntrack entries conntrackd copied from another router,
# with their marks and without a first packet, get the right direction and verdict: from
# outside to forwarded ports and to the router, and from inside, IPv4 and IPv6, in mode
# steer and audit.

. "${0%/*}/lib.sh"

lab_up
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=600
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout_stream=600
forward_port udp 98
serve net 80 7
serve router 80 97
serve pc 81 98
config_write 'on-stop = "remove"'
daemon_start

entries() {
	for family in ipv4 ipv6; do
		at router conntrack -L -f $family -p udp --mark 0x2/0x2 2>/dev/null
	done
}

# Delete each marked entry and create it again, as conntrackd would, without a packet.
inject() {
	entries | while read -r line; do
		mark=${line##*mark=} mark=${mark%% *}
		# The words src dst sport dport, once for each direction.
		# shellcheck disable=SC2046 # eight words
		set -- $(echo "$line" | grep -Eo '(src|dst|sport|dport)=[^ ]*' | sed 's/.*=//')
		at router conntrack -D -p udp -s "$1" -d "$2" --sport "$3" --dport "$4" >/dev/null 2>&1
		# The kernel itself makes the reply of a forwarded flow.
		forwarded=
		[ "$2" = "$5" ] || forwarded="-g $5"
		# shellcheck disable=SC2086 # an option with its value, or nothing
		at router conntrack -I -p udp -s "$1" -d "$2" --sport "$3" --dport "$4" \
			-r "$2" -q "$6" --reply-port-src "$7" --reply-port-dst "$8" $forwarded \
			-t 600 -u SEEN_REPLY,ASSURED -m "$mark" >/dev/null 2>"$lab_tmp/inject.err" ||
			diag "$(cat "$lab_tmp/inject.err")"
	done
}

LIVE="state = 'live' AND mark > 0"

# --- mode steer -------------------------------------------------------------------------------

hold_many inside pc "udp $NET4 7 4" "udp $NET6 7 4" &&
	hold_many outside net "udp $WAN1_4 98 2 $NET4_VIA1" "udp $WAN2_4 98 2 $NET4_VIA2" \
		"udp $WAN1_6 98 2 $NET6_VIA1" "udp $WAN2_6 98 2 $NET6_VIA2" \
		"udp $WAN1_4 97 1 $NET4_VIA1" "udp $WAN2_6 97 1 $NET6_VIA2" ||
	die 'no flows'
inject
is 'all entries are in conntrack again' "$(entries | grep -c .)" 18
is 'the flows are answered' "$(hold_send inside) $(hold_send outside)" '8 10'
check 'flows from outside leave by the uplink that they entered by' wait_for_sql 10 \
	"SELECT count(*) FROM flows WHERE $LIVE AND dport IN (97, 98) AND ingress = uplink
	 AND egress_reply = uplink AND egress IS NULL AND verdict = 'ok'" 10
check 'flows from inside left by their uplink' wait_for_sql 10 \
	"SELECT count(*) FROM flows WHERE $LIVE AND dport = 7 AND ingress IS NULL
	 AND egress = uplink AND verdict = 'ok'" 8
is 'no mismatch' "$(sql 'SELECT count(*) FROM mismatches')" 0
hold_close inside
hold_close outside
daemon_stop

# --- mode audit -------------------------------------------------------------------------------

at router conntrack -F >/dev/null 2>&1
at router conntrack -F -f ipv6 >/dev/null 2>&1
config_write 'mode = "audit"'
daemon_start
hold_many outside net "udp $WAN1_4 98 2 $NET4_VIA1" "udp $WAN1_6 98 2 $NET6_VIA1" ||
	die 'no flows'
at router conntrack -U -p udp -m 0x2 >/dev/null 2>&1
at router conntrack -f ipv6 -U -p udp -m 0x2 >/dev/null 2>&1
inject
is 'audit: the flows are answered' "$(hold_send outside)" 4
check 'audit: the flows leave by the uplink that they entered by' wait_for_sql 10 \
	"SELECT count(*) FROM flows WHERE $LIVE AND dport = 98 AND ingress = 'wan1'
	 AND egress_reply = 'wan1' AND egress IS NULL AND verdict = 'ok'" 4
is 'audit: no mismatch' "$(sql 'SELECT count(*) FROM mismatches')" 0
hold_close outside
done_testing
