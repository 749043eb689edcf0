#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_errors.sh - each bad input or fault at the start gives a clear error and exit status 1,
# and changes neither the network nor a file; a missing interface is no error, and its uplink
# is used when it appears.

. "${0%/*}/lib.sh"

# --- what must not change ------------------------------------------------------------------

network_state() {
	at router nft -s list ruleset
	at router ip rule
	at router ip -6 rule
	at router ip route show table all | sort
	at router ip -6 route show table all | grep -v '^fe80\|^multicast' | sort
	at router sysctl -a --pattern '^net\.(ipv[46]\.(conf|ip_forward|fib)|netfilter)' 2>/dev/null |
		grep -v 'nf_conntrack_count\|use_tempaddr\|stable_secret'
}

# Names and contents of the files, which also shows new ones.
files_state() {
	(cd "$lab_tmp/files" && find . -type f ! -name "${files_free:-}" | sort | xargs -r sha256sum &&
		find . ! -type f | sort)
}

# refused WHAT PATTERN: waymarkd ends with status 1 and one clear error, and changes
# nothing.
refused() {
	local network files got
	network=$(network_state)
	files=$(files_state)
	at router timeout -k 5 30 "$WAYMARKD" -c "$lab_tmp/waymark.conf" >"$lab_tmp/out" 2>"$lab_tmp/err" </dev/null
	got=$?
	is "$1: exit status 1" "$got" 1
	check "$1: the error says so" grep -Eq -- "$2" "$lab_tmp/err" || diag "$(cat "$lab_tmp/err")"
	is "$1: the network is untouched" "$(network_state)" "$network"
	is "$1: no file is touched" "$(files_state)" "$files"
}

# --- configurations ---------------------------------------------------------------------------

# bad LINE PATTERN CONFIGURATION: the daemon and the tool name file and line.
bad() {
	printf '%b' "$3" >"$lab_tmp/waymark.conf"
	refused "configuration: $2" "waymark.conf:$1: .*$2"
	waymark check >"$lab_tmp/out" 2>&1
	is "configuration: $2: check exits with 1" $? 1
	check "configuration: $2: check names file and line" grep -Eq "waymark.conf:$1: .*$2" "$lab_tmp/out" ||
		diag "$(cat "$lab_tmp/out")"
}

bad_configurations() {
	local a='uplink a { interface = "wan1" mark = 2 table = 251 gateway = "192.168.1.1" }\n'
	bad 2 "unknown key 'flavour'" "${a}flavour = sweet\n"
	bad 1 "did you mean 'retention'" "retentoin = 5\n$a"
	bad 1 'choose one of: steer audit' "mode = drive\n$a"
	bad 2 'nflog-group' "${a}nflog-group = 70000\n"
	bad 2 'label-base' "${a}label-base = 124\n"
	bad 1 'mark' 'uplink a { interface = wan1 mark = 0 table = 251 }\n'
	bad 1 'mark-mask' 'uplink a { interface = wan1 mark = 0x100 table = 251 }\n'
	bad 2 'mark 0x2 .*collides with' "${a}uplink b { interface = wan2 mark = 2 table = 250 }\n"
	bad 2 'interface .*already' "${a}uplink b { interface = wan1 mark = 3 table = 250 }\n"
	bad 3 'uplink.* a.*already|twice' "$a\nuplink a { interface = wan2 mark = 3 table = 250 }\n"
	bad 1 'table' 'uplink a { interface = wan1 mark = 2 table = 254 }\n'
	bad 1 'gateway' 'uplink a { interface = wan1 mark = 2 table = 251 gateway = nowhere }\n'
	bad 1 'no uplink is defined' '# nothing\n'
	bad 2 'retention' "${a}retention = soon\n"
	bad 3 'never closed' "$a\nuplink b {\n interface = wan2\n"
	rm "$lab_tmp/waymark.conf"
	refused 'no configuration' 'waymark.conf: .*No such file'
}

# --- privilege -------------------------------------------------------------------------------------

privilege() {
	local network
	config_files
	network=$(network_state)
	at router setpriv --bounding-set=-all --inh-caps=-all --no-new-privs \
		timeout -k 5 30 "$WAYMARKD" -c "$lab_tmp/waymark.conf" >"$lab_tmp/out" 2>"$lab_tmp/err"
	is 'no privilege: exit status 1' $? 1
	check 'no privilege: the error says what it needs' grep -q 'needs CAP_NET_ADMIN; run it as root' "$lab_tmp/err"
	is 'no privilege: the network is untouched' "$(network_state)" "$network"
	is 'no privilege: no file is touched' "$(files_state)" .
}

# --- the NFLOG group ---------------------------------------------------------------------------------

group_taken() {
	config_files
	background taker router python3 "$PEER" take 77
	wait_for 10 grep -q ready "$lab_tmp/taker.out" || die 'no process takes the group'
	refused 'NFLOG group taken' 'cannot use NFLOG group 77: .*another program uses this group: choose another nflog-group'
	background_end taker
}

# --- the database -------------------------------------------------------------------------------------

# config_files [PATH]: a configuration with the database in the observed folder.
config_files() {
	config_write
	sed "s,^database.*,database = \"${1:-$lab_tmp/files/flows.db}\"," "$lab_tmp/waymark.conf" >"$lab_tmp/conf.new"
	mv "$lab_tmp/conf.new" "$lab_tmp/waymark.conf"
}

database_not_ours() {
	config_files
	echo 'Dear diary, today nothing happened. This is no database, and is longer than a header of one, which is of one hundred bytes.' \
		>"$lab_tmp/files/flows.db"
	refused 'a file that is no database' 'flows.db is not an SQLite database'
	rm "$lab_tmp/files/flows.db"
	sqlite3 "$lab_tmp/files/flows.db" 'CREATE TABLE recipes (cake); INSERT INTO recipes VALUES (1)'
	refused "another program's database" 'flows.db is the database of another program'
	sqlite3 "$lab_tmp/files/flows.db" 'PRAGMA application_id = 7; DROP TABLE recipes'
	refused "another program's empty database" 'flows.db is the database of another program'
	rm "$lab_tmp/files/flows.db"
	mkdir "$lab_tmp/files/flows.db"
	refused 'a folder for a database' 'flows.db'
	rmdir "$lab_tmp/files/flows.db"
	mkfifo "$lab_tmp/files/flows.db"
	refused 'a pipe for a database' 'flows.db is not a regular file and cannot be a database'
	rm "$lab_tmp/files/flows.db"
}

# A database that waymarkd made, then with the schema of a newer version.
database_newer() {
	config_files
	daemon_run
	daemon_stop
	is 'the daemon made its database' "$(sqlite3 "$lab_tmp/files/flows.db" 'SELECT count(*) FROM uplinks')" 2
	waymark remove
	# In a sticky folder root may not write a file that is another user's (fs.protected_regular).
	mode=$(stat -c %a "$lab_tmp/files")
	chmod -t "$lab_tmp/files"
	sqlite3 "$lab_tmp/files/flows.db" 'PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	chmod "$mode" "$lab_tmp/files"
	# Opening it may create the files of SQLite and of the lock beside it.
	files_free='flows.db[-.]*'
	refused 'a newer database' 'flows.db has schema version 99, newer than this program'
	files_free=
	waymark flows --limit 1 >"$lab_tmp/out" 2>"$lab_tmp/err"
	is 'a newer database: the tool refuses it too' $? 1
	check 'a newer database: ... the error says so' grep -q 'newer' "$lab_tmp/err"
	rm -f "$lab_tmp/files/flows.db"*
}

database_unwritable() {
	# As root the daemon creates no folder; for its own user it does (test_privilege.sh).
	config_files "$lab_tmp/files/absent/flows.db"
	sed -i '1i user = "root"' "$lab_tmp/waymark.conf"
	refused 'a missing folder' 'the folder .*/absent does not exist; create the folder'
	echo text >"$lab_tmp/files/file"
	config_files "$lab_tmp/files/file/flows.db"
	refused 'a file instead of a folder' 'files/file is not a folder'
	sed -i '1i user = "root"' "$lab_tmp/waymark.conf"
	refused 'a file for a folder, as root' 'file/flows.db: Not a directory'
	rm "$lab_tmp/files/file"
}

# --- a second daemon -----------------------------------------------------------------------------------

# The first daemon's database grows meanwhile: only the other files must stay the same.
second_daemon() {
	config_files
	daemon_run
	cp "$lab_tmp/waymark.conf" "$lab_tmp/first.conf"
	second 'same everything' 'cannot use NFLOG group 77: .*another program uses this group'
	sed -i '1i nflog-group = 78' "$lab_tmp/waymark.conf"
	second 'same database' "flows.db is in use by process $daemon_pid; only one daemon can write a history"
	sed -i 's,^database.*,database = "'"$lab_tmp"'/other.db",' "$lab_tmp/waymark.conf"
	second 'same control socket' 'cannot listen at .*control.sock: .*stop the daemon that listens there'
	sed -i 's,control.sock",other.sock",' "$lab_tmp/waymark.conf"
	second 'nothing the same' "another waymarkd \\(process $daemon_pid\\) runs in this network namespace; stop it first"
	cp "$lab_tmp/first.conf" "$lab_tmp/waymark.conf"
	check 'the first daemon works' waymark status
	http_get pc 5 "http://$NET4/" >/dev/null
	wait_for 5 second_has 5
	is '... and writes its history' "$(sqlite3 "$lab_tmp/files/flows.db" 'SELECT count(*) FROM flows WHERE dport = 80')" 5
}

second() { # WHAT PATTERN
	local network
	network=$(network_state)
	at router timeout -k 5 30 "$WAYMARKD" -c "$lab_tmp/waymark.conf" >"$lab_tmp/out" 2>"$lab_tmp/err"
	is "a second daemon, $1: exit status 1" $? 1
	check "a second daemon, $1: the error says so" grep -Eq -- "$2" "$lab_tmp/err" || diag "$(cat "$lab_tmp/err")"
	# The first daemon sees the second one as another listener for a while, and checks
	# every two seconds.
	wait_for 10 network_is "$network"
	is "a second daemon, $1: the network is untouched" "$(network_state)" "$network"
}

network_is() {
	[ "$(network_state)" = "$1" ]
}

second_has() { # COUNT
	[ "$(sqlite3 "$lab_tmp/files/flows.db" 'SELECT count(*) FROM flows WHERE dport = 80')" = "$1" ]
}

# A reload of a bad configuration changes nothing in the running daemon.
reload_of_bad() {
	local network
	network=$(network_state)
	printf 'uplink a { interface = "wan1" mark = 0x100 table = 9 }\n' >"$lab_tmp/waymark.conf"
	kill -HUP "$daemon_pid"
	wait_for 10 grep -q 'reload: .*the old configuration stays' "$lab_tmp/waymarkd.log"
	check 'SIGHUP with a bad configuration: file and line in the log' \
		grep -q 'waymark.conf:1: ' "$lab_tmp/waymarkd.log"
	check 'SIGHUP with a bad configuration: the failed reload is logged' \
		grep -q 'reload: .*the old configuration stays' "$lab_tmp/waymarkd.log"
	is 'SIGHUP with a bad configuration: the network is untouched' "$(network_state)" "$network"
	cp "$lab_tmp/first.conf" "$lab_tmp/waymark.conf"
	check 'SIGHUP with a bad configuration: the daemon works' waymark status
	daemon_stop
	is 'it stops with status 0' $? 0
}

# --- a missing interface --------------------------------------------------------------------------

uplink_state() { # NAME STATE
	waymark uplinks --json >"$lab_tmp/out" 2>/dev/null
	[ "$(python3 -c 'import json, sys; print([u["state"] for u in json.load(open(sys.argv[1])) if u["name"] == sys.argv[2]][0])' \
		"$lab_tmp/out" "$1")" = "$2" ]
}

wan2_appears() {
	veth_add router $WAN2_4/24 $WAN2_6/64 wan2 net $GW2_4/24 $GW2_6/64 isp2
	at net ip -batch - <<-END || die 'routes of isp2'
		route replace 192.168.2.0/24 dev isp2 proto kernel scope link src $NET4
		route replace fd00:2::/64 dev isp2 proto kernel metric 256 src $NET6
		route add default via $WAN2_4 dev isp2 table 102
		route add default via $WAN2_6 dev isp2 table 102
	END
}

left_by() { # the uplinks of all pages since $began, and their verdicts
	sql "SELECT group_concat(DISTINCT egress), group_concat(DISTINCT verdict) FROM (SELECT egress, verdict
		FROM flows WHERE dport = 80 AND started >= '$began' ORDER BY egress)"
}

pages() { # COUNT WHEN: get them by IPv4 and IPv6
	local got
	began=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
	got=$({
		http_get pc "$1" "http://$NET4/"
		http_get pc "$1" "http://[$NET6]/"
	} | grep -c ' 200 ')
	is "$2: all pages are received" "$got" "$((2 * $1))"
	wait_for_sql 5 "SELECT count(*) FROM flows WHERE dport = 80 AND started >= '$began'" "$((2 * $1))"
}

# Both families use both uplinks once the daemon uses the new one.
both_uplinks_used() {
	pages 5 'the uplink appears, until both are used' >/dev/null
	[ "$(left_by)" = 'wan1,wan2|ok' ]
}

uplink_absent() {
	at router ip link del wan2
	: >"$lab_tmp/waymarkd.log"
	daemon_start
	ok 'interface missing: the daemon starts'
	check 'interface missing: the daemon warns' grep -q 'warning: uplink wan2: interface wan2 is missing' \
		"$lab_tmp/waymarkd.log"
	check 'interface missing: uplinks reports it' uplink_state wan2 missing
	pages 10 'interface missing'
	is 'interface missing: the other uplink has all flows' "$(left_by)" 'wan1|ok'
	wan2_appears
	check 'interface appears: the uplink is up' wait_for 10 uplink_state wan2 up
	check 'interface appears: its routes are installed' wait_for 10 routes_of_wan2
	pages 50 'interface appears'
	is 'interface appears: both uplinks carry flows' "$(left_by)" 'wan1,wan2|ok'
	is 'interface appears: each family uses it' "$(sql "SELECT count(DISTINCT src) FROM flows
		WHERE dport = 80 AND started >= '$began' AND egress = 'wan2' AND mark = 3")" 2
	at router ip link del wan2
	check 'interface removed: its state is missing' wait_for 10 uplink_state wan2 missing
	check 'interface removed: the daemon warns again' wait_for 10 warned_twice
	pages 10 'interface removed'
	is 'interface removed: the other uplink has all flows' "$(left_by)" 'wan1|ok'
	wan2_appears
	check 'interface back: the uplink is up' wait_for 10 uplink_state wan2 up
	check 'interface back: its routes are installed' wait_for 10 routes_of_wan2
	pages 50 'interface back'
	is 'interface back: both uplinks carry flows' "$(left_by)" 'wan1,wan2|ok'
	is 'no mismatch meanwhile' "$(sql 'SELECT count(*) FROM mismatches')" 0
}

warned_twice() {
	[ "$(grep -c 'warning: uplink wan2: interface wan2 is missing' "$lab_tmp/waymarkd.log")" = 2 ]
}

routes_of_wan2() {
	at router ip route show table 250 | grep -q '^default .*wan2' &&
		at router ip -6 route show table 250 | grep -q '^default .*wan2' &&
		at router ip route show table 252 | grep -q 'nexthop .*wan2' &&
		at router ip -6 route show table 252 | grep -q 'nexthop .*wan2'
}

lab_up
nat masquerade
serve net 80 7
mkdir -m 1777 "$lab_tmp/files"
bad_configurations
privilege
group_taken
database_not_ours
database_newer
database_unwritable
second_daemon
reload_of_bad
uplink_absent
done_testing
