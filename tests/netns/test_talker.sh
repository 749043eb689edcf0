#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that a separate process talks to the outside: as the alert user, without any
# privilege, with programs that leave no process behind; and that waymarkd works without it
# when it hangs, is killed, or is overloaded by slow HTTP clients.

. "${0%/*}/lib.sh"

[ "$(id -u)" = 0 ] && [ -z "${LAB_IN_USERNS:-}" ] || skip_all "switching users needs root"

PORT=9469

field() { # KEY FILE
	sed -n "s/^$1:[[:space:]]*//p" "$2"
}

child_of() { # PID NAME
	local pid
	for pid in $(cat "/proc/$1/task/$1/children"); do
		[ "$(cat "/proc/$pid/comm")" != "$2" ] || echo "$pid"
	done
}

has_child() { # PID NAME
	[ -n "$(child_of "$1" "$2")" ]
}

# Set $spawner and $talker to their pids.
talker_find() {
	spawner=$(child_of "$daemon_pid" waymark-spawner)
	wait_for 5 has_child "$spawner" waymark-talker || die "no talker"
	talker=$(child_of "$spawner" waymark-talker)
}

counter() { # NAME
	waymark metrics | sed -n "s/^waymark_$1 //p"
}

# shellcheck disable=SC2120 # arguments are optional
fetch() { # [CURL OPTION]...
	at router curl -sS --max-time 5 -o /dev/null -w '%{http_code}' "$@" "http://127.0.0.1:$PORT/metrics"
}

alert_down() {
	at router ip link set wan2 down
}

alert_up() {
	at router ip -batch - <<-END
		link set wan2 up
		addr replace $WAN2_6/64 dev wan2 nodad
	END
}

logged() { # COUNT PATTERN
	[ "$(grep -c "$2" "$lab_tmp/waymarkd.log")" = "$1" ]
}

alerts() { # STATE: number of alerts of kind delivery
	grep '"kind":"delivery"' "$lab_tmp/alerts.jsonl" 2>/dev/null | grep -c "\"state\":\"$1\""
}

has_alerts() { # STATE COUNT
	[ "$(alerts "$1")" = "$2" ]
}

is_gone() { # PID
	! [ -e "/proc/$1" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"
}

program() { # NAME: from standard input
	{ echo '#!/bin/sh'; cat; } >"$lab_tmp/programs/$1"
	chmod 755 "$lab_tmp/programs/$1"
}

lab_up
nat none
serve net 80 7
mkdir -m 1777 "$lab_tmp/out"
mkdir "$lab_tmp/programs"
program status <<END
[ "\$WAYMARK_KIND" = uplink ] || exit 0
cat /proc/self/status >$lab_tmp/out/status.tmp
ulimit -c >$lab_tmp/out/core
cat /proc/self/environ | tr '\\0' '\\n' | grep -v '^WAYMARK_' >$lab_tmp/out/environment
echo 'one line of a program'
mv $lab_tmp/out/status.tmp $lab_tmp/out/status
END
config_alert="exec = \"$lab_tmp/programs/status\" user = \"nobody\""
daemon_start "prometheus { listen = $PORT }"
talker_find

# --- user and privileges ----------------------------------------------------------------------------

uid=$(id -u nobody)
for pid in "$spawner" "$talker"; do
	is "the talker is the alert user" "$(field Uid "/proc/$pid/status" | cut -f 1-4 | tr '\t' ' ')" \
		"$uid $uid $uid $uid"
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		is "without capabilities: $set" "$(field $set "/proc/$pid/status")" 0000000000000000
	done
	is "... and cannot gain any" "$(field NoNewPrivs "/proc/$pid/status")" 1
done
is "it has no netlink socket" "$(find "/proc/$talker/fd" -lname 'socket:*' -exec readlink {} + |
	sed 's/socket:\[\(.*\)\]/\1/' | while read -r inode; do
	at router awk -v i="$inode" '$10 == i' /proc/net/netlink; done)" ""
is "it has no file of the history open" "$(find "/proc/$talker/fd" -lname '*flows.db*')" ""

alert_down
check "an alert program runs" wait_for 10 test -s "$lab_tmp/out/status"
is "the program runs as the alert user" "$(field Uid "$lab_tmp/out/status" | cut -f 1-4 | tr '\t' ' ')" "$uid $uid $uid $uid"
is "the program is in no other group" "$(field Groups "$lab_tmp/out/status" | tr -d ' ')" ""
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	is "its $set is empty" "$(field $set "$lab_tmp/out/status")" 0000000000000000
done
is "the program gains nothing by set-user-ID" "$(field NoNewPrivs "$lab_tmp/out/status")" 1
is "no filter limits its system calls" "$(field Seccomp "$lab_tmp/out/status")" 0
is "the program leaves no core file" "$(cat "$lab_tmp/out/core")" 0
is "the program's environment is clean" "$(sed 's/=.*//' "$lab_tmp/out/environment" | grep -v '^PWD$')" PATH
check "its output is in the log" wait_for 5 grep -q "status: one line of a program" "$lab_tmp/waymarkd.log"
alert_up
case $("$WAYMARKD" -V) in
*"no seccomp"*) skip "waymarkd itself is filtered" "built without libseccomp" ;;
*) is "waymarkd itself is filtered" "$(field Seccomp "/proc/$daemon_pid/status")" 2 ;;
esac

# --- processes that a program leaves behind ----------------------------------------------------------

program leave <<END
[ "\$WAYMARK_KIND" = uplink ] || exit 0
setsid sh -c 'echo \$\$ >$lab_tmp/out/left.tmp; mv $lab_tmp/out/left.tmp $lab_tmp/out/left
	sleep 301 & sleep 302' </dev/null >/dev/null 2>&1 &
END
daemon_stop
is "the daemon stops" $? 0
check "its talker stops too" wait_for 10 is_gone "$talker"
check "its spawner stops too" wait_for 10 is_gone "$spawner"
config_alert="exec = \"$lab_tmp/programs/leave\" user = \"nobody\""
config_write "prometheus { listen = $PORT }"
daemon_run
alert_down
check "a program starts a process in a session of its own" wait_for 10 test -s "$lab_tmp/out/left"
left=$(cat "$lab_tmp/out/left")
check_not "that process runs for a while" is_gone "$left"
check "it is ended at the time limit" wait_for 45 is_gone "$left"
is "so are its children" "$(ps -eo args | grep -c '^sleep 30[12]$')" 0
check "the log has the program's failure once" \
	wait_for 5 logged 1 "alerts are not delivered: alert exec .*leave': killed after 30 s"
check "one alert is raised for it" wait_for 5 has_alerts raised 1
alert_up
rm -f "$lab_tmp/out/left"

# --- a talker that hangs -------------------------------------------------------------------

daemon_stop
: >"$lab_tmp/waymarkd.log"
config_alert="exec = \"$lab_tmp/programs/status\" user = \"nobody\""
config_write "prometheus { listen = $PORT }"
daemon_run
talker_find
rm -f "$lab_tmp/alerts.jsonl"
kill -STOP "$talker"
check "a talker that hangs is reported" wait_for 20 logged 1 "waymark-talker does not work: it does not answer"
check "one alert is raised for it" wait_for 5 has_alerts raised 1
failed=$(counter alerts_failed_total)
before=$(sql 'SELECT count(*) FROM flows')
is "traffic flows" "$(http_get pc 5 "http://$NET4/" | grep -c ' 200 ')" 5
check "flows are still written" wait_for_sql 5 "SELECT count(*) >= $before + 5 FROM flows" 1
check "status answers" waymark status
alert_down
more_failed() {
	[ "$(counter alerts_failed_total)" -gt "$failed" ]
}
check "an alert to a program counts as not delivered" wait_for 10 more_failed
blocked "the talker is stopped"
alert_up
kill -CONT "$talker"
check "the log says that the talker answers again" wait_for 10 logged 1 "waymark-talker works again"
is "a scrape is answered again" "$(fetch)" 200

# --- a talker that is killed -----------------------------------------------------------------

rm -f "$lab_tmp/out/status"
kill -KILL "$talker"
check "a talker that is killed is reported" wait_for 5 logged 1 "waymark-talker does not work: it was killed by signal 9"
check "another one is started" wait_for 15 logged 2 "waymark-talker works again"
is "scrapes are answered at the same address" "$(fetch)" 200
is "the restart is counted" "$(counter talker_restarts_total)" 1
alert_down
check "programs run again" wait_for 10 test -s "$lab_tmp/out/status"
alert_up
talker_find

# --- slow clients -------------------------------------------------------------------------------

background slow router python3 -c "
import socket, time
def client():
    c = socket.create_connection(('127.0.0.1', $PORT))
    c.sendall(b'GET /met')
    return c
clients = [client() for _ in range(50)]
print('ready', flush=True)
while True:
    time.sleep(0.05)
    clients = clients[1:] + [client()]
    for c in clients:
        try: c.send(b'r')
        except OSError: pass"
wait_for 30 grep -q ready "$lab_tmp/slow.out" || die "no slow clients: $(cat "$lab_tmp/slow.err")"
i=0
answered=0
while [ $i -lt 20 ]; do
	[ "$(fetch)" = 200 ] && answered=$((answered + 1))
	i=$((i + 1))
done
is "scrapes are answered beside 50 slow clients that reconnect" "$answered" 20
background_end slow KILL

background many router python3 -c "
import resource, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
clients = [socket.create_connection(('127.0.0.1', $PORT)) for _ in range(400)]
print('ready', flush=True)
time.sleep(60)"
wait_for 30 grep -q ready "$lab_tmp/many.out" || die "no clients: $(cat "$lab_tmp/many.err")"
is "a scrape is answered beside 400 clients that send nothing" "$(fetch)" 200
background_end many KILL

# With few descriptors accept() fails for each new client.
ticks() {
	sed 's/.*) //' "/proc/$talker/stat" | awk '{ print $12 + $13 }'
}
# Limit the talker's descriptors as its own user: another one would need CAP_SYS_RESOURCE.
descriptors_limit() { # LIMIT
	setpriv --reuid "$(stat -c %u "/proc/$talker")" --regid "$(stat -c %g "/proc/$talker")" \
		--clear-groups prlimit --pid "$talker" --nofile="$1":
}
descriptors_limit 4 || die 'the limit is not set'
background few router python3 -c "
import socket, time
clients = [socket.create_connection(('127.0.0.1', $PORT)) for _ in range(5)]
print('ready', flush=True)
time.sleep(60)"
wait_for 30 grep -q ready "$lab_tmp/few.out"
before=$(ticks)
sleep 2
in_range "without descriptors it does not spin, in hundredths of a second" $(($(ticks) - before)) 0 40
descriptors_limit 256
background_end few KILL
fetched() {
	[ "$(fetch)" = 200 ]
}
check "with descriptors it answers again" wait_for 10 fetched

check "after a minute without a failure the alert ends" wait_for 90 has_alerts over 1
is "one alert was raised" "$(alerts raised)" 1
is "the log has the recovery once" "$(grep -c 'alert delivery works again' "$lab_tmp/waymarkd.log")" 1

# --- the spawner -----------------------------------------------------------------------------------

kill -KILL "$spawner"
check "the end of the spawner is reported" wait_for 5 logged 1 "waymark-talker does not work: the process that starts it has ended"
check "the talker ends with it" wait_for 5 is_gone "$talker"
before=$(sql 'SELECT count(*) FROM flows')
http_get pc 5 "http://$NET4/" >/dev/null
check "flows are still written" wait_for_sql 5 "SELECT count(*) >= $before + 5 FROM flows" 1
check "status answers" waymark status

# --- the daemon --------------------------------------------------------------------------------------

daemon_stop
is "the daemon stops" $? 0
daemon_run
talker_find
kill -STOP "$talker"
daemon_stop KILL
check "when waymarkd is killed, a talker that hangs ends too" wait_for 15 is_gone "$talker"
check "its spawner ends too" wait_for 5 is_gone "$spawner"

done_testing
