#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that Waymark restores the network exactly: complete listings of rules, routes,
# rulesets and sysctls before and after are the same; by remove, by a stop with
# on-stop = "remove", after reloads and changed interfaces, and after a killed daemon; for
# several kinds of default routes.

. "${0%/*}/lib.sh"

listing() {
	local f
	for f in 4 6; do
		echo "--- IPv$f"
		at router ip "-$f" rule show
		at router ip "-$f" -d route show table all | tr -d '\\' | sed 's/ expires [0-9]*sec//; s/ *$//'
	done
	echo "--- nftables"
	at router nft -s list ruleset
	echo "--- sysctls"
	at router sh -c 'cd /proc/sys/net && grep -r . ipv4/conf ipv6/conf ipv4/fib_* ipv6/fib_* ipv4/ip_forward \
		netfilter 2>/dev/null | grep -v "nf_conntrack_count\|stable_secret\|nf_log" | sort'
}

same() { # WHAT
	listing >"$lab_tmp/after"
	if cmp -s "$lab_tmp/before" "$lab_tmp/after"; then
		ok "$1: the network is restored"
	else
		not_ok "$1: the network is restored"
		diag "$(diff "$lab_tmp/before" "$lab_tmp/after")"
		# The next comparison starts from the present state.
		cp "$lab_tmp/after" "$lab_tmp/before"
	fi
}

steered() {
	at router ip rule | grep -q 'proto 87' && at router nft -s list table inet waymark >/dev/null
}

defaults() { # ROUTE...: set the router's own default routes
	local route
	at router ip -4 route flush default
	at router ip -6 route flush default
	for route; do
		# shellcheck disable=SC2086 # words
		at router ip $route || die "ip $route"
	done
}

each_way() { # WHAT: remove by the tool, by the daemon, and after a kill
	config_write
	listing >"$lab_tmp/before"
	check "$1: apply" waymark apply
	check "$1: the steering is installed" steered
	check "$1: apply again" waymark apply
	check "$1: remove" waymark remove
	same "$1, applied twice and removed"
	check "$1: remove again" waymark remove
	same "$1, removed again"
	daemon_start 'on-stop = "remove"'
	check "$1: the daemon has installed the steering" steered
	daemon_stop
	same "$1, daemon with on-stop = remove"
	daemon_start
	daemon_stop
	check "$1: on-stop = keep leaves the steering" steered
	check "$1: remove after the daemon" waymark remove
	same "$1, daemon stopped, then removed"
	daemon_start
	daemon_stop KILL
	check "$1: a killed daemon leaves the steering" steered
	check "$1: remove after a kill" waymark remove
	same "$1, daemon killed, then removed"
}

lab_up
nat masquerade
# Foreign rules, routes and a foreign table, which must stay.
at router ip rule add pref 500 from 10.77.0.0/16 lookup 77
at router ip route add 10.78.0.0/16 via $PC4 table 77
at router ip route add blackhole 10.79.0.0/16
# The first ruleset that needs it loads this module, with its sysctls.
at router nft add table inet warm
at router nft 'add chain inet warm c { type filter hook input priority 0; ct state new counter; ct label 3 counter; }'

defaults "-4 route add default via $GW1_4 dev wan1" "-6 route add default via $GW1_6 dev wan1 metric 1"
each_way "a displaced default route"

defaults "-4 route add default via $GW1_4 dev wan1 metric 100 proto dhcp" \
	"-4 route add default via $GW2_4 dev wan2 metric 200 proto dhcp" \
	"-6 route add default via $GW1_6 dev wan1 metric 100 proto ra" \
	"-6 route add default via $GW2_6 dev wan2 metric 200 proto ra"
each_way "two default routes with metrics"

defaults "-4 route add default mtu 1400 nexthop via $GW1_4 dev wan1 weight 3 nexthop via $GW2_4 dev wan2 weight 1" \
	"-6 route add default metric 1 mtu 1400 nexthop via $GW1_6 dev wan1 weight 3 nexthop via $GW2_6 dev wan2 weight 1"
each_way "a multipath default route"

defaults "-4 route add default via $GW1_4 dev wan1" "-4 route append default via $GW2_4 dev wan2"
each_way "two default routes in one place"

defaults
each_way "no default route"

# --- after reloads, changed interfaces and a kill ---------------------------------------------------------------------------

defaults "-4 route add default via $GW1_4 dev wan1" "-6 route add default via $GW1_6 dev wan1 metric 1"
at router sysctl -qw net.ipv6.conf.wan2.keep_addr_on_down=1
listing >"$lab_tmp/before"
daemon_start
conf=$lab_tmp/waymark.conf

reload_to() { # SED SCRIPT
	local n
	n=$(grep -c 'configuration reloaded' "$lab_tmp/waymarkd.log")
	sed -i "$1" "$conf"
	kill -HUP "$daemon_pid"
	wait_for 5 reloads "$n" || die "no reload"
}
reloads() {
	[ "$(grep -c 'configuration reloaded' "$lab_tmp/waymarkd.log")" -gt "$1" ]
}
table_has() { # TABLE TEXT
	at router ip route show table "$1" | grep -q -e "$2"
}

reload_to 's/weight    = 2/weight    = 5/; s/table     = 250/table     = 252/'
check "reloaded: another table" table_has 252 "default via $GW2_4"
reload_to 's/mark      = 3/mark      = 7/; 1i rule-priority = 3000'
at router ip link set wan2 down
wait_for 2 table_has 252 '^unreachable' && wait_for 2 at router sh -c "! ip route show table 252 | grep -q ^default"
at router ip link set wan2 up
wait_for 2 table_has 252 "default via $GW2_4"
reload_to 's/local-routes.*//; 1i local-routes = "copy"'
# The balanced default's table differs from wan2's now, and the copies' tables are 1000 above.
copies_looked_up() {
	at router ip rule show | grep -q '^3001:.*lookup 1250' && table_has 1250 192.168.10.0/24
}
check "reloaded: local routes are copied" wait_for 2 copies_looked_up
daemon_stop KILL
check "remove after reloads, links and a kill" waymark remove
same "reloads, a link down and up, a kill"

# When the interface of an uplink disappears, its routes disappear with it; the rest is restored.
remove_without() { # WHAT INTERFACE TABLE
	wait_for 2 table_has "$3" '^default' || die "no default route in table $3"
	at router ip link del "$2"
	wait_for 2 at router sh -c "! ip route show table $3 | grep -q ^default"
	daemon_stop
	waymark remove 2>"$lab_tmp/errors"
	is "$1: remove succeeds without one of the interfaces" $? 0
}
nothing_is_left() { # WHAT
	check_not "$1: nothing of Waymark is left" sh -c "nsenter --net=/proc/$ns_router/ns/net sh -c 'ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; nft list tables' | grep -q 'proto 87\|waymark'"
	check_not "$1: its state file is deleted" [ -e "$lab_tmp/steering.json" ]
}

daemon_start 'balance = "main"'
remove_without 'balance = "main"' wan1 251
check "the message names the route that was lost with it" grep -q "former IPv4 route default via $GW1_4 dev wan1.*its interface is down or gone" "$lab_tmp/errors"
nothing_is_left 'balance = "main"'

daemon_start
remove_without "balance = true" wan2 250
check_not "balance = true: no displaced route is missing" grep -q "former" "$lab_tmp/errors"
nothing_is_left "balance = true"

done_testing
