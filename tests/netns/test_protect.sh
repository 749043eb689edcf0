#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_protect.sh - with protect-table only waymarkd can change its table: a flush of the
# whole ruleset skips it and no flow loses its uplink; the table exists all the time while it
# is protected, changed or released again; after a crash it is complete; a ruleset that was
# saved after a stop can be loaded.

. "${0%/*}/lib.sh"

PROTECT='protect-table = true'

table() {
	at router nft -s list table inet waymark
}

rules() { # the table without its owner
	table | sed '/^\tflags/,/^$/d; s/ # progname.*//'
}

is_protected() {
	waymark status --json | grep -q "\"table_protected\":$1"
}

key() { # true|false: set the key and reload
	sed -i "s/protect-table = .*/protect-table = $1/" "$lab_tmp/waymark.conf"
	kill -HUP "$daemon_pid"
	wait_for 10 is_protected "$1"
}

lab_up
nat masquerade
serve net 80 7
serve pc 81 8
forward_port tcp 81
daemon_start "$PROTECT"
is_protected true || skip_all 'this kernel cannot protect a table (Linux 6.9 can)'
ok "the table is protected"
check "status shows the protection" sh -c "\"$WAYMARK\" -c '$lab_tmp/waymark.conf' status | grep -q 'protected from other processes'"
rules >"$lab_tmp/protected"

# --- other processes ------------------------------------------------------------------------------------

hold_many flows pc "udp $NET4 7 10" "tcp $NET4 7 10" "udp $NET6 7 10" || die "no flows"
check "a flush of all rules goes through" at router nft flush ruleset
is "the table is unchanged" "$(rules)" "$(cat "$lab_tmp/protected")"
is "... and is the only table" "$(at router nft list tables)" "table inet waymark"
nat masquerade
is "every flow is answered" "$(hold_send flows)" 30
check_not "another process cannot delete the table" at router nft delete table inet waymark
check_not "... or change a chain" at router nft flush chain inet waymark prerouting
check_not "... or add a rule" at router nft add rule inet waymark prerouting accept
check "a whole firewall is reloaded beside it" at router sh -c \
	'printf "flush ruleset\ntable inet fw {\nchain c {\ntype filter hook forward priority 0\naccept\n}\n}\n" | nft -f -'
nat masquerade
is "every flow is answered" "$(hold_send flows)" 30
check "check finds no error" waymark check
hold_close flows
check "no flow is unknown, unmarked or a mismatch" wait_for_sql 10 \
	"SELECT count(*) FROM flows WHERE verdict NOT IN ('ok', 'local')" 0
is "no tampering is reported" "$(sql "SELECT count(*) FROM tampering")" 0

# --- while the table changes ----------------------------------------------------------------------------

# A flow whose first packet finds no rules has no mark.
at pc sh -c 'while :; do curl -s -o /dev/null --max-time 5 http://'$NET4'/; done' &
for turn in 1 2 3; do
	check "turn $turn: no longer protected" key false
	is "turn $turn: the rules are the same" "$(rules)" "$(cat "$lab_tmp/protected")"
	check "turn $turn: protected again" key true
	is "turn $turn: the rules are the same" "$(rules)" "$(cat "$lab_tmp/protected")"
done
kill $! 2>/dev/null
is "no other table is left" "$(at router nft list tables | grep -c stand_in)" 0
check "flows started meanwhile" wait_for 10 sh -c \
	"[ \$(sqlite3 '$lab_tmp/flows.db' \"SELECT count(*) FROM flows WHERE dport = 80\") -gt 20 ]"
is "no flow is unmarked, unknown or a mismatch" \
	"$(sql "SELECT count(*) FROM flows WHERE verdict IN ('unmarked', 'unknown', 'mismatch')")" 0

# Another uplink name needs other chains: the table is replaced in one transaction.
sed -i 's/mark      = 3/mark      = 4/' "$lab_tmp/waymark.conf"
kill -HUP "$daemon_pid"
check "another uplink name: the table has its chains" wait_for 10 sh -c "nsenter --net=/proc/$ns_router/ns/net nft list table inet waymark |
	grep -q 'chain enter_0x4'"
check_not "... and none of the old ones" sh -c "nsenter --net=/proc/$ns_router/ns/net nft list table inet waymark |
	grep -q 'chain enter_0x3'"
check "... the table is protected" is_protected true
sed -i 's/mark      = 4/mark      = 3/' "$lab_tmp/waymark.conf"

# --- the end of the daemon -------------------------------------------------------------------------

daemon_stop
is "after a stop the table has no owner" "$(table | grep -c 'flags')" 0
at router nft list ruleset >"$lab_tmp/saved"
check "after a stop a saved ruleset loads" at router sh -c "(echo flush ruleset; cat '$lab_tmp/saved') | nft -f -"
daemon_run
check "the next start protects it" is_protected true
labels=$(sql "SELECT count(*) FROM gaps WHERE source = 'evidence'")
daemon_stop KILL
check "killed: the table stays" sh -c "nsenter --net=/proc/$ns_router/ns/net nft list table inet waymark | grep -q 'chain prerouting'"
# libnftables before 1.1 lists the flag that stays as a line that it cannot read.
if at router nft list table inet waymark | grep -q '^	flags $'; then
	waymark check >"$lab_tmp/check" 2>&1
	check "... check reports that its listing cannot be loaded" \
		grep -q '^warning: table inet waymark was left by a waymarkd that was killed' "$lab_tmp/check"
fi
before=$(at router nft -a list table inet waymark | grep -c handle)
handles=$(at router nft -a list table inet waymark | grep -o 'handle [0-9]*' | cksum)
daemon_run
check "the next start adopts it" is_protected true
waymark check >"$lab_tmp/check" 2>&1
check_not "... without a finding" grep -q 'was left by a waymarkd' "$lab_tmp/check"
is "... unchanged ($before objects)" "$(at router nft -a list table inet waymark | grep -o 'handle [0-9]*' | cksum)" "$handles"
is "... without a gap in the evidence" "$(sql "SELECT count(*) FROM gaps WHERE source = 'evidence'")" "$labels"
check "remove deletes the table" waymark remove
is "no table is left" "$(at router nft list tables | grep -c waymark)" 0
check "apply installs it protected" waymark apply
check "... at once" is_protected true
daemon_stop

# --- changes of the table by the tool --------------------------------------------

daemon_run
daemon_stop KILL
check "after a crash the tool replaces the table" waymark apply
sed -i 's/weight    = 2/weight    = 2 tier = 1/' "$lab_tmp/waymark.conf"
check "... and deletes it" waymark remove
is "... completely" "$(at router nft list tables | grep -c waymark)" 0
done_testing
