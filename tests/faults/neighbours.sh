#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# neighbours.sh - proves that waymarkd works while other programs do not answer it: the name
# service for users, and the service manager. It answers, repairs, and sends the manager's notices
# later. And while its event loop hangs it does not feed the manager's watchdog.

LIB_DIR=${0%/*}/../netns
. "$LIB_DIR/lib.sh"

lab_up
nat masquerade
cc -O1 -shared -fPIC -o "$lab_tmp/stall_users.so" "$top_src/tests/faults/stall_users.c" -ldl || die "no cc"
config_write
log=$lab_tmp/waymarkd.log

# A service manager that prints each notice, but reads only while the file "reads" exists.
: >"$lab_tmp/reads"
background manager router python3 -c '
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1] + "/notify")
os.chmod(sys.argv[1] + "/notify", 0o666)
s.settimeout(0.1)
while True:
    if not os.path.exists(sys.argv[1] + "/reads"):
        time.sleep(0.05)
        continue
    try:
        print(s.recv(4096).decode().replace("\n", " "), flush=True)
    except TimeoutError:
        pass' "$lab_tmp"
wait_for 5 test -S "$lab_tmp/notify" || die "no manager"

NOTIFY_SOCKET=$lab_tmp/notify LD_PRELOAD=$lab_tmp/stall_users.so STALL_USERS=$lab_tmp/users STALL_LOOP=$lab_tmp/loop \
	nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
	</dev/null >>"$log" 2>&1 &
daemon_pid=$!
wait_for 30 grep -q ' ready: ' "$log" || die "not ready: $(tail -n 3 "$log")"

manager_has() { # TEXT COUNT: at least COUNT notices
	[ "$(grep -c "$1" "$lab_tmp/manager.out")" -ge "$2" ]
}

table_is_there() {
	at router nft list table inet waymark >/dev/null 2>&1
}

asked() { # COMMAND...: run waymark for at most 5 s
	timeout 5 nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARK" -c "$lab_tmp/waymark.conf" "$@"
}

has_ended() {
	! readlink "/proc/$daemon_pid/exe" >/dev/null 2>&1
}

check "the service manager is notified that it is ready" wait_for 10 manager_has '^READY=1' 1
check "... its watchdog is fed" wait_for 10 manager_has '^WATCHDOG=1' 2

# --- the name service for users ------------------------------------------------------------

: >"$lab_tmp/users"
check "the name service does not answer: an uplink is drained" asked uplink wan1 drain
who="SELECT user FROM uplink_states WHERE uplink = 'wan1' AND state = 'drain'"
wait_for_sql 10 "$who" root
is "... the history names the user" "$(sql "$who")" root
check "... status answers" asked status
blocked "the users' server does not answer"
rm "$lab_tmp/users"
asked uplink wan1 auto >/dev/null

# --- the service manager ---------------------------------------------------------------------

rm "$lab_tmp/reads"
# Fill its queue: the kernel accepts no further notice.
python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setblocking(False)
s.connect(sys.argv[1])
try:
    while True:
        s.send(b"FULL=1")
except BlockingIOError:
    pass' "$lab_tmp/notify"
ready=$(grep -c '^READY=1' "$lab_tmp/manager.out")
kill -HUP "$daemon_pid"
check "the manager does not read: a reload ends" wait_for 10 grep -q 'configuration reloaded' "$log"
at router nft delete table inet waymark
check "... a deleted table is repaired" wait_for 20 table_is_there
check "... status answers" asked status
blocked "the manager does not read"
: >"$lab_tmp/reads"
check "the manager reads again: it is notified of the reload" wait_for 10 manager_has '^READY=1' $((ready + 1))
is "... the notices are in order" "$(grep -v '^WATCHDOG\|^FULL' "$lab_tmp/manager.out" | cut -d= -f1 | paste -sd' ' -)" \
	"READY RELOADING READY"
fed=$(grep -c '^WATCHDOG=1' "$lab_tmp/manager.out")
check "... its watchdog is fed" wait_for 10 manager_has '^WATCHDOG=1' $((fed + 2))

# --- an event loop that hangs ------------------------------------------------------------------

: >"$lab_tmp/loop"
asked uplink wan1 drain >/dev/null 2>&1 &
check "the loop hangs: the log names the cause" \
	wait_for 10 grep -q 'the event loop is stalled: busy with the control socket' "$log"
fed=$(grep -c '^WATCHDOG=1' "$lab_tmp/manager.out")
sleep 3 # a running loop would feed it three times
is "... the watchdog is not fed" "$(grep -c '^WATCHDOG=1' "$lab_tmp/manager.out")" "$fed"
rm "$lab_tmp/loop"
check "the loop runs again: the watchdog is fed" wait_for 10 manager_has '^WATCHDOG=1' $((fed + 2))

rm "$lab_tmp/reads"
kill -TERM "$daemon_pid"
check "a stop does not wait for the manager" wait_for 20 has_ended

done_testing
