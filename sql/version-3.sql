-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Version 3: searches by time, address and public port in plain SQL; usage, health,
-- alerts; changes for exporters. The coding is that of version-1.sql.

-- Views are made anew afterwards; a renamed table must not be named by one.
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

-- Names of enumerations: the program's, put in at each start.
CREATE TABLE evidence (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE gap_source (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE cause (id INTEGER PRIMARY KEY, name TEXT NOT NULL);

-- This database, among all: every row that leaves the router carries it.
INSERT OR IGNORE INTO meta VALUES ('history', lower(hex(randomblob(4)) || '-'
	|| hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'
	|| substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-'
	|| hex(randomblob(6))));

CREATE INDEX flow_started ON flow (started);

-- The public port of a translated flow: with masquerade the public address is in every
-- flow and narrows nothing. The expression is that of flows.nat_sport.
CREATE INDEX flow_public_port ON flow (iif(nat_src IS NULL AND nat_dst IS NOT NULL, sport, nat_sport))
	WHERE iif(nat_src IS NULL AND nat_dst IS NOT NULL, sport, nat_sport) IS NOT NULL;

-- Closed TCP flows of which the kernel still has the entry (state 3): they are completed
-- when it goes.
CREATE INDEX flow_closed ON flow (state) WHERE state = 3;

-- Few flows are flagged: in the order of their ids, with what they are searched by.
DROP INDEX flow_flagged;
CREATE INDEX flow_flagged ON flow (id, verdict, uplink) WHERE verdict < 5;

-- Flows that lived for ten minutes or longer, by their end.
DROP INDEX flow_long;
CREATE INDEX flow_long ON flow (ifnull(started, 0) + life, started)
	WHERE state <> 0 AND life >= 600000;

-- Sets of several interfaces have ids from 65536 on, so that the flows that left by
-- several can be found.
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
--         n / 191 + 1, n % 191 + 1, which unicode() reads; empty where there would be
--         2,048 or more: such a slice is read whole
-- slice.indexed: so many ids of the slice, from its first, are in its postings.
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
-- Which of a flow's addresses: 0: before, 1: after translation.
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

-- Of the packets of no flow: "udp 192.0.2.1:53 > 203.0.113.9:4000", the latest.
ALTER TABLE coverage_hour ADD COLUMN untracked_example TEXT;
-- Of UDP answers from an address that was not asked; coverage_count has them as kind 30.
ALTER TABLE coverage_hour ADD COLUMN unasked_example TEXT;

ALTER TABLE uplink_state ADD COLUMN cause INTEGER;
ALTER TABLE uplink_state ADD COLUMN decision TEXT;
ALTER TABLE uplink_state ADD COLUMN user TEXT;
ALTER TABLE uplink_state ADD COLUMN process TEXT;
ALTER TABLE uplink_state ADD COLUMN until INTEGER;
ALTER TABLE uplink_state ADD COLUMN addresses TEXT;

-- What uplinks carried in bins of five minutes, by the kernel's counters.
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

-- What the counters of usage said last: the next daemon counts on from there.
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

-- What the health of uplinks was judged by.
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
	handshake INTEGER,
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

-- Sums of the flows that ended in an hour, by inside host and uplink: the sums of a day
-- need not read its flows. host is '' for hosts beyond the first 65,536 of an hour;
-- uplink is 0 for flows whose mark names none.
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

-- What was written that is final, or has changed since: where exporters read on. A row
-- per transaction and kind.
--   first  the number of changes before it, ever: a reader that has seen first + n of
--          them reads on there; fewer rows than numbers: retention was faster
--   kind   0: flow ended   1: flow written again   2: mismatch   3: gap   4: coverage
--          5: usage   6: uplink state   7: tampering   8: alert   9: health
--   ids    n of them: each the difference to the one before (first: to 0), zigzag, as
--          LEB128
CREATE TABLE change (
	first INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	n INTEGER NOT NULL,
	ids BLOB NOT NULL
);
