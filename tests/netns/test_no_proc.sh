#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves that waymarkd starts, steers, observes and repairs where it cannot read /proc,
# /proc/sys, /sys or other users' processes, and reports as unknown what it cannot read; that
# where /proc/sys is read-only, it names each sysctl that it cannot set once; that it works where
# IPv6 is off.

. "${0%/*}/lib.sh"

# In a user namespace the machine's mounts cannot be covered.
[ "$(id -u)" = 0 ] && [ -z "${LAB_IN_USERNS:-}" ] || skip_all "only root may mount over /proc"

hidden_run() { # MOUNT-COMMAND
	: >"$log"
	# shellcheck disable=SC2016 # the inner shell expands them
	nsenter --net="/proc/$ns_router/ns/net" -- unshare -m sh -c "$1"' && exec "$0" -c "$1"' \
		"$WAYMARKD" "$lab_tmp/waymark.conf" </dev/null >>"$log" 2>&1 &
	daemon_pid=$!
}

is_ready() {
	grep -q ' ready: ' "$log"
}

table_is_there() {
	at router nft list table inet waymark >/dev/null 2>&1
}

listeners() {
	waymark status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["events"]["listeners"])'
}

# hidden WHAT MOUNT-COMMAND LISTENERS
hidden() {
	local begun ended
	hidden_run "$2"
	check "$1: the daemon starts" wait_for 30 is_ready || diag "$(tail -n 3 "$log")"
	begun=$(sql "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
	http_get pc 5 "http://$NET4/" >/dev/null
	at router nft delete table inet waymark
	check "$1: a deleted table is repaired" wait_for 20 table_is_there
	http_get pc 5 "http://$NET4/" >/dev/null
	check "$1: the daemon steers, and the history has the flow" \
		wait_for 20 sh -c "[ \"\$(sqlite3 '$lab_tmp/flows.db' \"SELECT count(*) FROM flows WHERE dport = 80 AND uplink IS NOT NULL AND started >= '$begun'\")\" -ge 2 ]"
	waymark status >"$lab_tmp/status"
	is "$1: status has no negative number" "$(grep -E '(^| )-[0-9]' "$lab_tmp/status")" ""
	is "$1: other listeners" "$(listeners)" "$3"
	daemon_stop
	ended=$?
	# The leak checker needs /proc; without it the process ends with the checker's failure.
	! grep -q 'LeakSanitizer has encountered a fatal error' "$log" || ended=0
	is "$1: the daemon stops in order" "$ended" 0
}

lab_up
log=$lab_tmp/waymarkd.log
nat masquerade
serve net 80 7
config_write
hidden "no /proc" "mount -t tmpfs none /proc" None
hidden "no /proc/sys" "mount -t tmpfs none /proc/sys" 0
hidden "no /sys" "mount -t tmpfs none /sys" 0
hidden "hidepid" "mount -t proc -o hidepid=2 proc /proc" 0

# The former steering is removed, so that there are sysctls to set.
waymark remove >/dev/null
at router sysctl -qw net.ipv4.fib_multipath_hash_policy=0 net.ipv6.fib_multipath_hash_policy=0
hidden "read-only /proc/sys" \
	"mount -o bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys" 0
for family in 4 6; do
	is "the sysctl of IPv$family that cannot be set is named once" \
		"$(grep -c "net/ipv$family/fib_multipath_hash_policy: cannot be set" "$log")" 1
done

at router sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
hidden "no IPv6" "mount -t tmpfs none /proc/sys/net/ipv6" 0

done_testing
