#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# style.sh - C files are as clang-format 14 and .clang-format write them, and shellcheck
# finds no error in the scripts. Other versions of clang-format differ: they are not asked.

src=${WAYMARK_SRC:-$(cd "${0%/*}/../.." && pwd)}
cd "$src" || exit 1
failed=0

# formatter: the name of clang-format 14 here.
formatter() {
	for name in clang-format-14 clang-format; do
		if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
			echo "$name"
			return
		fi
	done
}

# report NUMBER WHAT FOUND: nothing found is ok.
report() {
	if [ -z "$3" ]; then
		echo "ok $1 - $2"
		return
	fi
	echo "not ok $1 - $2"
	echo "$3" | head -n 40 | sed 's/^/# /'
	failed=1
}

echo 1..2

format=$(formatter)
if [ -z "$format" ]; then
	echo "ok 1 # SKIP clang-format 14 is not installed"
else
	report 1 "clang-format 14 would change nothing" "$(find src include tests -name '*.[ch]' ! -path src/store/sql.c \
		-exec "$format" --dry-run -Werror {} + 2>&1 | grep ' error: ')"
fi

if ! command -v shellcheck >/dev/null; then
	echo "ok 2 # SKIP shellcheck is not installed"
else
	# Variables come from lib.sh and are used there; every shell that runs these has "local".
	report 2 "shellcheck finds nothing" "$(
		{
			echo bootstrap
			find tests packaging -type f ! -name '*.[oa]' -exec awk \
				'/^#!\/(usr\/)?bin\/(env )?(ba)?sh/ { print FILENAME } { nextfile }' {} +
		} | xargs shellcheck -S warning -e SC2034,SC2154,SC3043,SC1090,SC1091 -f gcc)"
fi
exit $failed
