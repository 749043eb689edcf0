#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_documents.sh - every command shown in README, the guide and the manual pages is accepted by the
# programs, and those that do not depend on the host or the history succeed.

. "${0%/*}/lib.sh"

lab_up
bin=$lab_tmp/bin
out=$lab_tmp/out
err=$lab_tmp/err

# Wrappers run the commands as a reader types them, on the lab's router.
mkdir -p "$bin" "$lab_tmp/etc" "$lab_tmp/export"
for program in waymark waymarkd waymark-export; do
	printf '#!/bin/sh\nexec nsenter --net=/proc/%s/ns/net -- "%s" -c "%s" "$@"\n' \
		"$ns_router" "$top_build/src/$program" "$lab_tmp/waymark.conf" >"$bin/$program"
	chmod +x "$bin/$program"
done

# not_here COMMAND: says why it cannot be run in a lab, or nothing.
not_here() {
	case $1 in
	./bootstrap* | ./configure*) echo 'it builds and installs: CI runs it' ;;
	systemd-sysusers* | useradd* | mkdir*) echo "it changes this machine's users and folders" ;;
	systemctl* | journalctl*) echo 'it needs systemd' ;;
	*/var/etc/*) echo 'it is for OpenWrt' ;;
	*clickhouse*) echo 'it needs a server: tests/export has one' ;;
	'waymark top') echo 'it needs a terminal: test_top.sh has one' ;;
	esac
}

# may_fail COMMAND: its argument need not exist in this lab's history or on its host.
may_fail() {
	case $1 in
	*FILE | 'waymark explain '* | 'waymark who '* | 'waymark check' | *alert-test) return 0 ;;
	esac
	return 1
}

# placed replaces the paths of an installation by those of the lab.
# The guide changes the file of the running daemon; README writes a first one.
placed() { # FILE:LINE COMMAND
	local folder=$lab_tmp/etc/
	case $1 in operations.md:*) folder=$lab_tmp/ ;; esac
	printf '%s\n' "$2" | sed "s,/var/lib/waymark/,$lab_tmp/,g; s,/etc/waymark/,$folder,g
		s,/var/backups/,$lab_tmp/,g"
}

run_one() { # FILE:LINE COMMAND
	local why status
	why=$(not_here "$2")
	if [ -n "$why" ]; then
		diag "not run, $1: $2: $why"
		return
	fi
	(cd "$lab_tmp/etc" && PATH=$bin:$PATH timeout 60 sh -c "$(placed "$1" "$2")") >"$out" 2>"$err" </dev/null
	status=$?
	if may_fail "$2" && [ "$status" = 1 ]; then
		status=0
	fi
	is "$1: $2" "$status" 0 || diag "$(cat "$err")"
}

nat masquerade
serve net 80 7
daemon_start "uplink fibre { interface = \"eth1\" mark = 4 table = 249 gateway = \"none\" }
	export { file = \"$lab_tmp/export\" state-file = \"$lab_tmp/export.state\" }"
http_get pc 2 "http://$NET4/" >/dev/null
wait_for_sql 10 'SELECT count(*) FROM flows WHERE dport = 80' 2

# Each command is run once, where it is first shown, and those of the guide in their order.
{
	python3 "$lib_dir/commands.py" "$top_src"/README*.md "$top_src"/doc/*.5 "$top_src"/doc/*.8 |
		awk -F '\t' '!seen[$2]++'
	python3 "$lib_dir/commands.py" --blocks "$top_src/doc/operations.md"
} >"$lab_tmp/commands"
in_range 'the documents show commands' "$(wc -l <"$lab_tmp/commands")" 40 400
while IFS=$(printf '\t') read -r place command; do
	run_one "$place" "$command" <&3
done <"$lab_tmp/commands" 3</dev/null

daemon_stop
done_testing
