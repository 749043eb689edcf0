#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_flows.sh - every flow stays on its uplink, and its row in the history is right:
# the clients, the kernel's conntrack entries, the packets counted at the far end of each
# uplink and the history agree, with masquerade, SNAT and without NAT.

. "${0%/*}/lib.sh"

PC_FLOWS=200	 # per family
ROUTER_FLOWS=50	 # per family
INBOUND_FLOWS=50 # per uplink and family, to the server behind the port forward
INPUT_FLOWS=10	 # per uplink and family, to the router's own server

# --- what others observed: a database beside the history --------------------------------

# observed_sql QUERY: on the history as main and the observations as t.
observed_sql() {
	sqlite3 -batch -noheader -cmd '.timeout 5000' -cmd "ATTACH '$lab_tmp/observed.db' AS t" \
		"$lab_tmp/flows.db" "$1"
}

observed_new() {
	rm -f "$lab_tmp/observed.db"
	sqlite3 "$lab_tmp/observed.db" "
		CREATE TABLE client (kind, src, sport, dst, dport, status, request, header, body);
		CREATE TABLE entry (proto, src, sport, dst, dport, packets, bytes,
			rsrc, rsport, rdst, rdport, packets_reply, bytes_reply, mark, ct_id);
		CREATE TABLE far_end (interface, proto, src, sport, dst, dport, packets, bytes);"
}

observed_load() { # TABLE: rows from standard input, columns separated by '|'
	sqlite3 "$lab_tmp/observed.db" '.mode list' ".import /dev/stdin $1"
}

# Conntrack's listing as rows, one per flow. For ICMP the id is the source port and
# type * 256 + code the destination port, as in the history.
entries() {
	{
		at router conntrack -L -f ipv4 -o id
		at router conntrack -L -f ipv6 -o id
	} 2>/dev/null | awk '{
		delete v
		d = -1
		for (i = 2; i <= NF; i++) {
			if (split($i, kv, "=") < 2)
				continue
			if (kv[1] == "src")
				d++
			if (kv[1] == "mark")
				d = 2
			v[d kv[1]] = substr($i, length(kv[1]) + 2)
		}
		if ("0type" in v) {
			v["0sport"] = v["0id"]
			v["1dport"] = v["1id"]
			v["0dport"] = v["0type"] * 256 + v["0code"]
			v["1sport"] = v["0dport"]
		}
		print $1 "|" v["0src"] "|" v["0sport"] "|" v["0dst"] "|" v["0dport"] "|" \
			v["0packets"] "|" v["0bytes"] "|" \
			v["1src"] "|" v["1sport"] "|" v["1dst"] "|" v["1dport"] "|" \
			v["1packets"] "|" v["1bytes"] "|" v["2mark"] "|" v["2id"]
	}' | sort
}

entries_are_stable() {
	entries >"$lab_tmp/entries"
	sleep 0.2
	[ "$(entries)" = "$(cat "$lab_tmp/entries")" ]
}

# Store conntrack's final counters of each flow, then flush the table, so that the
# history gets the same counters from the DESTROY events.
entries_collect() {
	wait_for 15 entries_are_stable || diag 'conntrack entries still change'
	at router conntrack -F >/dev/null 2>&1
	wait_for 15 sql_is "SELECT count(*) FROM flows WHERE state = 'live'" 0
	observed_load entry <"$lab_tmp/entries"
}

# Count packets per flow at the far end of each uplink. One set per uplink: nft 1.0.6
# cannot list sets whose key has an interface name among other fields.
far_end_count() {
	local isp
	{
		echo 'add table inet far_end'
		echo 'delete table inet far_end'
		for isp in isp1 isp2; do
			far_end_rules $isp
		done
	} | at net nft -f - || die "no counters at the far end"
}

far_end_rules() { # INTERFACE
	cat <<-END
		table inet far_end {
			set $1_ip {
				type inet_proto . ipv4_addr . inet_service . ipv4_addr . inet_service
				flags dynamic
				size 65535
				counter
			}
			set $1_ip6 {
				type inet_proto . ipv6_addr . inet_service . ipv6_addr . inet_service
				flags dynamic
				size 65535
				counter
			}
			chain $1 {
				type filter hook prerouting priority raw
				iifname != $1 accept
				meta l4proto != { tcp, udp } accept
				update @$1_ip { meta l4proto . ip saddr . th sport . ip daddr . th dport }
				update @$1_ip6 { meta l4proto . ip6 saddr . th sport . ip6 daddr . th dport }
			}
		}
	END
}

# Protocols by number: their names need /etc/protocols.
far_end_collect() {
	local isp
	for isp in isp1 isp2; do
		{
			at net nft -p list set inet far_end ${isp}_ip
			at net nft -p list set inet far_end ${isp}_ip6
		} | tr ',' '\n' | sed -n "s/^.*[ {\t]\([0-9]*\) \. \([^ ]*\) \. \([^ ]*\) \. \([^ ]*\) \. \([^ ]*\) counter packets \([0-9]*\) bytes \([0-9]*\).*/$isp|\1|\2|\3|\4|\5|\6|\7/p"
	done | sed 's/^\([^|]*\)|6|/\1|tcp|/; s/^\([^|]*\)|17|/\1|udp|/' | observed_load far_end
}

# --- traffic ------------------------------------------------------------------------------

# web KIND NAMESPACE COUNT URL [OPTION]...: get COUNT pages; the client's view is recorded.
web() {
	local kind=$1
	shift
	http_get "$@" -w '%{local_ip}|%{local_port}|%{remote_ip}|%{remote_port}|%{http_code}|%{size_request}|%{size_header}|%{size_download}\n' |
		sed "s/^/$kind|/" >>"$lab_tmp/clients"
}

# From outside: to the forwarded port of each uplink's address, or straight to the PC
# without NAT; and to the router itself.
web_inbound() { # UPLINK VIA4 VIA6 ADDRESS4 ADDRESS6
	local to4=$4 to6=$5
	[ "$mode" != none ] || to4=$PC4 to6=$PC6
	web "in$1" net $INBOUND_FLOWS "http://$to4:8080/" --interface "$2"
	web "in$1" net $INBOUND_FLOWS "http://[$to6]:8080/" --interface "$3"
	web "input$1" net $INPUT_FLOWS "http://$4:8081/" --interface "$2"
	web "input$1" net $INPUT_FLOWS "http://[$5]:8081/" --interface "$3"
}

traffic() {
	: >"$lab_tmp/clients"
	web pc pc $PC_FLOWS "http://$NET4/"
	web pc pc $PC_FLOWS "http://[$NET6]/"
	web router router $ROUTER_FLOWS "http://$NET4/"
	web router router $ROUTER_FLOWS "http://[$NET6]/"
	web_inbound 1 $NET4_VIA1 $NET6_VIA1 $WAN1_4 $WAN1_6
	web_inbound 2 $NET4_VIA2 $NET6_VIA2 $WAN2_4 $WAN2_6
	hold_many out pc "udp $NET4 7 10" "udp $NET6 7 10" || die "no UDP from the PC"
	hold_many own router "udp $NET4 7 5" "udp $NET6 7 5" || die "no UDP from the router"
	hold_many in net "udp $WAN1_4 7008 3 $NET4_VIA1" "udp $WAN2_4 7008 3 $NET4_VIA2" \
		"udp $WAN1_6 7008 3 $NET6_VIA1" "udp $WAN2_6 7008 3 $NET6_VIA2" ||
		die "no UDP from outside"
	udp_answered="$(hold_send out) $(hold_send own) $(hold_send in)"
	hold_close out
	hold_close own
	hold_close in
	for target in $NET4 $NET6; do
		at pc ping -q -c 3 -i 0.05 -W 2 "$target" >/dev/null || not_ok "ping $target from the PC"
		at router ping -q -c 3 -i 0.05 -W 2 "$target" >/dev/null || not_ok "ping $target from the router"
	done
	for target in "$WAN1_4 $NET4_VIA1" "$WAN2_4 $NET4_VIA2" "$WAN1_6 $NET6_VIA1" "$WAN2_6 $NET6_VIA2"; do
		at net ping -q -c 3 -i 0.05 -W 2 -I "${target#* }" "${target% *}" >/dev/null ||
			not_ok "ping $target from outside"
	done
}

ask_names() {
	command -v dig >/dev/null || { skip 'dig: 20 answers' 'dig is missing'; return; }
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		echo "@$NET4 name.example A +tries=1"
		echo "@$NET6 name.example AAAA +tries=1"
	done >"$lab_tmp/questions"
	is 'dig: 20 answers' "$(at pc dig -f "$lab_tmp/questions" | grep -c 'status: NOERROR')" 20
	asked=20
}

load() {
	command -v iperf3 >/dev/null || { skip 'iperf3: a stream' 'iperf3 is missing'; return; }
	background iperf3 net iperf3 -s -1 -p 5201
	wait_for 10 at net sh -c 'grep -q ":1451 .* 0A " /proc/net/tcp6' || die 'iperf3 does not listen'
	check 'iperf3: a stream' at pc iperf3 -c $NET4 -p 5201 -n 8M -J --logfile "$lab_tmp/iperf3.client"
	received=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["end"]["sum_received"]["bytes"])' \
		"$lab_tmp/iperf3.client")
}

# --- one NAT mode -----------------------------------------------------------------------------

# agree WHAT QUERY: passes when the query returns no row; it selects what differs.
agree() {
	local bad
	bad=$(observed_sql "$2")
	[ -z "$bad" ] && { ok "$mode: $1"; return; }
	not_ok "$mode: $1"
	diag "$(printf '%s\n' "$bad" | head -n 10)"
}

# The history's own columns are those of the conntrack entries, in both directions.
agree_with_entries() {
	local history="SELECT proto, src, sport, dst, dport, packets, bytes,
			ifnull(nat_dst, dst), ifnull(nat_dport, dport), ifnull(nat_src, src), ifnull(nat_sport, sport),
			packets_reply, bytes_reply, mark, ct_id FROM flows WHERE started >= '$began'"
	local entries="SELECT proto, src, sport + 0, dst, dport + 0, packets + 0, bytes + 0,
			rsrc, rsport + 0, rdst, rdport + 0, packets_reply + 0, bytes_reply + 0, mark + 0, ct_id + 0
			FROM entry"
	agree 'each conntrack entry is in the history with the same values' "$entries EXCEPT $history"
	agree 'each flow of the history was a conntrack entry' "$history EXCEPT $entries"
	is "$mode: as many flows as entries" "$(observed_sql "SELECT count(*) FROM flows WHERE started >= '$began'")" \
		"$(observed_sql 'SELECT count(*) FROM entry')"
	agree 'translated addresses: all four with NAT, none without' "
		SELECT f.id, f.src, f.dst, f.nat_src, f.nat_sport, f.nat_dst, f.nat_dport FROM flows f
		JOIN entry e ON e.ct_id + 0 = f.ct_id AND e.src = f.src AND e.sport + 0 = f.sport
		WHERE f.started >= '$began' AND f.proto IN ('tcp', 'udp') AND
			(f.nat_src IS NOT NULL) + (f.nat_sport IS NOT NULL) + (f.nat_dst IS NOT NULL) +
			(f.nat_dport IS NOT NULL) <>
			4 * (e.rsrc <> e.dst OR e.rsport <> e.dport OR e.rdst <> e.src OR e.rdport <> e.sport)"
}

# Each client's flow is exactly one in the history, found by the client's port; its bytes
# are those that the client saw, and 40 to 120 bytes of headers per packet.
agree_with_clients() {
	local join="FROM client c JOIN flows f ON f.src = c.src AND f.sport = c.sport + 0 AND
			f.dst = c.dst AND f.dport = c.dport + 0 AND f.proto = 'tcp' AND f.started >= '$began'"
	is "$mode: every page was received" "$(observed_sql "SELECT count(*) FROM client WHERE status = '200'")" "$pages"
	is "$mode: each page is one flow of the history" \
		"$(observed_sql "SELECT count(*), count(DISTINCT f.id) $join")" "$pages|$pages"
	agree 'every page is ok' "SELECT f.id, f.verdict, f.reason, f.mark, f.uplink, f.egress, f.egress_reply
		$join WHERE f.verdict <> 'ok' OR f.reason IS NOT NULL"
	agree 'the byte counts contain what the client sent and received' "SELECT f.id, f.packets, f.bytes, c.request,
			f.packets_reply, f.bytes_reply, c.header + c.body
		$join WHERE (f.bytes - c.request) NOT BETWEEN 40 * f.packets AND 120 * f.packets OR
			(f.bytes_reply - c.header - c.body) NOT BETWEEN 40 * f.packets_reply AND 120 * f.packets_reply"
	agree 'the mark names the uplink, the egress is its interface, and the ingress is empty' "
		SELECT f.id, f.mark, f.uplink, f.egress, f.egress_reply, f.ingress
		$join WHERE c.kind IN ('pc', 'router') AND
			(f.mark IS NOT CASE f.uplink WHEN 'wan1' THEN 2 WHEN 'wan2' THEN 3 END OR
			f.egress IS NOT f.uplink OR f.egress_reply IS NOT NULL OR f.ingress IS NOT NULL)"
	for n in 1 2; do
		agree "flows that enter by wan$n have its mark and leave by it" "
			SELECT f.id, f.mark, f.uplink, f.egress, f.egress_reply, f.ingress
			$join WHERE c.kind IN ('in$n', 'input$n') AND
				(f.uplink, f.mark, f.ingress, f.egress_reply, f.egress) IS NOT
				('wan$n', $((n + 1)), 'wan$n', 'wan$n', NULL)"
	done
}

# Each flow was seen at the far end of one uplink only: the one that the history names,
# with the same number of packets and bytes.
agree_with_far_end() {
	agree 'no flow was seen at two far ends' "SELECT src, sport, dst, dport, count(DISTINCT interface) FROM far_end
		GROUP BY proto, src, sport, dst, dport HAVING count(DISTINCT interface) > 1"
	agree 'the packets sent are those counted at the far end of the uplink' "
		SELECT f.id, f.proto, f.src, f.sport, f.egress, f.packets, f.bytes, l.interface, l.packets, l.bytes
		FROM flows f LEFT JOIN far_end l ON l.proto = f.proto AND
			l.src = ifnull(f.nat_src, f.src) AND l.sport + 0 = ifnull(f.nat_sport, f.sport) AND
			l.dst = ifnull(f.nat_dst, f.dst) AND l.dport + 0 = ifnull(f.nat_dport, f.dport)
		WHERE f.started >= '$began' AND f.proto IN ('tcp', 'udp') AND f.ingress IS NULL AND
			f.verdict <> 'local' AND
			(replace(l.interface, 'isp', 'wan'), l.packets + 0, l.bytes + 0) IS NOT
			(f.egress, f.packets, f.bytes)"
	agree 'so are the replies to flows from outside' "
		SELECT f.id, f.proto, f.src, f.sport, f.egress_reply, f.packets_reply, f.bytes_reply,
			l.interface, l.packets, l.bytes
		FROM flows f LEFT JOIN far_end l ON l.proto = f.proto AND
			l.src = f.dst AND l.sport + 0 = f.dport AND l.dst = f.src AND l.dport + 0 = f.sport
		WHERE f.started >= '$began' AND f.proto IN ('tcp', 'udp') AND f.ingress IS NOT NULL AND
			(replace(l.interface, 'isp', 'wan'), l.packets + 0, l.bytes + 0) IS NOT
			(f.egress_reply, f.packets_reply, f.bytes_reply)"
	for n in 1 2; do
		# Only the interface counts neighbour discovery and similar packets.
		history=$(observed_sql "SELECT ifnull(sum(CASE WHEN ingress IS NULL THEN packets ELSE packets_reply END), 0)
			FROM flows WHERE started >= '$began' AND ifnull(egress_reply, egress) = 'wan$n'")
		eval "counted=\$((\$(if_packets net isp$n rx) - counted_$n))"
		in_range "$mode: isp$n's own counter and the history agree" "$counted" "$history" \
			"$((history + 200))"
	done
}

agree_by_kind() {
	local udp="proto = 'udp' AND started >= '$began' AND verdict = 'ok'"
	is "$mode: UDP: all answered" "$udp_answered" '20 10 12'
	is "$mode: UDP: two packets each way, ok" "$(observed_sql "SELECT count(*) FROM flows
		WHERE $udp AND dport IN (7, 7008) AND (packets, packets_reply) = (2, 2)")" 42
	is "$mode: ping: three packets each way, ok, by their uplink" "$(observed_sql "SELECT proto, count(*) FROM flows
		WHERE proto IN ('icmp', 'icmpv6') AND started >= '$began' AND verdict = 'ok' AND
			(packets, packets_reply) = (3, 3) AND
			CASE WHEN ingress IS NULL THEN egress ELSE egress_reply END = uplink
		GROUP BY 1 ORDER BY 1")" 'icmp|4
icmpv6|4'
	is "$mode: dig: a packet each way, ok" "$(observed_sql "SELECT count(*) FROM flows
		WHERE $udp AND dport = 53 AND (packets, packets_reply) = (1, 1)")" "$asked"
	[ -z "$received" ] || is "$mode: iperf3: at least the $received bytes that its server got, ok" \
		"$(observed_sql "SELECT max(bytes) >= $received FROM flows
			WHERE dport = 5201 AND verdict = 'ok' AND started >= '$began'")" 1
	is "$mode: no mismatch" "$(observed_sql "SELECT count(*) FROM mismatches")" 0
	agree 'no verdict but ok and local' "SELECT * FROM flows
		WHERE started >= '$began' AND verdict NOT IN ('ok', 'local')"
}

# Each flow takes wan1 with probability 1/3: five standard deviations either way.
agree_with_weights() {
	local family="WHERE c.kind = 'pc' AND f.egress = 'wan1' AND f.started >= '$began' AND"
	local from="SELECT count(*) FROM client c JOIN flows f ON f.src = c.src AND f.sport = c.sport + 0 AND f.dst = c.dst"
	in_range "$mode: about a third of the PC's IPv4 flows took wan1" \
		"$(observed_sql "$from $family c.src = '$PC4'")" 33 100
	in_range "$mode: about a third of the PC's IPv6 flows took wan1" \
		"$(observed_sql "$from $family c.src = '$PC6'")" 33 100
}

round() { # MODE
	mode=$1
	nat "$mode"
	observed_new
	far_end_count
	began=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
	counted_1=$(if_packets net isp1 rx)
	counted_2=$(if_packets net isp2 rx)
	asked=0
	received=
	traffic
	[ "$mode" != masquerade ] || { ask_names; load; }
	entries_collect
	observed_load client <"$lab_tmp/clients"
	far_end_collect
	agree_with_clients
	agree_with_entries
	agree_with_far_end
	agree_by_kind
	agree_with_weights
	total_wan1=$((${total_wan1:-0} + $(observed_sql "SELECT count(*) FROM client c JOIN flows f ON f.src = c.src AND
		f.sport = c.sport + 0 AND f.dst = c.dst
		WHERE c.kind = 'pc' AND f.egress = 'wan1' AND f.started >= '$began'")))
}

lab_up
# No entry may time out before it is listed.
at router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=300 net.netfilter.nf_conntrack_icmp_timeout=300 \
	net.netfilter.nf_conntrack_icmpv6_timeout=300 net.netfilter.nf_conntrack_tcp_timeout_close=300
pages=$((2 * (PC_FLOWS + ROUTER_FLOWS) + 4 * (INBOUND_FLOWS + INPUT_FLOWS)))
nat masquerade
forward_port tcp 8080
serve net 80 7
serve pc 8080 7007
serve router 8081 7008
background names net python3 "$PEER" names 53
wait_for 10 grep -q ready "$lab_tmp/names.out" || die 'no name server'
daemon_start
round masquerade
round snat
round none
in_range 'a third of the flows of all three modes took wan1' "$total_wan1" 318 482
done_testing
