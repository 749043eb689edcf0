#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_audit.sh - mode audit works beside rulesets that mark as mwan3, as pbr and as a
# hand-written file do, with the example configurations: healthy flows are ok; the mistakes
# of those rulesets and a fault made on purpose are found, and nothing else. Waymark installs
# only evidence: no mark, route, rule or sysctl of steering; remove leaves the network as it
# was.

. "${0%/*}/lib.sh"

examples=$top_src/doc/examples

lab_up
at router sysctl -qw net.ipv4.conf.all.rp_filter=2
nat masquerade
forward_port tcp 8080
forward_port tcp 7007
serve net 80 7
serve pc 8080 7007
serve router 8081 7008

# --- helpers ---------------------------------------------------------------------------

# The example, adapted to the interfaces and files of the lab.
config_example() { # NAME
	{
		sed -e 's/"eth\([12]\)"/"wan\1"/' "$examples/$1.conf"
		echo "database = \"$lab_tmp/flows.db\""
		echo "control-socket = \"$lab_tmp/control.sock\""
		echo "alert { json = \"$lab_tmp/alerts.jsonl\" }"
	} >"$lab_tmp/waymark.conf"
}

steering_of_router() {
	local family
	at router nft -s list ruleset | awk '/^table inet waymark /{ ours = 1 } !ours; /^}/{ ours = 0 }'
	for family in -4 -6; do
		at router ip $family rule
		at router ip $family route show table all | sort
	done
	at router sysctl net.ipv4.conf.all.src_valid_mark net.ipv4.fib_multipath_hash_policy \
		net.ipv6.fib_multipath_hash_policy net.ipv4.conf.wan1.rp_filter net.ipv4.conf.wan2.rp_filter
}

state_of_router() {
	steering_of_router
	at router nft -s list ruleset
	at router sysctl net.netfilter.nf_conntrack_acct net.netfilter.nf_conntrack_timestamp \
		net.netfilter.nf_conntrack_events
}

flows() { # CONDITION: number of flows that match
	sql "SELECT count(*) FROM flows WHERE $1"
}

# SQL conditions: flows from the LAN, from the router, from outside to the PC, and from
# outside to the router.
from_lan="src = '$PC4' AND dst = '$NET4'"
from_router="src IN ('$WAN1_4', '$WAN2_4') AND dst = '$NET4'"
to_pc="src = '$NET4' AND dport IN (8080, 7007)"
to_router="src = '$NET4' AND dport IN (8081, 7008)"

begin() { # RULESET
	tool=$1
	before=$(state_of_router)
	steering=$(steering_of_router)
	config_example "$tool"
	check "$tool: the example is valid, the check finds no error" waymark check
	daemon_run
	is "$tool: no steering was installed" "$(steering_of_router)" "$steering"
	check_not "$tool: no rule of Waymark writes a mark" \
		sh -c "nsenter --net=/proc/$ns_router/ns/net nft -s list table inet waymark | grep 'mark set'"
}

# The PC makes 12 pages and 12 lasting flows, the router 4 flows; from outside come, per
# uplink, 3 pages and 3 flows to the PC, and 2 to the router.
traffic() {
	http_get pc 12 "http://$NET4/" >"$lab_tmp/pages"
	http_get router 4 "http://$NET4/" >>"$lab_tmp/pages"
	http_get net 3 "http://$WAN1_4:8080/" >>"$lab_tmp/pages"
	http_get net 3 "http://$WAN2_4:8080/" >>"$lab_tmp/pages"
	http_get net 2 "http://$WAN1_4:8081/" >>"$lab_tmp/pages"
	http_get net 2 "http://$WAN2_4:8081/" >>"$lab_tmp/pages"
	is "$tool: every page was received" "$(grep -c ' 200 960$' "$lab_tmp/pages")" 26
	hold pc pc udp $NET4 7 12 && hold in1 net tcp $WAN1_4 7007 3 && hold in2 net tcp $WAN2_4 7007 3 ||
		die 'no flows'
	wait_for_sql 5 "SELECT count(*) FROM flows WHERE verdict <> 'local'" 44
	is "$tool: every flow is in the history" "$(flows "verdict <> 'local'")" 44 ||
		diag "$(sql "SELECT id, state, started, ended, proto, src, sport, dst, dport, ct_id, verdict, reason FROM flows")"
}

end() {
	hold_close pc
	hold_close in1
	hold_close in2
	daemon_stop
	check "$tool: remove" waymark remove
	is "$tool: remove leaves the network as it was" "$(state_of_router)" "$before"
	at router conntrack -F 2>/dev/null
	rm -f "$lab_tmp"/flows.db*
}

# --- mwan3 ---------------------------------------------------------------------------------

# mwan3's layout: one table per interface, numbered as its mark; rules by interface and by
# mark; its chains in nft's syntax, balanced 1:2.
mwan3_steers() {
	local id
	for id in 1 2; do
		eval "gw=\$GW${id}_4 own=\$WAN${id}_4"
		at router ip -batch - <<-END || die 'routes of mwan3'
			route add 192.168.10.0/24 dev lan table $id
			route add 192.168.$id.0/24 dev wan$id table $id src $own
			route add default via $gw dev wan$id table $id
			rule add pref $((1000 + id)) iif wan$id lookup $id
			rule add pref $((2000 + id)) fwmark 0x${id}00/0x3f00 lookup $id
			rule add pref $((3000 + id)) fwmark 0x${id}00/0x3f00 unreachable
		END
	done
	at router ip rule add pref 2061 fwmark 0x3d00/0x3f00 blackhole
	at router ip rule add pref 2062 fwmark 0x3e00/0x3f00 unreachable
	at router nft -f - <<-'END' || die 'ruleset of mwan3'
		table ip mangle {
			set connected {
				type ipv4_addr
				flags interval
				elements = { 192.168.1.0/24, 192.168.2.0/24, 192.168.10.0/24, 127.0.0.0/8, 224.0.0.0/3 }
			}
			map numbers {
				type mark : verdict
				elements = { 0x100 : goto restore_1, 0x200 : goto restore_2, 0x3f00 : goto restore_default }
			}
			map marks {
				type mark : verdict
				elements = { 0x100 : goto save_1, 0x200 : goto save_2, 0x3f00 : goto save_default }
			}
			chain restore_1 { meta mark set meta mark & 0xffffc0ff | 0x100; }
			chain restore_2 { meta mark set meta mark & 0xffffc0ff | 0x200; }
			chain restore_default { meta mark set meta mark & 0xffffc0ff | 0x3f00; }
			chain save_1 { ct mark set ct mark & 0xffffc0ff | 0x100; }
			chain save_2 { ct mark set ct mark & 0xffffc0ff | 0x200; }
			chain save_default { ct mark set ct mark & 0xffffc0ff | 0x3f00; }
			chain restore { ct mark & 0x3f00 vmap @numbers; }
			chain save { meta mark & 0x3f00 vmap @marks; }
			chain ifaces_in {
				iifname { "wan1", "wan2" } ip saddr @connected meta mark set meta mark & 0xffffc0ff | 0x3f00 return
				iifname "wan1" meta mark set meta mark & 0xffffc0ff | 0x100
				iifname "wan2" meta mark set meta mark & 0xffffc0ff | 0x200
			}
			chain connected { ip daddr @connected meta mark set meta mark & 0xffffc0ff | 0x3f00; }
			chain rules {
				numgen random mod 3 == 0 meta mark set meta mark & 0xffffc0ff | 0x100
				meta mark & 0x3f00 == 0 meta mark set meta mark & 0xffffc0ff | 0x200
			}
			chain mwan3_hook {
				meta mark & 0x3f00 == 0 jump restore
				meta mark & 0x3f00 == 0 jump ifaces_in
				meta mark & 0x3f00 == 0 jump connected
				meta mark & 0x3f00 == 0 jump rules
				jump save
				meta mark & 0x3f00 != 0x3f00 jump connected
			}
			chain prerouting {
				type filter hook prerouting priority mangle
				jump mwan3_hook
			}
			chain output {
				type route hook output priority mangle
				jump mwan3_hook
			}
		}
	END
}

mwan3_goes() {
	local id
	at router nft delete table ip mangle
	for id in 1 2; do
		at router ip rule del pref $((1000 + id))
		at router ip rule del pref $((2000 + id))
		at router ip rule del pref $((3000 + id))
		at router ip route flush table $id
	done
	at router ip rule del pref 2061
	at router ip rule del pref 2062
}

mwan3_steers
begin mwan3
traffic
is 'mwan3: every flow is ok' "$(flows "verdict = 'ok'")" 44
is 'mwan3: ... by the uplink that its mark names' \
	"$(flows "verdict = 'ok' AND mark = CASE coalesce(egress, egress_reply)
		WHEN 'wan1' THEN 256 WHEN 'wan2' THEN 512 END")" 44
is 'mwan3: ... flows from outside leave by the uplink that they entered by' \
	"$(flows "verdict = 'ok' AND ($to_pc OR $to_router) AND ingress = uplink
		AND ingress = CASE dst WHEN '$WAN1_4' THEN 'wan' ELSE 'wanb' END")" 16
in_range 'mwan3: both uplinks were used from the LAN' "$(flows "$from_lan AND uplink = 'wan'")" 1 23
# mwan3's rule for the second interface is deleted: packets with its mark hit 'unreachable',
# and without that rule too they use table main.
wanb=$(flows "uplink = 'wanb' AND state = 'live' AND proto = 'udp' AND $from_lan")
at router ip rule del pref 2002
at router ip rule del pref 3002
for name in pc in1 in2; do
	hold_send $name >/dev/null
done
wait_for_sql 2 'SELECT count(DISTINCT flow_id) FROM mismatches' $((wanb + 3))
is 'mwan3: with a rule deleted, the flows with its mark are mismatches' \
	"$(sql "SELECT count(DISTINCT flow_id) FROM mismatches WHERE expected = 'wanb' AND egress = 'wan1'")" \
	$((wanb + 3))
is 'mwan3: ... and no other flow is' "$(sql 'SELECT count(DISTINCT flow_id) FROM mismatches')" $((wanb + 3))
at router ip rule add pref 2002 fwmark 0x200/0x3f00 lookup 2
at router ip rule add pref 3002 fwmark 0x200/0x3f00 unreachable
end
mwan3_goes

# --- pbr ----------------------------------------------------------------------------------------

# pbr marks packets by policies, table main routes the rest; the ct mark is unused until
# pbr-save.nft.
pbr_steers() {
	at router ip -batch - <<-END || die 'routes of pbr'
		route add 192.168.10.0/24 dev lan table 256
		route add default via $GW1_4 dev wan1 table 256
		route add 192.168.10.0/24 dev lan table 257
		route add default via $GW2_4 dev wan2 table 257
		rule add pref 29998 lookup main suppress_prefixlength 1
		rule add pref 29999 fwmark 0x10000/0xff0000 lookup 256
		rule add pref 30000 fwmark 0x20000/0xff0000 lookup 257
	END
	at router nft -f - <<-END || die 'ruleset of pbr'
		table inet fw4 {
			chain pbr_mark_0x010000 { meta mark set meta mark & 0xff00ffff | 0x10000; }
			chain pbr_mark_0x020000 { meta mark set meta mark & 0xff00ffff | 0x20000; }
			chain pbr_prerouting {
				meta mark & 0xff0000 != 0 return
				ip saddr $PC4 udp dport 7 goto pbr_mark_0x020000
				ip saddr $PC4 tcp dport 80 goto pbr_mark_0x010000
			}
			chain mangle_prerouting {
				type filter hook prerouting priority mangle
				jump pbr_prerouting
			}
			chain mangle_output {
				type route hook output priority mangle
				meta mark & 0xff0000 == 0 ip daddr $NET4 tcp dport 80 goto pbr_mark_0x020000
			}
		}
	END
}

pbr_steers
begin pbr
http_get pc 5 "http://$NET4/" >/dev/null
wait_for_sql 3 "SELECT count(*) FROM flows WHERE $from_lan" 5
is 'pbr: its own rules mark no flow' "$(flows "$from_lan AND verdict = 'unmarked' AND egress = 'wan1'")" 5
daemon_stop
check 'pbr: remove' waymark remove
is 'pbr: remove leaves the network as it was' "$(state_of_router)" "$before"
at router conntrack -F 2>/dev/null
rm -f "$lab_tmp"/flows.db*
sed 's/"eth\([12]\)"/"wan\1"/g' "$examples/pbr-save.nft" | at router nft -f - || not_ok 'pbr-save.nft loads'
begin pbr
traffic
is 'pbr: flows from the LAN and the router are ok, by the uplink of their policy' \
	"$(flows "($from_lan OR $from_router) AND verdict = 'ok' AND coalesce(egress, egress_reply) =
		CASE WHEN proto = 'udp' OR src <> '$PC4' THEN 'wan2' ELSE 'wan1' END")" 28
is 'pbr: flows from outside by the default uplink are ok' \
	"$(flows "($to_pc OR $to_router) AND dst = '$WAN1_4' AND verdict = 'ok' AND egress_reply = 'wan1'")" 8
is 'pbr: those by the other uplink are answered by main: mismatches' \
	"$(sql "SELECT count(DISTINCT flow_id) FROM mismatches WHERE dst = '$WAN2_4'
		AND expected = 'wanb' AND egress = 'wan1' AND direction = 'reply'")" 8
is 'pbr: ... and no other flow is' "$(sql 'SELECT count(DISTINCT flow_id) FROM mismatches')" 8
at router ip route replace default via $GW1_4 dev wan1 table 257
hold_send pc >/dev/null
wait_for_sql 2 'SELECT count(DISTINCT flow_id) FROM mismatches' 20
is "pbr: with a table's default route moved, the flows with its mark are mismatches too" \
	"$(sql "SELECT count(DISTINCT flow_id) FROM mismatches WHERE proto = 'udp' AND expected = 'wanb' AND egress = 'wan1'")" 12
is 'pbr: ... and no other flow is' "$(sql 'SELECT count(DISTINCT flow_id) FROM mismatches')" 20
at router ip route replace default via $GW2_4 dev wan2 table 257
end
at router nft delete table inet pbr_save
at router nft delete table inet fw4
for pref in 29998 29999 30000; do
	at router ip rule del pref $pref
done
at router ip route flush table 256
at router ip route flush table 257

# --- a file written by hand ---------------------------------------------------------------------------

# The example contains the ruleset as comments.
seed_steers() {
	sed -n 's/^#\t//p' "$examples/seed.conf" | at router nft -f - || die 'ruleset of the example'
	at router sysctl -qw net.ipv4.fib_multipath_hash_policy=1
	at router ip -batch - <<-END || die 'routes of the example'
		route add 192.168.1.0/24 dev wan1 table 251
		route add default via $GW1_4 dev wan1 table 251
		route add 192.168.2.0/24 dev wan2 table 250
		route add default via $GW2_4 dev wan2 table 250
		route add default scope global nexthop via $GW1_4 dev wan1 weight 1 nexthop via $GW2_4 dev wan2 weight 2
		rule add pref 100 lookup main suppress_prefixlength 0
		rule add pref 200 fwmark 2/0xff lookup 251
		rule add pref 201 fwmark 3/0xff lookup 250
	END
}

seed_steers
begin seed
traffic
is 'seed: flows from the LAN are ok' "$(flows "$from_lan AND verdict = 'ok'")" 24
is 'seed: port-forwarded flows are never marked' \
	"$(flows "$to_pc AND verdict = 'unmarked' AND mark = 0 AND egress_reply IS NOT NULL")" 12
# Since 6.15 the kernel chooses the replies' uplink by their source, before that by chance.
is "seed: flows to the router are marked as they enter, and answered as main routes" \
	"$(flows "$to_router AND ((verdict = 'ok' AND egress_reply = uplink) OR
		(verdict = 'mismatch' AND egress_reply <> uplink)) AND uplink = CASE dst
		WHEN '$WAN1_4' THEN 'wan1' ELSE 'wan2' END")" 4
is 'seed: nothing else is wrong' "$(flows "verdict NOT IN ('ok', 'local') AND NOT ($to_pc OR $to_router)")" 0
# The router's own flows follow main, whatever their mark; forwarded ones do not.
hold own router udp $NET4 7 12 || die 'no flows of the router'
wait_for_sql 3 "SELECT count(*) FROM flows WHERE $from_router AND proto = 'udp' AND verdict = 'ok'" 12
moved=$(flows "$from_router AND proto = 'udp' AND uplink = 'wan2'")
mismatches=$(sql 'SELECT count(DISTINCT flow_id) FROM mismatches')
at router ip route replace default via $GW1_4 dev wan1
hold_send own >/dev/null
hold_send pc >/dev/null
wait_for_sql 2 'SELECT count(DISTINCT flow_id) FROM mismatches' $((mismatches + moved))
is "seed: when main's default route moves, the router's own flows follow it" \
	"$(sql "SELECT count(DISTINCT flow_id) FROM mismatches WHERE proto = 'udp' AND $from_router
		AND expected = 'wan2' AND egress = 'wan1'")" "$moved"
is 'seed: ... and no flow of the LAN does' "$(sql "SELECT count(*) FROM mismatches WHERE $from_lan")" 0
at router ip route replace default scope global nexthop via $GW1_4 dev wan1 weight 1 \
	nexthop via $GW2_4 dev wan2 weight 2
hold_close own
at router ip route add 128.0.0.0/1 via $GW1_4 dev wan1
hold_send pc >/dev/null
check "seed: half a default route takes the LAN's flows over: it is the reason, not the look at main" \
	wait_for_sql 5 "SELECT count(*) > 0 AND count(*) = count(*) FILTER (WHERE reason = 'route-specific')
		FROM mismatches WHERE $from_lan AND expected = 'wan2' AND egress = 'wan1'" 1
check '... and the alert names it' wait_for 5 grep -q '128.0.0.0/1' "$lab_tmp/alerts.jsonl"
at router ip route del 128.0.0.0/1
end

done_testing
