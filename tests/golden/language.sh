#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# language.sh - sources, tests and documents use one term per thing: the words on the
# right of the glossary do not occur.
#
#	write                            not
#	uplink                           line (of an uplink)
#	report, raise                    tell of, told of
#	hang                             stand still (in tests)
#	continue                         go on (in tests)
#	repair, reinstall                mend, put back (a rule)
#	restore (a mark)                 put back (a mark)
#	delete the flow                  cure, remedy
#	re-established                   begins anew
#	resync, table dump               a look at the whole table
#	another process, no listener     somebody, nobody
#	stray packet                     a packet that went astray
#	aggregated, suppressed           folded
#	reliable DESTROY events          reliable ends
#	per flow, per line               one a flow, a line each

. "${0%/*}/lib.sh"
cd "$src" || exit 1

places="src include sql doc tests bootstrap README.md HACKING.md NEWS"

# absent WHAT PATTERN [EXCEPTION]: no line in $places has the words.
absent() {
	# shellcheck disable=SC2086 # a list
	found=$(find $places -type f \
		! -name language.sh ! -name '*.o' ! -name '*.a' ! -name '*.log' ! -name '*.trs' ! -path '*/.deps/*' \
		! -path '*/corpus/*' ! -path 'src/store/sql.c' ! -name '*.po' ! -name '*.json' -exec grep -IniE "$2" /dev/null {} + |
		grep -vE "${3:-^$}")
	none "$1" "$(echo "$found" | head -n "${LANGUAGE_LINES:-20}")"
}

absent 'nothing is mended' '\bmend(s|ed|ing)?\b'
absent 'nothing is put back' '\bput(s|ting)?( it| them| one| that)? back\b' 'clock'
absent 'no packet goes astray' '\bastray\b'
absent 'nothing is told of' '\b(told of|tells? of|telling of)\b'
absent 'nobody and somebody have a name' '\b(somebody|nobody)\b' \
	'nobody used|"nobody"|'"'"'nobody'"'"'|user +(=|nobody)|chown nobody|id -u nobody|nobody:|nogroup|USER nobody|by nobody|setpriv|never "?nobody|nobody \(65534|\(string, nobody\)|^doc/waymark.8:[0-9]*:.I nobody|:nobody"?$|nobody.waymark|not say nobody'
absent 'no flow is cured' '\b(cure|cures|cured|remedy|remedies)\b' '(TABLE|FROM|INTO|EXISTS|ON|INDEX) cure|cure_'
absent 'nothing begins anew' '\b(begins?|began|begun) anew\b'
absent 'nothing is retold' '\bretold\b'
absent 'alerts are aggregated, not folded' '\bfolded\b'
absent 'no look at the whole table' 'look at the whole table'
absent 'no reliable ends' 'reliable ends'
absent 'per flow, not one a flow' '\b(one a flow|one a line|a line each|a line an alert|bit an uplink|row an interface)\b'
absent 'no answer is of no use' 'of no use'
absent 'an uplink is no line' '\b(other|wrong|another|each|which|every|either) lines?\b[^"]*\b(uplink|flow|packet|route)' 'per line|output|log|file|JSON|text|of it'

places=tests
absent 'no "told" in tests' '\btold\b'
absent 'no "stands still" in tests' '\b(stands?|stood|standing) still\b'
absent 'no "goes on" in tests' '\b(go|goes|went|going) on\b' 'going on:|freeze, and go on'
absent 'no "by and by" in tests' '\bby and by\b'

finish
