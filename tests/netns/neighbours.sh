# SPDX-License-Identifier: GPL-2.0-or-later
#
# neighbours.sh - the interfaces, addresses, routes, ip rules and nftables tables that docker,
# libvirt, tailscale, wg-quick and a transparent proxy install on a router, with a host behind
# each, and traffic through them. The tools themselves need not be installed.
# Sourced after lib.sh.

BOX4=172.17.0.2 VM4=192.168.122.2
TAILNET4=100.101.102.9 TAILNET6=fd7a:115c:a1e0::9
WG4=10.66.0.9 WG6=fd66::9
PROXIED_PORT=8081 PUBLISHED_PORT=8088

# bridge_with_host BRIDGE ADDRESS/LEN NAMESPACE ADDRESS/LEN: make a bridge, and a host at it
# whose default gateway is the bridge.
bridge_with_host() {
	# A bridge that snoops joins a group, and reports it at times of its own: a report from
	# before waymarkd's start would be an unknown flow.
	at router ip link add "$1" type bridge mcast_snooping 0 || die "no bridge $1"
	ns_add "$3"
	at router ip addr add "$2" dev "$1"
	at router ip link set "$1" up
	eval "at router ip link add veth_$3 type veth peer name eth0 netns \$ns_$3" || die "no veth for $3"
	at router ip link set "veth_$3" master "$1" up
	at "$3" ip addr add "$4" dev eth0
	at "$3" ip link set eth0 up
	at "$3" ip route add default via "${2%/*}"
}

# docker 28, bridge network, one container with a published port; the operator accepts forwarded
# packets of other hosts, as docker's manual recommends.
docker_up() {
	bridge_with_host docker0 172.17.0.1/16 box $BOX4/16
	at router nft -f - <<-END || die "docker's tables"
		table ip raw {
			chain PREROUTING {
				type filter hook prerouting priority raw; policy accept
				ip daddr $BOX4 iifname != "docker0" drop
			}
		}
		table ip nat {
			chain DOCKER {
				iifname != "docker0" tcp dport $PUBLISHED_PORT dnat to $BOX4:80
			}
			chain PREROUTING {
				type nat hook prerouting priority -100; policy accept
				fib daddr type local jump DOCKER
			}
			chain OUTPUT {
				type nat hook output priority -100; policy accept
				ip daddr != 127.0.0.0/8 fib daddr type local jump DOCKER
			}
			chain POSTROUTING {
				type nat hook postrouting priority 100; policy accept
				ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
			}
		}
		table ip filter {
			chain DOCKER-USER {
				iifname != "docker0" oifname != "docker0" accept
			}
			chain DOCKER {
				ip daddr $BOX4 iifname != "docker0" oifname "docker0" tcp dport 80 accept
				iifname != "docker0" oifname "docker0" drop
			}
			chain DOCKER-FORWARD {
				oifname "docker0" ct state related,established accept
				iifname "docker0" oifname != "docker0" accept
				oifname "docker0" jump DOCKER
			}
			chain FORWARD {
				type filter hook forward priority 0; policy drop
				jump DOCKER-USER
				jump DOCKER-FORWARD
			}
		}
	END
}

# libvirt 10, network "default", one guest.
libvirt_up() {
	bridge_with_host virbr0 192.168.122.1/24 vm $VM4/24
	at router nft -f - <<-'END' || die "libvirt's table"
		table ip libvirt_network {
			chain guest_cross {
				iif "virbr0" oif "virbr0" accept
			}
			chain guest_input {
				oif "virbr0" ip daddr 192.168.122.0/24 ct state related,established accept
				oif "virbr0" reject
			}
			chain guest_output {
				iif "virbr0" ip saddr 192.168.122.0/24 accept
				iif "virbr0" reject
			}
			chain forward {
				type filter hook forward priority 0; policy accept
				jump guest_cross
				jump guest_input
				jump guest_output
			}
			chain guest_nat {
				type nat hook postrouting priority 100; policy accept
				ip saddr 192.168.122.0/24 ip daddr { 224.0.0.0/24, 255.255.255.255 } return
				ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 meta l4proto { tcp, udp } masquerade to :1024-65535
				ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 masquerade
			}
		}
	END
}

# tailscale as an exit node, with one peer: its rules, its table 52, its marks.
tailscale_up() {
	local family
	ns_add ts
	veth_add router 100.101.102.1/32 fd7a:115c:a1e0::1/128 tailscale0 ts $TAILNET4/32 $TAILNET6/128 eth0
	at router ip route add $TAILNET4 dev tailscale0 table 52
	at router ip -6 route add $TAILNET6 dev tailscale0 table 52
	at ts ip route add 100.101.102.1 dev eth0
	at ts ip route add default via 100.101.102.1 dev eth0
	at ts ip -6 route add fd7a:115c:a1e0::1 dev eth0
	at ts ip -6 route add default via fd7a:115c:a1e0::1 dev eth0
	for family in -4 -6; do
		at router ip $family -batch - <<-END || die "tailscale's rules"
			rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
			rule add pref 5230 fwmark 0x80000/0xff0000 lookup default
			rule add pref 5250 fwmark 0x80000/0xff0000 unreachable
			rule add pref 5270 lookup 52
		END
	done
	at router nft -f - <<-'END' || die "tailscale's tables"
		table ip tailscale {
			chain forward {
				type filter hook forward priority 0; policy accept
				iifname "tailscale0" meta mark set meta mark & 0xff00ffff | 0x40000
				meta mark & 0xff0000 == 0x40000 accept
				oifname "tailscale0" ip saddr 100.64.0.0/10 drop
				oifname "tailscale0" accept
			}
			chain input {
				type filter hook input priority 0; policy accept
				iifname "lo" ip saddr 100.101.102.1 accept
				iifname != "tailscale0" ip saddr 100.64.0.0/10 drop
			}
			chain postrouting {
				type nat hook postrouting priority 100; policy accept
				meta mark & 0xff0000 == 0x40000 masquerade
			}
		}
		table ip6 tailscale {
			chain forward {
				type filter hook forward priority 0; policy accept
				iifname "tailscale0" meta mark set meta mark & 0xff00ffff | 0x40000
				meta mark & 0xff0000 == 0x40000 accept
				oifname "tailscale0" accept
			}
			chain postrouting {
				type nat hook postrouting priority 100; policy accept
				meta mark & 0xff0000 == 0x40000 masquerade
			}
		}
	END
}

# WireGuard with its own routing table, which has only the far network, and the rules of
# wg-quick, at the priorities that 'ip rule add' gives them.
wg_up() {
	local family
	ns_add wg
	veth_add router 10.66.0.2/32 fd66::2/128 wg0 wg $WG4/32 $WG6/128 eth0
	at wg ip route add 10.66.0.2 dev eth0
	at wg ip route add default via 10.66.0.2 dev eth0
	at wg ip -6 route add fd66::2 dev eth0
	at wg ip -6 route add default via fd66::2 dev eth0
	at router ip route add 10.66.0.0/16 dev wg0 table 51820
	at router ip -6 route add fd66::/32 dev wg0 table 51820
	for family in -4 -6; do
		at router ip $family rule add not fwmark 51820 table 51820
		at router ip $family rule add table main suppress_prefixlength 0
	done
}

# A proxy that accepts the LAN's connections to port 8081 and opens its own instead, in IPv4 with
# the client's address. The manuals of proxies use mark 1, which is under Waymark's mask, so the
# operator uses the next bit outside the mask.
tproxy_up() {
	background proxy router python3 "$PEER" proxy 3129
	wait_for 30 grep -q ready "$lab_tmp/proxy.out" || die "no proxy: $(cat "$lab_tmp/proxy.err")"
	at router ip rule add fwmark 0x100/0x100 lookup 100
	at router ip route add local default dev lo table 100
	at router ip -6 rule add fwmark 0x100/0x100 lookup 100
	at router ip -6 route add local default dev lo table 100
	at router nft -f - <<-END || die "the proxy's table"
		table inet proxy {
			chain prerouting {
				type filter hook prerouting priority mangle - 1
				meta l4proto tcp socket transparent 1 meta mark set meta mark | 0x100 accept
				iifname "lan" meta nfproto ipv4 tcp dport $PROXIED_PORT tproxy ip to :3129 meta mark set meta mark | 0x100 accept
				iifname "lan" meta nfproto ipv6 tcp dport $PROXIED_PORT tproxy ip6 to :3129 meta mark set meta mark | 0x100 accept
			}
		}
	END
}

# asked MARK HOST: how many of 6 requests with this socket mark are answered.
asked() {
	at router python3 - "$1" "$2" <<-'END'
		import socket, sys
		answers = 0
		for _ in range(6):
		    family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.settimeout(2)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(sys.argv[1]))
		    s.connect((sys.argv[2], 7))
		    try:
		        s.send(b"own")
		        answers += s.recv(99) == b"own"
		    except OSError:
		        pass
		print(answers)
	END
}

# neighbours_round: make traffic through each; prints what does not work. On net, HTTP is on ports
# 80 and 8081; on box, ts and wg on port 80; the internet must not open a connection to a guest.
neighbours_round() {
	local mark host
	http_get box 3 "http://$NET4/" || echo "container: no HTTP"
	http_get vm 3 "http://$NET4/" || echo "guest: no HTTP"
	http_get ts 2 "http://$NET4/" && http_get ts 2 "http://[$NET6]/" || echo "exit node: no HTTP"
	http_get net 2 "http://$WAN1_4:$PUBLISHED_PORT/" && http_get net 2 "http://$WAN2_4:$PUBLISHED_PORT/" ||
		echo "published port: no HTTP"
	http_get pc 2 "http://$NET4:$PROXIED_PORT/" && http_get pc 2 "http://[$NET6]:$PROXIED_PORT/" ||
		echo "proxy: no HTTP"
	for host in $TAILNET4 "[$TAILNET6]" $WG4 "[$WG6]"; do
		http_get pc 2 "http://$host/" && http_get router 1 "http://$host/" || echo "$host: no HTTP"
	done
	at vm ping -c 2 -i 0.05 -W 2 -q $NET4 >/dev/null || echo "guest cannot ping"
	# The outer packets of tailscale and WireGuard.
	for mark in 524288 51820; do
		[ "$(asked $mark $NET4) $(asked $mark $NET6)" = '6 6' ] || echo "socket mark $mark: not answered"
	done
}
