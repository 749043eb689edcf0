#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# history.sh - the commands that read the history, on one that was filled by the writer.

here=$(cd "${0%/*}" && pwd)
src=${WAYMARK_SRC:-$(cd "$here/../.." && pwd)}
build=${WAYMARK_BUILD:-$src}
waymark=$build/src/waymark
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
TZ=UTC LC_ALL=C
export TZ LC_ALL
n=0
failed=0

# result STATUS WHAT
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

# has WHAT TEXT COMMAND...: its output, or what it says on standard error, has the text.
has() {
	what=$1 text=$2
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	grep -qe "$text" "$work/out" "$work/err"
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$work/out" "$work/err"
	result $status "$what"
}

cat >"$work/waymark.conf" <<-END
	database = "$work/flows.db"
	control-socket = "$work/control"
	retention = "23 hours"
	user = "root"
	uplink wan1 { interface = "wan1" mark = 2 table = 251 gateway = "192.168.1.1" }
	uplink wan2 { interface = "wan2" mark = 3 table = 250 gateway = "192.168.2.1" }
END
wm() {
	"$waymark" -c "$work/waymark.conf" "$@"
}

has 'check warns of a retention below a day' 'warning: retention is 23' wm check --config
sed -i 's/23 hours/24 hours/' "$work/waymark.conf"
! wm check --config 2>&1 | grep -q retention
result $? '... and not of a day'

echo "1..$n"
exit $failed
