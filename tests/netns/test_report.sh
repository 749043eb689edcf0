#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Proves the report: one well-formed page, without scripts and external resources, whose
# figures are those of the history; time that was not observed is not shown as good; names
# and texts of the history are escaped.

. "${0%/*}/lib.sh"

# page [OPTION]...: write the report to page.html, and its text, one element per line, to page.txt.
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

tile() { # WHAT: the tile's figure
	sed -n "s/^div|class=tile|\(.*\) $1\$/\1/p" "$lab_tmp/page.txt"
}

has() { # TEXT: an element has it
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

# --- without a fault -----------------------------------------------------------------

check "a page of well-formed XML, while the daemon runs" page
is "the number of flows" "$(tile 'flows started')" "$(sql 'SELECT count(*) FROM flows WHERE started IS NOT NULL')"
is "no mismatch, titled 'seen' because a part of the day was not observed" "$(tile 'mismatches seen')" 0
check "the time before the history is not shown as observed" has "before the history begins"
waymark coverage >/dev/null 2>&1
check_not "no incomplete time is shown as complete" has "At no time."

# --- with faults ----------------------------------------------------------------------------

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
# A mismatch's egress is an interface, with its uplink where that has another name.
left_by="iif(egress LIKE '%<b>%', 'wan2 (' || egress || ')', egress)"
check "the packets that left, and those missing in the history" \
	has "|wan1$(sql "SELECT printf('%,d', left_packets) || printf('%d.%d %%',
		(left_packets - missing_packets) * 1000 / left_packets / 10,
		(left_packets - missing_packets) * 1000 / left_packets % 10) || ifnull(causes, '')
		FROM coverage WHERE uplink = 'wan1' AND left_packets ORDER BY hour DESC LIMIT 1")"
is "the number of mismatches" "$(tile mismatches)" "$(sql 'SELECT count(*) FROM mismatches')"
check "mismatches by cause, with the first and the last time, the hosts and an example" \
	has "$(sql "SELECT count(*) || expected || $left_by || reason || 'the ip rule of the flow''s mark was missing' ||
		replace(substr(min(time), 1, 19), 'T', ' ') || replace(substr(max(time), 1, 19), 'T', ' ') ||
		count(DISTINCT src) || proto || ' ' || src || ':' || sport || ' > ' || dst || ':' || dport ||
		direction || ' direction; waymark explain ' || flow_id
		FROM mismatches WHERE reason = 'rule-missing' GROUP BY expected, egress")"
check "each with its expected and its actual uplink" \
	has "$(sql "SELECT replace(substr(time, 1, 19), 'T', ' ') || flow_id || proto || ' ' || src || ':' || sport ||
		' > ' || dst || ':' || dport || direction || expected || $left_by || reason FROM mismatches LIMIT 1")"
check "the events in order of time" \
	has "$(sql "SELECT count(*) || iif(count(*) = 1, ' mismatch', ' mismatches') || ': flows of ' || expected ||
		' left by ' || $left_by || ': the ip rule of the flow''s mark was missing (rule-missing)'
		FROM mismatches WHERE reason = 'rule-missing'")"
check "the picture has an arrow for them" \
	has "wan1 → wan2"
sqlite3 "$lab_tmp/flows.db" "INSERT INTO alert (time, kind, severity, state, text)
	VALUES ($(date +%s)000, 'quota', 'warning', 'raised', 'uplink wan1 has used it up');
	INSERT INTO alert (time, kind, severity, state, reason, text)
	VALUES ($(date +%s)000, 'tampering', 'warning', 'raised', 'rule-before', 'a rule of another')"
check "a page with an alert" page
check "a quota is an event" has "Quota: uplink wan1 has used it up"
check "a rule of another process is tampering" has "Tampering: a rule of another"
check "a gap is an event" has "Gap: flows may be missing: <script>"
check "the title has the host" has "flows and uplinks of $(hostname)"
check "the title has the time zone" has "(UTC)"
check "the verdicts" has "ok$(sql "SELECT count(*) FROM flows WHERE verdict = 'ok'")"
for uplink in wan1 wan2; do
	flows=$(sql "SELECT count(*) FROM flows WHERE uplink = '$uplink'")
	[ "$flows" = 0 ] || check "the flows of $uplink" has "|$uplink$flows"
done
bytes=$(sql "SELECT sum(ifnull(bytes, 0)) + sum(ifnull(bytes_reply, 0)) FROM flows WHERE src = '$PC4'")
check "the bytes of a source" has "|$PC4$(python3 -c "print('%.1f KiB' % ($bytes / 1024) if $bytes < 102400 else '%.0f KiB' % ($bytes / 1024))")"
check "a gap has the number of lost records" has "events77"

# --- safety -----------------------------------------------------------------------------------

check "texts of the history are escaped" has '<script>alert("&")</script>??é'
check "names are escaped" has '"><b>wan2'
check_not "there is no script, no link, no picture, nothing to fetch" \
	grep -Eiq '<(script|link|img|iframe|object|embed|base|a) |https?:|url\(|@import|(src|href)=' "$lab_tmp/page.html"

# --- the picture alone ---------------------------------------------------------------------------

waymark report --picture >"$lab_tmp/picture.svg"
check "a picture of well-formed XML" python3 -c "import xml.etree.ElementTree as x, sys; x.parse(sys.argv[1])" "$lab_tmp/picture.svg"
check "the picture has the stray flows" grep -q 'stray<' "$lab_tmp/picture.svg"
style() { sed -n '/<style>/,/<\/style>/p' "$1"; }
is "README's picture was made by this version (make picture)" "$(style "$top_src/doc/router.svg")" "$(style "$lab_tmp/picture.svg")"
TZ=IST-5:30 waymark report >"$lab_tmp/page.html"
check "times are local, with the name of the zone" grep -q '(IST, UTC+05:30)' "$lab_tmp/page.html"
TZ=IST-5:30 waymark report --utc >"$lab_tmp/page.html"
check "with TZ unset times are in UTC" grep -q '(UTC)' "$lab_tmp/page.html"

# --- times ----------------------------------------------------------------------------------------

check "a month has one bar per day" page --since '30 days ago'
check "the title of a month names days" has "Flows started on each day, by uplink"
check "an interval without data" page --since 2001-01-01 --until 2001-01-02
is "an interval without data has no flows" "$(tile 'flows started')" 0
check "an interval without data has no coverage" has "No traffic was compared with the history in this time."
is "an interval without data is not shown as observed" "$(tile 'of the time is without a gap')" "0.0 %"
waymark report --since 2001-01-02 --until 2001-01-01 >/dev/null 2>&1
is "an interval that ends before it begins is a usage error" $? 2
waymark report --database "$lab_tmp/absent.db" >"$lab_tmp/page.html" 2>/dev/null
is "no history is a failure" $? 1
check_not "no partial page is written" test -s "$lab_tmp/page.html"

done_testing
