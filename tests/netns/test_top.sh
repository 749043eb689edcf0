#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves the live view in a real terminal's stead: it shows the daemon, each uplink with
# what runs by it, mismatches and gaps as they come; it survives another size of the
# terminal and a daemon that stops and comes again; q ends it and leaves no trace.

. "${0%/*}/lib.sh"

# mux COMMAND...: a tmux of our own, without anybody's configuration; its server lives
# in the router's namespace and ends with it.
mux() {
	at router env TERM=xterm-256color tmux -S "$lab_tmp/tmux" -f /dev/null "$@"
}

screen() {
	mux capture-pane -p -t top
}

shows() { # TEXT
	screen | grep -qF -- "$1"
}

first_line_has() { # PATTERN
	screen | head -n 1 | grep -q "$1"
}

shows_not() {
	! shows "$1"
}

top_start() { # COLUMNS LINES: by the daemon's socket alone
	mux new-session -d -s top -x "$1" -y "$2" \
		"'$WAYMARK' -c /nonexistent --socket '$lab_tmp/control.sock' top; echo ended with \$?; sleep infinity"
}

# The number that stands in an uplink's line, by the column's place.
uplink() { # NAME COLUMN
	screen | awk -v name="$1" -v column="$2" '$1 == name { print $column }'
}

uplink_is() { # NAME COLUMN VALUE
	[ "$(uplink "$1" "$2")" = "$3" ]
}

receives() { # NAME: more than some bits
	case "$(screen | grep "^$1 ")" in
	*[0-9]\ k\ *) return 0 ;;
	*) return 1 ;;
	esac
}

lab_up
command -v tmux >/dev/null || skip_all "tmux is missing"
mux new-session -d -s probe 'sleep infinity' 2>/dev/null && mux kill-session -t probe 2>/dev/null ||
	skip_all "tmux finds no pseudo terminal here (/dev/pts is not mounted?)"
nat none
serve net 80 7
daemon_start 'repair = false
	balance = false'
hold stray pc udp $NET4 7 3

# --- what it shows --------------------------------------------------------------------

top_start 120 30
check "it shows the daemon" wait_for 5 shows "mode steer, ready"
check "an uplink that is up, and its flows" wait_for 5 uplink_is wan1 4 3
check "the other, without any" uplink_is wan2 4 0
check "no mismatch" shows "mismatches 0 since the start"
check "and none in the history" shows "no mismatch in the last hour"
background load pc sh -c "while :; do curl -s -o /dev/null 'http://$NET4/?size=20000'; ping -q -c 20 -i 0.01 -s 1000 $NET4; done"
check "bits by an uplink's interface" wait_for 10 receives wan1
background_end load
at router ip rule del fwmark 2/0xff
at router ip route add default via $GW2_4 dev wan2 metric 50
hold_push stray
check "a mismatch as it comes" wait_for 5 shows "rule-missing"
check "and it is counted" shows_not "mismatches 0 since the start"
at router ip link set wan2 down
check "an uplink that goes down" wait_for 5 uplink_is wan2 3 down

# --- keys -----------------------------------------------------------------------------------

check "the keys are on the screen" shows "q quit  ? help"
mux send-keys -t top '?'
check "? explains them" wait_for 3 shows "freeze, and go on"
mux send-keys -t top '?'
check "and goes away" wait_for 3 shows "TALKER"
mux send-keys -t top ' '
check "Space freezes" wait_for 3 shows "FROZEN"
mux send-keys -t top ' '
check "and goes on" wait_for 3 shows_not "FROZEN"
mux send-keys -t top / nothing Enter
check "a filter hides what does not contain it" wait_for 3 shows_not "wan1>wan2"
mux send-keys -t top Escape
check "and is cleared" wait_for 3 shows "wan1>wan2"
mux send-keys -t top s
check "the order of mismatches changes" wait_for 3 shows "s sort: last"
mux send-keys -t top Enter
check "Enter explains a flow of the selected cause" wait_for 5 shows "Enter, q go back"
check "as explain does, from its beginning" first_line_has "^flow "
mux send-keys -t top Enter
check "and comes back" wait_for 5 shows "mode steer, ready"

# --- other sizes ----------------------------------------------------------------------------

mux resize-window -t top -x 80 -y 24
check "80 columns have every column" wait_for 3 shows "ANSW    MISM COVERED"
check "and the keys" shows "arrows, Enter explain"
mux send-keys -t top '?'
check "and a help of which no line is cut" wait_for 3 shows "are in the history."
check "nor the line of ANSW" shows "where health is passive."
check "nor the line of PACKETS" shows "where only a label shows"
mux send-keys -t top '?'
mux resize-window -t top -x 60 -y 12
check "a smaller terminal" wait_for 3 shows "UPLINK"
mux resize-window -t top -x 10 -y 2
sleep 0.3
mux resize-window -t top -x 1 -y 1
sleep 0.3
mux resize-window -t top -x 200 -y 50
check "the smallest, and a large one" wait_for 3 shows "NEWEST GAPS"
check "it goes on" shows "mode steer, ready"

# --- the daemon stops and comes again ----------------------------------------------------------

daemon_stop
check "it says that the daemon does not run" wait_for 5 shows "the daemon does not run"
check "and still shows the history" shows "rule-missing"
daemon_run
check "it finds the next daemon" wait_for 5 shows "mode steer, ready"
check "and the gap between them" wait_for 5 shows "the daemon was stopped"

# --- the end -------------------------------------------------------------------------------------

mux send-keys -t top q
check "q ends it" wait_for 3 shows "ended with 0"
check "and the screen is as it was" shows_not "NEWEST GAPS"
mux new-session -d -s dumb "env TERM=dumb '$WAYMARK' -c '$lab_tmp/waymark.conf' top; sleep infinity"
dumb_shows() { mux capture-pane -p -t dumb | tr -d '\n' | grep -qF -- "$1"; }
check "a terminal that cannot move the cursor is refused" wait_for 3 dumb_shows "the terminal 'dumb' cannot move the cursor"
mux kill-server
waymark top >"$lab_tmp/out" 2>"$lab_tmp/err" </dev/null
is "without a terminal it fails" $? 1
check "and says why" grep -q "top needs a terminal" "$lab_tmp/err"

done_testing
