#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves the counters for Prometheus: the tool, HTTP and the file give the same text; no other
# path is answered; slow or many clients disturb nothing; a reload moves the listener; a
# Prometheus server scrapes and answers a query with the mismatches.

. "${0%/*}/lib.sh"

PORT=9469
QUERY="http://127.0.0.1:9090/api/v1/query"

fetch() { # PATH [CURL OPTION]...
	local path=$1
	shift
	at router curl -sS --max-time 5 "$@" "http://${place:-127.0.0.1:$PORT}$path"
}

status_of() { # PATH [CURL OPTION]...
	fetch "$@" -o /dev/null -w '%{http_code}'
}

# The names of a text's samples, without the values.
names() {
	sed 's/ [0-9.]*$//'
}

configure() { # TEXT: the prometheus section
	config_write "repair = false
		balance = false
		prometheus { $1 }"
}

reloads() {
	grep -c 'configuration reloaded\|reload: cannot read' "$lab_tmp/waymarkd.log"
}

reloaded() { # COUNT
	[ "$(reloads)" -gt "$1" ]
}

reload() {
	local n
	n=$(reloads)
	kill -HUP "$daemon_pid"
	wait_for 5 reloaded "$n" || die "no reload"
}

ticks() { # CPU time of the daemon
	sed 's/.*) //' "/proc/$daemon_pid/stat" | awk '{ print $12 + $13 }'
}

lab_up
nat none
serve net 80 7
mkdir -m 1777 "$lab_tmp/text"
chown waymark "$lab_tmp/text" 2>/dev/null
file=$lab_tmp/text/waymark.prom
configure "listen = $PORT textfile = \"$file\""
daemon_run

# --- the same text ------------------------------------------------------------------------

http_get pc 3 "http://$NET4/" >/dev/null
# A value that is unknown yet has no line: both are fetched again until they agree.
http_is_the_same() {
	waymark metrics | names >"$lab_tmp/by_tool"
	fetch /metrics | names >"$lab_tmp/by_http"
	cmp "$lab_tmp/by_tool" "$lab_tmp/by_http"
}
check "HTTP gives the tool's text" wait_for 10 http_is_the_same
check "each sample has a value" sh -c "! grep -vEq '^#|^waymark_[a-z0-9_]+([{].*[}])? [0-9.]+$' $lab_tmp/text/*.prom"
is "the content type is that of Prometheus" "$(fetch /metrics -o /dev/null -w '%{content_type}')" \
	"text/plain; version=0.0.4; charset=utf-8"
check "the file is written" wait_for 3 test -s "$file"
file_is_the_same() {
	names <"$file" >"$lab_tmp/by_file"
	waymark metrics | names >"$lab_tmp/by_tool"
	cmp -s "$lab_tmp/by_tool" "$lab_tmp/by_file"
}
check "the file has the same text" wait_for 30 file_is_the_same
is "all users may read the file" "$(stat -c %a "$file")" 644
is "no temporary file is left" "$(ls "$lab_tmp/text")" waymark.prom
# The next scrape has values that need some traffic.
waymark coverage >/dev/null
fetch /metrics >"$lab_tmp/page"
check "bytes by uplink and direction" grep -q '^waymark_bytes_total{uplink="wan1",direction="sent"} [1-9]' "$lab_tmp/page"
check "the delay of rows is a histogram" grep -q '^waymark_history_delay_seconds_bucket{le="+Inf"} [1-9]' "$lab_tmp/page"
check "the coverage is among the counters" grep -q '^waymark_coverage_left_packets_total{uplink="wan1"' "$lab_tmp/page"
if command -v promtool >/dev/null; then
	check "promtool has no complaint" promtool check metrics <"$lab_tmp/page"
else
	skip "promtool has no complaint" "promtool is missing (package prometheus)"
fi

# --- other paths ----------------------------------------------------------------------

fetch / >"$lab_tmp/front"
check "the front page names the path" grep -q '^/metrics  counters' "$lab_tmp/front"
is "another path is not found" "$(status_of /other)" 404
is "a path below is not found" "$(status_of /metrics/x)" 404
is "a path with dots is not found" "$(status_of /../metrics --path-as-is)" 404
is "a parameter is ignored" "$(status_of '/metrics?name=x')" 200
is "POST is not found" "$(status_of /metrics -d x=y)" 404
is "HEAD is answered" "$(status_of /metrics -I)" 200
check_not "it listens only on loopback" at router curl -sS --max-time 2 "http://$LAN4:$PORT/metrics"

# --- many and slow clients ------------------------------------------------------------------------

background slow router python3 -c "
import socket, time
clients = [socket.create_connection(('127.0.0.1', $PORT)) for _ in range(40)]
for c in clients:
    c.sendall(b'GET /met')
print('ready', flush=True)
time.sleep(60)"
wait_for 5 grep -q ready "$lab_tmp/slow.out"
before=$(sql 'SELECT count(*) FROM flows')
http_get pc 5 "http://$NET4/" >/dev/null
check "with 40 clients that send nothing, flows are written" \
	wait_for_sql 3 "SELECT count(*) >= $before + 5 FROM flows" 1
check "with 40 clients that send nothing, the tool is answered" waymark status
before=$(ticks)
sleep 1
in_range "CPU time of the daemon meanwhile, in hundredths of a second" $(($(ticks) - before)) 0 20
background_end slow KILL
check "when they have closed, the next client is served" wait_for 5 fetch /metrics -f
before=$(now_cs)
at router sh -c "for i in 1 2 3 4; do curl -sSf --max-time 20 -o /dev/null 'http://127.0.0.1:$PORT/metrics?[1-250]' & done; wait"
diag "1,000 pages, four at a time: $((($(now_cs) - before) * 10)) ms"
is "after 1,000 pages the next is answered" "$(status_of /metrics)" 200

# --- a mismatch, as Prometheus sees it ------------------------------------------------------

stray() { # a flow whose rule is deleted leaves by the other uplink
	hold stray pc udp $NET4 7 1
	at router ip rule del fwmark 2/0xff
	at router ip route add default via $GW2_4 dev wan2 metric 50
	hold_push stray
}

mismatches() {
	fetch /metrics | sed -n 's/^waymark_mismatches_recorded_total //p'
}

has_mismatch() {
	[ "$(mismatches)" -ge 1 ]
}

prometheus_says() { # QUERY VALUE
	[ "$(at router curl -sS --get "$QUERY" --data-urlencode "query=$1" |
		python3 -c 'import json, sys
for r in json.load(sys.stdin)["data"]["result"]: print(r["value"][1])')" = "$2" ]
}

stray
check "a mismatch is counted" wait_for 5 has_mismatch
if command -v prometheus >/dev/null; then
	cat >"$lab_tmp/prometheus.yml" <<-END
		global: { scrape_interval: 1s }
		scrape_configs:
		  - job_name: waymark
		    static_configs: [ { targets: [ "127.0.0.1:$PORT" ] } ]
	END
	background prometheus router prometheus --config.file="$lab_tmp/prometheus.yml" \
		--storage.tsdb.path="$lab_tmp/tsdb" --web.listen-address=127.0.0.1:9090
	check "Prometheus scrapes waymarkd" wait_for 20 prometheus_says 'up{job="waymark"}' 1
	check "Prometheus has the mismatch" \
		wait_for 10 prometheus_says 'waymark_mismatches_recorded_total' "$(mismatches)"
	check "Prometheus has the uplink of the mismatch" wait_for 10 prometheus_says \
		'sum(waymark_mismatches_total{uplink="wan1"})' "$(mismatches)"
	background_end prometheus
else
	skip "Prometheus scrapes waymarkd" "prometheus is missing (package prometheus)"
fi
hold_drop stray

# --- the file ---------------------------------------------------------------------------------

inode=$(stat -c %i "$file")
is_replaced() {
	[ "$(stat -c %i "$file")" != "$inode" ]
}
check "within 15 seconds the file is replaced" wait_for 20 is_replaced
check "the file has the mismatch" grep -qx "waymark_mismatches_recorded_total $(mismatches)" "$file"
ln -s "$lab_tmp/elsewhere" "$file.new"
inode=$(stat -c %i "$file")
check "a symbolic link with the temporary file's name is replaced" wait_for 20 is_replaced
check_not "nothing is written through that link" test -e "$lab_tmp/elsewhere"

# --- reload, stop --------------------------------------------------------------------------------

configure "listen = \"[::1]:9470\" textfile = \"$lab_tmp/text/other.prom\""
reload
is "a reload moves the listener" "$(place="[::1]:9470" status_of /metrics)" 200
check_not "the former address is closed" status_of /metrics
check "the file has moved too" wait_for 3 test -s "$lab_tmp/text/other.prom"
check_not "the former file is deleted" test -e "$file"
background taken router python3 -c "
import socket, time
s = socket.create_server(('127.0.0.1', $PORT))
print('ready', flush=True)
time.sleep(60)"
wait_for 5 grep -q ready "$lab_tmp/taken.out"
configure "listen = $PORT textfile = \"$lab_tmp/text/other.prom\""
reload
check "a port in use is reported" grep -q "cannot serve Prometheus at 127.0.0.1 port $PORT: Address already in use" "$lab_tmp/waymarkd.log"
is "the listener stays at the former address" "$(place="[::1]:9470" status_of /metrics)" 200
daemon_stop
is "the daemon stops with status 0" $? 0
is "after a stop the file has waymark_up 0" \
	"$(grep -v '^#' "$lab_tmp/text/other.prom")" "waymark_up 0"
before=$(at router nft -s list ruleset)
at router "$WAYMARKD" -c "$lab_tmp/waymark.conf" >"$lab_tmp/refused" 2>&1
is "a start with a port in use fails" $? 1
check "the error says why" grep -q "choose another address or port" "$lab_tmp/refused"
is "the failed start changes no ruleset" "$(at router nft -s list ruleset)" "$before"
background_end taken KILL
configure 'listen = "203.0.113.77:9469"'
daemon_run
check "an address that does not exist yet is no error" waymark status
daemon_stop
configure ''
daemon_run
check_not "without the section nothing listens" status_of /metrics

done_testing
