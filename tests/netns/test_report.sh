#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves the report: one well-formed page, without a script and without anything from
# the network, whose figures are those of the history; what is not seen is not shown as
# good; whatever stands in the history comes out as text.

. "${0%/*}/lib.sh"

# page [OPTION]...: the report as page.html; its text, a line an element, as page.txt.
page() {
	waymark report "$@" >"$lab_tmp/page.html" || return
	python3 - "$lab_tmp/page.html" >"$lab_tmp/page.txt" <<-'END'
		import sys
		import xml.etree.ElementTree as xml
		root = xml.parse(sys.argv[1]).getroot()
		for e in root.iter():
		    attributes = " ".join(k + "=" + v for k, v in e.attrib.items() if k != "role")
		    print(e.tag, attributes, "".join(e.itertext()) if e.tag in ("tr", "p", "title", "li", "text") or
		          e.get("class") in ("tile",) else "", sep="|")
	END
}

tile() { # WHAT: its figure
	sed -n "s/^div|class=tile|\(.*\) $1\$/\1/p" "$lab_tmp/page.txt"
}

has() { # TEXT: of an element
	grep -qF -- "$1" "$lab_tmp/page.txt"
}

lab_up
nat none
serve net 80 7
daemon_start 'repair = false
	balance = false'
http_get pc 12 "http://$NET4/" >/dev/null
at router conntrack -D -p tcp --dport 80 >/dev/null 2>&1
hold stray pc udp $NET4 7 1
check "flows have ended" wait_for_sql 5 "SELECT count(*) FROM flows WHERE dport = 80 AND state = 'ended'" 12
wait_for_sql 5 'SELECT count(*) FROM flows WHERE dport = 7' 1

# --- while all is well -----------------------------------------------------------------

check "a page that XML can read, while the daemon runs" page
is "the flows" "$(tile 'flows began')" "$(sql 'SELECT count(*) FROM flows WHERE started IS NOT NULL')"
is "no mismatch, but not called good where a day was not seen" "$(tile 'mismatches seen')" 0
check "the time before is not called seen" has "before the history begins"
waymark coverage >/dev/null 2>&1
check_not "no time is called whole that was not" has "At no time."

# --- in trouble ----------------------------------------------------------------------------

at router ip rule del fwmark 2/0xff
at router ip route add default via $GW2_4 dev wan2 metric 50
hold_push stray
wait_for_sql 5 'SELECT count(*) > 0 FROM mismatches' 1
hold_drop stray
daemon_stop
sqlite3 "$lab_tmp/flows.db" "
	INSERT INTO gap VALUES (1000, $(date +%s)000 - 5000, $(date +%s)000 - 2000, 0, 77,
		'<script>alert(\"&\")</script>' || char(7) || cast(x'ff' AS TEXT) || 'é');
	UPDATE uplink SET interface = '\"><b>wan2' WHERE name = 'wan2';"
check "a page, without a daemon" page
# What mismatches left by: an interface, and its uplink where that has another name.
left_by="iif(egress LIKE '%<b>%', 'wan2 (' || egress || ')', egress)"
check "what left, and what of it is missing" \
	has "|wan1$(sql "SELECT printf('%,d', left_packets) || printf('%d.%d %%',
		(left_packets - missing_packets) * 1000 / left_packets / 10,
		(left_packets - missing_packets) * 1000 / left_packets % 10) || ifnull(causes, '')
		FROM coverage WHERE uplink = 'wan1' AND left_packets ORDER BY hour DESC LIMIT 1")"
is "the mismatches" "$(tile mismatches)" "$(sql 'SELECT count(*) FROM mismatches')"
check "by their cause, with the first and the last, the hosts and an example" \
	has "$(sql "SELECT count(*) || expected || $left_by || reason || 'the ip rule of its mark was missing' ||
		replace(substr(min(time), 1, 19), 'T', ' ') || replace(substr(max(time), 1, 19), 'T', ' ') ||
		count(DISTINCT src) || proto || ' ' || src || ':' || sport || ' > ' || dst || ':' || dport ||
		direction || ' direction; waymark explain ' || flow_id
		FROM mismatches WHERE reason = 'rule-missing' GROUP BY expected, egress")"
check "each with what it should have left by, and did" \
	has "$(sql "SELECT replace(substr(time, 1, 19), 'T', ' ') || flow_id || proto || ' ' || src || ':' || sport ||
		' > ' || dst || ':' || dport || direction || expected || $left_by || reason FROM mismatches LIMIT 1")"
check "in the order of time, what happened" \
	has "$(sql "SELECT count(*) || iif(count(*) = 1, ' mismatch', ' mismatches') || ': flows of ' || expected ||
		' left by ' || $left_by || ': the ip rule of its mark was missing (rule-missing)'
		FROM mismatches WHERE reason = 'rule-missing'")"
check "an arrow in the picture says so, too" \
	has "wan1 → wan2"
sqlite3 "$lab_tmp/flows.db" "INSERT INTO alert (time, kind, severity, state, text)
	VALUES ($(date +%s)000, 'quota', 'warning', 'raised', 'uplink wan1 has used it up');
	INSERT INTO alert (time, kind, severity, state, reason, text)
	VALUES ($(date +%s)000, 'tampering', 'warning', 'raised', 'rule-before', 'a rule of another')"
check "a page with an alert" page
check "a quota is an event" has "Quota: uplink wan1 has used it up"
check "a rule of another process is tampering" has "Tampering: a rule of another"
check "a gap is an event" has "Gap: flows may be missing: <script>"
check "the host and the zone" has "flows and uplinks of $(hostname)"
check "the zone" has "(UTC)"
check "the verdicts" has "ok$(sql "SELECT count(*) FROM flows WHERE verdict = 'ok'")"
for uplink in wan1 wan2; do
	flows=$(sql "SELECT count(*) FROM flows WHERE uplink = '$uplink'")
	[ "$flows" = 0 ] || check "the flows of $uplink" has "|$uplink$flows"
done
bytes=$(sql "SELECT sum(ifnull(bytes, 0)) + sum(ifnull(bytes_reply, 0)) FROM flows WHERE src = '$PC4'")
check "the bytes of a source" has "|$PC4$(python3 -c "print('%.1f KiB' % ($bytes / 1024) if $bytes < 102400 else '%.0f KiB' % ($bytes / 1024))")"
check "a gap and what it may have lost" has "events77"

# --- safety -----------------------------------------------------------------------------------

check "what stands in the history is shown as text" has '<script>alert("&")</script>??é'
check "so are names" has '"><b>wan2'
check_not "there is no script, no link, no picture, nothing to fetch" \
	grep -Eiq '<(script|link|img|iframe|object|embed|base|a) |https?:|url\(|@import|(src|href)=' "$lab_tmp/page.html"

# --- the picture alone ---------------------------------------------------------------------------

waymark report --picture >"$lab_tmp/picture.svg"
check "a picture that XML can read" python3 -c "import xml.etree.ElementTree as x, sys; x.parse(sys.argv[1])" "$lab_tmp/picture.svg"
check "with the stray flows" grep -q 'stray<' "$lab_tmp/picture.svg"
style() { sed -n '/<style>/,/<\/style>/p' "$1"; }
is "README's picture is one of this program (make picture)" "$(style "$top_src/doc/router.svg")" "$(style "$lab_tmp/picture.svg")"
TZ=IST-5:30 waymark report >"$lab_tmp/page.html"
check "times are local, and the zone is named" grep -q '(IST, UTC+05:30)' "$lab_tmp/page.html"
TZ=IST-5:30 waymark report --utc >"$lab_tmp/page.html"
check "or UTC" grep -q '(UTC)' "$lab_tmp/page.html"

# --- times ----------------------------------------------------------------------------------------

check "a month, with a bar a day" page --since '30 days ago'
check "says so" has "Flows begun on each day, by uplink"
check "a time without anything" page --since 2001-01-01 --until 2001-01-02
is "has no flows" "$(tile 'flows began')" 0
check "nor is anything called covered" has "Nothing was compared in this time."
is "and none of it is called seen" "$(tile 'of the time nothing can have been missed')" "0.0 %"
waymark report --since 2001-01-02 --until 2001-01-01 >/dev/null 2>&1
is "a time that ends before it begins is a usage error" $? 2
waymark report --database "$lab_tmp/absent.db" >"$lab_tmp/page.html" 2>/dev/null
is "no history is a failure" $? 1
check_not "without half a page" test -s "$lab_tmp/page.html"

done_testing
