#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_confirm.sh - 'waymark apply --confirm' undoes everything unless it is confirmed: an
# operator whose own session was cut can log in again.

. "${0%/*}/lib.sh"

# --- a remote shell ------------------------------------------------------------------------

# Like sshd: one shell per connection, in its own session; when probes find the connection
# dead (as sshd's ClientAlive does), the shell is hung up and all its processes are killed.
cat >"${TMPDIR:-/tmp}/waymark-shell.$$" <<'END'
import os, select, signal, socket, subprocess, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 2222)); s.listen(5)
def session(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    c.setsockopt(socket.IPPROTO_TCP, 18, 1000)  # TCP_USER_TIMEOUT
    p = subprocess.Popen(["sh"], stdin=c, stdout=c, stderr=c, start_new_session=True)
    while p.poll() is None:
        time.sleep(0.1)
        try:
            c.send(b"alive\n")
        except OSError:
            break
    for sig in (signal.SIGHUP, signal.SIGKILL):
        try:
            os.killpg(p.pid, sig)
        except ProcessLookupError:
            pass
        time.sleep(0.2)
    open(sys.argv[1], "a").write("cut\n")
while True:
    c, a = s.accept()
    if os.fork() == 0:
        session(c); os._exit(0)
    c.close()
END

# remote COMMAND: run COMMAND from a provider's host in a new session; prints its output.
remote() {
	at net timeout 12 python3 -c '
import socket, sys
s = socket.create_connection(("'"$WAN1_4"'", 2222), 4, ("'"$NET4_VIA1"'", 0))
s.settimeout(10)
s.sendall((sys.argv[1] + "; echo end-of-it\n").encode())
got = b""
while b"end-of-it" not in got:
    part = s.recv(4096)
    if not part: break
    got += part
print("\n".join(l for l in got.decode().splitlines() if l != "alive"))' "$1"
}

lab_up
mv "${TMPDIR:-/tmp}/waymark-shell.$$" "$lab_tmp/shell.py"
nat masquerade
config_write
state() {
	at router nft -s list ruleset
	for family in -4 -6; do
		at router ip $family rule
		at router ip $family route show table all | sort
	done
	at router sysctl net.netfilter.nf_conntrack_acct net.ipv4.conf.all.src_valid_mark \
		net.ipv4.conf.wan1.rp_filter net.ipv4.fib_multipath_hash_policy
} 2>&1
is_as_before() {
	[ "$(state)" = "$before" ]
}
before=$(state)

# --- confirmed and not ------------------------------------------------------------------------

check_not 'a duration without a unit is refused' waymark apply --confirm soon
check_not '... and one of more than a day' waymark apply --confirm 2d
check_not 'confirm without an apply fails' waymark confirm
waymark apply --confirm 60s >"$lab_tmp/out"
is 'apply --confirm: exit 0' $? 0
check 'its message has the time' grep -q "run 'waymark -c $lab_tmp/waymark.conf confirm' within 60 s, or the change is undone" "$lab_tmp/out"
check_not 'a second one has to wait' waymark apply --confirm 60s
check 'confirm' waymark confirm
check_not 'confirm again fails' waymark confirm
check 'what was confirmed stays' waymark diff
confirmed=$(state)

# With a steering installed before, the undo restores that one.
cp "$lab_tmp/waymark.conf" "$lab_tmp/former.conf"
sed -i 's/table *= *250/table = 240/' "$lab_tmp/waymark.conf"
waymark apply --confirm 2s >/dev/null || die "apply failed"
check_not 'another configuration is installed' [ "$(state)" = "$confirmed" ]
is_as_confirmed() {
	[ "$(state)" = "$confirmed" ]
}
wait_for 15 is_as_confirmed
check 'not confirmed: the former steering is restored' is_as_confirmed ||
	{ state >"$lab_tmp/now"; echo "$confirmed" | diff - "$lab_tmp/now" | sed 's/^/# /'; }
cp "$lab_tmp/former.conf" "$lab_tmp/waymark.conf"
check '... the state file agrees' waymark diff
waymark remove >/dev/null
check 'remove restores the network' is_as_before

# --- a session that cuts itself ------------------------------------------------------------------

background shell router python3 "$lab_tmp/shell.py" "$lab_tmp/cut"
wait_for 5 at router sh -c 'ss -ltn | grep -q :2222'
greets() {
	remote 'echo hello' | grep -q hello
}
check 'a remote session works' greets
# The session enters by wan1. The operator's mistake: a filter that drops packets with wan1's
# packet mark, hence the session's own replies.
at router nft -f - <<-'END'
	table inet mistake {
		chain out { type filter hook postrouting priority 200; meta mark & 0xff == 2 drop; }
	}
END
check 'without the steering the mistake has no effect' greets
: >"$lab_tmp/cut"
remote "'$WAYMARK' -c '$lab_tmp/waymark.conf' apply --confirm 20s >'$lab_tmp/remote.out' 2>&1" >/dev/null 2>&1
wait_for 5 grep -q 'installed' "$lab_tmp/remote.out"
check 'apply ran in that session' grep -q 'within 20 s, or the change is undone' "$lab_tmp/remote.out" || diag "$(cat "$lab_tmp/remote.out")"
wait_for 20 test -s "$lab_tmp/cut"
check 'the session was cut, and its processes killed' test -s "$lab_tmp/cut"
check_not 'the operator is locked out' greets
is_removed() {
	at router sh -c '! nft list table inet waymark && ! ip rule | grep -q "proto 87"'
}
wait_for 40 is_removed
check 'the steering is undone although the client is gone' is_removed
check 'the operator gets a new session, although the mistake is still installed' greets
at router nft delete table inet mistake
check 'everything is undone' is_as_before ||
	{ state >"$lab_tmp/now"; echo "$before" | diff - "$lab_tmp/now" | sed 's/^/# /'; }
background_end shell

# --- through the daemon ------------------------------------------------------------------------------

daemon_start
steered=$(state)
is_as_steered() {
	[ "$(state)" = "$steered" ]
}
is 'apply beside the daemon: nothing to change' "$(waymark apply)" 'apply: nothing to change'
check 'remove beside the daemon removes' sh -c "[ \"\$1\" ]" - "$(waymark remove | grep 'removed or restored table inet waymark')"
check '... and restores the network' is_as_before ||
	{ state >"$lab_tmp/now"; echo "$before" | diff - "$lab_tmp/now" | sed 's/^/# /'; }
sleep 1.2
check '... the daemon does not reinstall it' is_as_before
check '... the daemon still runs' waymark status
wait_for_sql 5 "SELECT count(*) > 0 FROM gaps WHERE ended IS NULL AND reason LIKE '%waymark remove%'" 1
is '... a gap is open meanwhile' "$(sql "SELECT count(*) FROM gaps WHERE ended IS NULL AND reason LIKE '%waymark remove%'")" 1
check 'apply installs it again' sh -c "[ \"\$1\" ]" - "$(waymark apply | grep '^apply: installed table inet waymark')"
check '... completely' is_as_steered ||
	{ state >"$lab_tmp/now"; echo "$steered" | diff - "$lab_tmp/now" | sed 's/^/# /'; }
sed -i 's/table *= *250/table = 240/' "$lab_tmp/waymark.conf"
waymark apply --confirm 4s >"$lab_tmp/out" || die "apply failed: $(cat "$lab_tmp/out")"
check_not 'apply --confirm beside the daemon installs' is_as_steered
check_not '... a second one has to wait' waymark apply --confirm 2s
wait_for 30 is_as_steered
check '... the daemon undoes it' is_as_steered ||
	{ state >"$lab_tmp/now"; echo "$steered" | diff - "$lab_tmp/now" | sed 's/^/# /'; tail -n 20 "$lab_tmp/waymarkd.log" | sed 's/^/# /'; }
check_not '... then confirm fails' waymark confirm
waymark apply --confirm 4s >/dev/null || die "apply failed"
check '... within the time confirm succeeds' waymark confirm
sleep 4.5
check '... the new steering stays' at router sh -c 'ip rule | grep -q "lookup 240"'
cp "$lab_tmp/former.conf" "$lab_tmp/other.conf"
check_not 'another file than the daemon has is refused' at router "$WAYMARK" -c "$lab_tmp/other.conf" apply
if [ "$(id -u)" = 0 ] && [ -z "${LAB_IN_USERNS:-}" ]; then
	chmod 755 "$lab_tmp"
	chmod 666 "$lab_tmp/control.sock"
	check_not 'another user may not ask' at router setpriv --reuid 65534 --clear-groups \
		"$WAYMARK" -c "$lab_tmp/waymark.conf" remove
	check '... and nothing is removed' at router sh -c 'ip rule | grep -q "lookup 240"'
fi
daemon_stop
done_testing
