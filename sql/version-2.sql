-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Version 2: what the uplinks were, how much of what left is in the history, and
-- what was done about mismatches. The coding is that of version-1.sql.

-- An uplink has become so: 'up', 'down', 'missing', 'no-address', 'no-gateway'. The
-- first row after a start of the daemon says how it was found.
CREATE TABLE uplink_state (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	state TEXT NOT NULL
);
CREATE INDEX uplink_state_time ON uplink_state (time);

-- How much left by an uplink in an hour, and how much of it the flows account for: sums
-- over the intervals whose middles lie in it.
--   time        the hour's beginning
--   started, ended  of the first interval, of the last
--   intervals   and of how many it is not known how much left
--   is_partial  the rules were not there all the time
--   has_gap, has_uncounted  something may have been missed; flows without counters lived
CREATE TABLE coverage_hour (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	started INTEGER NOT NULL,
	ended INTEGER NOT NULL,
	intervals INTEGER NOT NULL,
	unknown INTEGER NOT NULL,
	is_partial INTEGER NOT NULL,
	has_gap INTEGER NOT NULL,
	has_uncounted INTEGER NOT NULL,
	UNIQUE (time, uplink)
);

-- What was counted in it; what was not has no row.
--   kind  0: sent by the interface   1: left   2: of that, past the rules
--         10: seen by the rules, of flows   11: of no flow   12: neighbour discovery
--         20: of flows, proven by evidence   21: that began before there was any
--         22: offloaded   23: in a gap   24: of 20, flows that left by others, too
CREATE TABLE coverage_count (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	UNIQUE (time, uplink, kind)
);

-- What an uplink's counters said last: the next interval begins there, also that of the
-- next daemon. Kinds as above; below 0 where what has ended since is taken off.
CREATE TABLE coverage_reading (
	uplink INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	boot INTEGER NOT NULL,
	rules INTEGER NOT NULL,
	ifindex INTEGER NOT NULL
);
CREATE TABLE coverage_reading_count (
	uplink INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (uplink, kind)
) WITHOUT ROWID;

-- Flows that lived for ten minutes or more, which are few: with them, the slices say
-- which flows lived at a time. A life that counts from a start that is not known is
-- a point in time, and long.
CREATE INDEX flow_long ON flow (uplink) WHERE state <> 0 AND life >= 600000;

-- Flows that on-mismatch = "delete-flow" took out of the kernel's table.
CREATE TABLE cure (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	flow_id INTEGER NOT NULL,
	mismatch_id INTEGER NOT NULL,
	action TEXT NOT NULL
);
CREATE INDEX cure_flow ON cure (flow_id);
