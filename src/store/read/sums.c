/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sums.c - finds the flows that used an address, sums flows by columns, and reads the usage of
 * uplinks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/read/query_internal.h"

/* --- who used an address --------------------------------------------------------------- */

struct who {
	const struct query_endpoint *e;
	char addr[ADDR_STRLEN];
	query_row_fn *fn;
	void *data;
};

static const struct value *value_find(const struct value *values, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(values[i].name, name))
			return &values[i];
	return NULL;
}

static bool is_at(const struct who *w, const struct value *values, size_t n, const char *addr,
		  const char *port)
{
	const struct value *a = value_find(values, n, addr), *p = value_find(values, n, port);

	return a && a->kind == VALUE_TEXT && !strcmp(a->text, w->addr) &&
	       (w->e->port < 0 || (p && p->kind == VALUE_INTEGER && p->integer == w->e->port));
}

static int who_row(void *data, const struct value *values, size_t n)
{
	struct who *w = data;

	if (is_at(w, values, n, "nat_src", "nat_sport") || is_at(w, values, n, "src", "sport") ||
	    is_at(w, values, n, "dst", "dport"))
		return w->fn(w->data, values, n);
	return 0;
}

static int any_row(void *data, const struct value *values, size_t n)
{
	(void)values;
	(void)n;
	*(bool *)data = true;
	return 0;
}

int query_who(struct query *q, const struct query_endpoint *e, query_row_fn *fn, void *data,
	      bool *is_unsure)
{
	struct summary_span moment = {.since_ms = e->at_ms, .until_ms = e->at_ms + 1};
	struct who w = {.e = e, .fn = fn, .data = data};
	struct query_filter f;
	int r;

	query_filter_init(&f);
	f.at_ms = e->at_ms;
	f.port = e->port;
	f.proto = e->proto;
	f.host = (struct prefix){.addr = e->addr, .len = e->addr.family == AF_INET ? 32 : 128};
	addr_format(&e->addr, w.addr);
	*is_unsure = false;
	r = query_unseen(q, &moment, any_row, is_unsure);
	return r == 0 ? query_flows(q, &f, who_row, &w) : r;
}

/* --- sums by columns ---------------------------------------------------------------------- */

#define ADDRESS(column)                                                                            \
	"CASE typeof(" column ") WHEN 'integer' THEN (" column " >> 24 & 255) || '.' ||"           \
	" (" column " >> 16 & 255) || '.' || (" column " >> 8 & 255) || '.' ||"                    \
	" (" column " & 255) ELSE " column " END"
#define NAME(table, column, what) "(SELECT x." what " FROM " table " x WHERE x.id = " column ")"
#define PERIOD(format)		  "strftime('" format "', started / 1000, 'unixepoch')"

/* For each column, `key` is the SQL expression to group by, and `shown` is the SQL expression to
 * show (NULL: show the key). */
static const struct {
	const char *name, *key, *shown;
} stats_columns[] = {
	{"uplink", NAME("uplink", "uplink", "name"), NULL},
	{"egress", "egress", NAME("ifset", "egress", "names")},
	{"src", "src", ADDRESS("src")},
	{"dst", "dst", ADDRESS("dst")},
	{"dport", "dport", NULL},
	{"proto", "proto",
	 "CASE proto WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' WHEN 1 THEN 'icmp' WHEN 58 THEN 'icmpv6'"
	 " WHEN 132 THEN 'sctp' ELSE CAST(proto AS TEXT) END"},
	{"verdict", "verdict", NAME("verdict", "verdict", "name")},
	{"reason", "reason", NAME("reason", "reason", "name")},
	{"hour", "started / 3600000", PERIOD("%Y-%m-%dT%H:00:00Z")},
	{"day", "started / 86400000", PERIOD("%Y-%m-%dT00:00:00Z")},
};
#define STATS_KNOWN (sizeof(stats_columns) / sizeof(stats_columns[0]))

static int stats_find(const char *name)
{
	for (size_t i = 0; i < STATS_KNOWN; i++)
		if (!strcmp(stats_columns[i].name, name))
			return (int)i;
	return -EINVAL;
}

/* Select the ids of the flows to sum. These are all flows of the slices that can contain a match,
 * and the long-lived or live flows of all other slices, as in search.c. */
#define STATS_IDS                                                                                  \
	"WITH near (id) AS MATERIALIZED (SELECT id FROM slice WHERE"                               \
	" (last_ms IS NULL OR last_ms >= max($from - 600000, $begun))"                             \
	" AND ($to = 0 OR first_ms IS NULL OR first_ms < $to)),"                                   \
	" ids (id) AS (SELECT f.id FROM near CROSS JOIN flow f NOT INDEXED"                        \
	" WHERE f.id BETWEEN near.id << 15 AND (near.id << 15) + 32767"                            \
	" UNION ALL SELECT id FROM flow INDEXED BY flow_long WHERE state <> 0 AND life >= 600000"  \
	" AND ifnull(started, 0) + life >= $from AND $from > 0 AND id >> 15 NOT IN near"           \
	" UNION ALL SELECT id FROM flow INDEXED BY flow_live WHERE state = 0 AND $from > 0"        \
	" AND id >> 15 NOT IN near)"

static char *stats_sql(const int *columns, size_t n, const char *condition)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendall(sql, STATS_IDS " SELECT ");
	for (size_t i = 0; i < n; i++) {
		const char *shown = stats_columns[columns[i]].shown;

		sqlite3_str_appendf(sql, "%s AS %s, ",
				    shown ? shown : stats_columns[columns[i]].key,
				    stats_columns[columns[i]].name);
	}
	sqlite3_str_appendf(sql,
			    "count(*) AS flows, ifnull(sum(bytes), 0) + ifnull(sum(bytes_reply), 0)"
			    " AS bytes, ifnull(sum(bytes_reply), 0) AS bytes_reply,"
			    " ifnull(sum(verdict = 1), 0) AS mismatches,"
			    " ifnull(sum(packets_reply = 0), 0) AS unanswered"
			    " FROM ids CROSS JOIN flow USING (id) WHERE 1 %s",
			    condition);
	for (size_t i = 0; i < n; i++)
		sqlite3_str_appendf(sql, "%s%s", i ? ", " : " GROUP BY ",
				    stats_columns[columns[i]].key);
	sqlite3_str_appendall(sql, " ORDER BY bytes DESC, flows DESC LIMIT $limit");
	return sqlite3_str_finish(sql);
}

int query_stats(struct query *q, const struct query_filter *f, const char *const *columns, size_t n,
		query_row_fn *fn, void *data)
{
	char *condition = filter_condition(f, FILTER_FLOW), *sql = NULL;
	int r = n && n <= STATS_COLUMNS ? 0 : -EINVAL, found[STATS_COLUMNS];
	sqlite3_stmt *stmt = NULL;

	for (size_t i = 0; r == 0 && i < n; i++) {
		found[i] = stats_find(columns[i]);
		r = found[i] < 0 ? found[i] : 0;
	}
	if (r == 0 && condition)
		sql = stats_sql(found, n, condition);
	if (r == 0) {
		int rc = sql ? db_prepare(q->db, &stmt, sql) : SQLITE_NOMEM;

		r = rc == SQLITE_OK ? 0 : query_fail(q, rc);
	}
	if (r == 0) {
		filter_bind(stmt, f);
		filter_bind_number(stmt, "$from", filter_since(f));
		filter_bind_number(stmt, "$to", filter_until(f));
		filter_bind_number(stmt, "$begun", f->started_since_ms);
		filter_bind_number(stmt, "$limit", f->limit ? (int64_t)f->limit : -1);
		r = query_show_all(q, stmt, fn, data);
	}
	sqlite3_finalize(stmt);
	sqlite3_free(condition);
	sqlite3_free(sql);
	return r;
}

/* --- usage ---------------------------------------------------------------------------------- */

static const struct {
	const char *name, *format;
} usage_periods[] = {
	{"5min", "%Y-%m-%dT%H:%M:00Z"},
	{"hour", "%Y-%m-%dT%H:00:00Z"},
	{"day", "%Y-%m-%dT00:00:00Z"},
	{"month", "%Y-%m-01T00:00:00Z"},
};

static const char usage_sql[] =
	"WITH bin AS (SELECT *, strftime(?5, time_ms / 1000, 'unixepoch') AS period,"
	" max(bytes_sent, bytes_received) * 8 / 300 AS bps FROM usage"
	" WHERE (?1 = 0 OR time_ms >= ?1) AND (?2 = 0 OR time_ms < ?2)"
	" AND (?4 IS NULL OR uplink = ?4)),"
	" ranked AS (SELECT *, row_number() OVER (PARTITION BY period, uplink ORDER BY bps) AS k,"
	" count(*) OVER (PARTITION BY period, uplink) AS n FROM bin)"
	" SELECT period AS time, CAST(strftime('%s', period) AS INTEGER) * 1000 AS time_ms, uplink,"
	" sum(bytes_sent) AS bytes_sent, sum(bytes_received) AS bytes_received,"
	" sum(packets_sent) AS packets_sent, sum(packets_received) AS packets_received,"
	" sum(flows_started) AS flows_started, sum(flows_answered) AS flows_answered,"
	" max(bps) AS peak_bps, max(iif(k = (n * 95 + 99) / 100, bps, NULL)) AS p95_bps"
	" FROM ranked GROUP BY period, uplink ORDER BY period DESC, uplink LIMIT ?3";

int query_usage(struct query *q, const struct query_filter *f, const char *by, query_row_fn *fn,
		void *data)
{
	const char *format = NULL;
	sqlite3_stmt *stmt = NULL;
	int r, rc;

	for (size_t i = 0; i < sizeof(usage_periods) / sizeof(usage_periods[0]); i++)
		if (!strcmp(usage_periods[i].name, by))
			format = usage_periods[i].format;
	if (!format)
		return -EINVAL;
	rc = db_prepare(q->db, &stmt, usage_sql);
	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	sqlite3_bind_int64(stmt, 1, f->since_ms);
	sqlite3_bind_int64(stmt, 2, f->until_ms);
	sqlite3_bind_int64(stmt, 3, f->limit ? (int64_t)f->limit : -1);
	sqlite3_bind_text(stmt, 4, f->uplink, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 5, format, -1, SQLITE_STATIC);
	r = query_show_all(q, stmt, fn, data);
	sqlite3_finalize(stmt);
	return r;
}
