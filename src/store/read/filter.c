/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.c - a filter as a condition in SQL. Only names of columns and of
 * parameters become text; values are bound.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"
#include "store/read/query_internal.h"

/* Ports of protocols that have some: what ICMP keeps there is something else. */
#define PORT_FLOW     " AND proto NOT IN (1, 58) AND $port IN (sport, dport, nat_sport, nat_dport)"
#define PORT_MISMATCH " AND proto NOT IN (1, 58) AND $port IN (sport, dport)"
#define UPLINK_FLOW   " AND uplink IN (SELECT id FROM uplink WHERE name = $uplink)"
#define UPLINK_MISMATCH                                                                            \
	" AND (expected IN (SELECT id FROM uplink WHERE name = $uplink)"                           \
	" OR egress IN (SELECT id FROM uplink WHERE name = $uplink))"

void query_filter_init(struct query_filter *f)
{
	*f = (struct query_filter){.port = -1, .proto = -1};
}

/* Of IPv4 the addresses of a prefix are a range of numbers, which no text lies in. */
static void prefix_append(sqlite3_str *sql, const struct prefix *p, const char *name,
			  enum filter_table table)
{
	if (addr_is_none(&p->addr))
		return;
	if (p->addr.family == AF_INET)
		sqlite3_str_appendf(sql, " AND (%s BETWEEN $%s_low AND $%s_high", name, name, name);
	else
		sqlite3_str_appendf(sql, " AND (prefix6(%s, $%s)", name, name);
	if (table == FILTER_MISMATCH)
		sqlite3_str_appendall(sql, ")");
	else if (p->addr.family == AF_INET)
		sqlite3_str_appendf(sql, " OR nat_%s BETWEEN $%s_low AND $%s_high)", name, name,
				    name);
	else
		sqlite3_str_appendf(sql, " OR prefix6(nat_%s, $%s))", name, name);
}

/* The terms "state = 0" and "verdict < 5" stand as the partial indexes have them. */
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
	if (f->since_ms)
		sqlite3_str_appendall(sql,
				      is_flow ? " AND started >= $since" : " AND time >= $since");
	if (f->until_ms)
		sqlite3_str_appendall(sql,
				      is_flow ? " AND started < $until" : " AND time < $until");
	if (f->proto >= 0)
		sqlite3_str_appendall(sql, " AND proto = $proto");
	prefix_append(sql, &f->src, "src", table);
	prefix_append(sql, &f->dst, "dst", table);
	if (f->port >= 0)
		sqlite3_str_appendall(sql, is_flow ? PORT_FLOW : PORT_MISMATCH);
	if (f->uplink)
		sqlite3_str_appendall(sql, is_flow ? UPLINK_FLOW : UPLINK_MISMATCH);
	if (f->reason != REASON_NONE)
		sqlite3_str_appendall(sql, " AND reason = $reason");
	/* Never NULL for lack of terms. */
	sqlite3_str_appendall(sql, " ");
	return sqlite3_str_finish(sql);
}

void filter_bind_number(sqlite3_stmt *stmt, const char *name, int64_t number)
{
	int index = sqlite3_bind_parameter_index(stmt, name);

	if (index)
		sqlite3_bind_int64(stmt, index, number);
}

void filter_range4(const struct prefix *p, int64_t *low, int64_t *high)
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

/* Whole octets or groups of a prefix; zero groups may be compressed. */
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
		strcat(out->high, "!"); /* sorts before any character of an address */
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

void filter_bind(sqlite3_stmt *stmt, const struct query_filter *f)
{
	int uplink = sqlite3_bind_parameter_index(stmt, "$uplink");

	filter_bind_number(stmt, "$since", f->since_ms);
	filter_bind_number(stmt, "$until", f->until_ms);
	filter_bind_number(stmt, "$proto", f->proto);
	filter_bind_number(stmt, "$port", f->port);
	filter_bind_number(stmt, "$verdict", f->verdict);
	filter_bind_number(stmt, "$reason", f->reason);
	bind_prefix(stmt, &f->src, "$src", "$src_low", "$src_high");
	bind_prefix(stmt, &f->dst, "$dst", "$dst_low", "$dst_high");
	if (uplink)
		sqlite3_bind_text(stmt, uplink, f->uplink, -1, SQLITE_TRANSIENT);
}

/* prefix6(address as text, struct prefix as a blob): whether it lies in it. */
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
