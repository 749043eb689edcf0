-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Version 2: the states of the uplinks, the coverage (how many of the packets that left
-- are in the history), and the flows that were deleted because of a mismatch. Values are
-- coded as in version-1.sql.

-- One row per change of an uplink's state: 'up', 'down', 'missing', 'no-address',
-- 'no-gateway'. The first row after a start of the daemon is the state that it found.
CREATE TABLE uplink_state (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	state TEXT NOT NULL
);
CREATE INDEX uplink_state_time ON uplink_state (time);

-- How many packets left by an uplink in an hour, and how many of them the flows account
-- for. A row sums up the intervals whose middle is in the hour.
--   time        start of the hour
--   started     start of the first interval
--   ended       end of the last interval
--   intervals   number of intervals
--   unknown     number of intervals for which the number of packets that left is unknown
--   is_partial  the rules were missing for a part of the time
--   has_gap     events or evidence may have been lost
--   has_uncounted  flows without counters existed
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

-- The counts of an hour. A count of 0 has no row.
--   kind   0: sent by the interface
--          1: left by the uplink
--          2: the part of kind 1 that only the interface counted, not the rules
--         10: counted by the rules, packets of flows
--         11: counted by the rules, packets without a flow
--         12: counted by the rules, packets of neighbour discovery
--         20: of flows with evidence
--         21: of flows that began before evidence was collected
--         22: of offloaded flows
--         23: of flows in a gap
--         24: the part of kind 20 of flows that also left by other uplinks
CREATE TABLE coverage_count (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	UNIQUE (time, uplink, kind)
);

-- The last reading of an uplink's counters. The next interval begins with it, also after
-- a restart of the daemon. Kinds as above. Packets of flows that have ended since are
-- subtracted, so a count may be below 0.
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

-- Flows that lived for ten minutes or longer, which are few. Together with the slices
-- they show which flows were live at a time. If the start of a flow is unknown, life is
-- the time of its end (since 1970), so this index contains the flow.
CREATE INDEX flow_long ON flow (uplink) WHERE state <> 0 AND life >= 600000;

-- Flows whose conntrack entry was deleted because on-mismatch is "delete-flow".
CREATE TABLE cure (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	flow_id INTEGER NOT NULL,
	mismatch_id INTEGER NOT NULL,
	action TEXT NOT NULL
);
CREATE INDEX cure_flow ON cure (flow_id);
