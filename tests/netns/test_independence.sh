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
background holder router flock -o -x "$lab_tmp/steering.lock" sleep $((60 + ${BLOCK_SECONDS:-0}))
background folder router flock -o -x "$lab_tmp" sleep $((60 + ${BLOCK_SECONDS:-0}))
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
blocked "locked"
background_end holder
check "released: the rule is repaired" wait_for 30 sh -c "nsenter --net=/proc/$ns_router/ns/net ip rule | grep -q ^4001:"
background_end folder
daemon_stop

config_write 'on-stop = "remove"'
daemon_run
background holder router flock -o -x "$lab_tmp/steering.lock" sleep $((60 + ${BLOCK_SECONDS:-0}))
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

# A pipe of one page, with each netlink message of waymarkd and its children in it; it is read
# from when the file "read" exists.
at router python3 - "$WAYMARKD" "$lab_tmp/waymark.conf" "$lab_tmp" <<-'END' &
	import fcntl, os, subprocess, sys, time
	waymarkd, configuration, folder = sys.argv[1:]
	r, w = os.pipe()
	fcntl.fcntl(w, 1031, 4096)
	d = subprocess.Popen([waymarkd, "-dd", "-c", configuration], stderr=w, stdin=subprocess.DEVNULL)
	os.close(w)
	open(folder + "/pid", "w").write(str(d.pid))
	while d.poll() is None and not os.path.exists(folder + "/read"):
	    time.sleep(0.05)
	with open(folder + "/stderr.log", "wb", buffering=0) as log:
	    while os.path.exists(folder + "/read") and (data := os.read(r, 4096)):
	        log.write(data)
	d.wait()
	open(folder + "/pid.ended", "w")
END
wait_for 15 waymark status || die "waymarkd is not ready"
daemon_pid=$(cat "$lab_tmp/pid")
cp "$lab_tmp/waymark.conf" "$lab_tmp/good.conf"

asked() { # COMMAND...: waymark, which has 3 s
	timeout 3 nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARK" -c "$lab_tmp/good.conf" "$@"
}

drops() {
	asked metrics | sed -n 's/^waymark_log_dropped_total //p'
}

drops_are_more_than() { # NUMBER; each bad reload is some lines
	kill -HUP "$daemon_pid"
	[ "$(drops)" -gt "$1" ]
}

has_rule() { # MARK
	at router ip rule | grep -q "fwmark $1/"
}

echo 'nonsense = 1' >>"$lab_tmp/waymark.conf"
check "standard error is not read: dropped lines are counted" wait_for 60 drops_are_more_than 0
check "standard error is not read: the daemon answers" asked status
is "standard error is not read: no new connection fails" "$(connects 5)" 0
at router nft delete table inet waymark
check "standard error is not read: a deleted table is repaired" wait_for 20 at router nft list table inet waymark
sed 's/mark      = 3/mark      = 4/' "$lab_tmp/good.conf" >"$lab_tmp/waymark.conf"
reloads() { # while it repairs, a reload may be refused
	kill -HUP "$daemon_pid"
	sleep 0.5
	has_rule 0x4
}
check "standard error is not read: it reloads" wait_for 20 reloads
blocked "standard error is not read"
: >"$lab_tmp/read"
check "standard error is read again: how many lines were dropped is logged" \
	wait_for 20 grep -q ' [1-9][0-9]* log lines were dropped: standard error was not read' "$lab_tmp/stderr.log"
kill -HUP "$daemon_pid"
check "... and what comes after that" wait_for 20 grep -q 'configuration reloaded' "$lab_tmp/stderr.log"
rm "$lab_tmp/read"
echo 'nonsense = 1' >>"$lab_tmp/waymark.conf"
check "standard error is not read once more" wait_for 60 drops_are_more_than "$(drops)"
kill -TERM "$daemon_pid"
check "standard error is not read: the daemon stops" wait_for 10 test -e "$lab_tmp/pid.ended"
daemon_pid=

done_testing
