#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves the alerts with real monitoring systems: Debian's Alertmanager receives them, groups
# them and resolves those that are over; a Prometheus server scrapes the router, fires the
# rules of doc/prometheus and resolves them, and answers each query of the dashboard.

. "${0%/*}/lib.sh"
. "${0%/*}/traffic.sh"

PORT=9469
MANAGER=$(command -v prometheus-alertmanager || command -v alertmanager)
RULES=$top_src/doc/prometheus/rules.yml

manager_start() {
	cat >"$lab_tmp/alertmanager.yml" <<-END
		route:
		  receiver: pager
		  group_by: [ alertname, kind ]
		  group_wait: 2s
		  group_interval: 1s
		  repeat_interval: 1h
		receivers:
		  - name: pager
		    webhook_configs: [ { url: "http://127.0.0.1:9099/", send_resolved: true } ]
	END
	background pager router python3 -c '
import http.server
class Pager(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode().replace("\n", ""), flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *a): pass
server = http.server.HTTPServer(("127.0.0.1", 9099), Pager)
print("ready", flush=True)
server.serve_forever()'
	wait_for 10 grep -q ready "$lab_tmp/pager.out" || die "no pager"
	background manager router "$MANAGER" --config.file="$lab_tmp/alertmanager.yml" \
		--storage.path="$lab_tmp/alertmanager" --cluster.listen-address= \
		--web.listen-address=127.0.0.1:9093
	wait_for 30 at router curl -sf -o /dev/null http://127.0.0.1:9093/-/ready || die "no Alertmanager"
}

# Whether one message to the pager has each of these uplinks with this status.
paged() { # STATUS UPLINK...
	python3 - "$lab_tmp/pager.out" "$@" <<-'END'
		import json, sys
		wanted = {(u, sys.argv[2]) for u in sys.argv[3:]}
		for line in open(sys.argv[1]):
		    if not line.startswith("{"):
		        continue
		    message = json.loads(line)
		    got = {(a["labels"].get("uplink"), a["status"]) for a in message["alerts"]
		           if a["labels"]["kind"] == "uplink" and a["annotations"]["text"]}
		    if wanted <= got:
		        sys.exit(0)
		sys.exit(1)
	END
}

prometheus_start() {
	# Seconds instead of the minutes in the rules.
	sed 's/for: [0-9]*[ms]$/for: 1s/; s/\[[0-9]*m\]/[10s]/' "$RULES" >"$lab_tmp/rules.yml"
	cat >"$lab_tmp/prometheus.yml" <<-END
		global: { scrape_interval: 1s, evaluation_interval: 1s }
		rule_files: [ "$lab_tmp/rules.yml" ]
		scrape_configs:
		  - job_name: waymark
		    static_configs: [ { targets: [ "127.0.0.1:$PORT" ] } ]
	END
	background prometheus router prometheus --config.file="$lab_tmp/prometheus.yml" \
		--storage.tsdb.path="$lab_tmp/tsdb" --web.listen-address=127.0.0.1:9090
	wait_for 30 rules_are_loaded || die "no Prometheus"
}

asked() { # PATH [CURL-ARGUMENT...]
	local path=$1
	shift
	at router curl -sf --get "http://127.0.0.1:9090/api/v1/$path" "$@"
}

rules_are_loaded() {
	asked rules | grep -q WaymarkDown
}

# firing RULE: whether it fires.
firing() {
	asked alerts | python3 -c '
import json, sys
alerts = json.load(sys.stdin)["data"]["alerts"]
sys.exit(not any(a["labels"]["alertname"] == sys.argv[1] and a["state"] == "firing" for a in alerts))' "$1"
}

quiet() { # RULE
	! firing "$1"
}

# The dashboard's queries that Prometheus refuses or answers with nothing.
unanswered() {
	python3 - "$top_src/doc/grafana/waymark.json" <<-'END' |
		import json, re, sys
		def exprs(node):
		    if isinstance(node, dict):
		        for key, value in node.items():
		            if key == "expr":
		                yield value
		            else:
		                yield from exprs(value)
		    elif isinstance(node, list):
		        for item in node:
		            yield from exprs(item)
		for expr in exprs(json.load(open(sys.argv[1]))):
		    expr = expr.replace("$__rate_interval", "30s").replace("$__range", "60s")
		    print(re.sub(r"\$\w+", ".*", expr))
	END
		while read -r expr; do
			asked query --data-urlencode "query=$expr" | python3 -c '
import json, sys
try:
    sys.exit(not json.load(sys.stdin)["data"]["result"])
except ValueError:
    sys.exit(1)' || echo "$expr"
		done
}

lab_up
nat none
serve net 80 7
config_alert='webhook = "http://127.0.0.1:9093/api/v2/alerts" webhook-format = "alertmanager"'
config_write "repair = false
	prometheus { listen = $PORT }"

if [ -n "$MANAGER" ]; then
	manager_start
	daemon_run
	at net ip link set isp1 down
	at net ip link set isp2 down
	check "both uplinks go down: the pager gets one message for both" wait_for 30 paged firing wan1 wan2 ||
		diag "$(cat "$lab_tmp/pager.out")"
	isp_up 1
	isp_up 2
	check "they are up again: the alert of one is resolved" wait_for 30 paged resolved wan1 ||
		diag "$(cat "$lab_tmp/pager.out")"
	check "... and that of the other one" wait_for 30 paged resolved wan2
	background_end manager
	background_end pager
	daemon_stop
else
	skip "Alertmanager groups and resolves" "prometheus-alertmanager is missing"
fi

config_alert=
config_write "repair = false
	prometheus { listen = $PORT }"
daemon_run
if command -v prometheus >/dev/null; then
	prometheus_start
	http_get pc 5 "http://$NET4/" >/dev/null
	check "nothing is wrong: no rule fires" wait_for 20 quiet WaymarkUplinkDown
	at net ip link set isp1 down
	check "an uplink goes down: a rule fires" wait_for 20 firing WaymarkUplinkDown
	isp_up 1
	check "... and is resolved" wait_for 30 quiet WaymarkUplinkDown
	check "the uplink is up" wait_for 20 uplink_is wan1 wan1 up

	at router ip rule add pref 500 fwmark 0x2/0xff lookup 250
	hold strays pc tcp $NET4 7 24 || die "no flows"
	check "flows stray: a rule fires" wait_for 20 firing WaymarkMismatch
	at router ip rule del pref 500
	hold_drop strays
	check "... and is resolved" wait_for 40 quiet WaymarkMismatch

	at router nft delete table inet waymark
	check "evidence is missing: a rule fires" wait_for 20 firing WaymarkGap
	waymark apply >/dev/null
	check "... and is resolved" wait_for 30 quiet WaymarkGap
	is "each query of the dashboard has an answer" "$(unanswered)" ""

	daemon_stop KILL
	check "waymarkd stops: a rule fires" wait_for 20 firing WaymarkDown
	daemon_run
	check "... and is resolved" wait_for 30 quiet WaymarkDown
	background_end prometheus
else
	skip "Prometheus fires the rules and resolves them" "prometheus is missing"
fi

# Rules whose conditions need a full disk or many minutes, evaluated by promtool.
if command -v promtool >/dev/null; then
	cat >"$lab_tmp/tests.yml" <<-END
		rule_files: [ "$RULES" ]
		evaluation_interval: 1m
		tests:
		  - interval: 1m
		    input_series:
		      - { series: 'waymark_history_dropped_total{instance="r"}', values: '0 0 5 5 5 5 5 5 5 5 5 5' }
		      - { series: 'waymark_coverage_seen_packets_total{uplink="wan1"}', values: '0+5000x60 300000+6000x60' }
		      - { series: 'waymark_coverage_left_packets_total{uplink="wan1"}', values: '0+6000x120' }
		    alert_rule_test:
		      - { eval_time: 1m, alertname: WaymarkHistoryFails }
		      - eval_time: 3m
		        alertname: WaymarkHistoryFails
		        exp_alerts:
		          - exp_labels: { severity: warning, instance: r }
		            exp_annotations: { summary: "records on r are not written to the history" }
		      - { eval_time: 11m, alertname: WaymarkHistoryFails }
		      - eval_time: 40m
		        alertname: WaymarkCoverageLow
		        exp_alerts:
		          - exp_labels: { severity: warning, uplink: wan1 }
		            exp_annotations: { summary: "more than 1 % of what left by wan1 is in no flow" }
		      - { eval_time: 110m, alertname: WaymarkCoverageLow }
	END
	check "lost records and packets of no flow: the rules fire and are resolved" \
		promtool test rules "$lab_tmp/tests.yml"
else
	skip "the other rules fire and are resolved" "promtool is missing"
fi

done_testing
