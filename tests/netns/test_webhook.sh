#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves the webhook: an alert is delivered to a server that fails twice and then accepts; an
# undelivered alert survives a killed daemon; a server that hangs or is down delays neither
# other sinks nor a stop; no redirect is followed; a request that is rejected permanently
# delays no other; no secret of the URL is written anywhere.

. "${0%/*}/lib.sh"

PORT=8642

hook_start() {
	background hook router python3 "${0%/*}/hook.py" $PORT "$lab_tmp/hook"
	wait_for 10 grep -q ready "$lab_tmp/hook.out" || die "no server: $(cat "$lab_tmp/hook.err")"
}

hook_stop() {
	background_end hook KILL
}

# plan STEP...: what the server does with the next requests; clears its log.
plan() {
	local step
	: >"$lab_tmp/hook/plan"
	for step; do
		echo "$step" >>"$lab_tmp/hook/plan"
	done
	: >"$lab_tmp/hook/log"
}

# hook_steps REASON: what the server did with this alert's requests, in order.
hook_steps() {
	grep "|uplink|$1|" "$lab_tmp/hook/log" | cut -d'|' -f1 | tr '\n' ' '
}

hook_did() { # REASON STEPS
	[ "$(hook_steps "$1")" = "$2" ]
}

# Alerts with different reasons: interface down, and up again.
alert_down() {
	at router ip link set wan2 down
}

alert_up() {
	at router ip -batch - <<-END
		link set wan2 up
		addr replace $WAN2_6/64 dev wan2 nodad
	END
}

alerts() { # REASON: number of them in the other sink
	grep '"kind":"uplink"' "$lab_tmp/alerts.jsonl" | grep -c "\"reason\":\"$1\""
}

has_alerts() { # REASON COUNT
	[ "$(alerts "$1")" = "$2" ]
}

counter() { # NAME: one of the webhook
	waymark metrics | sed -n "s/^waymark_webhook_$1 //p"
}

counter_is() { # NAME VALUE
	[ "$(counter "$1")" = "$2" ]
}

is_settled() {
	counter_is pending 0 && [ "$(sql 'SELECT count(*) FROM outbox')" = 0 ]
}

lab_up
nat snat
serve net 80 7
mkdir -m 1777 "$lab_tmp/hook"
plan 500 close
hook_start
config_alert="webhook = \"http://user:secret1@127.0.0.1:$PORT/take?token=secret2\" webhook-timeout = \"2s\""
daemon_start

# --- a server that fails twice ----------------------------------------------------

alert_down
check "the other sink has the alert at once" wait_for 2 has_alerts down 1
check "an alert is in the database until it is acknowledged" \
	wait_for_sql 2 "SELECT count(*) FROM outbox WHERE line LIKE '%\"reason\":\"down\"%'" 1
check "status 500, a closed connection, then the alert is accepted" wait_for 10 hook_did down "500 close 204 "
check "once acknowledged, the alert is deleted from the database" wait_for 3 is_settled
is "one delivery is counted" "$(counter delivered_total)" 1
is "two retries are counted" "$(counter retries_total)" 2
is "each was a POST of JSON to the path, with the name and password" \
	"$(tail -n 1 "$lab_tmp/hook/log" | cut -d'|' -f2-4)" \
	"/take?token=secret2|application/json|Basic $(printf user:secret1 | base64)"
is "the webhook and the other sink have the same content" "$(tail -n 1 "$lab_tmp/hook/log" | cut -d'|' -f5-)" \
	"uplink|down|$(sed -n 's/.*"reason":"down".*"text":"\([^"]*\)".*/\1/p' "$lab_tmp/alerts.jsonl" | tail -n 1)"
sleep 1
is "once acknowledged, the alert is not sent again" "$(hook_steps down)" "500 close 204 "

# --- killed while the server is away ------------------------------------------------

hook_stop
plan
alert_up
check "without a server the other sink has the alert" wait_for 5 has_alerts up 1
check "the alert waits in the database" \
	wait_for_sql 2 "SELECT count(*) FROM outbox WHERE line LIKE '%\"reason\":\"up\"%'" 1
before=$(sql 'SELECT count(*) FROM flows')
http_get pc 5 "http://$NET4/" >/dev/null
check "flows are written meanwhile" \
	wait_for_sql 2 "SELECT count(*) >= $before + 5 FROM flows" 1
daemon_stop KILL
is "a killed daemon leaves the alert there" \
	"$(sql "SELECT count(*) FROM outbox WHERE line LIKE '%\"reason\":\"up\"%'")" 1
daemon_run
hook_start
check "the next daemon delivers it" wait_for 15 hook_did up "204 "
check "then the alert is deleted from the database" wait_for 10 is_settled

# --- a server that hangs --------------------------------------------------------------

rm -f "$lab_tmp/alerts.jsonl"
plan hang
alert_down
check "a server that hangs does not delay the other sink" wait_for 2 has_alerts down 1
alert_up
check "nor the next alert there" wait_for 2 has_alerts up 1
check "the request is repeated after webhook-timeout" wait_for 10 hook_did down "hang 204 "
check "the next alert follows" wait_for 10 hook_did up "204 "
check "no alert is left in the database" wait_for 3 is_settled

# --- redirects and refusals -------------------------------------------------------------

plan moved 400
alert_down
check "a redirect counts as a failure" wait_for 10 hook_did down "moved 400 "
is "no redirect is followed" "$(grep -c '|/elsewhere|' "$lab_tmp/hook/log")" 0
check "a permanently rejected alert is dropped" wait_for 5 counter_is dropped_total 1
alert_up
check "the next alert is delivered" wait_for 5 hook_did up "204 "
check "no alert is left in the database" wait_for 3 is_settled

hook_hangs() { # REASON: the server holds a request with this alert
	hook_steps "$1" | grep -q hang
}

# --- stop, reload ---------------------------------------------------------------------------

plan hang hang hang
alert_down
wait_for 10 hook_hangs down || diag "$(cat "$lab_tmp/hook/log")"
start=$(now_cs)
daemon_stop
is "with a hanging server the daemon stops with status 0" $? 0
in_range "a server that hangs delays a stop by at most 5000 ms" $((($(now_cs) - start) * 10)) 0 5000
is "the undelivered alert is kept" \
	"$(sql "SELECT count(*) FROM outbox WHERE line LIKE '%\"reason\":\"down\"%'")" 1
config_alert=
config_write
daemon_run
check "without a webhook its alerts are deleted" wait_for 3 is_settled
daemon_stop

# --- alert-test --------------------------------------------------------------------------------

config_alert="syslog = false webhook = \"http://user:secret1@127.0.0.1:$PORT/test?token=secret2\" webhook-timeout = \"2s\""
config_write
plan
# Where fs.protected_regular is 2, root may not open another user's file in a sticky folder.
chmod 777 "$lab_tmp"
check "alert-test sends one" waymark alert-test
chmod 1777 "$lab_tmp"
is "its kind is test" "$(cut -d'|' -f1,2,5 "$lab_tmp/hook/log")" "204|/test?token=secret2|test"
plan 503
waymark alert-test >"$lab_tmp/refused" 2>&1
is "alert-test prints the result" "$(grep '^webhook' "$lab_tmp/refused")" \
	"webhook its URL: the server answered with status 503"

# --- secrets ---------------------------------------------------------------------------------

check_not "no secret of the URL is in the log, nor in the history" \
	grep -rqs 'secret[12]' "$lab_tmp/waymarkd.log" "$lab_tmp/flows.db" "$lab_tmp/flows.db-wal"
config_alert='webhook = "ftp://user:secret3@host/"'
config_write
waymark check >"$lab_tmp/refused" 2>&1
check "a URL that is not http or https is refused" grep -q ':[0-9]*: webhook is not a web URL' "$lab_tmp/refused"
check_not "the error does not show it" grep -q secret3 "$lab_tmp/refused"

done_testing
