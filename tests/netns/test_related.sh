#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_related.sh - related packets leave by the uplink of the flow that they belong to: FTP
# data connections, active and passive, with a real server and a real client, from the LAN,
# from the router, and from outside to a server in the LAN; and ICMP errors in both
# directions. Compared with captures at the uplinks' far ends and with the history, with
# masquerade and without NAT, IPv4 and IPv6.

. "${0%/*}/lib.sh"
. "${0%/*}/ftp.sh"

for tool in vsftpd tcpdump; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done

lab_up
ftp_helper || skip_all 'the kernel has no FTP helper'
# Do not rate-limit ICMP errors.
for ns in pc router net; do
	at $ns sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done
# The LAN has a smaller MTU than the uplinks.
at router ip link set lan mtu 1300
at pc ip link set eth0 mtu 1300

# --- captures --------------------------------------------------------------------------------

# capture_begin in|inout FILTER: capture at both far ends what comes from the router, or both
# directions, until capture_end.
capture_begin() {
	local n
	captures=
	rm -f "$lab_tmp"/isp?.err
	for n in 1 2; do
		# Not by 'at': the pid must be the capture's own.
		nsenter --net="/proc/$ns_net/ns/net" -- tcpdump -p -n -tt -l --immediate-mode \
			-Q "$1" -i isp$n "($2) or icmp[0] == 0" \
			>"$lab_tmp/isp$n" 2>"$lab_tmp/isp$n.err" &
		captures="$captures $!"
		wait_for 5 grep -q listening "$lab_tmp/isp$n.err" || die 'no capture'
	done
}

# Write all captured packets in their order to $lab_tmp/seen: "isp1 TIME IP A > B: ...". The
# reply to a last ping shows that all packets before it were captured.
capture_end() {
	at net ping -q -c 1 -W 2 -I $GW1_4 $WAN1_4 >/dev/null
	at net ping -q -c 1 -W 2 -I $GW2_4 $WAN2_4 >/dev/null
	wait_for 5 grep -q 'ICMP echo reply' "$lab_tmp/isp1"
	wait_for 5 grep -q 'ICMP echo reply' "$lab_tmp/isp2"
	# shellcheck disable=SC2086 # a list
	kill $captures
	# shellcheck disable=SC2086 # a list
	wait $captures 2>/dev/null
	{
		sed -n 's/^[0-9]/isp1 &/p' "$lab_tmp/isp1"
		sed -n 's/^[0-9]/isp2 &/p' "$lab_tmp/isp2"
	} | grep -v 'ICMP echo' | sort -s -k2,2n >"$lab_tmp/seen"
}

# --- FTP --------------------------------------------------------------------------------------

# connections: one line per connection, in the order of their first packets: the far ends
# that captured it.
connections() {
	awk '{
		sub(":$", "", $6)
		pair = $4 < $6 ? $4 " " $6 : $6 " " $4
		if (!(pair in seen)) order[++n] = pair
		if (index(seen[pair], $1) == 0) seen[pair] = seen[pair] $1
	}
	END { for (i = 1; i <= n; i++) print seen[order[i]] }' "$lab_tmp/seen"
}

# A transfer is a control connection and then its data connection.
transfers_are_whole() {
	connections | awk 'NR % 2 { control = $0; next }
		$0 != control || length($0) != 4 { print "transfer " NR / 2 ": " control ", data " $0; bad = 1 }
		END { exit bad || NR % 2 }'
}

# transfers WHAT COUNT NAMESPACE URL [OPTION OF CURL]...
transfers() {
	local what=$1 count=$2 ns=$3 url=$4 i=0 whole=0
	shift 4
	capture_begin in tcp
	while [ $i -lt "$count" ]; do
		[ "$(at "$ns" curl -sS --max-time 5 "$@" "$url" 2>>"$lab_tmp/curl.err" | wc -c)" != 40000 ] ||
			whole=$((whole + 1))
		i=$((i + 1))
	done
	capture_end
	is "$nat: $what: files are whole" $whole "$count" || diag "$(tail -n 3 "$lab_tmp/curl.err")"
	is "$nat: $what: one control and one data connection per transfer" "$(connections | wc -l)" $((2 * count))
	check "$nat: $what: each data connection uses the uplink of its control connection" transfers_are_whole
	far_ends_used=$(connections | cat - "$lab_tmp/far_ends" | sort -u | tee "$lab_tmp/far_ends.new" | tr '\n' ' ')
	mv "$lab_tmp/far_ends.new" "$lab_tmp/far_ends"
	n_transfers=$((n_transfers + count))
}

# In both FTP modes; in IPv4 also with the old commands, whose addresses NAT translates.
each_mode() { # WHAT COUNT NAMESPACE HOST [OPTION OF CURL]...
	local what=$1 count=$2 ns=$3 url="ftp://$4/file"
	shift 4
	: >"$lab_tmp/far_ends"
	transfers "$what, passive" "$count" "$ns" "$url" "$@"
	transfers "$what, active" "$count" "$ns" "$url" -P - "$@"
	case $url in
	*'['*) return ;;
	esac
	transfers "$what, PASV" "$count" "$ns" "$url" --disable-epsv "$@"
	transfers "$what, PORT" "$count" "$ns" "$url" -P - --disable-eprt "$@"
}

# Each data flow has the uplink of the control flow before it, and left by it.
ftp_history() {
	wait_for_sql 5 "SELECT count(*) FROM flows WHERE proto = 'tcp'" $((2 * n_transfers))
	is "$nat: FTP: all flows are in the history" \
		"$(sql "SELECT count(*) FROM flows WHERE proto = 'tcp'")" $((2 * n_transfers))
	is "$nat: FTP: data flows have the uplink of their control flow, and are ok" \
		"$(sql "SELECT count(*) FROM flows d WHERE proto = 'tcp' AND dport <> 21 AND verdict = 'ok'
			AND uplink = (SELECT uplink FROM flows c WHERE c.proto = 'tcp' AND c.dport = 21
				AND c.id < d.id ORDER BY c.id DESC LIMIT 1)")" $n_transfers
}

# --- ICMP errors ----------------------------------------------------------------------------------

# errors WHAT KIND NAMESPACE HOST PORT FAR-END [SOURCE]: 6 senders get an ICMP error; the
# errors pass only that far end (either: the one that the flow's own packets pass).
errors() {
	local what=$1 kind=$2 ns=$3 host=$4 far_end=$6 got
	capture_begin inout 'udp or (icmp and (icmp[0] == 3 or icmp[0] == 11)) or (icmp6 and ip6[40] < 4)'
	got=$(at "$ns" python3 "$PEER" provoke "$kind" "$host" "$5" 6 ${7:+"$7"})
	capture_end
	is "$nat: $what: senders get the error" "$got" 6
	if [ "$far_end" = either ]; then
		is "$nat: $what: as many errors as packets at each far end" \
			"$(grep -c 'isp1 .*ICMP' "$lab_tmp/seen") $(grep -c 'isp2 .*ICMP' "$lab_tmp/seen")" \
			"$(grep -c 'isp1 .*UDP' "$lab_tmp/seen") $(grep -c 'isp2 .*UDP' "$lab_tmp/seen")"
	else
		is "$nat: $what: every error by $far_end" "$(grep ICMP "$lab_tmp/seen" | cut -d ' ' -f 1 | sort | uniq -c | tr -s ' ')" " 6 $far_end"
	fi || diag "$(cat "$lab_tmp/seen")"
}

# From outside by each uplink: the PC refuses, or the router finds the hop limit exhausted or
# the LAN's MTU too small. From inside: the far end refuses.
each_error() {
	local kind n
	errors 'a refusal from outside' refused pc $NET4 9 either
	errors 'a refusal from outside, IPv6' refused pc $NET6 9 either
	errors 'a refusal from outside to the router' refused router $NET4 9 either
	for kind in refused exceeded big; do
		for n in 1 2; do
			errors "$kind, inbound by wan$n" $kind net "$(inside $n 4)" 9 isp$n \
				"$(outside $n 4)"
			errors "$kind, inbound by wan$n, IPv6" $kind net "$(inside $n 6)" 9 isp$n \
				"$(outside $n 6)"
		done
	done
	for n in 1 2; do
		errors "refused by the router, by wan$n" refused net "$(own $n 4)" 10 isp$n \
			"$(outside $n 4)"
		errors "refused by the router, by wan$n, IPv6" refused net "$(own $n 6)" 10 isp$n \
			"$(outside $n 6)"
	done
}

own() { # UPLINK FAMILY: the router's address on that uplink
	eval "echo \$WAN$1_$2"
}

# Destination and source of a flow from outside that reaches the PC by this uplink.
inside() { # UPLINK FAMILY
	[ "$nat" != none ] || { eval "echo \$PC$2"; return; }
	own "$1" "$2"
}

outside() { # UPLINK FAMILY
	[ "$nat" != none ] || eval "echo \$NET$2_VIA$1"
}

bracketed() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

# --- with and without NAT -----------------------------------------------------------------------

ftp_serve net && ftp_serve pc || skip_all 'vsftpd does not run here'
forward_port tcp 21
forward_port udp 9

for nat in masquerade none; do
	nat $nat
	n_transfers=0
	rm -f "$lab_tmp"/flows.db*
	daemon_start
	each_mode 'from the LAN' 6 pc $NET4
	is "$nat: both uplinks were used" "$far_ends_used" 'isp1 isp2 '
	each_mode 'from the LAN, IPv6' 6 pc "[$NET6]"
	# Unbound, the kernel would choose each connection's source before its uplink; the FTP
	# helper relates only connections from the same source.
	[ $nat = none ] || each_mode 'from the router' 4 router $NET4 --interface $WAN1_4
	for n in 1 2; do
		for family in 4 6; do
			source=$(outside $n $family)
			each_mode "from outside by wan$n, IPv$family" 2 net \
				"$(bracketed "$(inside $n $family)")" ${source:+--interface "$source"}
			is "$nat: ... that uplink was used" "$far_ends_used" "isp$n "
		done
	done
	ftp_history
	each_error
	is "$nat: no mismatch, no unmarked, foreign or wrong-source flow" \
		"$(sql "SELECT count(*) FROM mismatches") $(sql "SELECT group_concat(DISTINCT verdict)
			FROM flows WHERE verdict NOT IN ('ok', 'local')")" '0 '
	daemon_stop
	waymark remove >/dev/null
	at router conntrack -F 2>/dev/null
done

done_testing
