# SPDX-License-Identifier: GPL-2.0-or-later
#
# cluster.sh - start two ClickHouse shards (Debian's 18.16) and ZooKeeper on loopback. Sourced.
# Everything is in $fleet_dir and is stopped by cluster_down.

zk_port=${FLEET_PORT:-29181}
http_port_1=$((zk_port + 1)) http_port_2=$((zk_port + 2))
zk_pid= shard_pid_1= shard_pid_2=
tcp_port_1=$((zk_port + 3)) tcp_port_2=$((zk_port + 4))

shard_configure() { # NUMBER
	local dir=$fleet_dir/shard$1
	mkdir -p "$dir/data" "$dir/tmp"
	eval "local http=\$http_port_$1 tcp=\$tcp_port_$1"
	cat >"$dir/users.xml" <<-END
		<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage>
		<use_uncompressed_cache>0</use_uncompressed_cache><load_balancing>random</load_balancing>
		</default></profiles>
		<users><default><password></password><networks><ip>127.0.0.1</ip></networks>
		<profile>default</profile><quota>default</quota></default></users>
		<quotas><default><interval><duration>3600</duration><queries>0</queries><errors>0</errors>
		<result_rows>0</result_rows><read_rows>0</read_rows><execution_time>0</execution_time>
		</interval></default></quotas></yandex>
	END
	cat >"$dir/config.xml" <<-END
		<yandex><logger><level>warning</level><log>$dir/log</log><errorlog>$dir/errors</errorlog></logger>
		<http_port>$http</http_port><tcp_port>$tcp</tcp_port>
		<interserver_http_port>$((tcp + 2))</interserver_http_port>
		<interserver_http_host>127.0.0.1</interserver_http_host><listen_host>127.0.0.1</listen_host>
		<max_connections>64</max_connections><uncompressed_cache_size>67108864</uncompressed_cache_size>
		<mark_cache_size>67108864</mark_cache_size>
		<path>$dir/data/</path><tmp_path>$dir/tmp/</tmp_path>
		<users_config>$dir/users.xml</users_config><default_profile>default</default_profile>
		<default_database>default</default_database><timezone>UTC</timezone>
		<remote_servers><fleet>
		<shard><internal_replication>true</internal_replication>
		<replica><host>127.0.0.1</host><port>$tcp_port_1</port></replica></shard>
		<shard><internal_replication>true</internal_replication>
		<replica><host>127.0.0.1</host><port>$tcp_port_2</port></replica></shard>
		</fleet></remote_servers>
		<zookeeper><node><host>127.0.0.1</host><port>$zk_port</port></node></zookeeper>
		<macros><shard>$1</shard><replica>r1</replica></macros>
		<distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl></yandex>
	END
}

shard_start() { # NUMBER
	clickhouse-server --config-file="$fleet_dir/shard$1/config.xml" >"$fleet_dir/shard$1/out" 2>&1 &
	eval "shard_pid_$1=$!"
}

shard_stop() { # NUMBER [SIGNAL]
	eval "local pid=\$shard_pid_$1"
	[ -n "$pid" ] || return 0
	kill "-${2:-KILL}" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

shard_is_up() { # NUMBER
	eval "local http=\$http_port_$1"
	[ "$(curl -s -m 2 "http://127.0.0.1:$http/?query=SELECT%201")" = 1 ]
}

await() { # SECONDS COMMAND...
	local end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.3
	done
}

zookeeper_start() {
	mkdir -p "$fleet_dir/zk"
	printf 'tickTime=2000\ndataDir=%s\nclientPort=%s\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=ruok,stat,srvr\n' \
		"$fleet_dir/zk" "$zk_port" >"$fleet_dir/zoo.cfg"
	java -Xmx128m -cp "$(printf '%s:' /usr/share/java/*.jar)" \
		org.apache.zookeeper.server.quorum.QuorumPeerMain "$fleet_dir/zoo.cfg" >"$fleet_dir/zk.log" 2>&1 &
	zk_pid=$!
}

zookeeper_is_up() {
	[ "$( (exec 3<>"/dev/tcp/127.0.0.1/$zk_port" && printf ruok >&3 && timeout 2 cat <&3) 2>/dev/null)" = imok ]
}

cluster_up() {
	zookeeper_start
	await 180 zookeeper_is_up || return 1
	for n in 1 2; do
		shard_configure $n
		shard_start $n
	done
	await 180 shard_is_up 1 && await 180 shard_is_up 2
}

cluster_down() {
	shard_stop 1
	shard_stop 2
	[ -n "$zk_pid" ] || return 0
	kill "$zk_pid" 2>/dev/null
	wait "$zk_pid" 2>/dev/null
}

# ask SQL [DATABASE]: query shard 1.
ask() {
	curl -sS -m 120 "http://127.0.0.1:$http_port_1/?database=${2:-waymark}" --data-binary "$1"
}
