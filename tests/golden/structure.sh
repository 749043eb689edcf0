#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# structure.sh - the rooms keep to their arrows: no include upwards, no circle of
# calls between folders, no long function, no exported function without a caller.

here=$(cd "${0%/*}" && pwd)
src=${WAYMARK_SRC:-$(cd "$here/../.." && pwd)}
command -v python3 >/dev/null || { echo "1..0 # SKIP python3 is not installed"; exit 0; }
exec python3 "$here/structure.py" "$src" "${WAYMARK_BUILD:-$src}"
