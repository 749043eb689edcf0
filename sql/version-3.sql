-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Version 3: searches by time, address and public port in plain SQL; usage, health,
-- alerts; changes for exporters. Values are coded as in version-1.sql.

-- Drop the views, because no view may name a table that is renamed. They are created
-- again afterwards.
DROP VIEW IF EXISTS flows;
DROP VIEW IF EXISTS mismatches;
DROP VIEW IF EXISTS gaps;
DROP VIEW IF EXISTS uplinks;
DROP VIEW IF EXISTS mark_changes;
DROP VIEW IF EXISTS tampering;
DROP VIEW IF EXISTS coverage;
DROP VIEW IF EXISTS uplink_states;
DROP VIEW IF EXISTS cures;
DROP VIEW IF EXISTS deleted_flows;

-- Names of enumerations. The program writes them at each start.
CREATE TABLE evidence (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE gap_source (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE cause (id INTEGER PRIMARY KEY, name TEXT NOT NULL);

-- A unique id of this database. Exporters add it to each row.
INSERT OR IGNORE INTO meta VALUES ('history', lower(hex(randomblob(4)) || '-'
	|| hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'
	|| substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-'
	|| hex(randomblob(6))));

CREATE INDEX flow_started ON flow (started);

-- The public port of a translated flow. With masquerade all flows have the same public
-- address, so only the port narrows a search. The expression is that of flows.nat_sport.
CREATE INDEX flow_public_port ON flow (iif(nat_src IS NULL AND nat_dst IS NOT NULL, sport, nat_sport))
	WHERE iif(nat_src IS NULL AND nat_dst IS NOT NULL, sport, nat_sport) IS NOT NULL;

-- Closed TCP flows whose conntrack entry still exists (state 3). Their rows are completed
-- when the entry is deleted.
CREATE INDEX flow_closed ON flow (state) WHERE state = 3;

-- The flagged flows, which are few, in the order of their ids, with the columns that
-- searches use.
DROP INDEX flow_flagged;
CREATE INDEX flow_flagged ON flow (id, verdict, uplink) WHERE verdict < 5;

-- Flows that lived for ten minutes or longer, by their end.
DROP INDEX flow_long;
CREATE INDEX flow_long ON flow (ifnull(started, 0) + life, started)
	WHERE state <> 0 AND life >= 600000;

-- Sets of several interfaces have ids from 65536 on, so that an index can find the flows
-- that left by several interfaces.
UPDATE flow SET egress = egress + 65536
	WHERE egress IN (SELECT id FROM ifset WHERE names LIKE '%,%');
UPDATE flow SET egress_reply = egress_reply + 65536
	WHERE egress_reply IN (SELECT id FROM ifset WHERE names LIKE '%,%');
UPDATE ifset SET id = id + 65536 WHERE names LIKE '%,%';
CREATE INDEX flow_split ON flow (egress) WHERE egress >= 65536;
CREATE INDEX flow_split_reply ON flow (egress_reply) WHERE egress_reply >= 65536;

-- The interfaces of a set, one per row.
CREATE TABLE ifset_member (
	ifset INTEGER NOT NULL,
	interface TEXT NOT NULL,
	PRIMARY KEY (ifset, interface)
) WITHOUT ROWID;
INSERT INTO ifset_member
	WITH part (id, name, rest) AS (
		SELECT id, '', names || ',' FROM ifset
		UNION ALL
		SELECT id, substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1)
		FROM part WHERE rest <> '')
	SELECT id, name FROM part WHERE name <> '';

-- Which flows of a slice have an address as source or as destination, before or after
-- translation.
--   side  0: source, 1: destination
--   addr  RFC 5952
--   ids   the low 15 bits of the flows' ids, ascending, 2 bytes each: n is stored as
--         n / 191 + 1, n % 191 + 1, which unicode() can read. If there would be 2,048
--         ids or more, ids is empty, and a search reads every flow of the slice
-- slice.indexed: the postings cover this many ids of the slice, from the first one.
DROP TABLE posting;
CREATE TABLE posting (
	slice INTEGER NOT NULL,
	side INTEGER NOT NULL,
	addr TEXT NOT NULL,
	ids BLOB NOT NULL,
	PRIMARY KEY (slice, side, addr)
) WITHOUT ROWID;
ALTER TABLE slice ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
UPDATE slice SET state = 0 WHERE state = 1;
CREATE TABLE side (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO side VALUES (0, 'src'), (1, 'dst');
-- Selects an address of a flow: 0: before translation, 1: after translation.
CREATE TABLE stage (id INTEGER PRIMARY KEY);
INSERT INTO stage VALUES (0), (1);
-- Positions in postings.ids.
CREATE TABLE position (n INTEGER PRIMARY KEY);
INSERT INTO position
	WITH p (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM p WHERE n < 2047) SELECT n FROM p;

CREATE INDEX mismatch_time ON mismatch (time, reason);
CREATE INDEX tamper_time ON tamper (time);
CREATE INDEX gap_started ON gap (started);

ALTER TABLE cure RENAME TO deletion;
DROP INDEX cure_flow;
CREATE INDEX deletion_flow ON deletion (flow_id);

-- The latest packet without a flow, such as "udp 192.0.2.1:53 > 203.0.113.9:4000".
ALTER TABLE coverage_hour ADD COLUMN untracked_example TEXT;
-- The latest UDP reply from an address that the request was not sent to.
-- coverage_count counts these replies as kind 30.
ALTER TABLE coverage_hour ADD COLUMN unasked_example TEXT;

ALTER TABLE uplink_state ADD COLUMN cause INTEGER;
ALTER TABLE uplink_state ADD COLUMN decision TEXT;
ALTER TABLE uplink_state ADD COLUMN user TEXT;
ALTER TABLE uplink_state ADD COLUMN process TEXT;
ALTER TABLE uplink_state ADD COLUMN until INTEGER;
ALTER TABLE uplink_state ADD COLUMN addresses TEXT;

-- The traffic of the uplinks in bins of five minutes, from the kernel's counters.
CREATE TABLE usage_bin (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	bytes_sent INTEGER NOT NULL,
	bytes_received INTEGER NOT NULL,
	packets_sent INTEGER NOT NULL,
	packets_received INTEGER NOT NULL,
	flows_started INTEGER NOT NULL,
	flows_answered INTEGER NOT NULL,
	UNIQUE (time, uplink)
);

-- The last reading of the counters of usage. After a restart the daemon continues from it.
CREATE TABLE usage_reading (
	uplink INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	boot INTEGER NOT NULL,
	rules INTEGER NOT NULL,
	ifindex INTEGER NOT NULL,
	bytes_sent INTEGER NOT NULL,
	bytes_received INTEGER NOT NULL,
	packets_sent INTEGER NOT NULL,
	packets_received INTEGER NOT NULL,
	flows_started INTEGER NOT NULL,
	flows_answered INTEGER NOT NULL
);

-- The measurements that the health of uplinks was judged by.
CREATE TABLE health_sample (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	family INTEGER,
	state TEXT NOT NULL,
	span INTEGER,
	flows_started INTEGER,
	flows_answered INTEGER,
	normal INTEGER,
	others INTEGER,
	-- When a bad state began: the last answer, or the first failed check, in ms since 1970.
	began INTEGER,
	probes INTEGER,
	probes_answered INTEGER,
	text TEXT
);
CREATE INDEX health_sample_time ON health_sample (time);

CREATE TABLE alert (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	kind TEXT NOT NULL,
	severity TEXT,
	state TEXT,
	uplinks TEXT,
	reason TEXT,
	count INTEGER,
	text TEXT
);
CREATE INDEX alert_time ON alert (time);

-- Sums of the flows that ended in an hour, by inside host and uplink, so that the sums of
-- a day can be read without its flows. host is '' for all hosts beyond the first 65,536 of
-- an hour; uplink is 0 for flows whose mark names no uplink.
CREATE TABLE host_hour (
	hour INTEGER NOT NULL,
	host NOT NULL,
	uplink INTEGER NOT NULL,
	flows INTEGER NOT NULL,
	unanswered INTEGER NOT NULL,
	bytes_sent INTEGER NOT NULL,
	bytes_received INTEGER NOT NULL,
	PRIMARY KEY (hour, host, uplink)
) WITHOUT ROWID;

-- The log of changes (changes.h), from which exporters continue reading: the rows that
-- became final, and the final rows that changed afterwards. One row per transaction and
-- kind.
--   first  number of the first of the n changes; a reader continues at first + n. If
--          numbers are missing, retention has deleted them
--   kind   0: flow ended   1: flow written again   2: mismatch   3: gap   4: coverage
--          5: usage   6: uplink state   7: tampering   8: alert   9: health
--   ids    n ids, each as the difference from the previous one (the first: from 0),
--          zigzag-coded, as LEB128
CREATE TABLE change (
	first INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	n INTEGER NOT NULL,
	ids BLOB NOT NULL
);
