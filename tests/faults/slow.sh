#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# slow.sh - proves that a connection never ends in the history before its last packet, however
# slowly waymarkd reads the events.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

lab_up
nat masquerade
cc -O1 -shared -fPIC -o "$lab_tmp/stall_receive.so" "$top_src/tests/faults/stall_receive.c" -ldl || die "no cc"
serve net 80 7
config_write 'events = "full"'
LD_PRELOAD=$lab_tmp/stall_receive.so STALL_RECEIVE=$lab_tmp/stall \
	nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
	</dev/null >>"$lab_tmp/waymarkd.log" 2>&1 &
daemon_pid=$!
wait_for 30 grep -q ' ready: ' "$lab_tmp/waymarkd.log" || die "not ready: $(tail -n 3 "$lab_tmp/waymarkd.log")"

# One connection after the other is closed; prints "(PORT, TIME)", the time in milliseconds before
# it was closed.
: >"$lab_tmp/stall"
at pc python3 - "$NET4" >"$lab_tmp/closed" <<-'END'
	import socket, sys, time
	open_ones = [socket.create_connection((sys.argv[1], 7)) for _ in range(20)]
	for s in open_ones:
	    s.send(b"x")
	    s.recv(9)
	for s in open_ones:
	    time.sleep(0.2)
	    print((s.getsockname()[1], time.time_ns() // 1000000))
	    s.close()
END
rm "$lab_tmp/stall"
closed=$(tr '\n' ',' <"$lab_tmp/closed" | sed 's/,$//')
check "20 connections have ended" wait_for_sql 20 \
	"SELECT count(*) FROM flows WHERE proto = 'tcp' AND dport = 7 AND state = 'ended'" 20
is "none of them ended before it was closed" "$(sql "WITH closed (port, time) AS (VALUES $closed)
	SELECT count(*) FROM closed JOIN flows ON sport = port WHERE proto = 'tcp' AND ended_ms < time")" 0
daemon_stop
done_testing
