/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary.c - computes the sums that a report shows for a span of time. Slices in which no flow
 * began within this span are not read.
 *
 * Knows nothing of how sums are shown.
 */
#include "store/db.h"
#include "store/read/query_internal.h"

/* The flows that began between ?1 and ?2 (exclusive). */
#define FLOWS_OF_TIME                                                                              \
	" FROM (SELECT id AS slice_id FROM slice WHERE last_ms >= ?1 AND first_ms < ?2)"           \
	" CROSS JOIN flow f NOT INDEXED %s WHERE f.id BETWEEN slice_id << 15 AND (slice_id << "    \
	"15) + 32767"                                                                              \
	" AND f.started >= ?1 AND f.started < ?2"
#define BYTES	    "ifnull(sum(f.bytes), 0)"
#define BYTES_REPLY "ifnull(sum(f.bytes_reply), 0)"

static int summary_run(struct query *q, char *sql, const struct summary_span *span,
		       query_row_fn *fn, void *data)
{
	const int64_t numbers[] = {span->since_ms, span->until_ms, span->step_ms};
	sqlite3_stmt *stmt = NULL;
	int rc = sql ? db_prepare(q->db, &stmt, sql) : SQLITE_NOMEM, r;

	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++)
		sqlite3_bind_int64(stmt, i, numbers[i - 1]);
	r = query_show_all(q, stmt, fn, data);
	sqlite3_finalize(stmt);
	return r;
}

/* The inner SELECT sums the flows. So the names of uplinks and verdicts are looked up once per sum,
 * not once per flow. */
int query_steps(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf("SELECT g.step, u.name AS uplink, g.flows, g.bytes, g.bytes_reply,"
				" v.name AS verdict FROM (SELECT (f.started - ?1) / ?3 AS step,"
				" f.uplink, f.verdict, count(*) AS flows, " BYTES
				" AS bytes, " BYTES_REPLY " AS bytes_reply" FLOWS_OF_TIME
				" GROUP BY step, f.uplink, f.verdict) g"
				" LEFT JOIN uplink u ON u.id = g.uplink"
				" LEFT JOIN verdict v ON v.id = g.verdict"
				" ORDER BY ifnull(v.id, 99), g.step",
				""),
		span, fn, data);
}

#define ADDRESS(column)                                                                            \
	"CASE typeof(" column ") WHEN 'integer' THEN (" column " >> 24 & 255) || '.' || (" column  \
	" >> 16 & 255) || '.' || (" column " >> 8 & 255) || '.' || (" column                       \
	" & 255) ELSE " column " END"

/* Return the statement for query_talkers(). ?3 is the maximum number of rows. For a long span, the
 * statement reads the hourly sums instead of the flows. */
static char *talkers_sql(const struct summary_span *span)
{
	if (span->until_ms - span->since_ms > SUMMARY_EXACT_MS || span->step_ms == SUMMARY_BY_HOUR)
		return sqlite3_mprintf(
			"SELECT h.host AS src, sum(h.flows) AS flows, sum(h.bytes_sent) AS bytes,"
			" sum(h.bytes_received) AS bytes_reply FROM host_hour h"
			" WHERE h.hour >= ?1 AND h.hour < ?2 AND h.host <> '' GROUP BY h.host"
			" ORDER BY sum(h.bytes_sent) + sum(h.bytes_received) DESC LIMIT ?3");
	return sqlite3_mprintf("SELECT f.src, count(*) AS flows, " BYTES " AS bytes, " BYTES_REPLY
			       " AS bytes_reply" FLOWS_OF_TIME " GROUP BY f.src ORDER BY " BYTES
			       " + " BYTES_REPLY " DESC, flows DESC LIMIT ?3",
			       "");
}

static struct summary_span few_of(const struct summary_span *span)
{
	return (struct summary_span){span->since_ms, span->until_ms, SUMMARY_TALKERS};
}

int query_talkers(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	const struct summary_span few = few_of(span);
	char *talkers = talkers_sql(span);
	char *sql = talkers ? sqlite3_mprintf(
				      "SELECT " ADDRESS(
					      "src") " AS src, flows, bytes, bytes_reply FROM (%s)",
				      talkers)
			    : NULL;

	sqlite3_free(talkers);
	return summary_run(q, sql, &few, fn, data);
}

/* Each row of `coverage` is about one hour. An hour that overlaps the span counts as a whole. */
#define COVERED_TIME(ms) "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', " ms " / 1000.0, 'unixepoch')"
int query_covered(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf(
			"SELECT uplink, iif(count(*) = count(left_packets), sum(left_packets), "
			"NULL) AS left,"
			" sum(missing_packets) AS missing, sum(untracked) AS untracked,"
			" sum(rules_missing) AS \"rules-missing\", sum(offloaded) AS offloaded,"
			" sum(predating) AS predating, sum(gap) AS gap, sum(uncounted) AS "
			"uncounted,"
			" sum(other) AS other FROM coverage"
			" WHERE ended > " COVERED_TIME("?1") " AND started < " COVERED_TIME(
				"?2") " GROUP BY uplink ORDER BY uplink"),
		span, fn, data);
}

/* Besides gaps, two intervals are unseen: the time before the first uplink was recorded, and the
 * time since the daemon last recorded that it was alive. */
int query_unseen(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf("SELECT * FROM (SELECT ifnull(started, ended) AS started, ended, "
				"CASE source"
				" WHEN 0 THEN 'events' WHEN 1 THEN 'evidence' WHEN 2 THEN 'daemon' "
				"ELSE 'store' END"
				" AS source, lost, reason FROM gap"
				" UNION ALL SELECT ?1, ifnull(min(valid_from), ?2), 'daemon', NULL,"
				" 'before the history begins' FROM uplink"
				" UNION ALL SELECT value, ?2, 'daemon', NULL, 'no daemon has run "
				"since' FROM meta"
				" WHERE name = 'alive_ms' AND value + %d < ?2)"
				" WHERE started < ?2 AND ifnull(ended, ?2) > ?1 AND started < "
				"ifnull(ended, ?2)"
				" ORDER BY started",
				SUMMARY_ALIVE_MS),
		span, fn, data);
}

/* --- events during a time ---------------------------------------------------------- */

int query_causes(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf(
			"SELECT m.expected, m.egress, m.reason, g.mismatches, g.packets, "
			"g.first_ms,"
			" g.last_ms, g.hosts, m.direction, m.flow_id, m.proto, m.src, m.sport,"
			" m.dst, m.dport, u.name AS egress_uplink FROM (SELECT min(id) AS id,"
			" count(*) AS mismatches, ifnull(sum(packets), 0) AS packets,"
			" min(time) AS first_ms, max(time) AS last_ms,"
			" count(DISTINCT iif(direction = 0, src, dst)) AS hosts, egress AS slot"
			" FROM mismatch WHERE time >= ?1 AND time < ?2"
			" GROUP BY expected, egress, reason) g"
			" CROSS JOIN mismatches m ON m.id = g.id LEFT JOIN uplink u ON u.id = "
			"g.slot"
			" ORDER BY g.mismatches DESC"),
		span, fn, data);
}

int query_mismatch_steps(struct query *q, const struct summary_span *span, query_row_fn *fn,
			 void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf("SELECT (m.time - ?1) / ?3 AS step, count(*) AS mismatches,"
				" e.name AS expected, iif(typeof(m.egress) = 'text', m.egress,"
				" o.interface) AS egress, r.name AS reason,"
				" min(m.time) AS first_ms, max(m.time) AS last_ms,"
				" o.name AS egress_uplink FROM mismatch m LEFT JOIN uplink e ON "
				"e.id = m.expected"
				" LEFT JOIN uplink o ON o.id = m.egress"
				" LEFT JOIN reason r ON r.id = m.reason"
				" WHERE m.time >= ?1 AND m.time < ?2"
				" GROUP BY m.expected, m.egress, m.reason, step"),
		span, fn, data);
}

/* Select the changes of state in the span, and for each uplink the last one before the span, which
 * shows the state at the beginning of the span. */
int query_states(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf(
			"SELECT max(s.time, ?1) AS time, u.name AS uplink, s.state, c.name AS "
			"cause,"
			" s.user, s.process FROM uplink_state s JOIN uplink u ON u.id = s.uplink"
			" LEFT JOIN cause c ON c.id = s.cause"
			" WHERE (s.time >= ?1 AND s.time < ?2) OR s.id IN"
			" (SELECT max(o.id) FROM uplink_state o JOIN uplink v ON v.id = o.uplink"
			" WHERE o.time < ?1 GROUP BY v.name) ORDER BY u.name, s.id"),
		span, fn, data);
}

int query_moves(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf(
			"SELECT time, uplink, was, addresses FROM (SELECT s.id, s.time, u.name AS"
			" uplink, s.addresses, lag(s.addresses) OVER (PARTITION BY u.name"
			" ORDER BY s.id) AS was FROM uplink_state s JOIN uplink u ON u.id ="
			" s.uplink WHERE s.addresses IS NOT NULL AND s.time < ?2)"
			" WHERE time >= ?1 AND was <> addresses ORDER BY id"),
		span, fn, data);
}

int query_gateways(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf("SELECT s.time, u.name FROM uplink_state s"
				" JOIN uplink u ON u.id = s.uplink JOIN cause c ON c.id = s.cause"
				" WHERE s.time >= ?1 AND s.time < ?2 AND c.name = 'gateway'"
				" AND s.state IN ('up', 'drain') ORDER BY s.id"),
		span, fn, data);
}

int query_troubles(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf(
			"SELECT time, CASE WHEN reason = 'mark-changed' THEN 'marks'"
			" WHEN kind = 'uplink' THEN reason ELSE kind END AS kind,"
			" iif(reason = 'mark-changed', 'marks were changed: ' ||"
			" substr(text, instr(text, '; ') + 2), text)"
			" FROM alert"
			" WHERE time >= ?1 AND time < ?2 AND state = 'raised'"
			" AND (kind IN ('quota', 'health', 'unmarked', 'foreign', 'wrong-source')"
			" OR reason = 'mark-changed' AND instr(text, '; ')"
			" OR reason IN ('backup', 'rule-before', 'route-specific')"
			" AND kind IN ('uplink', 'tampering'))"
			" ORDER BY time"),
		span, fn, data);
}

int query_rates(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data)
{
	return summary_run(
		q,
		sqlite3_mprintf(
			"SELECT (b.time - ?1) / ?3 AS step, u.name AS uplink,"
			" sum(b.bytes_sent) AS bytes_sent, sum(b.bytes_received) AS bytes_received,"
			" sum(b.flows_started) AS flows_started,"
			" sum(b.flows_answered) AS flows_answered"
			" FROM usage_bin b JOIN uplink u ON u.id = b.uplink"
			" WHERE b.time >= ?1 AND b.time < ?2 GROUP BY step, u.name"),
		span, fn, data);
}

int query_destinations(struct query *q, const struct summary_span *span, query_row_fn *fn,
		       void *data)
{
	const struct summary_span few = few_of(span);
	char *talkers = talkers_sql(span);
	char *sql =
		talkers ? sqlite3_mprintf(
				  "WITH talker AS MATERIALIZED (%s), pair AS (SELECT f.src, f.dst,"
				  " " BYTES " + " BYTES_REPLY
				  " AS bytes, count(*) AS flows" FLOWS_OF_TIME
				  " AND f.src IN (SELECT src FROM talker) GROUP BY f.src, f.dst),"
				  " ranked AS (SELECT *, row_number() OVER (PARTITION BY src"
				  " ORDER BY bytes DESC, flows DESC) AS place FROM pair)"
				  " SELECT " ADDRESS("src") " AS src, " ADDRESS(
					  "dst") " AS dst, bytes, flows FROM ranked"
						 " WHERE place <= %d ORDER BY src, place",
				  talkers, "", SUMMARY_DESTINATIONS)
			: NULL;

	sqlite3_free(talkers);
	return summary_run(q, sql, &few, fn, data);
}
