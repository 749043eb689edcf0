-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- What users see of the history: documented in waymark-sql(5), and in the views
-- themselves, so that `.schema flows` explains each column. Created again with
-- each newer version of the schema, in plain SQL, so that any program that reads SQLite can
-- read them.
--
-- In the base table only what translation changed is kept; the view fills in the other
-- side.

DROP VIEW IF EXISTS flows;
CREATE VIEW flows AS
-- Every flow, one per row. Compare and calculate with started_ms and ended_ms; search an
-- address by flow_addresses, a public port by nat_sport, an interface by flow_egress,
-- a bad verdict by flagged_flows, the flows that lived at a moment with long_flows.
SELECT
	f.id AS id, -- ascends in the order in which flows were first seen; never used again
	strftime('%Y-%m-%dT%H:%M:%fZ', f.started / 1000.0, 'unixepoch') AS started, -- UTC; NULL: it began before there was a record
	f.started AS started_ms, -- milliseconds since 1970: compare this one
	strftime('%Y-%m-%dT%H:%M:%fZ', iif(f.state = 0, NULL, ifnull(f.started, 0) + f.life) / 1000.0, 'unixepoch') AS ended, -- NULL: it lives; of a lost flow: it ended then or before
	iif(f.state = 0, NULL, ifnull(f.started, 0) + f.life) AS ended_ms, -- milliseconds since 1970
	CASE f.state WHEN 0 THEN 'live' WHEN 2 THEN 'lost' ELSE 'ended' END AS state, -- live, ended, lost: its end was missed
	CASE f.proto WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' WHEN 1 THEN 'icmp'
		WHEN 58 THEN 'icmpv6' WHEN 132 THEN 'sctp' ELSE CAST(f.proto AS TEXT) END AS proto, -- tcp, udp, icmp, icmpv6, sctp, or the number
	CASE typeof(f.src) WHEN 'integer' THEN
		(f.src >> 24 & 255) || '.' || (f.src >> 16 & 255) || '.' ||
		(f.src >> 8 & 255) || '.' || (f.src & 255) ELSE f.src END AS src, -- as it was sent, before translation (RFC 5952)
	f.sport AS sport, -- of ICMP: the identifier
	CASE typeof(f.dst) WHEN 'integer' THEN
		(f.dst >> 24 & 255) || '.' || (f.dst >> 16 & 255) || '.' ||
		(f.dst >> 8 & 255) || '.' || (f.dst & 255) ELSE f.dst END AS dst, -- as it was sent to, before translation
	f.dport AS dport, -- of ICMP: type * 256 + code
	CASE typeof(f.to_src) WHEN 'integer' THEN
		(f.to_src >> 24 & 255) || '.' || (f.to_src >> 16 & 255) || '.' ||
		(f.to_src >> 8 & 255) || '.' || (f.to_src & 255) ELSE f.to_src END AS nat_src, -- after translation; NULL: nothing was translated
	f.to_sport AS nat_sport, -- indexed: the public port of a translated flow
	CASE typeof(f.to_dst) WHEN 'integer' THEN
		(f.to_dst >> 24 & 255) || '.' || (f.to_dst >> 16 & 255) || '.' ||
		(f.to_dst >> 8 & 255) || '.' || (f.to_dst & 255) ELSE f.to_dst END AS nat_dst, -- after translation
	f.to_dport AS nat_dport, -- after translation
	f.zone AS zone, -- conntrack zone
	f.ct_id & 4294967295 AS ct_id, -- conntrack id; the kernel uses it again
	f.mark AS mark, -- the ct mark under mark-mask
	(SELECT u.name FROM uplink u WHERE u.id = f.uplink) AS uplink, -- that the mark names
	(SELECT u.name FROM uplink u WHERE u.id = f.ingress) AS ingress, -- uplink that it entered by; NULL: it came from inside
	(SELECT s.names FROM ifset s WHERE s.id = f.egress) AS egress, -- interfaces, separated by commas (flow_egress: one per row)
	(SELECT s.names FROM ifset s WHERE s.id = f.egress_reply) AS egress_reply, -- ... of its replies
	(SELECT v.name FROM verdict v WHERE v.id = f.verdict) AS verdict, -- mismatch, wrong-source, foreign, unmarked, unknown, local, ok; NULL: none yet
	(SELECT r.name FROM reason r WHERE r.id = f.reason) AS reason, -- of a mismatch, or why it is unknown
	f.packets AS packets, -- original direction; NULL: not counted
	f.bytes AS bytes, -- from the IP header on
	f.packets_reply AS packets_reply, -- of its replies; 0: it got no answer
	f.bytes_reply AS bytes_reply -- from the IP header on
FROM (SELECT flow.*,
		iif(nat_src IS NULL AND nat_dst IS NOT NULL, src, nat_src) AS to_src,
		iif(nat_src IS NULL AND nat_dst IS NOT NULL, sport, nat_sport) AS to_sport,
		iif(nat_dst IS NULL AND nat_src IS NOT NULL, dst, nat_dst) AS to_dst,
		iif(nat_dst IS NULL AND nat_src IS NOT NULL, dport, nat_dport) AS to_dport
	FROM flow) f;

DROP VIEW IF EXISTS long_flows;
CREATE VIEW long_flows AS
-- Flows that live, or lived for 10 minutes or longer; columns as in flows.
-- Which flows lived at the moment T (milliseconds)?
--   SELECT * FROM flows WHERE started_ms BETWEEN T - 600000 AND T
--     AND (ended_ms >= T OR ended_ms IS NULL)
--   UNION SELECT * FROM long_flows WHERE started_ms <= T AND ended_ms >= T
--   UNION SELECT * FROM long_flows WHERE started_ms <= T AND state = 'live'
SELECT
	f.id, f.started, l.started_ms, f.ended, l.ended_ms, l.state, f.proto, f.src, f.sport,
	f.dst, f.dport, f.nat_src, f.nat_sport, f.nat_dst, f.nat_dport, f.zone, f.ct_id, f.mark,
	f.uplink, f.ingress, f.egress, f.egress_reply, f.verdict, f.reason, f.packets, f.bytes,
	f.packets_reply, f.bytes_reply
FROM (SELECT id, started AS started_ms, NULL AS ended_ms, 'live' AS state
		FROM flow INDEXED BY flow_live WHERE state = 0
	UNION ALL SELECT id, started, ifnull(started, 0) + life, 'ended'
		FROM flow INDEXED BY flow_long
		WHERE state <> 0 AND life >= 600000 AND state <> 2
	UNION ALL SELECT id, started, ifnull(started, 0) + life, 'lost'
		FROM flow INDEXED BY flow_long
		WHERE state <> 0 AND life >= 600000 AND state = 2) l
	CROSS JOIN flows f ON f.id = l.id;

DROP VIEW IF EXISTS flagged_flows;
CREATE VIEW flagged_flows AS
-- Flows with the verdict mismatch, wrong-source, foreign or unmarked; columns as in flows.
-- They have an index of their own: however many flows there are, these are found at once,
-- by uplink and verdict, in the order of their ids.
SELECT
	b.id, f.started, f.started_ms, f.ended, f.ended_ms, f.state, f.proto, f.src, f.sport,
	f.dst, f.dport, f.nat_src, f.nat_sport, f.nat_dst, f.nat_dport, f.zone, f.ct_id, f.mark,
	b.uplink, f.ingress, f.egress, f.egress_reply, b.verdict, f.reason, f.packets, f.bytes,
	f.packets_reply, f.bytes_reply
FROM (SELECT id,
		(SELECT u.name FROM uplink u WHERE u.id = flow.uplink) AS uplink,
		(SELECT v.name FROM verdict v WHERE v.id = flow.verdict) AS verdict
	FROM flow INDEXED BY flow_flagged WHERE verdict < 5) b
	CROSS JOIN flows f ON f.id = b.id;

DROP VIEW IF EXISTS flow_addresses;
CREATE VIEW flow_addresses AS
-- Which flows have an address, before or after translation; give the address:
--   SELECT * FROM flows WHERE id IN
--     (SELECT flow_id FROM flow_addresses WHERE address = '203.0.113.10')
SELECT
	p.addr AS address, -- RFC 5952
	d.name AS side, -- src, dst
	(s.id << 15) + (unicode(substr(p.ids, 2 * n.n + 1, 1)) - 1) * 191
		+ unicode(substr(p.ids, 2 * n.n + 2, 1)) - 1 AS flow_id -- flows.id
FROM slice s CROSS JOIN side d CROSS JOIN posting p CROSS JOIN position n
WHERE s.indexed > 0 AND p.slice = s.id AND p.side = d.id AND n.n < length(p.ids) / 2
-- addresses of 2,048 flows or more of a slice
UNION ALL SELECT p.addr, d.name, f.id
FROM slice s CROSS JOIN side d CROSS JOIN posting p CROSS JOIN stage t CROSS JOIN flow f
WHERE s.indexed > 0 AND p.slice = s.id AND p.side = d.id AND p.ids = x''
	AND f.id BETWEEN s.id << 15 AND (s.id << 15) + s.indexed - 1
	AND (t.id = 0 OR iif(d.id, f.nat_dst IS NOT f.dst, f.nat_src IS NOT f.src))
	AND p.addr = CASE typeof(iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src))) WHEN 'integer' THEN
		(iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) >> 24 & 255) || '.' || (iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) >> 16 & 255) || '.' ||
		(iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) >> 8 & 255) || '.' || (iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) & 255) ELSE iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) END
-- flows that have no postings yet
UNION ALL SELECT
	CASE typeof(iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src))) WHEN 'integer' THEN
		(iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) >> 24 & 255) || '.' || (iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) >> 16 & 255) || '.' ||
		(iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) >> 8 & 255) || '.' || (iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) & 255) ELSE iif(d.id, iif(t.id, f.nat_dst, f.dst), iif(t.id, f.nat_src, f.src)) END,
	d.name, f.id
FROM slice s CROSS JOIN flow f CROSS JOIN side d CROSS JOIN stage t
WHERE s.indexed < 32768
	AND f.id BETWEEN (s.id << 15) + s.indexed AND (s.id << 15) + 32767
	AND (t.id = 0 OR iif(d.id, f.nat_dst IS NOT f.dst, f.nat_src IS NOT f.src));

DROP VIEW IF EXISTS flow_egress;
CREATE VIEW flow_egress AS
-- The interfaces that flows left by, one per row. Flows that left by several:
--   SELECT * FROM flows WHERE id IN (SELECT flow_id FROM flow_egress WHERE interfaces > 1)
SELECT f.id AS flow_id, -- of flows
	'original' AS direction, -- of the packets: original, reply
	s.names AS interface, -- its name
	1 AS interfaces -- by how many the flow's packets of this direction left
FROM flow f JOIN ifset s ON s.id = f.egress
WHERE f.egress < 65536
UNION ALL SELECT f.id, 'original', m.interface,
	(SELECT count(*) FROM ifset_member c WHERE c.ifset = f.egress)
FROM flow f INDEXED BY flow_split CROSS JOIN ifset_member m ON m.ifset = f.egress
WHERE f.egress >= 65536
UNION ALL SELECT f.id,
	'reply',
	s.names,
	1
FROM flow f JOIN ifset s ON s.id = f.egress_reply
WHERE f.egress_reply < 65536
UNION ALL SELECT f.id, 'reply', m.interface,
	(SELECT count(*) FROM ifset_member c WHERE c.ifset = f.egress_reply)
FROM flow f INDEXED BY flow_split_reply CROSS JOIN ifset_member m ON m.ifset = f.egress_reply
WHERE f.egress_reply >= 65536;

DROP VIEW IF EXISTS mismatches;
CREATE VIEW mismatches AS
-- Packets that left by another interface than the one their flow's mark names: one row
-- per flow, direction and egress.
SELECT
	m.id AS id, -- ascends in the order in which they were seen
	strftime('%Y-%m-%dT%H:%M:%fZ', m.time / 1000.0, 'unixepoch') AS time, -- of the first such packet
	m.time AS time_ms, -- milliseconds since 1970
	m.flow_id AS flow_id, -- flows.id; NULL: not known
	CASE m.proto WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' WHEN 1 THEN 'icmp'
		WHEN 58 THEN 'icmpv6' WHEN 132 THEN 'sctp' ELSE CAST(m.proto AS TEXT) END AS proto, -- of the flow
	CASE typeof(m.src) WHEN 'integer' THEN
		(m.src >> 24 & 255) || '.' || (m.src >> 16 & 255) || '.' ||
		(m.src >> 8 & 255) || '.' || (m.src & 255) ELSE m.src END AS src, -- the flow's original direction
	m.sport AS sport, -- of ICMP: the identifier
	CASE typeof(m.dst) WHEN 'integer' THEN
		(m.dst >> 24 & 255) || '.' || (m.dst >> 16 & 255) || '.' ||
		(m.dst >> 8 & 255) || '.' || (m.dst & 255) ELSE m.dst END AS dst, -- as it was sent to, before translation
	m.dport AS dport, -- of ICMP: type * 256 + code
	iif(m.direction = 0, 'original', 'reply') AS direction, -- of the packet
	m.mark AS mark, -- the ct mark under mark-mask
	(SELECT u.name FROM uplink u WHERE u.id = m.expected) AS expected, -- uplink that the mark names
	iif(typeof(m.egress) = 'text', m.egress,
		(SELECT u.interface FROM uplink u WHERE u.id = m.egress)) AS egress, -- interface that the packet left by
	(SELECT r.name FROM reason r WHERE r.id = m.reason) AS reason, -- rule-missing, rule-before, route-missing, route-specific, uplink-down, ...
	(SELECT e.name FROM evidence e WHERE e.id = m.evidence) AS evidence, -- what showed it: packet, label
	m.packets AS packets -- at least so many
FROM mismatch m;

DROP VIEW IF EXISTS gaps;
CREATE VIEW gaps AS
-- Intervals in which events or evidence may be missing.
SELECT
	g.id AS id, -- below 0: the store's own
	strftime('%Y-%m-%dT%H:%M:%fZ', g.started / 1000.0, 'unixepoch') AS started, -- NULL: not known
	g.started AS started_ms, -- milliseconds since 1970
	strftime('%Y-%m-%dT%H:%M:%fZ', g.ended / 1000.0, 'unixepoch') AS ended, -- NULL: still open
	g.ended AS ended_ms, -- milliseconds since 1970
	(SELECT s.name FROM gap_source s WHERE s.id = g.source) AS source, -- events, evidence, daemon, store
	g.lost AS lost, -- how many; NULL: not known
	g.reason AS reason -- what happened
FROM gap g;

DROP VIEW IF EXISTS coverage;
CREATE VIEW coverage AS
-- Per hour and uplink: how much left, how much of it is in the history (seen), the share,
-- and what is missing by cause. Each cause takes from what the causes before it do not
-- explain (audit/coverage.c does the same). NULL: it is not known how much left. share
-- is cut off after four digits: 1.0 means that nothing is missing.
WITH
counted AS (SELECT h.id, h.time, h.started, h.ended, h.is_partial, h.has_gap, h.has_uncounted,
		h.untracked_example, h.unasked_example, u.name AS uplink, h.unknown > 0 AS is_unknown,
		sum(iif(k.kind = 0, k.packets, 0)) AS link_packets,
		sum(iif(k.kind = 0, k.bytes, 0)) AS link_bytes,
		sum(iif(k.kind = 1, k.packets, 0)) AS left_packets,
		sum(iif(k.kind = 1, k.bytes, 0)) AS left_bytes,
		sum(iif(k.kind = 2, k.packets, 0)) AS skipped,
		sum(iif(k.kind IN (10, 11), k.packets, 0)) AS rules_packets,
		sum(iif(k.kind IN (10, 11), k.bytes, 0)) AS rules_bytes,
		sum(iif(k.kind = 11, k.packets, 0)) AS untracked,
		sum(iif(k.kind = 30, k.packets, 0)) AS unasked,
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
	strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000.0, 'unixepoch') AS hour, -- its start
	time AS hour_ms, -- milliseconds since 1970
	uplink AS uplink, -- name
	strftime('%Y-%m-%dT%H:%M:%fZ', started / 1000.0, 'unixepoch') AS started, -- of the first interval that was compared
	started AS started_ms, -- milliseconds since 1970
	strftime('%Y-%m-%dT%H:%M:%fZ', ended / 1000.0, 'unixepoch') AS ended, -- of the last one
	ended AS ended_ms, -- milliseconds since 1970
	iif(is_unknown, NULL, left_packets) AS left_packets, -- that left by the uplink
	iif(is_unknown, NULL, left_bytes) AS left_bytes, -- from the IP header on
	seen_packets AS seen_packets, -- that flows of the history account for, by evidence
	seen_bytes AS seen_bytes, -- of these packets
	iif(is_unknown OR left_packets = 0, NULL,
		(left_packets - missing) * 10000 / left_packets / 10000.0) AS share, -- seen of left, 0 to 1; NULL: nothing sent, or not known
	iif(is_unknown, NULL, missing) AS missing_packets, -- left, and not seen; the causes follow
	iif(is_unknown, NULL, m_untracked) AS untracked, -- of no flow: notrack, or conntrack refused them
	untracked_example AS untracked_example, -- the latest packet of no flow; NULL: none was logged
	iif(is_unknown, NULL, m_rules) AS rules_missing, -- sent while the rules were not there
	iif(is_unknown, NULL, m_offloaded) AS offloaded, -- skipped the rules
	iif(is_unknown, NULL, m_predating) AS predating, -- of flows that began before there was evidence
	iif(is_unknown, NULL, m_gap) AS gap, -- of flows in a gap
	iif(is_unknown, NULL, m_uncounted) AS uncounted, -- of flows that began without counters
	iif(is_unknown, NULL, m_other) AS other, -- ICMP errors, packets on their way
	split AS split_packets, -- of those seen: of flows that left by several uplinks
	unasked AS unasked, -- UDP answers of the router from an address that was not asked
	unasked_example AS unasked_example, -- the latest one; NULL: none
	rules_packets AS rules_packets, -- that the rules counted
	rules_bytes AS rules_bytes, -- of these packets
	link_packets AS link_packets, -- frames that the interface sent
	link_bytes AS link_bytes, -- of these frames
	iif(is_unknown, 'not known', iif(left_packets = 0, 'nothing sent', iif(missing = 0, NULL,
		substr(iif(m_untracked, ', untracked ' || m_untracked, '')
			|| iif(m_rules, ', rules-missing ' || m_rules, '')
			|| iif(m_offloaded, ', offloaded ' || m_offloaded, '')
			|| iif(m_predating, ', predating ' || m_predating, '')
			|| iif(m_gap, ', gap ' || m_gap, '')
			|| iif(m_uncounted, ', uncounted ' || m_uncounted, '')
			|| iif(m_other, ', other ' || m_other, ''), 3)))) AS causes, -- the causes above as text; NULL: nothing is missing
	id AS id -- of the hour and uplink
FROM l;

DROP VIEW IF EXISTS uplinks;
CREATE VIEW uplinks AS
-- Every uplink there was; one row per change of its interface or mark.
SELECT
	u.name AS name, -- as configured
	u.interface AS interface, -- its name
	u.mark AS mark, -- the ct mark under mark-mask
	strftime('%Y-%m-%dT%H:%M:%fZ', u.valid_from / 1000.0, 'unixepoch') AS valid_from, -- so it was from then on
	u.valid_from AS valid_from_ms, -- milliseconds since 1970
	strftime('%Y-%m-%dT%H:%M:%fZ', u.valid_to / 1000.0, 'unixepoch') AS valid_to, -- NULL: still
	u.valid_to AS valid_to_ms -- milliseconds since 1970
FROM uplink u;

DROP VIEW IF EXISTS uplink_states;
CREATE VIEW uplink_states AS
-- What uplinks became, and why; a change of the addresses or of a gateway too. The first row after a start: what was found.
SELECT
	s.id AS id, -- ascends
	strftime('%Y-%m-%dT%H:%M:%fZ', s.time / 1000.0, 'unixepoch') AS time, -- when it became so
	s.time AS time_ms, -- milliseconds since 1970
	u.name AS uplink, -- name
	u.interface AS interface, -- its name then
	s.state AS state, -- up, down, drain, missing, no-address, no-gateway
	(SELECT c.name FROM cause c WHERE c.id = s.cause) AS cause, -- link, address, gateway, health, operator
	s.decision AS decision, -- what was done about it; auto: an operator ended it; NULL: nothing
	s.user AS user, -- who decided; NULL: observed
	s.process AS process, -- by which process
	strftime('%Y-%m-%dT%H:%M:%fZ', s.until / 1000.0, 'unixepoch') AS until, -- the decision ends then; NULL: it does not
	s.until AS until_ms, -- milliseconds since 1970
	s.addresses AS addresses -- of the interface then, comma-separated; NULL: it had none
FROM uplink_state s JOIN uplink u ON u.id = s.uplink;

DROP VIEW IF EXISTS usage;
CREATE VIEW usage AS
-- What uplinks carried in bins of 5 minutes, by the kernel's counters.
SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', b.time / 1000.0, 'unixepoch') AS time, -- the bin's start
	b.time AS time_ms, -- milliseconds since 1970
	u.name AS uplink, -- name
	b.bytes_sent AS bytes_sent, -- by the interface
	b.bytes_received AS bytes_received, -- by the interface
	b.packets_sent AS packets_sent, -- by the interface
	b.packets_received AS packets_received, -- by the interface
	b.flows_started AS flows_started, -- from inside, by this uplink
	b.flows_answered AS flows_answered, -- of flows from inside: first replies
	b.id AS id -- of the bin and uplink
FROM usage_bin b JOIN uplink u ON u.id = b.uplink;

DROP VIEW IF EXISTS talkers;
CREATE VIEW talkers AS
-- Sums of the flows that ended in an hour, by inside host and uplink.
SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', h.hour / 1000.0, 'unixepoch') AS hour, -- its start
	h.hour AS hour_ms, -- milliseconds since 1970
	nullif(CASE typeof(h.host) WHEN 'integer' THEN
		(h.host >> 24 & 255) || '.' || (h.host >> 16 & 255) || '.' ||
		(h.host >> 8 & 255) || '.' || (h.host & 255) ELSE h.host END, '') AS host, -- NULL: hosts beyond the first 65,536 of the hour
	(SELECT u.name FROM uplink u WHERE u.id = h.uplink) AS uplink, -- that the flows' marks name
	h.flows AS flows, -- that ended in the hour
	h.unanswered AS unanswered, -- of them, those that got no packet back
	h.bytes_sent AS bytes_sent, -- by the host
	h.bytes_received AS bytes_received -- by the host
FROM host_hour h;

DROP VIEW IF EXISTS health;
CREATE VIEW health AS
-- What the health of uplinks was judged by.
SELECT
	s.id AS id, -- ascends
	strftime('%Y-%m-%dT%H:%M:%fZ', s.time / 1000.0, 'unixepoch') AS time, -- when it was judged
	s.time AS time_ms, -- milliseconds since 1970
	u.name AS uplink, -- name
	CASE s.family WHEN 2 THEN 'ipv4' WHEN 10 THEN 'ipv6' END AS family, -- NULL: both
	s.state AS state, -- healthy, degraded, silent, idle
	s.span AS window_ms, -- of what was seen in so long
	s.flows_started AS flows_started, -- in the window
	s.flows_answered AS flows_answered, -- of them, those that got a reply
	s.normal / 1000.0 AS normal_share, -- the uplink's own answered share otherwise
	s.others / 1000.0 AS others_share, -- the best other uplink's share in the window, divided by its own normal share
	strftime('%Y-%m-%dT%H:%M:%fZ', s.began / 1000.0, 'unixepoch') AS began, -- of a bad state: the last answer or the first failed check
	s.began AS began_ms, -- milliseconds since 1970
	s.probes AS probes, -- runs of health { exec }
	s.probes_answered AS probes_answered, -- of them, those that exited with 0
	s.text AS text -- the same in words
FROM health_sample s JOIN uplink u ON u.id = s.uplink;

DROP VIEW IF EXISTS alerts;
CREATE VIEW alerts AS
-- Alerts as they were sent.
SELECT
	a.id AS id, -- ascends
	strftime('%Y-%m-%dT%H:%M:%fZ', a.time / 1000.0, 'unixepoch') AS time, -- when it was sent
	a.time AS time_ms, -- milliseconds since 1970
	a.kind AS kind, -- mismatch, wrong-source, unmarked, foreign, tampering, gap, uplink, quota, health, silence
	a.severity AS severity, -- critical, warning, notice
	a.state AS state, -- raised, summary, over
	a.uplinks AS uplinks, -- names, separated by commas
	a.reason AS reason, -- of a mismatch or a gap
	a.count AS count, -- events that it stands for
	a.text AS text -- the message
FROM alert a;

DROP VIEW IF EXISTS mark_changes;
CREATE VIEW mark_changes AS
-- Flows whose mark changed while they lived.
SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') AS time, -- when it was seen
	c.time AS time_ms, -- milliseconds since 1970
	c.flow_id AS flow_id, -- flows.id
	c.old AS old, -- ct mark before, under mark-mask
	c.new AS new -- ct mark since
FROM mark_change c;

DROP VIEW IF EXISTS tampering;
CREATE VIEW tampering AS
-- What another process removed or changed, and what was done about it.
SELECT
	t.id AS id, -- ascends
	strftime('%Y-%m-%dT%H:%M:%fZ', t.time / 1000.0, 'unixepoch') AS time, -- when it was noticed
	t.time AS time_ms, -- milliseconds since 1970
	t.what AS what, -- the rule, route or table, as ip and nft name it
	t.pid AS pid, -- NULL: not known
	t.process AS process, -- its name; NULL: not known
	t.action AS action -- restored, noticed, gave-up
FROM tamper t;

DROP VIEW IF EXISTS deleted_flows;
CREATE VIEW deleted_flows AS
-- Flows that were removed from conntrack because of a mismatch, or to return from a backup.
SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') AS time, -- when it was deleted
	c.time AS time_ms, -- milliseconds since 1970
	c.flow_id AS flow_id, -- flows.id
	nullif(c.mismatch_id, 0) AS mismatch_id, -- mismatches.id; NULL: no mismatch
	c.action AS action -- deleted; returned: by on-uplink-up = return
FROM deletion c;
