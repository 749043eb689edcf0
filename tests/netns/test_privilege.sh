#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that waymarkd, started by root, runs as its own user with CAP_NET_ADMIN and nothing
# else, and refuses folders in which another user could replace its files.

. "${0%/*}/lib.sh"

[ "$(id -u)" = 0 ] && [ -z "${LAB_IN_USERNS:-}" ] || skip_all "switching users needs root"
lab_up
nat masquerade

status_line() { # KEY
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$daemon_pid/status"
}

refused() { # run waymarkd, which must exit with status 1
	at router timeout 10 "$WAYMARKD" -c "$lab_tmp/waymark.conf" >"$lab_tmp/err" 2>&1
	[ $? = 1 ]
}

# --- the running daemon ---------------------------------------------------------------

mkdir -m 711 "$lab_tmp/apart"
config_write
sed -i "s,^\(.*database *=\).*,\1 \"$lab_tmp/apart/new/flows.db\"," "$lab_tmp/waymark.conf"
daemon_run
uid=$(id -u waymark)
is "the daemon runs as its user" "$(status_line Uid | cut -f 2)" "$uid"
is "the daemon is in no other group" "$(status_line Groups | tr -d ' ')" ""
for set in CapPrm CapEff CapBnd; do
	is "$set is CAP_NET_ADMIN alone" "$(status_line $set)" 0000000000001000
done
for set in CapInh CapAmb; do
	is "$set is empty" "$(status_line $set)" 0000000000000000
done
is "executed programs gain no privilege" "$(status_line NoNewPrivs)" 1
case $("$WAYMARKD" -V) in
*"no seccomp"*) skip "system calls are filtered" "built without libseccomp" ;;
*) is "system calls are filtered" "$(status_line Seccomp)" 2 ;;
esac
is "the folder of the history was made for its user" \
	"$(stat -c '%U %a' "$lab_tmp/apart/new")" "waymark 750"
is "others cannot read the history" "$(stat -c %a "$lab_tmp/apart/new/flows.db" | cut -c 3)" 0
at router ip rule del priority 4001
check "a deleted rule is repaired" wait_for 10 sh -c "nsenter --net=/proc/$ns_router/ns/net ip rule | grep -q ^4001:"
daemon_stop
is "the daemon stops with status 0" $? 0

# --- steering that root installed ------------------------------------------------------------

config_write
check "root applies the steering" waymark apply
daemon_run && ok "the daemon starts beside the steering that root installed"
daemon_stop

# --- refusals -----------------------------------------------------------------------------

config_write 'user = "no-such-user"'
check "a missing user is refused" refused
check "the error has the command that creates it" grep -q 'useradd .*no-such-user' "$lab_tmp/err"

mkdir -m 755 "$lab_tmp/foreign" "$lab_tmp/roots"
chown nobody "$lab_tmp/foreign"
config_write
sed -i "s,^\(.*database *=\).*,\1 \"$lab_tmp/foreign/flows.db\"," "$lab_tmp/waymark.conf"
check "a folder of another user is refused" refused
check "the error names the folder" grep -q "$lab_tmp/foreign belongs to user" "$lab_tmp/err"
sed -i "s,foreign/flows.db,roots/flows.db," "$lab_tmp/waymark.conf"
check "a folder that its user cannot write is refused" refused
check "the error has the command that fixes it" grep -q "chown waymark $lab_tmp/roots" "$lab_tmp/err"

# --- user = "root" ---------------------------------------------------------------

rm -f "$lab_tmp"/flows.db* "$lab_tmp"/steering.*
daemon_start 'user = "root"'
is "user = \"root\" stays root" "$(status_line Uid | cut -f 2)" 0

daemon_stop

# --- a name that any user may take --------------------------------------------------------

if [ -x /usr/bin/python3 ]; then
	background squatter router setpriv --reuid nobody --clear-groups /usr/bin/python3 -c "
import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind('\0waymarkd')
s.listen(1)
print('ready', flush=True)
time.sleep(300)"
	wait_for 30 grep -q ready "$lab_tmp/squatter.out" || die "no squatter: $(cat "$lab_tmp/squatter.err")"
	daemon_run && ok "another user who holds the namespace's name does not prevent a start"
	check "that user is reported" grep -q "of user $(id -u nobody) uses the abstract socket @waymarkd" "$lab_tmp/waymarkd.log"
	background_end squatter KILL
else
	skip "another user who holds the namespace's name does not prevent a start" "/usr/bin/python3 is missing"
fi

done_testing
