#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_faults.sh - each fault makes mismatches of exactly the flows that it hit, within a
# second: an ip rule deleted, a default route moved, the mark changed by a foreign rule, the
# restore chain flushed; with masquerade, SNAT and without NAT. The test's own nftables sets
# record which flows were hit, not Waymark.

. "${0%/*}/lib.sh"

WITHIN_MS=1000

# --- the witness: records ct id and mark of packets per uplink, after all routing ----------

witness_up() {
	at router nft -f - <<-END || die "no witness"
		table inet witness {
			set wan1 {
				typeof ct id . ct mark
				flags dynamic
				size 65535
			}
			set wan2 {
				typeof ct id . ct mark
				flags dynamic
				size 65535
			}
			set changed {
				typeof ct id . ct mark
				flags dynamic
				size 65535
			}
			chain postrouting {
				type filter hook postrouting priority mangle + 1
				oifname wan1 update @wan1 { ct id . ct mark }
				oifname wan2 update @wan2 { ct id . ct mark }
			}
		}
	END
}

witness_list() { # SET: one "ID|MARK" per line
	at router nft list set inet witness "$1" | tr ',{}' '\n\n\n' |
		sed -n 's/^[ \t]*\([0-9]*\) \. \(0x[0-9a-f]*\).*/\1 \2/p' |
		while read -r id mark; do
			echo "$id|$((mark & 0xff))"
		done
}

# The flows with a packet that left by another uplink than their mark's: "ID|EGRESS|MARK".
strays() {
	{
		witness_list wan1 | sed -n 's/^\([0-9]*\)|3$/\1|wan1|3/p'
		witness_list wan2 | sed -n 's/^\([0-9]*\)|2$/\1|wan2|2/p'
	} | sort
}

# These flows, and those whose mark was changed: "ID".
hits() {
	{
		strays | cut -d'|' -f1
		witness_list changed | cut -d'|' -f1
	} | sort -u
}

count() {
	grep -c . || :
}

# --- what the history says -----------------------------------------------------------------

mismatched() {
	sql "SELECT DISTINCT f.ct_id FROM mismatches m JOIN flows f ON f.id = m.flow_id
		WHERE m.time >= '$mode_began'" | sort
}

mismatched_strays() {
	sql "SELECT DISTINCT f.ct_id, m.egress, m.mark FROM mismatches m JOIN flows f ON f.id = m.flow_id
		WHERE m.time >= '$mode_began'" | sort
}

same_hits() {
	[ "$(hits)" = "$(mismatched)" ]
}

same_strays() {
	[ "$(strays)" = "$(mismatched_strays)" ]
}

# agree WHAT WITNESS HISTORY: both lists are equal; prints what only one of them has.
agree() {
	local id
	[ "$2" = "$3" ] && { ok "$1"; return; }
	not_ok "$1"
	printf '%s\n' "$2" >"$lab_tmp/witness"
	printf '%s\n' "$3" >"$lab_tmp/history"
	{
		comm -23 "$lab_tmp/witness" "$lab_tmp/history" | sed 's/^/only the witness has /'
		comm -13 "$lab_tmp/witness" "$lab_tmp/history" | sed 's/^/only the history has /'
	} | head -n 12 | while read -r line; do
		id=${line##* }
		diag "$line"
		diag "$(sql "SELECT * FROM flows WHERE ct_id = ${id%%|*}")"
		diag "$(at router conntrack -L -o id 2>/dev/null | grep "id=${id%%|*}")"
	done
}

time_now() {
	sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
}

# --- flows of every kind -------------------------------------------------------------------

# flows_open NAME N: from the PC, from the router, and from outside by each uplink.
flows_open() {
	local to1=$WAN1_4 to2=$WAN2_4 to1_6=$WAN1_6 to2_6=$WAN2_6
	[ "$mode" != none ] || to1=$PC4 to2=$PC4 to1_6=$PC6 to2_6=$PC6
	hold_many "$1_pc" pc "tcp $NET4 7 $2" "udp $NET4 7 $2" "tcp $NET6 7 $2" "udp $NET6 7 $2" &&
		hold_many "$1_own" router "tcp $NET4 7 $2" "udp $NET4 7 $2" "tcp $NET6 7 $2" "udp $NET6 7 $2" &&
		hold_many "$1_in" net \
			"tcp $to1 7007 $2 $NET4_VIA1" "udp $to1 7007 $2 $NET4_VIA1" \
			"tcp $to2 7007 $2 $NET4_VIA2" "udp $to2 7007 $2 $NET4_VIA2" \
			"tcp $to1_6 7007 $2 $NET6_VIA1" "udp $to1_6 7007 $2 $NET6_VIA1" \
			"tcp $to2_6 7007 $2 $NET6_VIA2" "udp $to2_6 7007 $2 $NET6_VIA2" ||
		die "$mode: the flows of $1 do not open"
}

flows_send() { # NAME send|stream: send one message on each flow, or 20, without waiting for answers
	hold_push "$1_pc" "$2"
	hold_push "$1_own" "$2"
	hold_push "$1_in" "$2"
}

flows_drop() { # NAME
	hold_drop "$1_pc"
	hold_drop "$1_own"
	hold_drop "$1_in"
}

# --- the faults ------------------------

main_moved_make() {
	at router ip route replace default via $GW1_4 dev wan1
	at router ip -6 route replace default via $GW1_6 dev wan1
}

rule_deleted_make() {
	at router ip rule del fwmark 0x2/0xff
	at router ip -6 rule del fwmark 0x2/0xff
}

route_moved_make() {
	at router ip route replace default via $GW1_4 dev wan1 table 250
	at router ip -6 route replace default via $GW1_6 dev wan1 table 250
}

chain_flushed_make() {
	at router nft flush chain inet waymark prerouting
}

# mark_changer HOOK PRIORITY: a foreign table that changes mark 2 to 3; the witness records
# the flows.
mark_changer() {
	at router nft -f - <<-END
		table inet witness {
			chain changer {
				type filter hook $1 priority $2
				ct mark & 0xff == 0x2 update @changed { ct id . ct mark } ct mark set ct mark & 0xffffff00 | 0x3
			}
		}
	END
}

mark_changed_forward_make() {
	mark_changer forward filter
}

mark_changed_prerouting_make() {
	mark_changer prerouting 'mangle - 10'
}

# A foreign rule that sets bits outside mark-mask hits no flow.
others_bits_make() {
	at router nft -f - <<-END
		table inet witness {
			chain changer {
				type filter hook forward priority filter
				meta mark set meta mark | 0x10000
				ct mark set ct mark | 0x20000
			}
		}
	END
}

changer_remove() {
	at router nft -f - 2>/dev/null <<-END
		flush chain inet witness changer
		delete chain inet witness changer
	END
}

# fault WHAT REASON LEAST-HITS [stream]
fault() {
	local what=$1 reason=$2 least=$3 how=${4:-send} before n
	flows_open busy 4
	before=$(hits | count)
	mismatched_before=$(mismatched | count)
	began=$(time_now)
	"${what}_make" || not_ok "$mode: $what: the fault cannot be made"
	sent=$(time_now)
	flows_send busy "$how"
	wait_for 10 hits_grew "$before" "$least" || :
	wait_for 10 same_hits || :
	# The fault is complete when no further flow is hit.
	wait_for 10 is_quiet || :
	changer_remove
	waymark apply >/dev/null 2>&1 || :
	flows_drop busy
	wait_for 10 same_hits || :
	n=$(($(hits | count) - before))
	if [ "$least" = 0 ]; then
		is "$mode: $what: hits no flow" "$n" 0
	else
		in_range "$mode: $what: hits flows" "$n" "$least" 10000
	fi
	agree "$mode: $what: exactly the flows that were hit are mismatches" "$(hits)" "$(mismatched)"
	[ "$n" = 0 ] || reported_well
}

hits_grew() { # BEFORE LEAST
	[ "$(hits | count)" -ge "$(($1 + $2))" ]
}

is_quiet() {
	local seen
	seen=$(hits)
	sleep 0.25
	[ "$seen" = "$(hits)" ]
}

# The flows that were open at the fault are reported in time and with the reason. A flow that
# broke and was re-established is reported later, when it is hit. An ICMP error that the router
# sends for its own flow counts as a reply and is routed as errors are.
reported_well() {
	local errors="m.direction = 'reply' AND f.ingress IS NULL"
	local open="FROM mismatches m JOIN flows f ON f.id = m.flow_id WHERE m.time >= '$began' AND f.started < '$began'"
	local late="(julianday(m.time) - julianday('$sent')) * 86400000"
	in_range "$mode: $what: reported within a second" \
		"$(sql "SELECT CAST(ifnull(max($late), 99999) AS INTEGER) $open")" 0 $WITHIN_MS
	is "$mode: $what: each has the reason" "$(sql "SELECT DISTINCT m.reason $open AND NOT ($errors)")" "$reason" ||
		diag "$(sql "SELECT m.*, f.* $open AND m.reason IS NOT '$reason' LIMIT 5")"
	is "$mode: $what: the flows have that verdict and reason" "$(sql "SELECT DISTINCT f.verdict, f.reason $open
		AND f.id NOT IN (SELECT f.id $open AND $errors)")" \
		"mismatch|$reason"
	is "$mode: $what: each has the uplink that its mark names" "$(sql "SELECT count(*) FROM mismatches
		WHERE time >= '$began' AND expected IS NOT CASE mark WHEN 2 THEN 'wan1' WHEN 3 THEN 'wan2' END")" 0
	check "$mode: $what: an alert reports it" grep -q "\"reason\":\"$reason\"" "$lab_tmp/alerts.jsonl"
}

kinds_hit() { # number of kinds of flows among the mismatches
	sql "SELECT DISTINCT f.proto, f.src LIKE '%:%', CASE WHEN f.ingress IS NOT NULL THEN 'in'
			WHEN f.src IN ('$PC4', '$PC6') THEN 'pc' ELSE 'own' END
		FROM mismatches m JOIN flows f ON f.id = m.flow_id WHERE m.time >= '$mode_began'" | count
}

round() { # MODE
	mode=$1
	nat "$mode"
	# With and without translation, one source port would be two flows to the PC.
	at router conntrack -F >/dev/null 2>&1
	mode_began=$(time_now)
	at router nft flush set inet witness changed
	at router nft flush set inet witness wan1
	at router nft flush set inet witness wan2
	flows_open idle 1
	fault main_moved none 0
	fault others_bits none 0
	in_range "$mode: ... and keeps them" \
		"$(at router conntrack -L 2>/dev/null | grep -c 'dport=7 .* mark=13107[45] ')" 16 1000
	fault rule_deleted rule-missing 1
	fault route_moved route-missing 1
	fault chain_flushed restore-missing 1
	# With masquerade the fault breaks a flow, and the next packet starts another one.
	fault route_moved route-missing 1 stream
	agree "$mode: the history has the mark and uplink of each stray packet" "$(strays)" "$(mismatched_strays)"
	fault mark_changed_forward mark-changed 1
	fault mark_changed_prerouting mark-changed 1
	is "$mode: flows of all kinds were hit" "$(kinds_hit)" 12
	is "$mode: idle flows stay ok" "$(hold_send idle_pc) $(hold_send idle_own) $(hold_send idle_in)" '4 4 8'
	wait_for 5 same_hits
	agree "$mode: ... and no other flow was hit" "$(hits)" "$(mismatched)"
	hold_close idle_pc
	hold_close idle_own
	hold_close idle_in
}

lab_up
witness_up
nat masquerade
for port in tcp udp; do
	forward_port $port 7007
done
serve net 80 7
serve pc 8080 7007
daemon_start 'repair = false'
for nat_mode in ${WAYMARK_TEST_MODES:-masquerade snat none}; do
	round "$nat_mode"
done
done_testing
