# SPDX-License-Identifier: GPL-2.0-or-later
#
# ftp.sh - an FTP server, and the kernel's helper that relates data connections to their
# control connection. Sourced after lib.sh.

# ftp_helper: load the helper; fails where the kernel has none.
ftp_helper() {
	at router nft -f - <<-'END' 2>/dev/null
		table inet helper {
			ct helper ftp {
				type "ftp" protocol tcp
			}
			chain prerouting {
				type filter hook prerouting priority mangle
				tcp dport 21 ct helper set "ftp"
			}
			chain output {
				type filter hook output priority mangle
				tcp dport 21 ct helper set "ftp"
			}
		}
	END
}

# ftp_serve NAMESPACE: an anonymous server that runs as root, which exists everywhere.
ftp_serve() {
	local dir="$lab_tmp/ftp.$1"
	mkdir -p "$dir/served" "$dir/empty"
	head -c 40000 /dev/zero >"$dir/served/file"
	cat >"$dir/conf" <<-END
		listen=NO
		listen_ipv6=YES
		background=NO
		anonymous_enable=YES
		no_anon_password=YES
		local_enable=NO
		anon_root=$dir/served
		secure_chroot_dir=$dir/empty
		run_as_launching_user=YES
		connect_from_port_20=YES
		seccomp_sandbox=NO
		isolate=NO
		isolate_network=NO
		xferlog_enable=NO
	END
	at "$1" vsftpd "$dir/conf" >"$dir/log" 2>&1 </dev/null &
	wait_for 10 at "$1" curl -s --max-time 2 -o /dev/null ftp://127.0.0.1/file ||
		{ diag "vsftpd: $(cat "$dir/log")"; return 1; }
}
