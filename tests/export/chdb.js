// SPDX-License-Identifier: GPL-2.0-or-later
//
// chdb.js - proves that today's ClickHouse, as a library, takes the DDL and answers the queries.
//
//	node chdb.js DDL-FILE QUESTION-FILE... < ROWS
//
// Standard input: for each INSERT one line of its query, the number of lines, the lines.
// Needs the npm packages chdb and @chdb/lib-linux-x64-gnu below NODE_PATH.
const fs = require('fs');
const { Session } = require('chdb');

const session = new Session();
let n = 0, failed = 0;

function report(isOk, what, why) {
	n++;
	failed += isOk ? 0 : 1;
	console.log(`${isOk ? 'ok' : 'not ok'} ${n} - ${what}`);
	if (!isOk)
		console.log('# ' + String(why).replace(/\n/g, '\n# '));
}

function run(what, sql, format) {
	try {
		const text = session.query(sql, format || 'TabSeparated');
		report(true, what);
		return text;
	} catch (e) {
		report(false, what, e.message || e);
		return '';
	}
}

function statements(text) {
	return text.replace(/^--.*$/gm, '').split(';').map((s) => s.trim()).filter((s) => s);
}

for (const s of statements(fs.readFileSync(process.argv[2], 'utf8')))
	run(s.split('\n')[0], s);
run('USE waymark', 'USE waymark');
const lines = fs.readFileSync(0, 'utf8').split('\n');
for (let at = 0; at + 1 < lines.length;) {
	const query = lines[at++], rows = Number(lines[at++]);
	run(query.slice(0, 40), query + '\n' + lines.slice(at, at + rows).join('\n') + '\n');
	at += rows;
}
for (const path of process.argv.slice(3)) {
	const text = fs.readFileSync(path, 'utf8');
	for (const s of statements(text)) {
		const answer = run(path.replace(/.*\//, ''), s);
		if (process.env.CHDB_SHOW)
			console.log('# ' + answer.trim().replace(/\n/g, '\n# '));
	}
}
console.log(`1..${n}`);
session.close();
process.exit(failed ? 1 : 0);
