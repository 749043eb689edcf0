# SPDX-License-Identifier: GPL-2.0-or-later
#
# machine.sh - a copy of this machine to install packages on: the router of the lab, with its own
# service manager. Everything written there is in memory and disappears with it. Sourced after
# lib.sh. It must not know what is installed.
#
#	machine_obstacle	why no such copy can be made here, or nothing
#	machine_up FOLDER	start it; FOLDER is its /mnt
#	inside COMMAND...	run a command there
#	machine_down		end it
#	machine_end		end it and the lab, for trap ... EXIT

machine_pid=
machine_group=waymark-machine.$$
# Use the tools installed in the copy, not those built here.
MACHINE_PATH=/usr/sbin:/usr/bin:/sbin:/bin

machine_obstacle() {
	[ "$(id -u)" = 0 ] || { echo 'it needs root'; return; }
	[ -x /lib/systemd/systemd ] || { echo 'systemd is missing'; return; }
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t tmpfs none "$1" && mkdir "$1/u" "$1/w" "$1/r" &&
		mount -t overlay none -o "lowerdir=${MACHINE_ROOT:-/},upperdir=$1/u,workdir=$1/w" "$1/r" &&
		mount -t cgroup2 none "$1/u"' - /mnt 2>/dev/null ||
		echo 'no overlay of / or no cgroup2 can be mounted here'
}

# machine_boot BASE FOLDER GROUP: become its init, in its own namespaces except the cgroup, which
# is made here and becomes the root that it sees.
machine_boot='
	set -e
	mount -t tmpfs none "$1"
	mkdir "$1/upper" "$1/work" "$1/root" "$1/groups"
	mount -t cgroup2 none "$1/groups"
	mkdir "$1/groups/$3"
	echo $$ >"$1/groups/$3/cgroup.procs"
	umount "$1/groups"
	exec unshare --cgroup --pid --uts --ipc --fork --kill-child sh -e -c "$4" - "$1" "$2"'

machine_init='
	r=$1/root
	mount -t overlay none -o "lowerdir=${MACHINE_ROOT:-/},upperdir=$1/upper,workdir=$1/work" "$r"
	for d in run tmp dev; do mount -t tmpfs none "$r/$d"; done
	mkdir -m 755 "$r/dev/pts" "$r/dev/shm"
	for n in tty:0 ptmx:2; do mknod -m 666 "$r/dev/${n%:*}" c 5 "${n#*:}"; done
	for n in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$r/dev/${n%:*}" c 1 "${n#*:}"; done
	ln -s null "$r/dev/console"
	ln -s /proc/self/fd "$r/dev/fd"
	chmod 1777 "$r/dev/shm" "$r/tmp"
	mount -t proc none "$r/proc"
	# Only the sysctls of this network namespace.
	mount --bind "$r/proc/sys" "$r/proc/sys"
	mount --bind "$r/proc/sys/net" "$r/proc/sys/net"
	mount -o remount,bind,ro "$r/proc/sys"
	mount -t sysfs -o ro none "$r/sys"
	mount -t cgroup2 none "$r/sys/fs/cgroup"
	mount --bind "$2" "$r/mnt"
	# No unit of this machine starts there, and Waymark is not installed.
	rm -rf "$r"/etc/systemd/system/*.wants "$r"/etc/dpkg/dpkg.cfg.d/* "$r/usr/sbin/policy-rc.d" \
		"$r/etc/waymark" "$r"/var/lib/waymark*
	for u in waymark-export waymark; do chroot "$r" userdel "$u" || :; done 2>/dev/null
	mkdir "$r/run/below"
	cd "$r"
	pivot_root . run/below
	exec env -i container=machine PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . sh -c "umount -l /run/below
		exec /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=0"'

machine_up() { # FOLDER
	mkdir "$lab_tmp/machine"
	nsenter --net="/proc/$ns_router/ns/net" -- unshare --mount sh -c "$machine_boot" - \
		"$lab_tmp/machine" "$1" "$machine_group" "$machine_init" \
		</dev/null >"$lab_tmp/machine.log" 2>&1 &
	machine_shell=$!
	wait_for 60 machine_is_up || { diag "$(cat "$lab_tmp/machine.log")"; die 'the machine does not boot'; }
}

machine_is_up() {
	machine_pid=$(cat "/proc/$machine_shell/task/$machine_shell/children") && [ -n "$machine_pid" ] &&
		inside systemctl is-active basic.target
}

inside() {
	# shellcheck disable=SC2086 # one pid, printed with a blank
	nsenter --target $machine_pid --mount --pid --uts --ipc --net --cgroup --root -- \
		env -i --chdir=/ PATH="$MACHINE_PATH" DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}

machine_down() {
	local base
	[ -n "$machine_pid" ] || return 0
	kill -KILL "$machine_shell" 2>/dev/null
	wait "$machine_shell" 2>/dev/null
	base=$(mktemp -d) || return
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t cgroup2 none "$1" && cd "$1" && for i in 1 2 3 4 5 6 7 8 9; do
		find "$2" -depth -type d -exec rmdir {} + && break
		sleep 0.2
	done' - "$base" "$machine_group" 2>/dev/null
	rmdir "$base"
}

machine_end() {
	local status=$?
	trap - EXIT
	machine_down
	(exit $status)
	lab_down
}
