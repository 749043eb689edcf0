#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that forwarding never depends on the daemon: while it is stopped, ended flows leave
# the kernel's table and new connections succeed. It answers while another process holds the
# lock of the steering and while standard error is not read, and it repairs without its
# launcher of transactions.

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

connects() { # NUMBER: open NUMBER new connections; prints how many fail
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

check "continued: the daemon answers" wait_for 20 waymark status
daemon_stop KILL
is "killed: no new connection fails" "$(connects 10)" 0

# --- a lock that another process holds ---------------------------------------------------

daemon_run
check_not "another user cannot open the lock" \
	setpriv --reuid nobody --clear-groups test -r "$lab_tmp/steering.lock"
# -o: only flock itself holds the lock, which ends with it.
background holder router flock -o -x "$lab_tmp/steering.lock" sleep 60
background folder router flock -o -x "$lab_tmp" sleep 60
sleep 0.2
ended_are() { # COUNT: flows to the server in the history
	[ "$(sql "SELECT count(*) FROM flows WHERE dport = 8080")" -ge "$1" ]
}
known=$(sql "SELECT count(*) FROM flows WHERE dport = 8080")
is "locked: no new connection fails" "$(connects 5)" 0
check "locked: the history has the new flows" wait_for 10 ended_are $((known + 5))
at router ip rule del priority 4001
at router ip link set wan2 down
at router ip link set wan2 up
check "locked: the log names the holder" wait_for 5 grep -q 'locked by flock (pid ' "$lab_tmp/waymarkd.log"
check "locked: the daemon answers" timeout 3 nsenter --net="/proc/$ns_router/ns/net" "$WAYMARK" -c "$lab_tmp/waymark.conf" status
is "locked: the log reports it once" "$(grep -c 'locked by' "$lab_tmp/waymarkd.log")" 1
background_end holder
check "released: the rule is repaired" wait_for 30 sh -c "nsenter --net=/proc/$ns_router/ns/net ip rule | grep -q ^4001:"
background_end folder
daemon_stop

config_write 'on-stop = "remove"'
daemon_run
background holder router flock -o -x "$lab_tmp/steering.lock" sleep 60
sleep 0.2
kill -TERM "$daemon_pid"
check "locked: the daemon stops" wait_for 20 sh -c "! readlink /proc/$daemon_pid/exe >/dev/null 2>&1"
check "locked: the log says why the steering stays" \
	sh -c "tail -n 5 '$lab_tmp/waymarkd.log' | grep -q 'locked by flock (pid '"
background_end holder
daemon_pid=
daemon_run

# --- the launcher of transactions is killed ------------------------------------------------

launcher() { # the child process that keeps a capability
	for pid in $(pgrep -P "$daemon_pid"); do
		grep -q '^CapEff:.*[1-9a-f]' "/proc/$pid/status" && echo "$pid"
	done
}

kill -KILL "$(launcher)"
check "without its launcher: one warning" wait_for 5 grep -q 'the process that runs nftables transactions has ended' "$lab_tmp/waymarkd.log"
at router nft delete table inet waymark
check "without its launcher: a deleted table is repaired" wait_for 10 at router nft list table inet waymark
kill -HUP "$daemon_pid"
check "without its launcher: the daemon reloads" wait_for 10 grep -q 'configuration reloaded' "$lab_tmp/waymarkd.log"
daemon_stop

# --- standard error that is not read -----------------------------------------------------

at router python3 - "$WAYMARKD" "$lab_tmp/waymark.conf" "$lab_tmp/pid" <<-'END' &
	import fcntl, os, subprocess, sys, time
	r, w = os.pipe()
	fcntl.fcntl(w, 1031, 4096)
	d = subprocess.Popen([sys.argv[1], "-dd", "-c", sys.argv[2]], stderr=w, stdin=subprocess.DEVNULL)
	open(sys.argv[3], "w").write(str(d.pid))
	d.wait()
	open(sys.argv[3] + ".ended", "w")
END
wait_for 15 waymark status || die "waymarkd is not ready"
daemon_pid=$(cat "$lab_tmp/pid")
cp "$lab_tmp/waymark.conf" "$lab_tmp/good.conf"
echo 'nonsense = 1' >>"$lab_tmp/waymark.conf"
i=0
while [ "$i" -lt 60 ]; do
	kill -HUP "$daemon_pid"
	sleep 0.02
	i=$((i + 1))
done
check "standard error is not read: the daemon answers" timeout 3 nsenter --net="/proc/$ns_router/ns/net" "$WAYMARK" -c "$lab_tmp/good.conf" status
is "standard error is not read: no new connection fails" "$(connects 5)" 0
kill -TERM "$daemon_pid"
check "standard error is not read: the daemon stops" wait_for 10 test -e "$lab_tmp/pid.ended"
daemon_pid=

done_testing
