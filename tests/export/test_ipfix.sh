#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_ipfix.sh - proves that nfcapd and nfdump read each flow back, field by field: both
# families, TCP, UDP and ICMP, with and without NAT.

# shellcheck source=tests/netns/lib.sh
. "${0%/*}/../netns/lib.sh"

for command in nfcapd nfdump python3; do
	command -v $command >/dev/null || skip_all "$command is missing"
done
dir=$(mktemp -d) || exit 1
pid=
trap 'kill $pid 2>/dev/null; rm -rf "$dir"' EXIT
port=$((20000 + RANDOM % 20000))

mkdir "$dir/nf"
nfcapd -w "$dir/nf" -p $port -b 127.0.0.1 -t 3600 >"$dir/nfcapd" 2>&1 &
pid=$!
until grep -q "Startup nfcapd" "$dir/nfcapd"; do
	kill -0 $pid || exit 1
	sleep 0.1
done
"$top_build/tests/export/make_history" "$dir/flows.db" 480
cat >"$dir/conf" <<-END
	database = "$dir/flows.db"
	uplink wan1 { interface = "lo" mark = 2 table = 251 gateway = none }
	export { ipfix = "127.0.0.1:$port" ipfix-transport = "udp" ipfix-pen = 32473 state-file = "$dir/state" }
END
"$top_build/src/waymark-export" -c "$dir/conf" --once
is "all flows are sent" $? 0
kill $pid
wait $pid
check "no sequence error, no bad packet" grep -q "Sequence Errors: 0, Bad Packets: 0" "$dir/nfcapd"
nfdump -r "$dir"/nf/nfcapd.* -o raw >"$dir/raw" 2>/dev/null
check "nfdump prints the same flows" python3 "$top_src/tests/export/nfdump_compare.py" "$dir/raw" "$dir/flows.db"
done_testing
