#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fleet.sh - three exporters and two ClickHouse shards with ZooKeeper, on loopback: while
# flows arrive a shard is killed and returns, exporters are killed at random moments; at
# the end every flow of every router is there once. Then the questions of sql/clickhouse,
# here and, where npm has chdb, by today's ClickHouse. Run by "./bootstrap fleet".

# shellcheck source=tests/netns/lib.sh
. "${0%/*}/../netns/lib.sh"
parts=$top_src/tests/export
# shellcheck source=tests/export/cluster.sh
. "$parts/cluster.sh"

EXPORT=$top_build/src/waymark-export
MAKE=$top_build/tests/export/make_history
FLOWS=${FLOWS:-20000}
for command in clickhouse-server java curl python3; do
	command -v $command >/dev/null || skip_all "$command is missing"
done
fleet_dir=$(mktemp -d) || exit 1
trap 'cluster_down 2>/dev/null; rm -rf "$fleet_dir"' EXIT

statements() { # FILE: one per line
	python3 -c "
import re, sys
text = re.sub(r'^--.*$', '', open(sys.argv[1]).read(), flags=re.M)
for s in text.split(';'):
    if s.strip():
        print(' '.join(s.split()))" "$1"
}

# ask_all FILE [DATABASE]: fails with the server's words.
ask_all() {
	local sql answer
	while read -r sql; do
		answer=$(ask "$sql" "${2:-waymark}") || return 1
		case $answer in *Exception*)
			printf '%s\n%s\n' "$sql" "$answer" | cut -c1-500
			return 1
			;;
		esac
	done <<-END
		$(statements "$1")
	END
}

configure() { # N
	cat >"$fleet_dir/gw$1.conf" <<-END
		database = "$fleet_dir/gw$1.db"
		uplink wan1 { interface = "lo" mark = 2 table = 251 gateway = none }
		export {
		    router = "gw$1"
		    clickhouse = {"http://127.0.0.1:$http_port_1/waymark", "http://127.0.0.1:$http_port_2/waymark"}
		    state-file = "$fleet_dir/gw$1.state"
		    timeout = "10s"
		}
	END
}

export_for_a_while() { # N KILLS
	local i
	for i in $(seq "$2"); do
		"$EXPORT" -c "$fleet_dir/gw$1.conf" 2>>"$fleet_dir/gw$1.log" &
		local pid=$!
		sleep "$((RANDOM % 3)).$((RANDOM % 9 + 1))"
		kill -KILL $pid
		wait $pid 2>/dev/null
	done
}

fetch() { # FOLDER: the rows of every router, the newest version of each
	mkdir -p "$1"
	for table in flows mismatches gaps tampering uplink_states usage alerts coverage; do
		ask "SELECT * FROM $table FINAL FORMAT JSONEachRow" >"$1/$table"
	done
}

is_whole() { # N
	mkdir -p "$fleet_dir/rows$1"
	for table in flows mismatches gaps tampering uplink_states usage alerts coverage; do
		grep "\"router\":\"gw$1\"" "$fleet_dir/rows/$table" >"$fleet_dir/rows$1/$table"
	done
	python3 "$parts/compare.py" "1-$FLOWS" "$fleet_dir/rows$1" "$fleet_dir/gw$1.db"
}

cluster_up && ok "ZooKeeper and two shards start" || die "the cluster does not start"
"$EXPORT" schema --dialect 18 --cluster fleet >"$fleet_dir/ddl.sql"
check "18.16 takes the tables" ask_all "$fleet_dir/ddl.sql" default

makers=
exporters=
for n in 1 2 3; do
	configure $n
	"$MAKE" "$fleet_dir/gw$n.db" "$FLOWS" 1 2000 &
	makers="$makers $!"
done
sleep 1
for n in 1 2 3; do
	export_for_a_while $n "${KILLS:-17}" &
	exporters="$exporters $!"
done
sleep 4
shard_stop 2
sleep 6
shard_start 2
# shellcheck disable=SC2086 # lists of numbers
wait $makers $exporters
check "the shard returns" await 180 shard_is_up 2
for n in 1 2 3; do
	timeout 200 "$EXPORT" -c "$fleet_dir/gw$n.conf" --once 2>>"$fleet_dir/gw$n.log"
	is "gw$n ships everything" $? 0
done
fetch "$fleet_dir/rows"
for n in 1 2 3; do
	check "every row of gw$n is there, once" is_whole $n
done
is "both shards have routers" "$(ask "SELECT count() > 0 FROM flows")" 1
for question in "$top_src"/sql/clickhouse/*.sql; do
	check "18.16 answers ${question##*/}" ask_all "$question"
done

if [ -d "${NODE_PATH:-/nowhere}/chdb" ] && command -v node >/dev/null; then
	"$EXPORT" schema >"$fleet_dir/today.sql"
	check "today's ClickHouse takes the tables and answers the questions" \
		node "$parts/chdb.js" "$fleet_dir/today.sql" "$top_src"/sql/clickhouse/*.sql </dev/null
else
	skip "today's ClickHouse" "chdb is missing (npm install chdb @chdb/lib-linux-x64-gnu, NODE_PATH)"
fi
done_testing
