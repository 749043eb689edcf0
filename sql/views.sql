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
	CASE m.evidence WHEN 0 THEN 'packet' ELSE 'label' END AS evidence,
	m.packets AS packets
FROM mismatch m;

DROP VIEW IF EXISTS gaps;
CREATE VIEW gaps AS SELECT
	g.id AS id,
	strftime('%Y-%m-%dT%H:%M:%fZ', g.started / 1000.0, 'unixepoch') AS started,
	strftime('%Y-%m-%dT%H:%M:%fZ', g.ended / 1000.0, 'unixepoch') AS ended,
	CASE g.source WHEN 0 THEN 'events' WHEN 1 THEN 'evidence' WHEN 2 THEN 'daemon'
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

-- Hour by hour and uplink how much left, how much of it is in the history (seen), the
-- share, and what is missing by its cause: each takes of what the causes before it have
-- not explained (audit/coverage.c does the same). NULL: it is not known how much left.
-- share is cut off after four digits: 1.0 says that nothing is missing.
DROP VIEW IF EXISTS coverage;
CREATE VIEW coverage AS WITH
counted AS (SELECT h.id, h.time, h.started, h.ended, h.is_partial, h.has_gap, h.has_uncounted,
		u.name AS uplink, h.unknown > 0 AS is_unknown,
		sum(iif(k.kind = 0, k.packets, 0)) AS link_packets,
		sum(iif(k.kind = 0, k.bytes, 0)) AS link_bytes,
		sum(iif(k.kind = 1, k.packets, 0)) AS left_packets,
		sum(iif(k.kind = 1, k.bytes, 0)) AS left_bytes,
		sum(iif(k.kind = 2, k.packets, 0)) AS skipped,
		sum(iif(k.kind IN (10, 11), k.packets, 0)) AS rules_packets,
		sum(iif(k.kind IN (10, 11), k.bytes, 0)) AS rules_bytes,
		sum(iif(k.kind = 11, k.packets, 0)) AS untracked,
		sum(iif(k.kind = 20, k.packets, 0)) AS seen_packets,
		sum(iif(k.kind = 20, k.bytes, 0)) AS seen_bytes,
		sum(iif(k.kind = 21, k.packets, 0)) AS predating,
		sum(iif(k.kind = 22, k.packets, 0)) AS offloaded,
		sum(iif(k.kind = 23, k.packets, 0)) AS gap,
		sum(iif(k.kind = 24, k.packets, 0)) AS split
	FROM coverage_hour h JOIN uplink u ON u.id = h.uplink
		LEFT JOIN coverage_count k ON k.time = h.time AND k.uplink = h.uplink
	GROUP BY h.id),
a AS (SELECT *, max(left_packets - seen_packets, 0) AS missing FROM counted),
b AS (SELECT *, min(missing, untracked) AS m_untracked FROM a),
c AS (SELECT *, missing - m_untracked AS rest_b FROM b),
d AS (SELECT *, min(rest_b, iif(is_partial, skipped, 0)) AS m_rules FROM c),
e AS (SELECT *, rest_b - m_rules AS rest_d FROM d),
f AS (SELECT *, min(rest_d, offloaded + iif(is_partial, 0, skipped)) AS m_offloaded FROM e),
g AS (SELECT *, rest_d - m_offloaded AS rest_f FROM f),
h AS (SELECT *, min(rest_f, predating) AS m_predating FROM g),
i AS (SELECT *, rest_f - m_predating AS rest_h FROM h),
j AS (SELECT *, iif(has_gap, rest_h, min(rest_h, gap)) AS m_gap FROM i),
k AS (SELECT *, iif(has_uncounted, rest_h - m_gap, 0) AS m_uncounted FROM j),
l AS (SELECT *, rest_h - m_gap - m_uncounted AS m_other FROM k)
SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000.0, 'unixepoch') AS hour,
	uplink,
	strftime('%Y-%m-%dT%H:%M:%fZ', started / 1000.0, 'unixepoch') AS started,
	strftime('%Y-%m-%dT%H:%M:%fZ', ended / 1000.0, 'unixepoch') AS ended,
	iif(is_unknown, NULL, left_packets) AS left_packets,
	iif(is_unknown, NULL, left_bytes) AS left_bytes,
	seen_packets AS seen_packets,
	seen_bytes AS seen_bytes,
	iif(is_unknown OR left_packets = 0, NULL,
		(left_packets - missing) * 10000 / left_packets / 10000.0) AS share,
	iif(is_unknown, NULL, missing) AS missing_packets,
	iif(is_unknown, NULL, m_untracked) AS untracked,
	iif(is_unknown, NULL, m_rules) AS rules_missing,
	iif(is_unknown, NULL, m_offloaded) AS offloaded,
	iif(is_unknown, NULL, m_predating) AS predating,
	iif(is_unknown, NULL, m_gap) AS gap,
	iif(is_unknown, NULL, m_uncounted) AS uncounted,
	iif(is_unknown, NULL, m_other) AS other,
	split AS split_packets,
	rules_packets AS rules_packets,
	rules_bytes AS rules_bytes,
	link_packets AS link_packets,
	link_bytes AS link_bytes,
	iif(is_unknown, 'not known', iif(left_packets = 0, 'nothing left', iif(missing = 0, NULL,
		substr(iif(m_untracked, ', untracked ' || m_untracked, '')
			|| iif(m_rules, ', rules-missing ' || m_rules, '')
			|| iif(m_offloaded, ', offloaded ' || m_offloaded, '')
			|| iif(m_predating, ', predating ' || m_predating, '')
			|| iif(m_gap, ', gap ' || m_gap, '')
			|| iif(m_uncounted, ', uncounted ' || m_uncounted, '')
			|| iif(m_other, ', other ' || m_other, ''), 3)))) AS causes
FROM l;

DROP VIEW IF EXISTS uplink_states;
CREATE VIEW uplink_states AS SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', s.time / 1000.0, 'unixepoch') AS time,
	u.name AS uplink,
	u.interface AS interface,
	s.state AS state
FROM uplink_state s JOIN uplink u ON u.id = s.uplink;

DROP VIEW IF EXISTS cures;
DROP VIEW IF EXISTS deleted_flows;
CREATE VIEW deleted_flows AS SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') AS time,
	c.flow_id AS flow_id,
	c.mismatch_id AS mismatch_id,
	c.action AS action
FROM cure c;
