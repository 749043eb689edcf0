#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# manuals.sh - mandoc and groff read every manual page without a warning. A formatter that
# is not installed is skipped.

src=${WAYMARK_SRC:-$(cd "${0%/*}/../.." && pwd)}
n=0
failed=0

# read_by TOOL FUNCTION: the function prints nothing to standard error for any page.
read_by() {
	n=$((n + 1))
	if ! command -v "$1" >/dev/null; then
		echo "ok $n - $1 # SKIP it is not installed"
		return
	fi
	found=$(for page in "$src"/doc/*.[58]; do "$2" "$page" 2>&1 >/dev/null; done)
	if [ -z "$found" ]; then
		echo "ok $n - $1 reads every page without a warning"
	else
		echo "not ok $n - $1 reads every page without a warning"
		echo "$found" | sed 's/^/# /'
		failed=1
	fi
}

mandoc_read() { # it prints what it finds to standard output
	mandoc -T lint -W warning "$1" >&2
}

groff_read() {
	groff -man -t -ww -T utf8 "$1"
}

read_by mandoc mandoc_read
read_by groff groff_read

echo "1..$n"
exit $failed
