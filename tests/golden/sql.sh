#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sql.sh - waymark-sql(5) names every view and column of the history, `.schema` explains
# each of them, and every query that the page and README show runs in plain sqlite3.

. "${0%/*}/lib.sh"
command -v sqlite3 >/dev/null || skip 'sqlite3 is not installed'
db=$work/flows.db

# The text of a page without its markup: an escaped dash, quote, backslash.
plain() {
	sed 's/^\\&//; s/\\-/-/g; s/\\(aq/'"'"'/g; s/\\e/\\/g' "$1"
}

"$build/tests/bench/store_fill" "$db" 3000 >"$work/fill" 2>&1 || {
	sed 's/^/# /' "$work/fill"
	echo 'Bail out! no history could be filled'
	exit 1
}

# --- columns ---------------------------------------------------------------------

plain "$src/doc/waymark-sql.5" >"$work/page"
views=$(sqlite3 "$db" "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name")
[ "$(echo "$views" | wc -l)" -ge 17 ] || exit 1
for view in $views; do
	sed -n "/^\.SS $view\$/,/^\.S[SH] /p" "$work/page" >"$work/part"
	sqlite3 "$db" ".schema $view" >"$work/schema"
	missing=
	for column in $(sqlite3 "$db" "SELECT name FROM pragma_table_info('$view')"); do
		grep -q 'columns as in flows' "$work/schema" && continue
		grep -qE "AS $column,? -- ." "$work/schema" || missing="$missing schema:$column"
		grep -qx "\.B $column" "$work/part" || missing="$missing page:$column"
	done
	[ -s "$work/part" ] || missing="$missing page:$view"
	[ -z "$missing" ] || echo "# $missing"
	[ -z "$missing" ]
	result $? "$view: each column is explained in .schema and in waymark-sql(5)"
done

# --- queries -----------------------------------------------------------------------

# Each query in a file of its own.
sed -n '/^\.SH EXAMPLES/,$p' "$work/page" |
	awk -v folder="$work" '/^\.nf/ {q++; on = 1; next} /^\.fi/ {on = 0} on {print >folder "/query." q}'
count=$(find "$work" -name 'query.*' | wc -l)
[ "$count" -ge 30 ]
result $? "waymark-sql(5) shows thirty queries or more ($count)"
i=1
while [ $i -le "$count" ]; do
	sqlite3 -readonly "$db" <"$work/query.$i" >"$work/out" 2>"$work/err" && [ ! -s "$work/err" ]
	status=$?
	sed 's/^/# /' "$work/err"
	result $status "waymark-sql(5), query $i: $(head -n 1 "$work/query.$i")"
	i=$((i + 1))
done

# The commands of README, on this history.
sed -n '/^## Plain sqlite3/,/^## /p' "$src/README.md" |
	sed -n 's/^    //p' | sed "s|/var/lib/waymark/flows.db|$db|; s/203\.0\.113\.10/192.168.0.7/" >"$work/readme"
[ "$(grep -c '^sqlite3 ' "$work/readme")" -ge 2 ]
result $? 'README shows plain sqlite3'
sh -e "$work/readme" >"$work/out" 2>"$work/err" && grep -q 192.168.0.7 "$work/out" &&
	grep -q uplink-down "$work/out"
status=$?
sed 's/^/# /' "$work/err"
result $status 'the sqlite3 commands of README answer'

finish
