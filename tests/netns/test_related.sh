#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_related.sh - what belongs to a flow goes by that flow's line: the data
# connections of FTP, active and passive, of a real server and a real client, from the
# LAN, from the router, and from outside to a server in the LAN; and ICMP errors,
# inwards and outwards. Judged from captures on the uplinks' far ends and from the
# history, with masquerade and without NAT, IPv4 and IPv6.

. "${0%/*}/lib.sh"
. "${0%/*}/ftp.sh"

for tool in vsftpd tcpdump; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done

lab_up
ftp_helper || skip_all 'the kernel has no FTP helper'
# Errors are not to be held back.
for ns in pc router net; do
	at $ns sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done
# The way to the LAN is narrower than the uplinks.
at router ip link set lan mtu 1300
at pc ip link set eth0 mtu 1300

# --- captures --------------------------------------------------------------------------------

# capture_begin in|inout FILTER: on both far ends what comes from the router, or all,
# until capture_end.
capture_begin() {
	local line
	captures=
	rm -f "$lab_tmp"/isp?.err
	for line in 1 2; do
		# Not by 'at': the pid must be the capture's own.
		nsenter --net="/proc/$ns_net/ns/net" -- tcpdump -p -n -tt -l --immediate-mode \
			-Q "$1" -i isp$line "($2) or icmp[0] == 0" \
			>"$lab_tmp/isp$line" 2>"$lab_tmp/isp$line.err" &
		captures="$captures $!"
		wait_for 5 grep -q listening "$lab_tmp/isp$line.err" || die 'no capture'
	done
}

# What the lines carried, in its order, in $lab_tmp/seen: "isp1 TIME IP A > B: ...". An
# answer to a last ping says that all before it has been read.
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

# connections: one per line, in the order of their first packets: the far ends that it
# was seen on.
connections() {
	awk '{
		sub(":$", "", $6)
		pair = $4 < $6 ? $4 " " $6 : $6 " " $4
		if (!(pair in lines)) order[++n] = pair
		if (index(lines[pair], $1) == 0) lines[pair] = lines[pair] $1
	}
	END { for (i = 1; i <= n; i++) print lines[order[i]] }' "$lab_tmp/seen"
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
	is "$nat: $what: a control and a data connection each" "$(connections | wc -l)" $((2 * count))
	check "$nat: $what: each data connection by its master's line" transfers_are_whole
	lines_used=$(connections | cat - "$lab_tmp/lines" | sort -u | tee "$lab_tmp/lines.new" | tr '\n' ' ')
	mv "$lab_tmp/lines.new" "$lab_tmp/lines"
	n_transfers=$((n_transfers + count))
}

# Of either mode; in IPv4 with the old commands too, whose addresses NAT translates.
each_mode() { # WHAT COUNT NAMESPACE HOST [OPTION OF CURL]...
	local what=$1 count=$2 ns=$3 url="ftp://$4/file"
	shift 4
	: >"$lab_tmp/lines"
	transfers "$what, passive" "$count" "$ns" "$url" "$@"
	transfers "$what, active" "$count" "$ns" "$url" -P - "$@"
	case $url in
	*'['*) return ;;
	esac
	transfers "$what, PASV" "$count" "$ns" "$url" --disable-epsv "$@"
	transfers "$what, PORT" "$count" "$ns" "$url" -P - --disable-eprt "$@"
}

# Each data flow has the uplink of the control flow before it, and went by it.
ftp_history() {
	wait_for_sql 5 "SELECT count(*) FROM flows WHERE proto = 'tcp'" $((2 * n_transfers))
	is "$nat: FTP: all in the history" \
		"$(sql "SELECT count(*) FROM flows WHERE proto = 'tcp'")" $((2 * n_transfers))
	is "$nat: FTP: data flows have their master's uplink, and are ok" \
		"$(sql "SELECT count(*) FROM flows d WHERE proto = 'tcp' AND dport <> 21 AND verdict = 'ok'
			AND uplink = (SELECT uplink FROM flows c WHERE c.proto = 'tcp' AND c.dport = 21
				AND c.id < d.id ORDER BY c.id DESC LIMIT 1)")" $n_transfers
}

# --- ICMP errors ----------------------------------------------------------------------------------

# errors WHAT KIND NAMESPACE HOST PORT LINE [SOURCE]: 6 senders are told; the errors pass
# that far end (either: by the line of the flow's own packets) and no other.
errors() {
	local what=$1 kind=$2 ns=$3 host=$4 line=$6 got
	capture_begin inout 'udp or (icmp and (icmp[0] == 3 or icmp[0] == 11)) or (icmp6 and ip6[40] < 4)'
	got=$(at "$ns" python3 "$PEER" provoke "$kind" "$host" "$5" 6 ${7:+"$7"})
	capture_end
	is "$nat: $what: senders are told" "$got" 6
	if [ "$line" = either ]; then
		is "$nat: $what: as many errors as packets on each line" \
			"$(grep -c 'isp1 .*ICMP' "$lab_tmp/seen") $(grep -c 'isp2 .*ICMP' "$lab_tmp/seen")" \
			"$(grep -c 'isp1 .*UDP' "$lab_tmp/seen") $(grep -c 'isp2 .*UDP' "$lab_tmp/seen")"
	else
		is "$nat: $what: every error by $line" "$(grep ICMP "$lab_tmp/seen" | cut -d ' ' -f 1 | sort | uniq -c | tr -s ' ')" " 6 $line"
	fi || diag "$(cat "$lab_tmp/seen")"
}

# From outside by each uplink: the PC refuses, the router has no hop left or no room on
# the LAN; and what is refused outside comes back in.
each_error() {
	local kind line
	errors 'a refusal from outside' refused pc $NET4 9 either
	errors 'a refusal from outside, IPv6' refused pc $NET6 9 either
	errors 'a refusal from outside to the router' refused router $NET4 9 either
	for kind in refused exceeded big; do
		for line in 1 2; do
			errors "$kind, inbound by wan$line" $kind net "$(inside $line 4)" 9 isp$line \
				"$(outside $line 4)"
			errors "$kind, inbound by wan$line, IPv6" $kind net "$(inside $line 6)" 9 isp$line \
				"$(outside $line 6)"
		done
	done
	for line in 1 2; do
		errors "refused by the router, by wan$line" refused net "$(own $line 4)" 10 isp$line \
			"$(outside $line 4)"
		errors "refused by the router, by wan$line, IPv6" refused net "$(own $line 6)" 10 isp$line \
			"$(outside $line 6)"
	done
}

own() { # LINE FAMILY: the router's address there
	eval "echo \$WAN$1_$2"
}

# Where a flow from outside is sent to reach the PC, and from where, so that it takes
# this line.
inside() { # LINE FAMILY
	[ "$nat" != none ] || { eval "echo \$PC$2"; return; }
	own "$1" "$2"
}

outside() { # LINE FAMILY
	[ "$nat" != none ] || eval "echo \$NET$2_VIA$1"
}

bracketed() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

# --- both ways of translating -----------------------------------------------------------------------

ftp_serve net && ftp_serve pc || skip_all 'vsftpd does not run here'
forward_port tcp 21
forward_port udp 9

for nat in masquerade none; do
	nat $nat
	n_transfers=0
	rm -f "$lab_tmp"/flows.db*
	daemon_start
	each_mode 'from the LAN' 6 pc $NET4
	is "$nat: both lines were used" "$lines_used" 'isp1 isp2 '
	each_mode 'from the LAN, IPv6' 6 pc "[$NET6]"
	# Unbound, the kernel chooses each connection's source before its line; to the
	# helper one from another source is none of the master's.
	[ $nat = none ] || each_mode 'from the router' 4 router $NET4 --interface $WAN1_4
	for line in 1 2; do
		for family in 4 6; do
			source=$(outside $line $family)
			each_mode "from outside by wan$line, IPv$family" 2 net \
				"$(bracketed "$(inside $line $family)")" ${source:+--interface "$source"}
			is "$nat: ... that line was used" "$lines_used" "isp$line "
		done
	done
	ftp_history
	each_error
	is "$nat: no mismatch, nothing unmarked, foreign or from the wrong source" \
		"$(sql "SELECT count(*) FROM mismatches") $(sql "SELECT group_concat(DISTINCT verdict)
			FROM flows WHERE verdict NOT IN ('ok', 'local')")" '0 '
	daemon_stop
	waymark remove >/dev/null
	at router conntrack -F 2>/dev/null
done

done_testing
