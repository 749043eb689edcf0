#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that a flapping interface is logged in a few lines at the default level, that
# log-level = "debug" adds each change of routes and rules, and that WAYMARK_TRACE prints
# the netlink messages of its topics, and only those.

. "${0%/*}/lib.sh"

lab_up
nat masquerade

log_size() {
	wc -l <"$lab_tmp/waymarkd.log"
}

# since LINE PATTERN: number of later lines of the log that match.
since() {
	tail -n "+$(($1 + 1))" "$lab_tmp/waymarkd.log" | grep -c "$2"
}

has_since() { # LINE PATTERN
	[ "$(since "$1" "$2")" -gt 0 ]
}

is_in_state() { # STATE: wan2
	waymark uplinks --json | grep -q '"name": *"wan2"[^}]*"state": *"'"$1"'"'
}

flap() {
	at router ip link set wan2 down
	wait_for 5 is_in_state down || diag "wan2 is not seen to go down"
	at router ip link set wan2 up
	at router ip route replace default via $GW2_4 dev wan2 metric 50
	wait_for 10 is_in_state up || diag "wan2 is not seen to come up"
}

daemon_start
start=$(log_size)
flap
check "the flap is logged" wait_for 5 has_since "$start" 'wan2'
is "at the default level no change of a route or rule is logged" \
	"$(since "$start" '\(installed\|removed\) \(route\|rule\)')" 0
in_range "a flap takes a few lines" "$(since "$start" .)" 1 6
is "nothing is traced" "$(grep -c '^<7>trace' "$lab_tmp/waymarkd.log")" 0
daemon_stop

config_write 'log-level = "debug"'
WAYMARK_TRACE=rtnl,nft
export WAYMARK_TRACE
daemon_run
unset WAYMARK_TRACE
start=$(log_size)
flap
check "at level debug changes of routes are logged" wait_for 5 has_since "$start" 'installed route'
check "rtnl: a sent route" wait_for 5 has_since "$start" '^<7>trace rtnl > new route .*table='
check "rtnl: a received link" wait_for 5 has_since "$start" '^<7>trace rtnl < new link .*name=wan2'
at pc ping -c 1 -W 1 $NET4 >/dev/null
is "conntrack, which was not requested, is not traced" "$(grep -c '^<7>trace conntrack' "$lab_tmp/waymarkd.log")" 0
start=$(log_size)
at router nft delete table inet waymark
check "nft: commands are traced" wait_for 10 has_since "$start" '^<7>trace nft > .*table inet waymark'
daemon_stop

done_testing
