// SPDX-License-Identifier: GPL-2.0-or-later
//
// fleet_today.js - time the questions of sql/clickhouse with today's ClickHouse, as a library in one
// process, on the rows of 1,000 routers.
//
//	NODE_PATH=build-fleet/node_modules node tests/bench/fleet_today.js EXPORT FLOWS DAYS QUESTION...
//
// EXPORT: the program waymark-export, for the tables, which ClickHouse fills itself: FLOWS flows a day
// for DAYS days, and what else such routers ship. Prints the bytes on disk and
// the median and worst milliseconds of five runs of each question, after one that is not counted.
// Needs the npm packages of ./bootstrap fleet. The rows are in TMPDIR and are deleted at the end.
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const { Session } = require('chdb');

const [program, flows, days] = process.argv.slice(2, 5);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'waymark-fleet.'));
const session = new Session(folder);

function ask(sql) {
	return session.query(sql, 'TabSeparated').trim();
}

function statements(text) {
	return text.replace(/^--.*$/gm, '').split(';').map((s) => s.trim()).filter((s) => s);
}

const ROUTER = "concat('gw', toString(number % 1000 + 1)) AS router, toString(cityHash64(number % 1000)) AS history";

// The columns that rows of a day share: row number / rows of the day.
function common(day, rows) {
	return `${ROUTER}, ${day} * 1000000000 + intDiv(number, 1000) + 1 AS id,
		(toUnixTimestamp(now()) - ${Number(day) + 1} * 86400 + intDiv(number * 86400, ${rows})) * 1000 AS ms`;
}

function address(number) {
	return `toIPv6(IPv4NumToString(toUInt32(${number})))`;
}

function dayFill(day) {
	ask(`INSERT INTO flows (router, history, id, started_ms, ended_ms, state, proto, src, sport, dst, dport,
		nat_src, nat_sport, nat_dst, nat_dport, zone, ct_id, mark, uplink, egress, verdict, packets, bytes,
		packets_reply, bytes_reply, row_version)
		SELECT ${common(day, flows)}, ms + rand(1) % 120000, 'ended', 'tcp',
		${address('3232235776 + rand(2) % 200')}, 32768 + rand(3) % 28000 AS port,
		${address('rand(4) % 2 ? 134217728 + rand(5) % 200 * 77777 : rand(6)')} AS server, 443,
		${address('(rand(7) % 3 ? 3405803776 : 3325256704) + number % 1000 + 1')}, port, server, 443, 0,
		rand(8), 2, 'wan1', if(rand(13) % 1000 = 5, 'wan1,wan2', 'wan1'), 'ok', 2 + rand(9) % 90,
		120 + rand(10) % 130000, 2 + rand(11) % 90, 120 + rand(12) % 130000, id FROM numbers(${flows})`);
	ask(`INSERT INTO usage (router, history, id, time_ms, uplink, bytes_sent, bytes_received, packets_sent,
		packets_received, flows_started, flows_answered, row_version)
		SELECT ${common(day, 576000)}, concat('wan', toString(intDiv(number, 1000) % 2 + 1)),
		rand(1) % 130000, rand(2) % 130000, 5, 5, 1000, 950 + rand(3) % 50, id FROM numbers(576000)`);
	ask(`INSERT INTO heartbeat (router, history, id, time_ms, program, config, uplinks, last_flow_id,
		last_position, pending, alive_ms, row_version)
		SELECT ${common(day, 1440000)}, '1.0', '8d1f6c6e2a0b9c44', 'wan1:1:1 wan2:2:2', id, id, 0, ms, id
		FROM numbers(1440000)`);
	rareFill(day);
}

// The tables with few rows, as fleet_fill.c makes them.
function rareFill(day) {
	const uplink = "concat('wan', toString(rand(1) % 2 + 1))";
	const rare = (odd, usual) => `if(rand(2) % 20 = 5, '${odd}', '${usual}')`;

	ask(`INSERT INTO mismatches (router, history, id, time_ms, proto, src, sport, dst, dport, direction, mark,
		expected, egress, reason, evidence, packets, row_version)
		SELECT ${common(day, flows / 1000)}, 'tcp', ${address('3232235776 + rand(3) % 200')}, 40000,
		${address('rand(4)')}, 443, 'original', 2, 'wan1', ${uplink}, ${rare('wrong-mark', 'rule-missing')},
		'packet', 3, id FROM numbers(${flows / 1000})`);
	ask(`INSERT INTO coverage (router, history, id, hour_ms, uplink, left_packets, seen_packets, share,
		missing_packets, row_version) SELECT ${common(day, 48000)}, ${uplink}, 10000, 9999,
		if(rand(2) % 20 = 5, 0.9, 0.9999), 1, id FROM numbers(48000)`);
	ask(`INSERT INTO uplink_states (router, history, id, time_ms, uplink, state, cause, row_version)
		SELECT ${common(day, 40000)}, ${uplink}, ${rare('down', 'up')}, 'probe', id FROM numbers(40000)`);
	ask(`INSERT INTO alerts (router, history, id, time_ms, kind, severity, state, uplinks, text, row_version)
		SELECT ${common(day, 5000)}, 'uplink', 'warning', ${rare('raised', 'over')}, ${uplink},
		'of a measurement', id FROM numbers(5000)`);
	ask(`INSERT INTO gaps (router, history, id, started_ms, ended_ms, source, lost, reason, row_version)
		SELECT ${common(day, 5000)}, ms + rand(1) % 120000, 'kernel', rand(2), 'of a measurement', id
		FROM numbers(5000)`);
	ask(`INSERT INTO tampering (router, history, id, time_ms, what, process, action, row_version)
		SELECT ${common(day, 1000)}, 'of a measurement', ${rare('NetworkManager', 'nft')}, 'restored', id
		FROM numbers(1000)`);
}

function question(file) {
	let text = statements(fs.readFileSync(file, 'utf8'))[0];
	const newest = (columns, router) => ask(`SELECT ${columns}, started_ms FROM flows
		WHERE router = '${router}' ORDER BY started_ms DESC LIMIT 1`).split('\t');

	if (file.includes('02-')) {
		const [src, port, ms] = newest('nat_src, nat_sport', 'gw5');
		text = text.replaceAll('1772366400000', ms).replaceAll('203.0.113.5', src.replace('::ffff:', ''))
			.replaceAll('40000', port);
	} else if (file.includes('19-')) {
		const [src, ms] = newest('src', 'gw1');
		text = text.replaceAll('1772366400000', ms).replaceAll('1772366460000', `${Number(ms) + 60000}`)
			.replace('192.168.1.10', src);
	}
	return text;
}

function time(file) {
	const text = question(file), times = [];
	let answer = '';

	for (let i = 0; i < 6; i++) {
		const began = process.hrtime.bigint();

		answer = ask(text);
		times.push(Number(process.hrtime.bigint() - began) / 1e6);
	}
	times.shift();
	times.sort((a, b) => a - b);
	console.log(`${path.basename(file, '.sql').padEnd(24)} median ${times[2].toFixed(0)} ms  ` +
		`worst ${times[4].toFixed(0)} ms  rows ${answer ? answer.split('\n').length : 0}`);
}

process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
for (const sql of statements(execFileSync(program, ['schema'], { encoding: 'utf8' })))
	ask(sql);
ask('USE waymark');
for (let day = 0; day < Number(days); day++)
	dayFill(day);
console.log(ask(`SELECT table, sum(rows), sum(bytes_on_disk), sum(bytes_on_disk) / sum(rows), count()
	FROM system.parts WHERE active AND database = 'waymark' GROUP BY table ORDER BY table`));
console.log(`load average ${os.loadavg()[0].toFixed(2)}, ClickHouse ${ask('SELECT version()')}`);
for (const file of process.argv.slice(5))
	time(file);
console.log(`load average ${os.loadavg()[0].toFixed(2)}`);
session.close();
