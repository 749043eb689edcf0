#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# openwrt.sh - the service of OpenWrt makes a valid configuration from the UCI file, hands it
# to procd, reloads by SIGHUP, and keeps what runs where the file has an error. procd and UCI's
# shell functions are stand-ins that write down their calls.

. "${0%/*}/lib.sh"

is() { # WHAT GOT WANTED
	[ "$2" = "$3" ]
	result $? "$1" "$(printf 'got:\n%s\nwanted:\n%s\n' "$2" "$3")"
}

mkdir -p "$work/etc/config" "$work/bin"
ln -s "$build/src/waymark" "$work/bin/waymark"
for name in chown logger; do
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n' $name "$work" >"$work/bin/$name"
	chmod +x "$work/bin/$name"
done
cat >"$work/rc.common" <<-'END'
	call() { echo "$*" >>"$WAYMARK_ROOT/calls"; }
	config_load() { :; }
	config_get_bool() { # VARIABLE SECTION OPTION DEFAULT
		eval "$1=$(sed -n "/^config waymark '$2'/,/^config uplink/s/^\toption $3 '\(.*\)'/\1/p" \
			"$WAYMARK_ROOT/etc/config/waymark")"
	}
	procd_open_instance() { :; }
	procd_close_instance() { :; }
	procd_set_param() { call param "$@"; }
	procd_send_signal() { call signal "$@"; }
	procd_add_reload_trigger() { call trigger "$@"; }
	running() { [ -e "$WAYMARK_ROOT/running" ]; }
	start() { call start; }
	stop() { call stop; }
END

# service FUNCTION: what it called, without the owners of folders.
service() {
	: >"$work/calls"
	WAYMARK_ROOT=$work PATH=$work/bin:$PATH sh -c '. "$WAYMARK_ROOT/rc.common"; . "$1"; "$2"' sh \
		"$src/packaging/openwrt/files/waymark.init" "$1" || echo "exit $?" >>"$work/calls"
	grep -v '^chown' "$work/calls"
}

uci() { # SED-SCRIPT
	sed -i "$1" "$work/etc/config/waymark"
}

cp "$src/packaging/openwrt/files/waymark.config" "$work/etc/config/waymark"
printf "config interface 'wan'\n\toption device 'eth1'\n" >"$work/etc/config/network"

is 'as shipped nothing is started' "$(service start_service)" ''
uci "0,/enabled '0'/s//enabled '1'/"
is 'enabled: procd gets the daemon and its configuration' "$(service start_service)" \
	"param command waymarkd -c $work/var/etc/waymark.conf
param respawn 3600 5 0
param stderr 1"
"$build/src/waymark" -c "$work/var/etc/waymark.conf" check --config >"$work/check" 2>&1
is '... which is valid' "$(cut -d' ' -f1 "$work/check")" 'ok:'
is '... with the device of the network file' \
	"$(sed -n 's/^ *interface = //p' "$work/var/etc/waymark.conf")" '"eth1"'
is 'a reload of a service that does not run starts it' "$(service reload_service)" 'start'
: >"$work/running"
uci "s/option weight '1'/option weight '7'/"
is 'a reload sends SIGHUP' "$(service reload_service)" "signal waymark * HUP"
is '... with the new values' "$(grep -c '"7"' "$work/var/etc/waymark.conf")" 1
before=$(cat "$work/var/etc/waymark.conf")
uci "s/option mark '2'/option mark '0'/"
is 'a value with an error: the log has it, nothing is reloaded' \
	"$(service reload_service | sed 's/waymark.conf.new:[0-9]*:.*/FILE:LINE/; s,error: .*/,,')" \
	'logger -t waymark -p daemon.err FILE:LINE
exit 1'
is '... and the former configuration is there' "$(cat "$work/var/etc/waymark.conf")" "$before"
uci "s/option mark '0'/option mark '2'/; s/^config uplink 'wan'/config upling 'wan'/"
is 'a section that is none: the same' \
	"$(service reload_service | sed "s/section '\\(upling\\)'.*/section \\1/")" \
	'logger -t waymark -p daemon.err waymark: import: unknown section upling
exit 1'
uci "s/upling/uplink/; 0,/enabled '1'/s//enabled '0'/"
is 'disabled: a reload stops it' "$(service reload_service)" 'stop'
is 'changes of its file and of the network reload it' "$(service service_triggers)" \
	'trigger waymark network'

# --- LuCI's page: what needs no browser (tests/package/luci.sh has one) ---------------------

luci=$src/packaging/luci-app-waymark
view=$luci/htdocs/luci-static/resources/view/waymark/status.js
acl=$luci/root/usr/share/rpcd/acl.d/luci-app-waymark.json

# The commands that the ACL allows, a pattern per line; what else it grants begins with "also".
allowed() {
	python3 - "$acl" <<-'END'
		import json, sys
		for name, grants in json.load(open(sys.argv[1])).items():
		    for way, what in grants.items():
		        for object, names in (what.items() if way == "read" else ()):
		            if object == "file" and all(v == ["exec"] for v in names.values()):
		                print("\n".join(names))
		            elif (object, names) != ("cgi-io", ["exec"]):
		                print("also", name, object, names)
		        if way not in ("read", "description"):
		            print("also", name, way, what)
	END
}

# Those of the view, with 1 for a number.
asked() {
	sed -n "s/.*ask(\[ \(.*\) \]).*/\1/p" "$view" | sed "s/String(id)/1/; s/[',]//g" | sort
}

is "LuCI's menu names a view that exists, and its ACL" "$(python3 - "$luci" <<-'END'
	import json, os, sys
	entry, = json.load(open(sys.argv[1] + "/root/usr/share/luci/menu.d/luci-app-waymark.json")).values()
	path = "/htdocs/luci-static/resources/view/" + entry["action"]["path"] + ".js"
	print(os.path.exists(sys.argv[1] + path), *entry["depends"]["acl"])
END
)" 'True luci-app-waymark'
installed='/usr/bin/waymark -c /var/etc/waymark.conf'
is 'the ACL grants the commands of the page and nothing else' \
	"$(allowed | sed "s,^$installed ,,; s/ \(\[0-9\]\)*\$/ 1/" | sort -u)" "$(asked)"
is '... no pattern of which takes more than digits' "$(allowed | sed 's/\[0-9\]//g' | grep '[][*?]')" ''
for words in $(allowed | sed "s,^$installed ,,; s/\[0-9\]/1/g; s/ /,/g"); do
	# shellcheck disable=SC2046 # words
	"$build/src/waymark" -c "$work/var/etc/waymark.conf" $(echo "$words" | tr , ' ') >"$work/out" 2>&1
	[ $? != 2 ] || echo "$words: $(cat "$work/out")"
done >"$work/refused"
is '... and waymark knows each' "$(cat "$work/refused")" ''
if command -v node >/dev/null; then
	is 'the page is JavaScript' "$(node --check "$view" 2>&1)" ''
else
	n=$((n + 1))
	echo "ok $n - the page is JavaScript # SKIP node is missing"
fi

finish
