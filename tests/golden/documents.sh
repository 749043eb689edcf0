#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# documents.sh - the manual pages and the completion name every command, option and
# key that the programs and the example know.

. "${0%/*}/lib.sh"

# named WORD FILE: as a word of its own; roff writes a dash with a backslash before it.
named() {
	sed 's/\\-/-/g' "$src/doc/$2" | grep -qw -e "$1"
	result $? "doc/$2 names $1"
}

commands=$("$waymark" --list-commands | cut -f1) || exit 1
for command in $commands; do
	named "$command" waymark.8
	for option in $("$waymark" --list-options "$command" | cut -f1); do
		[ "$option" = operand ] || named "${option%=}" waymark.8
	done
done

# Verdicts and reasons: the values of the options that filter by them.
words=$("$waymark" --list-options flows | sed -n 's/^--\(verdict\|reason\)=\t[^\t]*\t//p')
[ "$(echo "$words" | wc -w)" -gt 14 ] || exit 1
for word in $words; do
	named "$word" waymark.8
done

# The example shows every key: what its template leaves out comes from the table, with the
# default, and is valid.
table=$src/include/waymark/config/config_keys.def
bare='max-flows|balance|weight|down-after|interval|on-failure|min-interval|webhook|textfile|file-format'
grep -vE "^ *(# )?($bare) *= " "$src/doc/waymark.conf.example.in" >"$work/template"
"$src/build-aux/example-conf" "$table" "$work/template" >"$work/example"
sed -n 's/^ *\(# \)\{0,1\}\([a-z0-9-]\{1,\}\)  *= .*/\2/p' "$work/example" | sort -u >"$work/shown"
sed -n 's/^[A-Z]*_KEY[^"]*"\([a-z0-9-]*\)".*/\1/p' "$table" | sort -u >"$work/keys"
[ "$(wc -l <"$work/keys")" -gt 50 ] || exit 1
none 'the example has what its template leaves out' "$(comm -13 "$work/shown" "$work/keys")"
"$waymark" -c "$work/example" check --config >"$work/check" 2>&1
result $? '... and is valid' "$(cat "$work/check")"

# Keys of the example, those in comments too, but not sentences.
keys=$(sed -n 's/^ *\(# \)\{0,1\}\([a-z0-9-]\{1,\}\)  *= .*/\2/p' "$build/doc/waymark.conf.example" | sort -u)
[ "$(echo "$keys" | wc -l)" -gt 20 ] || exit 1
for key in $keys; do
	named "$key" waymark.conf.5
done

# Facts of alerts: the rows of the table.
facts=$(sed -n 's/^\t{"\([a-z_]*\)", \(true\|false\), put_.*/\1/p' "$src/src/alert/facts.c")
[ "$(echo "$facts" | wc -l)" -gt 20 ] || exit 1
for fact in $facts; do
	named "$fact" waymark-alert.5
done

# Log lines of waymarkd, "FILE: LINE" that the guide does not explain: no part of it between two
# variables stands there.
unexplained=$(python3 - "$src" <<-'END'
	import glob, re, sys
	# The lines of the default level, and those that the steering and the store give to the log.
	call = re.compile(r'\b(?:log_(?:err|warning|notice|info)\(|log_line\([^";]*|fprintf\([\w.>-]*errors,'
	    r'|run_failed\([^,]+,[^,]+,\s*(?:NULL|"[^"]*"|[^",]+),)\s*((?:"(?:[^"\\]|\\.)*"|\s|PRI\w+)+)')
	guide = open(sys.argv[1] + "/doc/operations.md").read()
	lines = 0
	names = [n for room in ("daemon", "steering", "store") for n in glob.glob(sys.argv[1] + f"/src/{room}/**/*.c", recursive=True)]
	for name in sorted(names):
	    for found in call.finditer(open(name).read()):
	        text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', re.sub(r'PRI\w+', '"d"', found.group(1))))
	        parts = [p.strip() for p in re.split(r'%[-+ #0-9.*]*[hlzjt]*[a-zA-Z]?|[;:(),\\]', text)]
	        parts = [p for p in parts if len(p) > 9]
	        lines += len(parts) > 0
	        if parts and not any(p in guide for p in parts):
	            print(name.split("/")[-1] + ": " + text)
	if lines < 110: print("only", lines, "lines were found")
END
)
none 'doc/operations.md explains each line of the log' "$unexplained"

finish
