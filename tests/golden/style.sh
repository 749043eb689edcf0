#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# style.sh - C files are as clang-format 14 and .clang-format write them, and shellcheck
# finds no error in the scripts. Other versions of clang-format differ: they are not asked.

. "${0%/*}/lib.sh"
cd "$src" || exit 1

# formatter: the name of clang-format 14 here.
formatter() {
	for name in clang-format-14 clang-format; do
		if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
			echo "$name"
			return
		fi
	done
}

format=$(formatter)
if [ -z "$format" ]; then
	result 0 "# SKIP clang-format 14 is not installed"
else
	none "clang-format 14 would change nothing" "$(find src include tests -name '*.[ch]' ! -path src/store/sql.c \
		-exec "$format" --dry-run -Werror {} + 2>&1 | grep ' error: ' | head -n 40)"
fi

if ! command -v shellcheck >/dev/null; then
	result 0 "# SKIP shellcheck is not installed"
else
	# Variables come from lib.sh and are used there; every shell that runs these has "local".
	none "shellcheck finds nothing" "$(
		{
			echo bootstrap
			find tests packaging -type f ! -name '*.[oa]' -exec awk \
				'/^#!\/(usr\/)?bin\/(env )?(ba)?sh/ { print FILENAME } { nextfile }' {} +
		} | xargs shellcheck -S warning -e SC2034,SC2154,SC3043,SC1090,SC1091 -f gcc | head -n 40)"
fi
finish
