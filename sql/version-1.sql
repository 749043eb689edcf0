-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Version 1 of the base tables. The tables are small and quick to write; users
-- read the views.
--
-- How values are coded, in all tables:
--   times        milliseconds since 1970, UTC; NULL: unknown
--   addresses    IPv4: an INTEGER, the address as a signed 32-bit number;
--                IPv6: TEXT in the form of RFC 5952
--   enumerations small numbers; their names are in the tables verdict and reason
--                or in the views
--   uplinks      uplink.id of the row that was valid when the flow began

CREATE TABLE meta (
	name TEXT PRIMARY KEY,
	value
) WITHOUT ROWID;

CREATE TABLE verdict (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE reason (id INTEGER PRIMARY KEY, name TEXT NOT NULL);

-- One row per uplink and configuration of the uplink. Flows with ids above after_flow
-- began while the row was valid. The times cannot show this, because the clock may have
-- been set.
CREATE TABLE uplink (
	id INTEGER PRIMARY KEY,
	slot INTEGER NOT NULL,
	name TEXT NOT NULL,
	interface TEXT NOT NULL,
	mark INTEGER NOT NULL,
	after_flow INTEGER NOT NULL,
	valid_from INTEGER NOT NULL,
	valid_to INTEGER
);

-- The sets of interfaces that flows left by: bit n of slots is slot n.
CREATE TABLE ifset (
	id INTEGER PRIMARY KEY,
	slots INTEGER NOT NULL,
	names TEXT NOT NULL,
	UNIQUE (slots, names)
);

-- One row per flow. Ids ascend in the order in which flows were first seen and are
-- never used again, so rows are only ever appended at the end.
--   life      ended - started; if started is unknown, ended. For a live flow: zeros
--             that reserve room, so that the row does not split a page when the flow
--             ends.
--   nat_*     address and port after translation; NULL: not translated
--   ct_id     signed, 32 bits
-- The columns are in the order in which searches read them.
CREATE TABLE flow (
	id INTEGER PRIMARY KEY,
	started INTEGER,
	life,
	state INTEGER NOT NULL,
	verdict INTEGER,
	reason INTEGER,
	proto INTEGER NOT NULL,
	src,
	dst,
	sport INTEGER,
	dport INTEGER,
	nat_src,
	nat_dst,
	nat_sport INTEGER,
	nat_dport INTEGER,
	uplink INTEGER,
	ingress INTEGER,
	egress INTEGER,
	egress_reply INTEGER,
	mark INTEGER,
	zone INTEGER,
	ct_id INTEGER,
	packets INTEGER,
	bytes INTEGER,
	packets_reply INTEGER,
	bytes_reply INTEGER
);

-- Few rows match these two partial indexes, and the rows are close together.
CREATE INDEX flow_live ON flow (state) WHERE state = 0;
CREATE INDEX flow_flagged ON flow (verdict) WHERE verdict < 5;

-- One row per slice of 32,768 flow ids (id >> 15): when the first and the last flow
-- began. A search by time reads only the slices that can contain a match.
--   state 0: no postings yet   1: the postings are complete
--         2: retention has deleted most flows and the postings; the rest is read
CREATE TABLE slice (
	id INTEGER PRIMARY KEY,
	first_ms INTEGER,
	last_ms INTEGER,
	state INTEGER NOT NULL
);

-- Which flows of a slice have an address as source or as destination, before or
-- after translation. The rows of a slice are written in order when the slice is full:
-- an index on the addresses would make an insert ten times as expensive.
--   side  0: source, 1: destination
--   addr  IPv4 as in flow; IPv6 as its 16 bytes
--   ids   the low 15 bits of the flows' ids, 2 bytes each, little-endian,
--         ascending; if that would be 4,096 bytes or more, a bitmap of exactly
--         4,096 bytes, in which bit n of byte m stands for 8 m + n
CREATE TABLE posting (
	slice INTEGER NOT NULL,
	side INTEGER NOT NULL,
	addr NOT NULL,
	ids BLOB NOT NULL,
	PRIMARY KEY (slice, side, addr)
) WITHOUT ROWID;

CREATE TABLE mismatch (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	flow_id INTEGER,
	proto INTEGER NOT NULL,
	src,
	dst,
	sport INTEGER,
	dport INTEGER,
	direction INTEGER NOT NULL,
	mark INTEGER,
	expected INTEGER,
	egress INTEGER,
	reason INTEGER,
	evidence INTEGER NOT NULL,
	packets INTEGER
);
CREATE INDEX mismatch_flow ON mismatch (flow_id);

-- Ids below 0: gaps that the store records; other ids: gaps that the audit records.
CREATE TABLE gap (
	id INTEGER PRIMARY KEY,
	started INTEGER,
	ended INTEGER,
	source INTEGER NOT NULL,
	lost INTEGER,
	reason TEXT
);

CREATE TABLE mark_change (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	flow_id INTEGER NOT NULL,
	old INTEGER NOT NULL,
	new INTEGER NOT NULL
);
CREATE INDEX mark_change_flow ON mark_change (flow_id);

CREATE TABLE tamper (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	what TEXT NOT NULL,
	pid INTEGER,
	process TEXT,
	action TEXT
);

-- Alerts that wait for the webhook: one JSON object each, until it is acknowledged.
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	line TEXT NOT NULL
);
