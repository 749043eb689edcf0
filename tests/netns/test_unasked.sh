#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_unasked.sh - a UDP server on a wildcard address may answer from another address than the
# one that was asked, because routing chose the other uplink: these answers are counted per
# uplink, with an example, in the history and in check; answers from the right address are not.
# IPv4 and IPv6.

. "${0%/*}/lib.sh"

lab_up
daemon_start
# shellcheck disable=SC2016 # Python
background server router python3 -c '
import select, socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 5300))
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data, peer)' || die 'no server'
wait_for 10 at router sh -c 'grep -q ":14B4 " /proc/net/udp6' || die 'the server does not listen'

# Ask 16 times, each from another port.
ask() { # ADDRESS SOURCE
	at net python3 -c '
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
for i in range(16):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((sys.argv[2], 0))
    s.sendto(b"?", (sys.argv[1], 5300))' "$1" "$2"
}

ask $WAN1_4 $NET4_VIA1
ask "$WAN1_6" "$NET6_VIA1"
WRONG="FROM flows WHERE uplink = 'wan2' AND egress = 'wan2' AND sport = 5300"
check 'each question is answered' wait_for_sql 20 \
	"SELECT (SELECT count(*) FROM flows WHERE dport = 5300 AND egress_reply = 'wan1')
	 + (SELECT count(*) $WRONG)" 32
wrong=$(sql "SELECT count(*) $WRONG")
in_range 'some from the other address' "$wrong" 1 31
waymark coverage >/dev/null 2>&1
is 'answers from an address that was not asked are counted' \
	"$(sql 'SELECT uplink, sum(unasked) FROM coverage WHERE unasked > 0')" \
	"wan2|$wrong"
is '... the history has an example' "$(sql "SELECT count(*) > 0 FROM coverage
	WHERE unasked_example LIKE 'udp $WAN2_4:5300 > $NET4_VIA1:%'
	OR unasked_example LIKE 'udp [$WAN2_6]:5300 > [$NET6_VIA1]:%'")" 1
waymark check >"$lab_tmp/check" 2>&1
check '... check reports them' grep -q "^warning: $wrong UDP replies of this router left by uplink wan2" \
	"$lab_tmp/check" || diag "$(grep -v ^ok "$lab_tmp/check")"
background_end server
done_testing
