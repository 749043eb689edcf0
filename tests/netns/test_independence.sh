#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Forwarding never depends on the daemon: stopped, it holds no ended flow in the kernel's
# table, so the table has room for new connections, and new connections succeed.

. "${0%/*}/lib.sh"

CTGEN=$top_build/tests/bench/ctgen

[ -x "$CTGEN" ] || die "$CTGEN is not built"
lab_up
nat masquerade

entries() {
	at router cat /proc/sys/net/netfilter/nf_conntrack_count
}

entries_below() { # NUMBER
	[ "$(entries)" -lt "$1" ]
}

connects() { # NUMBER: how many of so many new connections fail
	local failed=0 i=0
	while [ "$i" -lt "$1" ]; do
		at pc curl -sS -m 2 -o "$lab_tmp/page" "http://$NET4:8080/" 2>/dev/null || failed=$((failed + 1))
		i=$((i + 1))
	done
	echo "$failed"
}

background web net python3 -c '
import http.server, socketserver
class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello")
    def log_message(self, *a): pass
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("", 8080), Quiet).serve_forever()'
check "the server answers" wait_for 10 at pc curl -sS -m 2 -o /dev/null "http://$NET4:8080/"

daemon_start 'event-buffer = "64 KiB"'
is "running: no new connection fails" "$(connects 10)" 0

kill -STOP "$daemon_pid"
at router "$CTGEN" churn 30000 >"$lab_tmp/ctgen.out"
check "stopped: ended flows leave the kernel's table" wait_for 10 entries_below 5000 ||
	diag "$(entries) entries"
is "stopped: no new connection fails" "$(connects 10)" 0
kill -CONT "$daemon_pid"

check "continued: it answers" wait_for 20 waymark status
daemon_stop KILL
is "killed: no new connection fails" "$(connects 10)" 0

done_testing
