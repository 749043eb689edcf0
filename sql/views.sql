-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- What users see of the history. Made anew after every migration, and by nothing
-- but plain SQL, so that any program that reads SQLite can read them.
--
-- Of ICMP and ICMPv6 sport is the identifier and dport is type * 256 + code of
-- the original direction, as in NetFlow; of protocols without ports both are NULL.
-- The nat_ columns are what a translated flow's addresses and ports became, all
-- four of them, also the side that stayed as it was; of a flow that nothing
-- translated they are NULL. (In the base table only what changed is kept.)

DROP VIEW IF EXISTS flows;
CREATE VIEW flows AS SELECT
	f.id AS id,
	strftime('%Y-%m-%dT%H:%M:%fZ', f.started / 1000.0, 'unixepoch') AS started,
	CASE f.state WHEN 0 THEN NULL ELSE
		strftime('%Y-%m-%dT%H:%M:%fZ', (ifnull(f.started, 0) + f.life) / 1000.0, 'unixepoch') END AS ended,
	CASE f.state WHEN 0 THEN 'live' WHEN 1 THEN 'ended' ELSE 'lost' END AS state,
	CASE f.proto WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' WHEN 1 THEN 'icmp'
		WHEN 58 THEN 'icmpv6' WHEN 132 THEN 'sctp' ELSE CAST(f.proto AS TEXT) END AS proto,
	CASE typeof(f.src) WHEN 'integer' THEN
		(f.src >> 24 & 255) || '.' || (f.src >> 16 & 255) || '.' ||
		(f.src >> 8 & 255) || '.' || (f.src & 255) ELSE f.src END AS src,
	f.sport AS sport,
	CASE typeof(f.dst) WHEN 'integer' THEN
		(f.dst >> 24 & 255) || '.' || (f.dst >> 16 & 255) || '.' ||
		(f.dst >> 8 & 255) || '.' || (f.dst & 255) ELSE f.dst END AS dst,
	f.dport AS dport,
	CASE typeof(f.to_src) WHEN 'integer' THEN
		(f.to_src >> 24 & 255) || '.' || (f.to_src >> 16 & 255) || '.' ||
		(f.to_src >> 8 & 255) || '.' || (f.to_src & 255) ELSE f.to_src END AS nat_src,
	f.to_sport AS nat_sport,
	CASE typeof(f.to_dst) WHEN 'integer' THEN
		(f.to_dst >> 24 & 255) || '.' || (f.to_dst >> 16 & 255) || '.' ||
		(f.to_dst >> 8 & 255) || '.' || (f.to_dst & 255) ELSE f.to_dst END AS nat_dst,
	f.to_dport AS nat_dport,
	f.zone AS zone,
	f.ct_id & 4294967295 AS ct_id,
	f.mark AS mark,
	(SELECT u.name FROM uplink u WHERE u.id = f.uplink) AS uplink,
	(SELECT u.name FROM uplink u WHERE u.id = f.ingress) AS ingress,
	(SELECT s.names FROM ifset s WHERE s.id = f.egress) AS egress,
	(SELECT s.names FROM ifset s WHERE s.id = f.egress_reply) AS egress_reply,
	(SELECT v.name FROM verdict v WHERE v.id = f.verdict) AS verdict,
	(SELECT r.name FROM reason r WHERE r.id = f.reason) AS reason,
	f.packets AS packets,
	f.bytes AS bytes,
	f.packets_reply AS packets_reply,
	f.bytes_reply AS bytes_reply
FROM (SELECT flow.*,
		iif(nat_src IS NULL AND nat_dst IS NOT NULL, src, nat_src) AS to_src,
		iif(nat_src IS NULL AND nat_dst IS NOT NULL, sport, nat_sport) AS to_sport,
		iif(nat_dst IS NULL AND nat_src IS NOT NULL, dst, nat_dst) AS to_dst,
		iif(nat_dst IS NULL AND nat_src IS NOT NULL, dport, nat_dport) AS to_dport
	FROM flow) f;

DROP VIEW IF EXISTS mismatches;
CREATE VIEW mismatches AS SELECT
	m.id AS id,
	strftime('%Y-%m-%dT%H:%M:%fZ', m.time / 1000.0, 'unixepoch') AS time,
	m.flow_id AS flow_id,
	CASE m.proto WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' WHEN 1 THEN 'icmp'
		WHEN 58 THEN 'icmpv6' WHEN 132 THEN 'sctp' ELSE CAST(m.proto AS TEXT) END AS proto,
	CASE typeof(m.src) WHEN 'integer' THEN
		(m.src >> 24 & 255) || '.' || (m.src >> 16 & 255) || '.' ||
		(m.src >> 8 & 255) || '.' || (m.src & 255) ELSE m.src END AS src,
	m.sport AS sport,
	CASE typeof(m.dst) WHEN 'integer' THEN
		(m.dst >> 24 & 255) || '.' || (m.dst >> 16 & 255) || '.' ||
		(m.dst >> 8 & 255) || '.' || (m.dst & 255) ELSE m.dst END AS dst,
	m.dport AS dport,
	CASE m.direction WHEN 0 THEN 'original' ELSE 'reply' END AS direction,
	m.mark AS mark,
	(SELECT u.name FROM uplink u WHERE u.id = m.expected) AS expected,
	(SELECT u.interface FROM uplink u WHERE u.id = m.egress) AS egress,
	(SELECT r.name FROM reason r WHERE r.id = m.reason) AS reason,
	CASE m.evidence WHEN 0 THEN 'nflog' ELSE 'label' END AS evidence,
	m.packets AS packets
FROM mismatch m;

DROP VIEW IF EXISTS gaps;
CREATE VIEW gaps AS SELECT
	g.id AS id,
	strftime('%Y-%m-%dT%H:%M:%fZ', g.started / 1000.0, 'unixepoch') AS started,
	strftime('%Y-%m-%dT%H:%M:%fZ', g.ended / 1000.0, 'unixepoch') AS ended,
	CASE g.source WHEN 0 THEN 'events' WHEN 1 THEN 'nflog' WHEN 2 THEN 'daemon'
		ELSE 'store' END AS source,
	g.lost AS lost,
	g.reason AS reason
FROM gap g;

DROP VIEW IF EXISTS uplinks;
CREATE VIEW uplinks AS SELECT
	u.name AS name,
	u.interface AS interface,
	u.mark AS mark,
	strftime('%Y-%m-%dT%H:%M:%fZ', u.valid_from / 1000.0, 'unixepoch') AS valid_from,
	strftime('%Y-%m-%dT%H:%M:%fZ', u.valid_to / 1000.0, 'unixepoch') AS valid_to
FROM uplink u;

DROP VIEW IF EXISTS mark_changes;
CREATE VIEW mark_changes AS SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') AS time,
	c.flow_id AS flow_id,
	c.old AS old,
	c.new AS new
FROM mark_change c;

DROP VIEW IF EXISTS tampering;
CREATE VIEW tampering AS SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', t.time / 1000.0, 'unixepoch') AS time,
	t.what AS what,
	t.pid AS pid,
	t.process AS process,
	t.action AS action
FROM tamper t;

DROP VIEW IF EXISTS cures;
CREATE VIEW cures AS SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') AS time,
	c.flow_id AS flow_id,
	c.mismatch_id AS mismatch_id,
	c.action AS action
FROM cure c;
