#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# memory.sh - proves that any single allocation may fail, at the start, later, in a repair or in a
# reload: waymarkd continues, or exits with a line that says why; no signal ends it, and the
# steering is complete or removed.
#
# POINTS: number of allocations to fail, spread over all of a run (60).

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

POINTS=${POINTS:-60}

lab_up
nat masquerade
serve net 80 7
config_write
cc -O1 -shared -fPIC -o "$lab_tmp/fail_alloc.so" "$top_src/tests/faults/fail_alloc.c" || die "no cc"
log=$lab_tmp/waymarkd.log

ready_or_ended() {
	! kill -0 "$life_pid" 2>/dev/null || waymark status >/dev/null 2>&1
}

table_is_back() {
	! kill -0 "$life_pid" 2>/dev/null || at router nft list table inet waymark >/dev/null 2>&1
}

# life FAIL-AT: one run of the daemon; its exit status is in life_status.
life() {
	: >"$log"
	LD_PRELOAD=$lab_tmp/fail_alloc.so ALLOC_FAIL_AT=$1 ALLOC_COUNT=$lab_tmp/count \
		nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
		</dev/null >>"$log" 2>&1 &
	life_pid=$!
	life_is_ready=
	wait_for 30 ready_or_ended || return 1
	if kill -0 "$life_pid" 2>/dev/null; then
		life_is_ready=yes
		http_get pc 5 "http://$NET4/" >/dev/null 2>&1
		at router nft delete table inet waymark
		wait_for 30 table_is_back || return 1
		kill -HUP "$life_pid" 2>/dev/null
		wait_for 10 reloaded
		kill -TERM "$life_pid" 2>/dev/null
	fi
	wait "$life_pid"
	life_status=$?
}

reloaded() {
	! kill -0 "$life_pid" 2>/dev/null || grep -Eq 'configuration reloaded|reload: ' "$log"
}

# life_faults: print what was wrong with the run that ended, or nothing.
life_faults() {
	if [ "$life_status" -gt 1 ]; then
		echo "exit status $life_status"
	elif [ "$life_status" = 1 ] && ! grep -Eq 'error: |did not start' "$log"; then
		echo "it ended without a message"
	fi
	if ! at router nft list table inet waymark >/dev/null 2>&1; then
		! at router ip rule | grep -q 'lookup 25[01]' || echo "rules without the table"
	elif ! waymark diff >"$lab_tmp/diff" 2>&1 || [ -s "$lab_tmp/diff" ]; then
		sed 's/^/diff: /' "$lab_tmp/diff"
	fi
}

life 0 || die "no life without a fault"
is "without a failed allocation it runs and stops with status 0" "$life_status$(life_faults)" 0
all=$(cat "$lab_tmp/count")
[ "$all" -gt 1000 ] || die "only $all allocations were counted"
waymark remove >/dev/null 2>&1

bad='' ended=0 i=0
while [ "$i" -lt "$POINTS" ]; do
	at=$((1 + i * all / POINTS))
	if life "$at"; then
		faults=$(life_faults)
	else
		faults="it hangs"
		kill -KILL "$life_pid"
		wait "$life_pid"
	fi
	[ -n "$life_is_ready" ] || ended=$((ended + 1))
	if [ -n "$faults" ]; then
		bad="$bad $at"
		diag "allocation $at of $all: $faults"
		diag "$(tail -n 8 "$log")"
	fi
	waymark remove >/dev/null 2>&1
	i=$((i + 1))
done
is "$POINTS of $all allocations fail, one per run: each run is correct ($ended were not started)" "$bad" ''

done_testing
