/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.c - converts a filter to an SQL condition. Only names of columns and parameters become
 * text; values are bound.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"
#include "store/read/query_internal.h"

/* These conditions exclude ICMP and ICMPv6, whose port columns hold other values. */
#define PORT_FLOW     " AND proto NOT IN (1, 58) AND $port IN (sport, dport, nat_sport, nat_dport)"
#define PORT_MISMATCH " AND proto NOT IN (1, 58) AND $port IN (sport, dport)"
#define UPLINK_FLOW   " AND uplink IN (SELECT id FROM uplink WHERE name = $uplink)"
#define UPLINK_MISMATCH                                                                            \
	" AND (expected IN (SELECT id FROM uplink WHERE name = $uplink)"                           \
	" OR egress IN (SELECT id FROM uplink WHERE name = $uplink))"

#define EGRESS_SETS                                                                                \
	"SELECT ifset FROM ifset_member WHERE interface = $egress"                                 \
	" OR interface IN (SELECT interface FROM uplink WHERE name = $egress)"

void query_filter_init(struct query_filter *f)
{
	*f = (struct query_filter){.port = -1, .proto = -1};
}

/* Append the condition that the column has an address of the prefix. An IPv4 prefix is a range of
 * integers. IPv6 addresses are stored as text, so prefix6() tests them one by one. */
static void side_append(sqlite3_str *sql, const struct prefix *p, const char *param,
			const char *column)
{
	if (p->addr.family == AF_INET)
		sqlite3_str_appendf(sql, "%s BETWEEN $%s_low AND $%s_high", column, param, param);
	else
		sqlite3_str_appendf(sql, "prefix6(%s, $%s)", column, param);
}

static void prefix_append(sqlite3_str *sql, const struct prefix *p, const char *param,
			  const char *const *columns)
{
	if (addr_is_none(&p->addr))
		return;
	sqlite3_str_appendall(sql, " AND (");
	for (int i = 0; columns[i]; i++) {
		sqlite3_str_appendall(sql, i ? " OR " : "");
		side_append(sql, p, param, columns[i]);
	}
	sqlite3_str_appendall(sql, ")");
}

static void prefixes_append(sqlite3_str *sql, const struct query_filter *f, bool is_flow)
{
	static const char *const sides[2][3][5] = {
		{{"src", NULL}, {"dst", NULL}, {"src", "dst", NULL}},
		{{"src", "nat_src", NULL},
		 {"dst", "nat_dst", NULL},
		 {"src", "nat_src", "dst", "nat_dst", NULL}},
	};

	prefix_append(sql, &f->src, "src", sides[is_flow][0]);
	prefix_append(sql, &f->dst, "dst", sides[is_flow][1]);
	prefix_append(sql, &f->host, "host", sides[is_flow][2]);
}

/* Append the conditions that apply only to flows. A flow whose end is unknown counts as live only
 * at its start. */
static void flow_append(sqlite3_str *sql, const struct query_filter *f)
{
	if (f->since_ms || f->at_ms)
		sqlite3_str_appendall(sql, " AND (state = 0 OR ifnull(started, 0)"
					   " + ifnull(life, 0) >= $since)");
	if (f->until_ms || f->at_ms)
		sqlite3_str_appendall(sql, " AND ifnull(started, 0) < $until");
	if (f->started_since_ms)
		sqlite3_str_appendall(sql, " AND started >= $started");
	if (f->is_unanswered)
		sqlite3_str_appendall(sql, " AND packets_reply = 0");
	if (f->min_bytes)
		sqlite3_str_appendall(sql, " AND bytes + bytes_reply >= $bytes");
	if (f->min_duration_ms)
		sqlite3_str_appendall(sql, " AND iif(state = 0, $now - started, life) >= $duration"
					   " AND started IS NOT NULL");
	if (f->ingress)
		sqlite3_str_appendall(
			sql, " AND ingress IN (SELECT id FROM uplink WHERE name = $ingress)");
	if (f->egress)
		sqlite3_str_appendall(sql, " AND (egress IN (" EGRESS_SETS
					   ") OR egress_reply IN (" EGRESS_SETS "))");
}

static void mismatch_append(sqlite3_str *sql, const struct query_filter *f)
{
	if (f->since_ms)
		sqlite3_str_appendall(sql, " AND time >= $since");
	if (f->until_ms)
		sqlite3_str_appendall(sql, " AND time < $until");
	if (f->egress)
		sqlite3_str_appendall(sql, " AND (egress = $egress OR egress IN (SELECT id FROM"
					   " uplink WHERE $egress IN (interface, name)))");
}

/* Append the conditions on state and verdict. SQLite uses the partial indexes only if "state = 0"
 * and "verdict < 5" are written as in the definitions of these indexes. */
static void state_append(sqlite3_str *sql, const struct query_filter *f)
{
	if (f->is_live)
		sqlite3_str_appendall(sql, " AND state = 0");
	if (f->verdict == VERDICT_NONE)
		return;
	sqlite3_str_appendall(sql, f->verdict < VERDICT_UNKNOWN
					   ? " AND verdict = $verdict AND verdict < 5"
					   : " AND verdict = $verdict");
}

char *filter_condition(const struct query_filter *f, enum filter_table table)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);
	bool is_flow = table == FILTER_FLOW;

	sqlite3_str_appendall(sql, "");
	if (is_flow)
		state_append(sql, f);
	if (is_flow)
		flow_append(sql, f);
	else
		mismatch_append(sql, f);
	if (f->proto >= 0)
		sqlite3_str_appendall(sql, " AND proto = $proto");
	prefixes_append(sql, f, is_flow);
	if (f->port >= 0)
		sqlite3_str_appendall(sql, is_flow ? PORT_FLOW : PORT_MISMATCH);
	if (f->uplink)
		sqlite3_str_appendall(sql, is_flow ? UPLINK_FLOW : UPLINK_MISMATCH);
	if (f->reason != REASON_NONE)
		sqlite3_str_appendall(sql, " AND reason = $reason");
	/* Append something even for a filter without conditions: sqlite3_str_finish() returns NULL
	 * for an empty text. */
	sqlite3_str_appendall(sql, " ");
	return sqlite3_str_finish(sql);
}

void filter_bind_number(sqlite3_stmt *stmt, const char *name, int64_t number)
{
	int index = sqlite3_bind_parameter_index(stmt, name);

	if (index)
		sqlite3_bind_int64(stmt, index, number);
}

static void filter_range4(const struct prefix *p, int64_t *low, int64_t *high)
{
	struct prefix first = *p;

	prefix_truncate(&first);
	*low = db_addr4(&first.addr);
	*high = *low + ((INT64_C(1) << (32 - (p->len < 32 ? p->len : 32))) - 1);
	if (p->len == 0) {
		*low = INT32_MIN;
		*high = INT32_MAX;
	}
}

/* Return how many characters at the start of `text` all addresses of the prefix share. `text` is
 * the prefix's first address. Count only whole octets or groups. Stop at a group of zeros, because
 * in other addresses "::" might replace it. */
static size_t text_common(const struct prefix *p, const char *text)
{
	unsigned parts = p->len / (p->addr.family == AF_INET ? 8 : 16);
	const char *at = text;

	for (unsigned i = 0; i < parts; i++) {
		const char *end = strpbrk(at, ".:");

		if (p->addr.family == AF_INET6 && !p->addr.bytes[2 * i] &&
		    !p->addr.bytes[2 * i + 1])
			break;
		if (!end)
			return strlen(text);
		at = end + 1;
	}
	return (size_t)(at - text);
}

void filter_text_range(const struct prefix *p, struct text_range *out)
{
	bool is_host = p->len >= (p->addr.family == AF_INET ? 32 : 128);
	struct prefix first = *p;
	char text[ADDR_STRLEN];
	size_t n;

	prefix_truncate(&first);
	addr_format(&first.addr, text);
	n = is_host ? strlen(text) : text_common(&first, text);
	snprintf(out->low, sizeof(out->low), "%.*s", (int)n, text);
	snprintf(out->high, sizeof(out->high), "%s", out->low);
	if (is_host)
		strcat(out->high, "!"); /* '!' sorts before all characters of an address: no other
					 * is in the range */
	else if (n)
		out->high[n - 1]++;
	else
		strcpy(out->high, "g");
}

static void bind_prefix(sqlite3_stmt *stmt, const struct prefix *p, const char *whole,
			const char *low_name, const char *high_name)
{
	int index = sqlite3_bind_parameter_index(stmt, whole);
	int64_t low, high;

	if (index)
		sqlite3_bind_blob(stmt, index, p, sizeof(*p), SQLITE_TRANSIENT);
	if (p->addr.family != AF_INET)
		return;
	filter_range4(p, &low, &high);
	filter_bind_number(stmt, low_name, low);
	filter_bind_number(stmt, high_name, high);
}

static void bind_text(sqlite3_stmt *stmt, const char *name, const char *text)
{
	int index = sqlite3_bind_parameter_index(stmt, name);

	if (index)
		sqlite3_bind_text(stmt, index, text, -1, SQLITE_TRANSIENT);
}

int64_t filter_since(const struct query_filter *f)
{
	return f->at_ms > f->since_ms ? f->at_ms : f->since_ms;
}

int64_t filter_until(const struct query_filter *f)
{
	if (f->at_ms && (!f->until_ms || f->at_ms + 1 < f->until_ms))
		return f->at_ms + 1;
	return f->until_ms;
}

void filter_bind(sqlite3_stmt *stmt, const struct query_filter *f)
{
	filter_bind_number(stmt, "$since", filter_since(f));
	filter_bind_number(stmt, "$until", filter_until(f));
	filter_bind_number(stmt, "$started", f->started_since_ms);
	filter_bind_number(stmt, "$now", f->now_ms);
	filter_bind_number(stmt, "$duration", f->min_duration_ms);
	filter_bind_number(stmt, "$bytes", (int64_t)f->min_bytes);
	filter_bind_number(stmt, "$proto", f->proto);
	filter_bind_number(stmt, "$port", f->port);
	filter_bind_number(stmt, "$verdict", f->verdict);
	filter_bind_number(stmt, "$reason", f->reason);
	bind_prefix(stmt, &f->src, "$src", "$src_low", "$src_high");
	bind_prefix(stmt, &f->dst, "$dst", "$dst_low", "$dst_high");
	bind_prefix(stmt, &f->host, "$host", "$host_low", "$host_high");
	bind_text(stmt, "$uplink", f->uplink);
	bind_text(stmt, "$ingress", f->ingress);
	bind_text(stmt, "$egress", f->egress);
}

/* SQL function prefix6(address as text, struct prefix as a blob): whether the prefix contains the
 * address. */
static void prefix6(sqlite3_context *context, int n, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	struct prefix p;
	struct addr addr;

	(void)n;
	if (sqlite3_value_type(values[0]) != SQLITE_TEXT ||
	    sqlite3_value_bytes(values[1]) != sizeof(p) || addr_parse(&addr, text) < 0) {
		sqlite3_result_int(context, 0);
		return;
	}
	memcpy(&p, sqlite3_value_blob(values[1]), sizeof(p));
	sqlite3_result_int(context, prefix_contains(&p, &addr));
}

int filter_register(sqlite3 *db)
{
	return sqlite3_create_function_v2(db, "prefix6", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
					  NULL, prefix6, NULL, NULL, NULL);
}
