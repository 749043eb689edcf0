#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that a full conntrack table costs no established flow its uplink or its verdict, that the
# history has no flow which the kernel refused, and that new flows are steered and recorded again
# when there is room.

. "${0%/*}/lib.sh"

CTGEN=$top_build/tests/bench/ctgen
# The limit is the machine's, not the namespace's: far above what other namespaces need, and
# restored.
MAX=/proc/sys/net/netfilter/nf_conntrack_max
LIMIT=6000

[ -z "${LAB_IN_USERNS:-}" ] || skip_all "the limit of conntrack entries is the machine's"

is_full() {
	[ "$(at router cat /proc/sys/net/netfilter/nf_conntrack_count)" -ge "$LIMIT" ]
}

# The limit returns also if this shell is killed.
limit() {
	local was shell=$$
	was=$(cat "$MAX")
	echo "$LIMIT" >"$MAX" || die "cannot limit the conntrack entries"
	(
		trap '' HUP INT TERM
		while kill -0 "$shell" 2>/dev/null && [ ! -e "$lab_tmp/unlimited" ]; do
			sleep 0.1
		done
		echo "$was" >"$MAX"
		: >"$lab_tmp/restored"
	) </dev/null >/dev/null 2>&1 &
}

lab_up
nat masquerade
serve net 80 7
daemon_start
hold tcp pc tcp "$NET4" 7 10 || die "no flows"
hold udp pc udp "$NET6" 7 10 || die "no flows"
wait_for_sql 20 "SELECT count(*) FROM flows WHERE dport = 7" 20
limit
# The kernel refuses the last ones. To make room for a new flow, it may drop an unanswered one.
at router "$CTGEN" make "$LIMIT" >"$lab_tmp/ctgen.out"
check "the table is full" wait_for 10 is_full
worked=$(http_get pc 5 "http://$NET4/" --connect-timeout 1 2>/dev/null | grep -c ' 200 ')
check "the kernel refuses new connections ($worked of 5 worked)" test "$worked" -lt 5
is "established TCP flows work" "$(hold_send tcp)" 10
is "established UDP flows work" "$(hold_send udp)" 10
check "the daemon answers" waymark status
: >"$lab_tmp/unlimited"
check "the limit is restored" wait_for 10 test -e "$lab_tmp/restored"
check "the history has the flows that the kernel accepted, and no other" \
	wait_for_sql 20 "SELECT count(*) FROM flows WHERE dport = 80" "$worked"
check "there is room again: new connections work" http_get pc 5 "http://$NET4/"
check "... and are in the history" wait_for_sql 20 \
	"SELECT count(*), count(uplink) FROM flows WHERE dport = 80" "$((worked + 5))|$((worked + 5))"
is "established TCP flows work still" "$(hold_send tcp)" 10
is "no established flow has another verdict than ok" \
	"$(sql "SELECT count(*) FROM flows WHERE dport = 7 AND verdict <> 'ok'")" 0
is "no mismatch" "$(sql "SELECT count(*) FROM mismatches")" 0
hold_close tcp
hold_close udp
daemon_stop
is "the daemon stops with status 0" $? 0
done_testing
