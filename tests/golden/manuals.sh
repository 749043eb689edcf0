#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# manuals.sh - mandoc and groff read every manual page without a warning. A formatter that
# is not installed is skipped.

. "${0%/*}/lib.sh"

# read_by TOOL FUNCTION: the function prints nothing to standard error for any page.
read_by() {
	if ! command -v "$1" >/dev/null; then
		result 0 "$1 # SKIP it is not installed"
		return
	fi
	found=$(for page in "$src"/doc/*.[58]; do "$2" "$page" 2>&1 >/dev/null; done)
	none "$1 reads every page without a warning" "$found"
}

mandoc_read() { # it prints what it finds to standard output
	mandoc -T lint -W warning "$1" >&2
}

groff_read() {
	groff -man -t -ww -T utf8 "$1"
}

read_by mandoc mandoc_read
read_by groff groff_read

finish
