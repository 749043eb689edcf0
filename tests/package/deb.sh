#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# deb.sh - proves the Debian packages on a copy of this machine under a real systemd: they build,
# lintian has no complaint, they are installed disabled, started, upgraded with the history, the
# steering and live flows kept, removed with the network restored, and purged.
#
#	WAYMARK_DEBS=FOLDER tests/package/deb.sh	with existing packages

LIB_DIR=$(cd "${0%/*}/../netns" && pwd)
. "$LIB_DIR/lib.sh"
. "${0%/*}/machine.sh"

obstacle() {
	local tool
	for tool in dpkg-buildpackage dh lintian; do
		command -v "$tool" >/dev/null || { echo "$tool is missing"; return; }
	done
	(cd "$top_src" && dpkg-checkbuilddeps -P nocheck 2>&1) && machine_obstacle
}

# --- the packages -------------------------------------------------------------------------

# A copy of the sources as in git, or as in a tarball.
source_copy() { # FOLDER
	mkdir "$1" && if [ -e "$top_src/.git" ]; then
		(cd "$top_src" && git ls-files -z --cached --others --exclude-standard |
			xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' - |
			tar -cf - --null -T -) | tar -xf - -C "$1"
	else
		(cd "$top_src" && tar -cf - --exclude ./build-check .) | tar -xf - -C "$1"
	fi
}

# Without optimization: the build should be fast, not the program.
packages_build() {
	source_copy "$lab_tmp/source" && cd "$lab_tmp/source" &&
		env PATH="/usr/lib/ccache:$PATH" CCACHE_BASEDIR="$PWD" \
			DEB_BUILD_OPTIONS="nocheck noopt noautodbgsym parallel=$(nproc)" \
			DEB_CFLAGS_APPEND=-Wno-cpp \
			dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary
}

packages_get() {
	mkdir "$lab_tmp/debs"
	if [ -n "${WAYMARK_DEBS:-}" ]; then
		cp "$WAYMARK_DEBS"/waymark*.deb "$WAYMARK_DEBS"/waymark*.changes "$WAYMARK_DEBS"/waymark*.buildinfo "$lab_tmp/debs" ||
			die "no packages in $WAYMARK_DEBS"
	else
		check 'they build' packages_build || die 'no packages'
		mv "$lab_tmp"/waymark_* "$lab_tmp"/waymark-export_* "$lab_tmp/debs"
	fi
	version=$(dpkg-deb --field "$lab_tmp"/debs/waymark_*.deb Version)
}

# The same packages with a lower version.
older_make() {
	local name
	mkdir "$lab_tmp/debs/older"
	for name in waymark waymark-export; do
		dpkg-deb --raw-extract "$lab_tmp"/debs/${name}_*.deb "$lab_tmp/older"
		sed -i "s/^\(Version: \|Depends:.*waymark (= \)$version/\1$version~1/" "$lab_tmp/older/DEBIAN/control"
		dpkg-deb --root-owner-group -Znone --build "$lab_tmp/older" "$lab_tmp/debs/older" >/dev/null
		rm -rf "$lab_tmp/older"
	done
}

# --- the state of the machine ------------------------------------------------------------------

installed() { # print the version if both packages are installed
	# shellcheck disable=SC2016 # for dpkg-query
	inside dpkg-query -W -f '${db:Status-Status} ${Version}\n' waymark waymark-export 2>&1 | uniq
}

# Files named after Waymark, except dpkg's own records and those that existed before.
files_of_ours() {
	inside find / -xdev -name '*waymark*' ! -path '/var/lib/dpkg/*' ! -path '/var/log/*' \
		! -path '/var/cache/*' ! -path '/tmp/*' ! -path "$lab_tmp/*" ! -path '/var/tmp/systemd-private-*' 2>/dev/null | sort
}

leftovers() {
	files_of_ours >"$lab_tmp/files.after"
	comm -13 "$lab_tmp/files.before" "$lab_tmp/files.after"
}

history_says() { # QUERY
	inside sqlite3 -batch -noheader -cmd '.timeout 5000' /var/lib/waymark/flows.db "$1"
}

history_is() { # QUERY VALUE
	[ "$(history_says "$1")" = "$2" ]
}

main_pid() {
	inside systemctl show --value --property=MainPID waymarkd
}

# The steering: the ruleset with its handles, without counters and set elements; rules and
# routes.
steering() {
	at router nft --handle list table inet waymark |
		sed 's/packets [0-9]* bytes [0-9]*//; /elements = {/,/}/d' | grep -v '^table'
	at router ip rule show
	at router ip -6 rule show
	at router ip route show table all proto 87
	at router ip -6 route show table all proto 87
}

network() {
	at router nft list ruleset
	at router ip rule show
	at router ip route show table all
	at router ip -6 route show table all | sort
}

flow_row() { # the held flow's columns that must not change
	echo "SELECT id, state, mark, uplink FROM flows WHERE dport = 7 AND proto = 'tcp'"
}

# --- the tests -------------------------------------------------------------------------------

test_installed() {
	check 'an older version installs' inside sh -c 'dpkg -i /mnt/older/*.deb >/run/install.log 2>&1'
	is 'both packages are installed' "$(installed)" "installed $version~1"
	check 'its message has the first steps' inside grep -q 'waymark init | sudo tee /etc/waymark/waymark.conf' /run/install.log
	is 'both units are disabled' "$(inside systemctl is-enabled waymarkd waymark-export | uniq)" disabled
	is 'no unit runs' "$(inside systemctl is-active waymarkd waymark-export | uniq)" inactive
	is 'there is no configuration' "$(inside ls -A /etc/waymark)" ''
	is 'the history will be private' "$(inside stat -c '%a %U %G' /var/lib/waymark)" '750 waymark waymark'
	is 'the exporter may read the history' "$(inside id -Gn waymark-export | tr ' ' '\n' | sort | tr '\n' ' ')" \
		'waymark waymark-export '
	check 'the example is valid' inside waymark -c /usr/share/doc/waymark/waymark.conf.example check --config
	check 'its manual pages are found' inside sh -c 'for p in 8/waymark 8/waymarkd 8/waymark-export 5/waymark.conf; do
		[ -s "/usr/share/man/man${p%/*}/${p#*/}.${p%/*}.gz" ] || exit 1; done'
	is 'the network is unchanged' "$(network)" "$network_before"
}

test_started() {
	check 'init writes a configuration' inside sh -c 'waymark init | tee /etc/waymark/waymark.conf | grep -q "uplink wan2"'
	inside sh -c 'cat >>/etc/waymark/waymark.conf && mkdir -m 750 /var/lib/waymark-export &&
		chown waymark-export: /var/lib/waymark-export' <<-END
		export {
			file       = "/var/lib/waymark-export/rows.jsonl"
			state-file = "/var/lib/waymark-export/state"
		}
	END
	check 'the configuration is valid' inside waymark check --config
	check 'both units start' inside systemctl enable --now waymarkd waymark-export ||
		{ diag "$(inside journalctl --no-pager -n 40)"; die 'nothing to upgrade'; }
	is 'the daemon is not root' "$(inside ps -o user= -p "$(main_pid)" | tr -d ' ')" waymark
	serve net 80 7
	hold one pc tcp $NET4 7 1
	check 'a flow is in the history' wait_for 20 history_is \
		"SELECT count(*) FROM flows WHERE dport = 7 AND state = 'live' AND verdict = 'ok'" 1
	check 'the exporter is not root' inside pgrep -u waymark-export -x waymark-export
	check 'the exporter ships rows' wait_for 30 inside grep -q heartbeat /var/lib/waymark-export/rows.jsonl
}

test_upgraded() {
	local row steering_before pid identity
	row=$(history_says "$(flow_row)")
	identity=$(history_says "SELECT value FROM meta WHERE name = 'history'")
	steering_before=$(steering)
	pid=$(main_pid)
	check 'the upgrade works' inside sh -c 'dpkg -i /mnt/waymark_*.deb /mnt/waymark-export_*.deb >/run/upgrade.log 2>&1' ||
		diag "$(inside cat /run/upgrade.log)"
	is 'both packages are upgraded' "$(installed)" "installed $version"
	check 'a new daemon runs' [ "$(main_pid)" != "$pid" ]
	is 'both units run' "$(inside systemctl is-active waymarkd waymark-export | uniq)" active
	is 'both units are still enabled' "$(inside systemctl is-enabled waymarkd waymark-export | uniq)" enabled
	is 'the steering is unchanged' "$(steering)" "$steering_before"
	is 'the flow lives' "$(hold_send one)" 1
	check 'its row in the history is kept' wait_for 20 history_is "$(flow_row)" "$row" ||
		diag "$(history_says "$(flow_row)"; inside journalctl --no-pager -u waymarkd -n 20)"
	is 'the history is the same' "$(history_says "SELECT value FROM meta WHERE name = 'history'")" "$identity"
	check_not 'its message does not repeat the first steps' inside grep -q 'waymark init' /run/upgrade.log
	hold_close one
	at router conntrack -D -p tcp --dport 7 >/dev/null 2>&1
	check 'the end of the flow is written' wait_for 20 history_is \
		"SELECT count(*) FROM flows WHERE id = ${row%%|*} AND state = 'ended'" 1
}

test_removed() {
	check 'removal works' inside sh -c 'dpkg -r waymark-export waymark >/run/remove.log 2>&1'
	is 'no unit runs' "$(inside systemctl is-active waymarkd waymark-export | sort -u | grep -v failed)" inactive
	is 'the network is restored' "$(network)" "$network_before" ||
		diag "$(inside cat /run/remove.log)"
	check 'configuration and history stay' inside sh -c '[ -s /etc/waymark/waymark.conf ] && [ -s /var/lib/waymark/flows.db ]'
	check 'the next installation uses them' inside sh -c 'dpkg -i /mnt/waymark_*.deb /mnt/waymark-export_*.deb >/run/again.log 2>&1 &&
		systemctl start waymarkd && waymark flows --json | grep -q "\"dport\": *7"'
}

test_purged() {
	check 'purge works' inside sh -c 'dpkg --purge waymark-export waymark >/run/purge.log 2>&1'
	check_not 'purge prints no warning' inside grep -qi 'not empty\|cannot\|warning\|error' /run/purge.log ||
		diag "$(inside cat /run/purge.log)"
	is 'no file is left' "$(leftovers)" ''
	is 'the network is restored' "$(network)" "$network_before"
	check_not 'systemd has no unit of it' inside systemctl cat waymarkd waymark-export
}

why=$(obstacle)
[ -z "$why" ] || skip_all "$why"
lab_up
trap machine_end EXIT
nat masquerade
packages_get
check 'lintian has no complaint' lintian --allow-root --fail-on error,warning "$lab_tmp"/debs/*.changes
older_make
network_before=$(network)
machine_up "$lab_tmp/debs"
files_of_ours >"$lab_tmp/files.before"
test_installed
test_started
test_upgraded
test_removed
test_purged
[ "$tap_failed" != 0 ] || diag "waymark $version: built, installed, upgraded, removed, purged"
printf '%s passed, %s failed, 0 skipped\n' $((tap_n - tap_failed)) "$tap_failed"
done_testing
