#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# luci.sh - proves that LuCI's page in Chromium shows what the real daemon answers: uplinks, the
# observed time, a mismatch with its explanation, all as text, and a daemon that does not run.
#
#	LUCI_SHOTS=FOLDER tests/package/luci.sh	leaves screenshots there

LIB_DIR=$(cd "${0%/*}/../netns" && pwd)
. "$LIB_DIR/lib.sh"

command -v chromium >/dev/null || skip_all "chromium is missing"

page=$top_src/tests/package/luci/page.py
package=$top_src/packaging/luci-app-waymark

# look NAME WIDTH [OPTION]...: write what the page shows to $lab_tmp/NAME.
look() {
	local name=$1 width=$2
	shift 2
	[ -z "${LUCI_SHOTS:-}" ] || set -- --shot "$LUCI_SHOTS/$name-$width.png" "$@"
	at router python3 "$page" "$@" "$package" "$width" "$WAYMARK" -c "$lab_tmp/waymark.conf" >"$lab_tmp/$name"
}

shows() { # WHAT NAME TEXT
	check "$1" grep -qF -- "$3" "$lab_tmp/$2" || diag "$(cat "$lab_tmp/$2")"
}

shows_not() { # WHAT NAME TEXT
	check_not "$1" grep -F -- "$3" "$lab_tmp/$2"
}

lab_up && nat masquerade
serve net 80 7
# An interface with markup in its name, which the kernel allows.
at router ip link add '<b>tun0' type veth peer name tun0 && at router ip link set tun0 up &&
	at router ip link set '<b>tun0' up || die "no tunnel"
daemon_start 'repair = false'

hold first pc tcp $NET4 7 5 || die "no TCP from the PC"
check 'the page of a daemon without a gap is shown' look good 1280
shows '... with the uplinks and their states' good "$(printf 'wan1\tup\tidle')"
shows '... with how much left' good 'were seen.'
shows '... and only with it says that there is no mismatch' good \
	'No mismatch: every packet that was seen left by the uplink of its flow.'
daemon_stop
check 'the page without a daemon is shown' look blind 1280
shows '... and reports it' blind 'waymarkd is not running: no packet is observed now.'
shows '... no mismatch found does not mean that there was none' blind 'This does not mean that there was none'
shows_not '... in no place' blind 'No mismatch:'
daemon_run

hold udp pc udp $NET4 7 9 || die "no UDP from the PC"
hold udp6 pc udp $NET6 7 9 || die "no UDP over IPv6 from the PC"
at router ip -4 route replace default dev '<b>tun0' table 250
at router ip -6 route replace default dev '<b>tun0' table 250
hold_push udp
hold_push udp6
wait_for_sql 20 "SELECT count(*) > 1 AND count(*) = (SELECT count(DISTINCT flow_id) FROM mismatches)
	FROM flows WHERE proto = 'udp' AND dport = 7 AND uplink = 'wan2'" 1 || die "no mismatches"
id=$(sql "SELECT flow_id FROM mismatches ORDER BY id DESC LIMIT 1")
flow=$(sql "SELECT format(iif(src LIKE '%:%', 'udp [%s]:%d > [%s]:%d', 'udp %s:%d > %s:%d'), src, sport, dst, dport)
	FROM flows WHERE id = $id")
for width in 1280 400; do
	check "the page of a mismatch is shown and fits $width pixels" look mismatch $width --click
	shows '... the flow is named' mismatch "$flow"
	shows '... another of IPv6, too' mismatch "udp [$PC6]:"
	shows '... and both interfaces, markup as text' mismatch 'wan2 → <b>tun0'
	shows '... the page says that packets may be missing' mismatch 'Packets may have left unseen.'
	shows '... a click explains this flow' mismatch "Flow $id"
	shows '... with the verdict' mismatch 'mismatch (verdict 1 of 7): packets left by an interface that the flow'\''s mark does not name.'
	shows '... the sentences of waymark explain' mismatch "$(waymark explain --json "$id" |
		sed -n 's/^ *"text": "\(The balanced default route .*\)",$/\1/p')"
	shows '... and a command to paste' mismatch "waymark -c $lab_tmp/waymark.conf apply"
done

# As on a router where rpcd has not read the ACL yet.
cp -r "$package" "$lab_tmp/package"
sed -i 's/waymark.conf/other.conf/' "$lab_tmp/package/root/usr/share/rpcd/acl.d/luci-app-waymark.json"
(package=$lab_tmp/package && look refused 400) || diag "$(cat "$lab_tmp/refused")"
shows 'a user without the ACL reads that' refused 'This user may not run waymark (ACL luci-app-waymark).'

daemon_stop KILL
check 'the page without a daemon is shown and fits 400 pixels' look down 400
shows '... with the mismatches until then' down "$flow"
shows '... and states of uplinks by the kernel' down 'wan1'

daemon_run
check 'the page of a daemon that was killed is shown' look gap 1280
shows '... with the gap' gap 'the daemon died'

done_testing
