#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# history.sh - the commands that read the history, on one that was filled by the writer.

. "${0%/*}/lib.sh"
TZ=UTC LC_ALL=C
export TZ LC_ALL

# has WHAT TEXT COMMAND...: its output, or what it says on standard error, has the text.
has() {
	what=$1 text=$2
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	grep -qe "$text" "$work/out" "$work/err"
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$work/out" "$work/err"
	result $status "$what"
}

cat >"$work/waymark.conf" <<-END
	database = "$work/flows.db"
	control-socket = "$work/control"
	retention = "23 hours"
	user = "root"
	uplink wan1 { interface = "wan1" mark = 2 table = 251 gateway = "192.168.1.1" }
	uplink wan2 { interface = "wan2" mark = 3 table = 250 gateway = "192.168.2.1" }
END
wm() {
	"$waymark" -c "$work/waymark.conf" "$@"
}

has 'check warns of a retention below a day' 'warning: retention is 23' wm check --config
sed -i 's/23 hours/24 hours/' "$work/waymark.conf"
! wm check --config 2>&1 | grep -q retention
result $? '... and not of a day'

# --- a history of ten days, three of its flows gone wrong --------------------------------

"$build/tests/bench/store_fill" "$work/flows.db" 3000 >"$work/fill" 2>&1 || {
	sed 's/^/# /' "$work/fill"
	echo 'Bail out! no history could be filled'
	exit 1
}

# The questions of README, as they stand there. Those about the running daemon say that there
# is none (exit 3); the others answer. None is misunderstood (exit 2).
sed -n '/^## Ten questions/,/^All listings/p' "$src/README.md" | grep -o '`waymark [^`]*`' |
	tr -d '\140' | sed 's/fibre/wan1/' | sed 's/ *>[^ ]*\.html//; s/^waymark //' >"$work/questions"
[ "$(wc -l <"$work/questions")" -ge 10 ]
result $? "README asks ten questions or more"
while read -r question; do
	eval "wm $question" </dev/null >"$work/out" 2>"$work/err"
	status=$?
	case $question:$status in
	"status:3" | "top:1" | "top:3") ;; # top needs a terminal
	"status:"* | "top:"*) false ;;
	*:0 | *:1) ;;
	*) false ;;
	esac
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$work/err"
	result $status "waymark $question"
done <"$work/questions"

has 'what went wrong: each reason once' route-missing wm mismatches --since '11 days ago'
has '... and the flow of each' '^7 *$\|1005' wm mismatches --columns flow_id
has 'why: by the id that mismatches prints' 'verdict *mismatch' wm explain 1005
has 'who used a public port then' '192\.168\.' wm who \
	"$(wm flows --csv --columns nat_src,nat_sport --limit 1 | sed -n '2s/,/:/p')" \
	--at "$(wm flows --csv --columns started --limit 1 | sed -n 2p)"
has 'how much by each uplink' '^wan1,' wm stats --by uplink --csv
[ "$(wm stats --by uplink --csv | awk -F, '{ n += $2 } END { print n }')" = 3000 ]
result $? '... every flow counted once'
has 'usage: from the bins' ',wan2,[0-9]*,[0-9]*,' wm usage --by day --csv
has 'a name that is mistyped: the nearest' 'did you mean wan1' wm flows --uplink wam1
has 'a word that is mistyped: the nearest' 'did you mean mismatches' wm mismatchs

# At 80 columns a flow is whole or has its id, for explain.
COLUMNS=80 wm mismatches --since '11 days ago' >"$work/out"
[ "$(wc -L <"$work/out")" -le 80 ] && { head -n 1 "$work/out" | grep -q FLOW_ID || ! grep -q '…' "$work/out"; }
result $? '80 columns hold a mismatch with its whole flow or the id of it'

# --- prune --------------------------------------------------------------------------------

host=$(wm flows --csv --columns src --limit 1 2>/dev/null | sed -n 2p)
has 'the host is in the history' "$host" wm flows --csv --host "$host"
has 'prune --host reports what it deleted' 'pruned: [1-9][0-9]* flows deleted' wm prune --host "$host" --yes
has '... and no flow of it is left' 'no flows in the history match' wm flows --host "$host"
[ "$(wm stats --by uplink --csv | awk -F, '{ n += $2 } END { print (n > 2900) }')" = 1 ]
result $? '... but those of others are'
! grep -q "$host" "$work/flows.db"
result $? '... nor any text that names it'
has 'prune --host wants an address' 'expected an address' wm prune --host 192.0.2.0/24 --yes
has 'prune reports what it deleted' 'pruned: [0-9]* flows deleted, [0-9]* kept' wm prune --yes
[ "$(wm stats --by uplink --csv | awk -F, '{ n += $2 } END { print (n < 3000 && n != 0) }')" = 1 ]
result $? '... which is what is older than retention'

finish
