# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - the lab: a PC, a router with two uplinks, and the internet, each in its own network
# namespace, and the functions that the tests are written with. Sourced, never run. POSIX sh
# with "local". It must not know what a test proves.
#
#	pc                       router                       net
#	192.168.10.2 --- lan 192.168.10.1
#	fd00:10::2           fd00:10::1
#	                     wan1 192.168.1.10 --- isp1 192.168.1.1   203.0.113.10
#	                          fd00:1::10            fd00:1::1      2001:db8:113::10
#	                     wan2 192.168.2.10 --- isp2 192.168.2.1
#	                          fd00:2::10            fd00:2::1
#
# A process that sleeps in a namespace keeps it alive, and /proc gives access to it: nothing
# is mounted and nothing outlives its processes, so the lab works in a chroot and, in a user
# namespace, without root.
# A test begins with
#	. "${0%/*}/lib.sh"
#	lab_up && nat masquerade && daemon_start
# and ends with done_testing. LAB_DEBUG=1 prints each command; LAB_SHELL=1 opens
# a shell before the lab is taken down.

set -u

lib_dir=$(cd "${LIB_DIR:-${0%/*}}" && pwd)
top_src=${WAYMARK_SRC:-$(cd "$lib_dir/../.." && pwd)}
top_build=${WAYMARK_BUILD:-$top_src}
WAYMARKD=$top_build/src/waymarkd
WAYMARK=$top_build/src/waymark
PEER=$lib_dir/peer.py

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH LC_ALL=C

PC4=192.168.10.2 PC6=fd00:10::2
LAN4=192.168.10.1 LAN6=fd00:10::1
WAN1_4=192.168.1.10 WAN1_6=fd00:1::10
WAN2_4=192.168.2.10 WAN2_6=fd00:2::10
GW1_4=192.168.1.1 GW1_6=fd00:1::1
GW2_4=192.168.2.1 GW2_6=fd00:2::1
NET4=203.0.113.10 NET6=2001:db8:113::10
# Sources for which the internet uses a fixed uplink, whatever the destination.
NET4_VIA1=203.0.113.21 NET4_VIA2=203.0.113.22
NET6_VIA1=2001:db8:113::21 NET6_VIA2=2001:db8:113::22

# --- results, in TAP --------------------------------------------------------------

tap_n=0
tap_failed=0
tap_finished=

ok() { # WHAT
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $*"
}

not_ok() { # WHAT
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $*"
}

skip() { # WHAT WHY
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

skip_all() { # WHY: skip the whole test
	echo "1..0 # SKIP $*"
	tap_finished=1
	exit 0
}

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# check WHAT COMMAND...: passes when the command succeeds; its output is shown
# when it does not.
check() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok "$what"
	else
		not_ok "$what"
		diag "failed: $*"
		[ -z "$out" ] || diag "$out"
		return 1
	fi
}

# check_not WHAT COMMAND...: passes when the command fails.
check_not() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then
		not_ok "$what"
		diag "succeeded: $*"
		[ -z "$out" ] || diag "$out"
		return 1
	else
		ok "$what"
	fi
}

# is WHAT GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:    $2"
		diag "wanted: $3"
		return 1
	fi
}

# in_range WHAT GOT LOWEST HIGHEST
in_range() {
	if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		ok "$1 ($2)"
	else
		not_ok "$1"
		diag "got $2, wanted $3 to $4"
		return 1
	fi
}

done_testing() {
	echo "1..$tap_n"
	tap_finished=1
	[ "$tap_failed" = 0 ]
	exit
}

# die WHAT: end a test that cannot continue.
die() {
	echo "Bail out! $*"
	tap_finished=1
	daemon_log
	exit 99
}

# --- waiting ------------------------------------------------------------------------

# now_cs: hundredths of a second since the boot.
now_cs() {
	local up rest
	read -r up rest </proc/uptime
	echo "${up%.*}${up#*.}"
}

# wait_for SECONDS COMMAND...: repeat the command until it succeeds, at most SECONDS.
wait_for() {
	local deadline
	deadline=$(($(now_cs) + $1 * 100))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_cs)" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}

# wait_for_sql SECONDS QUERY WANTED
wait_for_sql() { # SECONDS QUERY WANTED
	wait_for "$1" sql_is "$2" "$3"
}

sql_is() { # QUERY WANTED
	[ "$(sql "$1")" = "$2" ]
}

# --- namespaces ---------------------------------------------------------------------

lab_tmp=
lab_namespaces=

# Without root the script starts itself again in a user namespace where it is
# root (called at this file's end, with the script's own arguments).
lab_enter() {
	[ "$(id -u)" != 0 ] || return 0
	[ -z "${LAB_IN_USERNS:-}" ] || return 0
	unshare --user --map-root-user --net true 2>/dev/null || return 0
	LAB_IN_USERNS=1
	export LAB_IN_USERNS
	exec unshare --user --map-root-user --net "$0" "$@"
}

# own_mounts ARGUMENT...: start the script again with these arguments where only it sees what it
# mounts. Call it before lab_up.
own_mounts() {
	[ -z "${LAB_OWN_MOUNTS:-}" ] || return 0
	unshare --mount true 2>/dev/null || skip_all "a file system of its own needs a mount namespace"
	LAB_OWN_MOUNTS=1
	export LAB_OWN_MOUNTS
	exec unshare --mount "$0" "$@"
}

# disk_fill FOLDER: fill its file system to the last byte; deleting FOLDER/ballast frees it.
disk_fill() {
	dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null
	dd if=/dev/zero of="$1/ballast" bs=1 count=4096 oflag=append conv=notrunc 2>/dev/null
}

# lab_obstacle: print why the lab cannot run here, or nothing.
lab_obstacle() {
	local tool
	for tool in ip nft conntrack sqlite3 curl python3 nsenter unshare; do
		command -v "$tool" >/dev/null || { echo "$tool is missing"; return; }
	done
	unshare --net ip link set lo up 2>/dev/null ||
		{ echo "network namespaces need root or user namespaces"; return; }
	unshare --net nft add table inet probe 2>/dev/null ||
		echo "nftables is not available in a network namespace"
}

# ns_add NAME: make a namespace; the pid of the process that keeps it is $ns_NAME.
ns_add() {
	local name=$1 pid own
	own=$(readlink /proc/self/ns/net)
	unshare --net sleep infinity </dev/null >/dev/null 2>&1 &
	pid=$!
	wait_for 20 ns_is_apart "$pid" "$own" || die "no network namespace for $name"
	eval "ns_$name=$pid"
	lab_namespaces="$lab_namespaces $(readlink "/proc/$pid/ns/net")"
	at "$name" ip link set lo up
}

ns_is_apart() { # PID OWN
	local link
	link=$(readlink "/proc/$1/ns/net") && [ "$link" != "$2" ]
}

# at NAMESPACE COMMAND...: run the command in the namespace.
at() {
	local pid
	eval "pid=\$ns_$1"
	shift
	nsenter --net="/proc/$pid/ns/net" -- "$@"
}

# background NAME NAMESPACE COMMAND...: run it there until background_end NAME; its output is
# in $lab_tmp/NAME.out and .err.
background() {
	local name=$1 pid
	eval "pid=\$ns_$2"
	shift 2
	# Not by 'at': the pid must be the command's own, not that of a shell around it.
	nsenter --net="/proc/$pid/ns/net" -- "$@" >"$lab_tmp/$name.out" 2>"$lab_tmp/$name.err" </dev/null &
	eval "background_pid_$name=$!"
}

background_end() { # NAME [SIGNAL]
	local pid
	eval "pid=\$background_pid_$1"
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# Kill everything that runs in the lab's namespaces, which removes them.
lab_kill() {
	local link
	for link in $lab_namespaces; do
		link=${link#net:?}
		find /proc/[0-9]*/ns/net -lname "net:?${link%?}?" 2>/dev/null |
			sed 's,^/proc/\([0-9]*\)/.*,\1,' | xargs -r kill -KILL 2>/dev/null
	done
}

lab_down() {
	local status=$?
	trap - EXIT
	trap '' HUP INT TERM
	[ -n "$tap_finished" ] || { echo "Bail out! ended early with status $status"; daemon_log; }
	[ -z "${LAB_SHELL:-}" ] || { echo "# lab: router is pid $ns_router" >&2; ${SHELL:-sh} -i </dev/tty >/dev/tty 2>&1; }
	daemon_stop 2>/dev/null
	[ -z "${lab_watchdog_pid:-}" ] || kill -KILL "$lab_watchdog_pid" 2>/dev/null
	lab_kill
	wait 2>/dev/null
	[ -z "$lab_tmp" ] || rm -rf "$lab_tmp"
	exit "$status"
}

# Remove the lab also when this shell is killed by a signal that it cannot trap.
lab_watchdog() {
	local script=$$
	(
		trap '' HUP INT
		while kill -0 "$script" 2>/dev/null; do
			sleep 1
		done
		lab_kill
		rm -rf "$lab_tmp"
	) </dev/null >/dev/null 2>&1 &
	lab_watchdog_pid=$!
}

# --- the topology ---------------------------------------------------------------------

# lab_up: make pc, router and net as drawn above, without Waymark.
lab_up() {
	local why
	[ -z "${LAB_DEBUG:-}" ] || set -x
	why=$(lab_obstacle)
	[ -z "$why" ] || skip_all "$why"
	lab_tmp=$(mktemp -d "${TMPDIR:-/tmp}/waymark-lab.XXXXXX") || die "no temporary folder"
	lab_user
	trap lab_down EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	ns_add pc
	ns_add router
	ns_add net
	lab_watchdog
	lab_sysctls
	lab_links
	lab_router_routes
	lab_return_paths
}

# waymarkd runs as its own user, which may write into the lab's folder as into /tmp. A user
# namespace has no other user: see daemon_run.
lab_user() {
	chmod 1777 "$lab_tmp"
	[ -n "${LAB_IN_USERNS:-}" ] || id waymark >/dev/null 2>&1 ||
		useradd --system --user-group --no-create-home --shell /usr/sbin/nologin waymark ||
		adduser -S -D -H waymark || die "user waymark cannot be created"
}

# No duplicate address detection; no TIME_WAIT sockets, because a server that still has one
# makes a client that reuses its port start twice; the router forwards and filters by source
# (rp_filter), as a distribution may have configured it.
lab_sysctls() {
	local ns
	for ns in pc router net; do
		at "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0 \
			net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
			net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1 \
			net.ipv4.tcp_max_tw_buckets=0 ||
			die "sysctls of $ns cannot be set"
	done
	at router sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1
	at net sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.conf.all.arp_announce=2
}

# veth_add NS IF4/LEN IF6/LEN IFNAME PEER-NS PEER4/LEN PEER6/LEN PEER-IFNAME
veth_add() {
	local peer_pid
	eval "peer_pid=\$ns_$5"
	at "$1" ip link add "$4" type veth peer name "$8" netns "$peer_pid" || die "no veth $4"
	at "$1" ip -batch - <<-END || die "addresses of $4"
		link set $4 up
		addr add $2 dev $4
		addr add $3 dev $4 nodad
	END
	at "$5" ip -batch - <<-END || die "addresses of $8"
		link set $8 up
		addr add $6 dev $8
		addr add $7 dev $8 nodad
	END
}

lab_links() {
	veth_add router $LAN4/24 $LAN6/64 lan pc $PC4/24 $PC6/64 eth0
	veth_add router $WAN1_4/24 $WAN1_6/64 wan1 net $GW1_4/24 $GW1_6/64 isp1
	veth_add router $WAN2_4/24 $WAN2_6/64 wan2 net $GW2_4/24 $GW2_6/64 isp2
	at pc ip -batch - <<-END || die "routes of pc"
		route add default via $LAN4
		route add default via $LAN6
	END
	at net ip -batch - <<-END || die "addresses of net"
		addr add $NET4/32 dev lo
		addr add $NET4_VIA1/32 dev lo
		addr add $NET4_VIA2/32 dev lo
		addr add $NET6/128 dev lo nodad
		addr add $NET6_VIA1/128 dev lo nodad
		addr add $NET6_VIA2/128 dev lo nodad
	END
}

# The routes that DHCP would install: the router works before Waymark is started.
lab_router_routes() {
	at router ip -batch - <<-END || die "routes of router"
		route add default via $GW1_4 dev wan1 metric 100
		route add default via $GW2_4 dev wan2 metric 200
		route add default via $GW1_6 dev wan1 metric 100
		route add default via $GW2_6 dev wan2 metric 200
	END
}

# The internet answers each flow by the uplink that it entered by, as two providers would, also
# to LAN addresses; the _VIA sources choose the uplink of new flows. Its own flows come from
# $NET4 or $NET6, not from a gateway's address, because replies to a gateway need no routing.
lab_return_paths() {
	at net nft -f - <<-END || die "ruleset of net"
		table inet back {
			chain prerouting {
				type filter hook prerouting priority mangle
				iifname "isp1" ct state new ct mark set 1
				iifname "isp2" ct state new ct mark set 2
			}
			chain output {
				type route hook output priority mangle
				ct direction reply meta mark set ct mark
			}
		}
	END
	at net ip -batch - <<-END || die "return routes of net"
		route replace 192.168.1.0/24 dev isp1 proto kernel scope link src $NET4
		route replace 192.168.2.0/24 dev isp2 proto kernel scope link src $NET4
		route replace fd00:1::/64 dev isp1 proto kernel metric 256 src $NET6
		route replace fd00:2::/64 dev isp2 proto kernel metric 256 src $NET6
		route add default via $WAN1_4 dev isp1 table 101
		route add default via $WAN2_4 dev isp2 table 102
		route add default via $WAN1_4 dev isp1
		route add default via $WAN1_6 dev isp1 table 101
		route add default via $WAN2_6 dev isp2 table 102
		route add default via $WAN1_6 dev isp1
		route add default via $WAN2_6 dev isp2 metric 2048
		rule add pref 101 fwmark 1 lookup 101
		rule add pref 102 fwmark 2 lookup 102
		rule add pref 103 from $NET4_VIA1 lookup 101
		rule add pref 104 from $NET4_VIA2 lookup 102
	END
	at net ip -6 -batch - <<-END || die "IPv6 return rules of net"
		rule add pref 101 fwmark 1 lookup 101
		rule add pref 102 fwmark 2 lookup 102
		rule add pref 103 from $NET6_VIA1 lookup 101
		rule add pref 104 from $NET6_VIA2 lookup 102
	END
}

# nat MODE: how the router translates packets that leave by an uplink: masquerade, snat or none.
# Port forwards (forward_port) are kept.
nat() {
	case $1 in
	masquerade)
		nat_rules='oifname { "wan1", "wan2" } masquerade'
		;;
	snat)
		nat_rules="oifname wan1 snat ip to $WAN1_4
			oifname wan2 snat ip to $WAN2_4
			oifname wan1 snat ip6 to $WAN1_6
			oifname wan2 snat ip6 to $WAN2_6"
		;;
	none)
		nat_rules=
		;;
	*)
		die "nat $1?"
		;;
	esac
	nat_load
}

# forward_port PROTO PORT [TO-PORT]: from outside on either uplink to the PC.
forward_port() {
	nat_forwards="${nat_forwards:-}
		iifname { wan1, wan2 } ip daddr { $WAN1_4, $WAN2_4 } $1 dport $2 dnat ip to $PC4:${3:-$2}
		iifname { wan1, wan2 } ip6 daddr { $WAN1_6, $WAN2_6 } $1 dport $2 dnat ip6 to [$PC6]:${3:-$2}"
	nat_load
}

nat_load() {
	at router nft -f - <<-END || die "nat of router"
		add table inet lab_nat
		delete table inet lab_nat
		table inet lab_nat {
			chain prerouting {
				type nat hook prerouting priority dstnat
				${nat_forwards:-}
			}
			chain postrouting {
				type nat hook postrouting priority srcnat
				${nat_rules:-}
			}
		}
	END
}

# --- servers and clients (peer.py) ------------------------------------------------------

# serve NAMESPACE HTTP-PORT ECHO-PORT: an HTTP server and an echo server for TCP and
# UDP, on every address of either family; returns when they listen.
serve() {
	local ready="$lab_tmp/serve.$1.$2"
	at "$1" python3 "$PEER" serve "$2" "$3" >"$ready" 2>"$ready.err" </dev/null &
	wait_for 30 grep -q ready "$ready" || { diag "$(cat "$ready.err")"; die "no servers in $1"; }
}

# http_get NAMESPACE COUNT URL [CURL OPTION]...: COUNT flows one after the other;
# prints "LOCAL-PORT REMOTE-IP STATUS BYTES", one flow per line.
http_get() {
	local ns=$1 count=$2 url=$3
	shift 3
	# The server closes each connection, so each request is a flow.
	at "$ns" curl -sS --max-time 10 -o /dev/null \
		-w '%{local_port} %{remote_ip} %{http_code} %{size_download}\n' "$@" "$url?[1-$count]"
}

# hold NAME NAMESPACE PROTO HOST PORT COUNT [SOURCE]: open flows to an echo server, exchange one
# message on each, and keep them open. hold_ports NAME prints their local ports.
hold() {
	local name=$1 ns=$2
	shift 2
	hold_many "$name" "$ns" "$*"
}

# hold_many NAME NAMESPACE "PROTO HOST PORT COUNT [SOURCE]"...: the same for several kinds of
# flows.
hold_many() {
	local name=$1 dir="$lab_tmp/hold.$1" pid
	eval "pid=\$ns_$2"
	shift 2
	rm -f "$dir".*
	mkfifo "$dir.in"
	nsenter --net="/proc/$pid/ns/net" -- python3 "$PEER" hold "$@" <"$dir.in" >"$dir.out" 2>"$dir.err" &
	eval "hold_pid_$name=$!"
	# Another process keeps the writing end open, so that the client gets no end of file
	# between two commands.
	nsenter --net="/proc/$pid/ns/net" -- sleep infinity >"$dir.in" 2>/dev/null &
	eval "hold_keeper_$name=$!"
	wait_for 30 grep -q '^opened' "$dir.out" || { diag "$(cat "$dir.err")"; return 1; }
}

hold_ports() { # NAME
	sed -n 's/^port //p' "$lab_tmp/hold.$1.out"
}

# hold_send NAME: send one message on each flow; prints how many are answered within two
# seconds.
hold_send() {
	local out="$lab_tmp/hold.$1.out" before
	before=$(grep -c '^answered' "$out")
	echo send >"$lab_tmp/hold.$1.in"
	wait_for 15 hold_has_answered "$out" "$before"
	sed -n 's/^answered //p' "$out" | tail -n 1
}

# hold_push NAME [stream]: send one message on each flow, or 20, without waiting for answers.
hold_push() {
	echo "${2:-send}" >"$lab_tmp/hold.$1.in"
}

hold_has_answered() { # FILE COUNT-BEFORE
	[ "$(grep -c '^answered' "$1")" -gt "$2" ]
}

hold_close() { # NAME
	local pid keeper
	eval "pid=\$hold_pid_$1 keeper=\$hold_keeper_$1"
	echo close >"$lab_tmp/hold.$1.in"
	wait "$pid" 2>/dev/null
	kill "$keeper" 2>/dev/null
	wait "$keeper" 2>/dev/null
	rm -f "$lab_tmp/hold.$1.in"
}

# hold_drop NAME: end it without waiting for answers that do not come.
hold_drop() {
	local pid keeper
	eval "pid=\$hold_pid_$1 keeper=\$hold_keeper_$1"
	kill -KILL "$pid" "$keeper" 2>/dev/null
	wait "$pid" "$keeper" 2>/dev/null
	rm -f "$lab_tmp/hold.$1.in"
}

# if_packets NAMESPACE INTERFACE tx|rx: the interface's own counter.
if_packets() {
	at "$1" ip -s -j link show dev "$2" |
		sed 's/.*"'"$3"'":{"bytes":[0-9]*,"packets":\([0-9]*\).*/\1/'
}

# --- the daemon --------------------------------------------------------------------------

# config_write [TEXT]: write the lab's configuration with TEXT before the uplinks and
# $config_alert in the alert section.
config_write() {
	cat >"$lab_tmp/waymark.conf" <<-END
		database       = "$lab_tmp/flows.db"
		control-socket = "$lab_tmp/control.sock"
		${1:-}
		uplink wan1 {
			interface = "wan1"
			mark      = 2
			table     = 251
			gateway   = "$GW1_4"
			gateway6  = "$GW1_6"
			weight    = 1
		}
		uplink wan2 {
			interface = "wan2"
			mark      = 3
			table     = 250
			gateway   = "$GW2_4"
			gateway6  = "$GW2_6"
			weight    = 2
		}
		alert {
			json         = "$lab_tmp/alerts.jsonl"
			min-interval = "1s"
			${config_alert:-}
		}
	END
}

daemon_pid=

# daemon_start [CONFIGURATION TEXT]: writes the configuration, starts waymarkd on the
# router and returns when it is ready.
daemon_start() {
	[ -x "$WAYMARKD" ] || die "$WAYMARKD is not built"
	config_write "$@"
	daemon_run
}

# daemon_run: start waymarkd with the present configuration.
daemon_run() {
	[ -z "${LAB_IN_USERNS:-}" ] || grep -q '^user ' "$lab_tmp/waymark.conf" ||
		sed -i '1s/^/user = "root" /' "$lab_tmp/waymark.conf"
	# Not by 'at': the pid must be the daemon's own, not that of a shell around it.
	nsenter --net="/proc/$ns_router/ns/net" -- "$WAYMARKD" -c "$lab_tmp/waymark.conf" \
		</dev/null >>"$lab_tmp/waymarkd.log" 2>&1 &
	daemon_pid=$!
	wait_for "${DAEMON_PATIENCE:-30}" waymark status || die "waymarkd is not ready"
}

daemon_stop() { # [SIGNAL]: stop it and wait; returns its exit status
	local pid=$daemon_pid
	[ -n "$pid" ] || return 0
	daemon_pid=
	kill "-${1:-TERM}" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

daemon_log() {
	[ -n "$lab_tmp" ] && [ -s "$lab_tmp/waymarkd.log" ] || return 0
	diag "--- the end of waymarkd's log:"
	diag "$(tail -n 60 "$lab_tmp/waymarkd.log")"
}

# waymark COMMAND...: run the tool on the router with the lab's configuration.
waymark() {
	at router "$WAYMARK" -c "$lab_tmp/waymark.conf" "$@"
}

# blocked WHAT [SOCKET]: prove that waymarkd answers while WHAT lasts for BLOCK_SECONDS (0).
blocked() {
	local silent=0 until
	[ "${BLOCK_SECONDS:-0}" -gt 0 ] || return 0
	until=$(($(now_cs) + BLOCK_SECONDS * 100))
	while [ "$(now_cs)" -lt "$until" ]; do
		sleep 1
		timeout 5 nsenter --net="/proc/$ns_router/ns/net" -- \
			"$WAYMARK" --socket "${2:-$lab_tmp/control.sock}" status >/dev/null 2>&1 ||
			silent=$((silent + 1))
	done
	is "$1: status answers for $BLOCK_SECONDS s" "$silent" 0
}

# sql QUERY: query the history; columns are separated by '|'.
sql() {
	sqlite3 -batch -noheader -cmd '.timeout 5000' "$lab_tmp/flows.db" "$1"
}

lab_enter "$@"
