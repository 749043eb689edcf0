#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves the live view in a terminal: it shows the daemon, each uplink with its traffic,
# mismatches and gaps as they occur; it works after the terminal is resized and after the
# daemon stops and starts again; q ends it and restores the screen.

. "${0%/*}/lib.sh"

# mux COMMAND...: a tmux server of its own, without the user's configuration; it lives in the
# router's namespace and ends with it.
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

top_start() { # COLUMNS LINES: with the daemon's socket alone
	mux new-session -d -s top -x "$1" -y "$2" \
		"'$WAYMARK' -c /nonexistent --socket '$lab_tmp/control.sock' top; echo ended with \$?; sleep infinity"
}

# uplink: the value of a column in an uplink's row.
uplink() { # NAME COLUMN
	screen | awk -v name="$1" -v column="$2" '$1 == name { print $column }'
}

uplink_is() { # NAME COLUMN VALUE
	[ "$(uplink "$1" "$2")" = "$3" ]
}

receives() { # NAME: a rate above zero
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

# --- content --------------------------------------------------------------------

top_start 120 30
check "it shows the daemon" wait_for 5 shows "mode steer, ready"
check "an uplink that is up has its flows" wait_for 5 uplink_is wan1 4 3
check "the other uplink has none" uplink_is wan2 4 0
check "no mismatch" shows "mismatches 0 since the start"
check "no mismatch in the history" shows "no mismatch in the last hour"
background load pc sh -c "while :; do curl -s -o /dev/null 'http://$NET4/?size=20000'; ping -q -c 20 -i 0.01 -s 1000 $NET4; done"
check "an uplink has the bit rate of its interface" wait_for 10 receives wan1
background_end load
at router ip rule del fwmark 2/0xff
at router ip route add default via $GW2_4 dev wan2 metric 50
hold_push stray
check "a mismatch appears" wait_for 5 shows "rule-missing"
check "the mismatch is counted" shows_not "mismatches 0 since the start"
at router ip link set wan2 down
check "an uplink goes down" wait_for 5 uplink_is wan2 3 down

# --- keys -----------------------------------------------------------------------------------

check "the keys are on the screen" shows "q quit  ? help"
mux send-keys -t top '?'
check "? explains them" wait_for 3 shows "freeze the screen, and resume"
mux send-keys -t top '?'
check "a key closes the help" wait_for 3 shows "TALKER"
mux send-keys -t top ' '
check "Space freezes" wait_for 3 shows "FROZEN"
mux send-keys -t top ' '
check "Space continues" wait_for 3 shows_not "FROZEN"
mux send-keys -t top / nothing Enter
check "a filter hides what does not contain it" wait_for 3 shows_not "wan1>wan2"
mux send-keys -t top Escape
check "the filter is cleared" wait_for 3 shows "wan1>wan2"
mux send-keys -t top s
check "the order of mismatches changes" wait_for 3 shows "s sort: last"
mux send-keys -t top Enter
check "Enter explains a flow of the selected cause" wait_for 5 shows "Enter/q: go back"
check "the explanation starts with its first line" first_line_has "^flow "
mux send-keys -t top Enter
check "q returns to the view" wait_for 5 shows "mode steer, ready"

# --- other sizes ----------------------------------------------------------------------------

mux resize-window -t top -x 80 -y 24
check "80 columns have every column" wait_for 3 shows "ANSW    MISM COVERED"
check "80 columns have the keys" shows "arrows, Enter explain"
mux send-keys -t top '?'
check "80 columns cut no line of the help" wait_for 3 shows "are in the history."
check "... nor the line of ANSW" shows "one to two minutes that got a reply"
check "... nor the line of PACKETS" shows "if only a label shows"
mux send-keys -t top '?'
mux resize-window -t top -x 60 -y 12
check "a smaller terminal works" wait_for 3 shows "UPLINK"
mux resize-window -t top -x 10 -y 2
sleep 0.3
mux resize-window -t top -x 1 -y 1
sleep 0.3
mux resize-window -t top -x 200 -y 50
check "the smallest terminal and a large one work" wait_for 3 shows "NEWEST GAPS"
check "the view is updated" shows "mode steer, ready"

# --- the daemon stops and starts again ----------------------------------------------------------

daemon_stop
check "the view says that the daemon does not run" wait_for 5 shows "the daemon is not running"
check "the history is still shown" shows "rule-missing"
daemon_run
check "the view connects to the next daemon" wait_for 5 shows "mode steer, ready"
check "the gap between the daemons is shown" wait_for 5 shows "the daemon was stopped"

# --- the end -------------------------------------------------------------------------------------

mux send-keys -t top q
check "q ends it" wait_for 3 shows "ended with 0"
check "the screen is restored" shows_not "NEWEST GAPS"
mux new-session -d -s dumb "env TERM=dumb '$WAYMARK' -c '$lab_tmp/waymark.conf' top; sleep infinity"
dumb_shows() { mux capture-pane -p -t dumb | tr -d '\n' | grep -qF -- "$1"; }
check "a terminal that cannot move the cursor is refused" wait_for 3 dumb_shows "the terminal 'dumb' cannot move the cursor"
mux kill-server
waymark top >"$lab_tmp/out" 2>"$lab_tmp/err" </dev/null
is "without a terminal it fails" $? 1
check "the error says why" grep -q "top needs a terminal" "$lab_tmp/err"

done_testing
