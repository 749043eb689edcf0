#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_unit.sh - waymarkd works with only the privileges that the shipped systemd unit leaves:
# as its user, with its capabilities and no way to gain others, it steers, observes, reloads,
# alerts, and restores the network when it stops.

. "${0%/*}/lib.sh"

unit=$top_src/doc/waymarkd.service.in

# The unit's CapabilityBoundingSet= or AmbientCapabilities= in setpriv's syntax: -all,+net_admin
unit_capabilities() { # KEY
	sed -n "s/^$1=//p" "$unit" | tr '[:upper:]' '[:lower:]' | sed 's/cap_/+/g; s/ /,/g; s/^/-all,/'
}

unit_user() {
	sed -n 's/^User=//p' "$unit"
}

capabilities_of() { # PID
	sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$1/status"
}

lab_up
command -v setpriv >/dev/null || skip_all 'setpriv is missing'
[ -z "${LAB_IN_USERNS:-}" ] || skip_all 'switching users needs root'
bounding=$(unit_capabilities CapabilityBoundingSet)
ambient=$(unit_capabilities AmbientCapabilities)
check 'systemd never gives up starting it' grep -q '^StartLimitIntervalSec=0$' "$unit"
is 'the unit leaves one capability' "$bounding $ambient" '-all,+net_admin -all,+net_admin'

# TENTHS: of the exposure level that systemd computes, 0 (none) to 100.
exposure_is_at_most() { # SERVICE TENTHS
	systemd-analyze security --offline=true --no-pager --threshold="$2" "$top_build/doc/$1.service"
}
if systemd-analyze security --help 2>/dev/null | grep -q -- --threshold; then
	check 'systemd rates the exposure of waymarkd at most 2.0' exposure_is_at_most waymarkd 20
	check 'systemd rates the exposure of waymark-export at most 1.5' exposure_is_at_most waymark-export 15
else
	diag 'systemd-analyze is missing or too old: the exposure of the units is not rated'
fi

cat >"$lab_tmp/alarm" <<END
#!/bin/sh
grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs):' /proc/self/status >"$lab_tmp/alarms/status"
echo "\$WAYMARK_KIND" >>"$lab_tmp/alarms/kinds"
END
mkdir -m 1777 "$lab_tmp/alarms"
chmod 755 "$lab_tmp/alarm"
config_alert="exec = \"$lab_tmp/alarm\""
config_write 'on-stop = "remove"'
routes_before=$(at router ip route show table all | sort)
nsenter --net="/proc/$ns_router/ns/net" -- setpriv --reuid "$(unit_user)" \
	--regid "$(unit_user)" --clear-groups --bounding-set="$bounding" --inh-caps="$ambient" \
	--ambient-caps="$ambient" --no-new-privs -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" </dev/null >>"$lab_tmp/waymarkd.log" 2>&1 &
daemon_pid=$!
check 'the daemon starts' wait_for 15 waymark status || die 'no daemon'
is 'it has only that capability' "$(capabilities_of "$daemon_pid")" 0000000000001000
check 'it steers' sh -c "nsenter --net=/proc/$ns_router/ns/net nft list table inet waymark | grep -q restore"

serve net 80 7
http_get pc 6 "http://$NET4/" >/dev/null
check 'it records flows' wait_for_sql 5 "SELECT count(*) FROM flows WHERE verdict = 'ok'" 6
kill -HUP "$daemon_pid"
check 'it reloads' wait_for 5 grep -q 'configuration reloaded' "$lab_tmp/waymarkd.log"
at net ip link set isp2 down
check 'an alert program is run' wait_for 10 grep -q uplink "$lab_tmp/alarms/kinds"
is 'the alert program has no capability' "$(grep -c '^Cap...:[[:space:]]*0*$' "$lab_tmp/alarms/status")" 4
check 'the alert program cannot gain one' grep -q '^NoNewPrivs:[[:space:]]*1$' "$lab_tmp/alarms/status"
at net ip link set isp2 up
wait_for 10 sh -c "[ \$(grep -c uplink '$lab_tmp/alarms/kinds') -ge 2 ]"
daemon_stop
is 'it stops with status 0' $? 0
is 'the routes are as before' "$(at router ip route show table all | sort)" "$routes_before"
check_not 'the ruleset is removed' at router nft list table inet waymark

done_testing
