#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# newcomer.sh - proves that a README is enough: each command that it shows is run in its order on a
# bare Debian 12 under a real systemd, as the router of the lab, with the time that it takes.
#
#	tests/package/newcomer.sh [README]	README.md, or README.zh-CN.md
#	DEBIAN=FOLDER tests/package/newcomer.sh	with a root of debootstrap, which stays as it is
#	BY=deb tests/package/newcomer.sh	install the Debian packages, not "make install"
#
# It fetches packages and so is run by hand.

readme=${1:-README.md}
LIB_DIR=$(cd "${0%/*}/../netns" && pwd)
. "$LIB_DIR/lib.sh"
. "${0%/*}/machine.sh"
MACHINE_PATH=/usr/local/sbin:/usr/local/bin:$MACHINE_PATH

why=$(machine_obstacle)
[ -z "$why" ] || skip_all "$why"
[ -n "${DEBIAN:-}" ] || command -v debootstrap >/dev/null || skip_all 'debootstrap is missing'

# in_root COMMAND: in the new system, with the network of this machine.
in_root() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --fork --kill-child sh -c '
		mount --bind "$1" "$1" && cd "$1" && mount -t proc none proc && mount -t sysfs none sys &&
		mount --rbind /dev dev && cp /etc/resolv.conf etc/resolv.conf &&
		exec chroot . /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
			DEBIAN_FRONTEND=noninteractive sh -c "cd /root/waymark && $2"' - "$lab_tmp/debian" "$1"
}

# timed HOW COMMAND: one step of the README.
timed() {
	local begun status
	begun=$(date +%s)
	"$1" "$2" >"$lab_tmp/out" 2>&1 </dev/null
	status=$?
	check "$2 ($(($(date +%s) - begun)) s)" [ "$status" = 0 ] || diag "$(tail -n 15 "$lab_tmp/out")"
}

on_router() {
	inside sh -c "$1"
}

# The commands of the README, one per line.
commands() {
	python3 "$lib_dir/commands.py" "$top_src/$readme" | cut -f2
}

# The lines of the section for routers, without comments.
section() {
	awk '/^## /{ inside = /Five minutes|五分钟/ } inside && sub(/^    /, "")' "$top_src/$readme" |
		sed 's/  *#.*//'
}

lab_up
mkdir "$lab_tmp/debian"
if [ -n "${DEBIAN:-}" ]; then
	cp -a "$DEBIAN/." "$lab_tmp/debian"
else
	debootstrap bookworm "$lab_tmp/debian" >"$lab_tmp/out" 2>&1 || die "debootstrap: $(tail -n 3 "$lab_tmp/out")"
fi
mkdir "$lab_tmp/debian/root/waymark"
git -C "$top_src" archive HEAD | tar -xf - -C "$lab_tmp/debian/root/waymark" || die 'no sources'

# --- building: these need a network of packages ---------------------------------------------

timed in_root 'apt-get update'
if [ "${BY:-make}" = deb ]; then
	timed in_root "$(section | grep '^apt-get build-dep' | sed 's/apt-get /apt-get -y /g')"
else
	timed in_root './bootstrap demo'
	timed in_root "$(section | grep '^./bootstrap && make install')"
fi

# --- the router ---------------------------------------------------------------------------------

MACHINE_ROOT=$lab_tmp/debian
export MACHINE_ROOT
machine_up "$lab_tmp"
trap machine_end EXIT
[ "${BY:-make}" = deb ] || timed on_router "$(section | grep '^systemd-sysusers')"
for begin in mkdir 'waymark init' 'waymark check' 'waymark rules' 'waymark apply' 'waymark confirm' systemctl; do
	timed on_router "$(section | grep "^$begin" | head -n 1)"
done
check 'waymarkd answers' wait_for 20 inside waymark status
timed on_router "$(section | grep '^waymark status')"
is 'the daemon is not root' "$(inside sh -c 'ps -o user= -C waymarkd | sort -u')" waymark
section | sed -n '/^table inet nat/,/^}/p' | sed 's/"eth1", "eth2", "wwan0"/"wan1", "wan2"/' >"$lab_tmp/nat.nft"
timed on_router 'nft -f /mnt/nat.nft'
serve net 80 7
http_get pc 4 "http://$NET4/" >/dev/null
check 'flows are recorded, each by its uplink' wait_for 20 inside sh -c \
	'[ "$(waymark flows --csv --verdict ok --dport 80 | wc -l)" = 5 ]' || diag "$(inside waymark flows)"
commands | grep '^waymark ' | grep -v ' top$\|report >\|^waymark \(init\|apply\|confirm\|remove\|import\)' |
	grep -v '^waymark \(explain\|who\)' >"$lab_tmp/questions"
while read -r command; do
	case $command in
	'waymark failover --uplink fibre') command='waymark failover --uplink wan1' ;;
	esac
	timed on_router "$command" <&3
done <"$lab_tmp/questions" 3</dev/null
timed on_router "waymark explain 1"
timed on_router 'waymark report >/root/report.html'
timed on_router 'waymark remove'

done_testing
