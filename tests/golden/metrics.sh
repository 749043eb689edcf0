#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# metrics.sh - the alert rules and the dashboard name only metrics that the program has;
# promtool, if it is installed, accepts the rules.

. "${0%/*}/lib.sh"

for file in doc/prometheus/rules.yml doc/grafana/waymark.json; do
	names=$(grep -o '\bwaymark_[a-z0-9_]*' "$src/$file" | sort -u)
	[ -n "$names" ] || exit 1
	for name in $names; do
		grep -qF "\"${name#waymark_}\"" "$src/include/waymark/status/answer.def" "$src/src/status/metrics.c"
		result $? "$file: $name exists"
	done
done

if command -v promtool >/dev/null; then
	promtool check rules "$src/doc/prometheus/rules.yml" >/dev/null
	result $? "promtool accepts the rules"
else
	n=$((n + 1))
	echo "ok $n - promtool accepts the rules # SKIP promtool is not installed"
fi

finish
