#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# memory.sh - proves that an allocation of any call stack may fail, in each process of waymarkd, at
# the start, later, in a repair or in a reload: waymarkd continues, or exits with a line that says
# why; no signal ends it, and the steering is complete or removed.
#
# Two runs, with a new and with an old history, record the call stacks of all allocations. In each
# run after them the first allocation of one stack fails. A stack is the innermost ALLOC_DEPTH
# callers (4): there are some 1,440, and all of them take about 40 minutes of a core.
#
# STACKS: number of stacks to fail, spread over all (60), "all", or a file with their numbers.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

STACKS=${STACKS:-60}
export ALLOC_DEPTH="${ALLOC_DEPTH:-4}"

lab_up
nat masquerade
serve net 80 7
config_alert='exec = "/bin/true"'
config_write "prometheus { textfile = \"$lab_tmp/waymark.prom\" listen = 9469 }"
cc -O1 -shared -fPIC -o "$lab_tmp/fail_alloc.so" "$top_src/tests/faults/fail_alloc.c" || die "no cc"
log=$lab_tmp/waymarkd.log

ready_or_ended() {
	! kill -0 "$life_pid" 2>/dev/null || grep -q ' ready: ' "$log"
}

table_is_back() {
	! kill -0 "$life_pid" 2>/dev/null || at router nft list table inet waymark >/dev/null 2>&1
}

reloaded() {
	! kill -0 "$life_pid" 2>/dev/null || grep -Eq 'configuration reloaded|reload: ' "$log"
}

has_ended() {
	! kill -0 "$life_pid" 2>/dev/null
}

# life STACKS [NUMBER]: one run of the daemon, which writes its call stacks to the file STACKS, or
# in which the stack NUMBER fails; its exit status is in life_status. Not 0: it hangs.
life() {
	: >"$log"
	life_is_ready=
	nsenter --net="/proc/$ns_router/ns/net" -- env LD_PRELOAD="$lab_tmp/fail_alloc.so" \
		ALLOC_STACKS="$1" ${2:+ALLOC_FAIL_STACK=$2} "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
		</dev/null >>"$log" 2>&1 &
	life_pid=$!
	wait_for 30 ready_or_ended || return 1
	has_ended || life_goes_on || return 1
	wait_for 30 has_ended || return 1
	wait "$life_pid"
	life_status=$?
}

# Steady state, repair, reload, stop.
life_goes_on() {
	life_is_ready=yes
	http_get pc 5 "http://$NET4/" >/dev/null 2>&1
	at router curl -s -m 5 -o /dev/null http://127.0.0.1:9469/metrics
	timeout 10 nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARK" -c "$lab_tmp/waymark.conf" status >/dev/null 2>&1
	at router nft delete table inet waymark
	wait_for 30 table_is_back || return 1
	kill -HUP "$life_pid" 2>/dev/null
	wait_for 10 reloaded || return 1
	kill -TERM "$life_pid" 2>/dev/null
	return 0
}

# life_faults: print what was wrong with the run that ended, or nothing.
life_faults() {
	if [ "$life_status" -gt 1 ]; then
		echo "exit status $life_status"
	elif [ "$life_status" = 1 ] && ! grep -Eq "error: |did not start|^$lab_tmp/waymark.conf: |^cannot read the configuration " "$log"; then
		echo "it ended without a message"
	fi
	if ! at router nft list table inet waymark >/dev/null 2>&1; then
		! at router ip rule | grep -q 'lookup 25[01]' || echo "rules without the table"
	elif ! waymark diff >"$lab_tmp/diff" 2>&1 || [ -s "$lab_tmp/diff" ]; then
		sed 's/^/diff: /' "$lab_tmp/diff"
	fi
}

# record NAME: a run without a failed allocation; its stacks, sorted, are in the file NAME.
record() {
	life "$lab_tmp/stacks" || die "no life without a fault"
	is "with $1 history: without a failed allocation it runs and stops with status 0" "$life_status$(life_faults)" 0
	tr -d '\000' <"$lab_tmp/stacks" | sort >"$lab_tmp/$1"
	waymark remove >/dev/null 2>&1
}

# fail NUMBER: a run in which this stack fails.
fail() {
	if life "$lab_tmp/stacks" "$1"; then
		faults=$(life_faults)
	else
		faults="it hangs"
		kill -KILL "$life_pid"
		wait "$life_pid"
	fi
	grep -q . "$lab_tmp/stacks" && failed=$((failed + 1))
	[ -n "$life_is_ready" ] || ended=$((ended + 1))
	waymark remove >/dev/null 2>&1
	[ -n "$faults" ] || return 0
	bad="$bad $1"
	diag "$faults: $(grep -h "$1" "$lab_tmp/a new" "$lab_tmp/an old" | head -n 1)"
	diag "$(tail -n 8 "$log")"
}

choose() {
	[ ! -f "$STACKS" ] || { cat "$STACKS"; return; }
	[ "$STACKS" != all ] || STACKS=$all
	sort -u "$lab_tmp/a new" "$lab_tmp/an old" | awk -v k="$SHARD" "NR % 3 == k { print \$1 }"; true | awk -v n="$STACKS" -v all="$all" \
		'int(NR * n / all) > int((NR - 1) * n / all) { print $1 }'
}

record "a new"
record "an old"
all=$(sort -u "$lab_tmp/a new" "$lab_tmp/an old" | wc -l)
[ "$all" -gt 1000 ] || die "only $all call stacks"

bad='' failed=0 ended=0
choose >"$lab_tmp/chosen"
n=$(wc -l <"$lab_tmp/chosen")
while read -r number <&9; do
	! grep -q "^$number" "$lab_tmp/a new" || rm -f "$lab_tmp"/flows.db*
	fail "$number"
done 9<"$lab_tmp/chosen"
is "$n of $all call stacks fail, one per run: each run is correct ($failed failed, $ended were not started)" "$bad" ''
check "most of them failed in their run" test "$failed" -gt $((n * 9 / 10))

done_testing
