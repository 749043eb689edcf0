#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_unit.sh - what the shipped unit leaves the daemon is enough: with these
# capabilities alone, and no way to others, it steers, observes, reloads, alerts,
# ends alert programs that hang, and puts the machine back as it was.

. "${0%/*}/lib.sh"

unit=$top_src/doc/waymarkd.service.in
ALERT_TEST=$top_build/tests/unit/test_alert_exec

# As setpriv has them: -all,+net_admin,...
unit_capabilities() {
	sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr '[:upper:]' '[:lower:]' |
		sed 's/cap_/+/g; s/ /,/g; s/^/-all,/'
}

confined() { # COMMAND...
	setpriv --bounding-set="$capabilities" --no-new-privs -- "$@"
}

capabilities_of() { # PID
	sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$1/status"
}

lab_up
command -v setpriv >/dev/null || skip_all 'setpriv is missing'
capabilities=$(unit_capabilities)
check 'the unit names the capabilities' test "$capabilities" != '-all,'

cat >"$lab_tmp/alarm" <<END
#!/bin/sh
echo "\$WAYMARK_KIND" >>"$lab_tmp/alarms/told"
END
mkdir "$lab_tmp/alarms"
chmod 755 "$lab_tmp" "$lab_tmp/alarm"
chmod 777 "$lab_tmp/alarms"
config_alert="exec = \"$lab_tmp/alarm\""
config_write 'on-stop = "remove"'
routes_before=$(at router ip route show table all | sort)
nsenter --net="/proc/$ns_router/ns/net" -- setpriv --bounding-set="$capabilities" --no-new-privs -- \
	"$WAYMARKD" -c "$lab_tmp/waymark.conf" </dev/null >>"$lab_tmp/waymarkd.log" 2>&1 &
daemon_pid=$!
check 'the daemon starts' wait_for 15 waymark status || die 'no daemon'
is 'it has those capabilities' "$(capabilities_of "$daemon_pid")" \
	"$(confined sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)"
check 'it steers' sh -c "nsenter --net=/proc/$ns_router/ns/net nft list table inet waymark | grep -q restore"

serve net 80 7
http_get pc 6 "http://$NET4/" >/dev/null
check 'it writes flows down' wait_for_sql 5 "SELECT count(*) FROM flows WHERE verdict = 'ok'" 6
kill -HUP "$daemon_pid"
check 'it reloads' wait_for 5 grep -q 'configuration reloaded' "$lab_tmp/waymarkd.log"
at net ip link set isp2 down
check 'an alert program is run' wait_for 10 grep -q uplink "$lab_tmp/alarms/told"
at net ip link set isp2 up
wait_for 10 sh -c "[ \$(grep -c uplink '$lab_tmp/alarms/told') -ge 2 ]"
daemon_stop
is 'it stops well' $? 0
is 'the routes are as before' "$(at router ip route show table all | sort)" "$routes_before"
check_not 'the ruleset is gone' at router nft list table inet waymark

[ -x "$ALERT_TEST" ] || die "$ALERT_TEST is not built"
check 'alert programs are run and ended as they should be' confined "$ALERT_TEST"
done_testing
