-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Version 2: what the uplinks were, how much of what left is in the history, and
-- what was done about mismatches. The coding is that of schema.sql.

-- An uplink has become so: 'up', 'down', 'missing', 'no-address', 'no-gateway'. The
-- first row after a start of the daemon says how it was found.
CREATE TABLE uplink_state (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	uplink INTEGER NOT NULL,
	state TEXT NOT NULL
);
CREATE INDEX uplink_state_time ON uplink_state (time);

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
