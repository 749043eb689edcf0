/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema.c - generates DDL from the columns of the feed.
 *
 * The key of a row is router, history and id. Among several rows with the same key, ClickHouse
 * keeps only the row with the highest version, so a batch may be sent more than once. On a cluster,
 * all rows of a router are on the same shard, so a query with FINAL on the Distributed table is
 * exact.
 *
 * Rows are sorted first by the hour of the time in their day_column(), so that a query about one
 * hour reads only rows of this hour. This time never changes, so all versions of a row have the
 * same sort key. In the sort key the id is before the history: FINAL compares neighbouring rows,
 * and a comparison ends at the first column that differs, mostly the id.
 */
#include "export/schema.h"

#include <errno.h>
#include <string.h>

#include "export/encode.h"
#include "export/gap_row.h"
#include "waymark/store/feed.h"

#define TTL_DAYS 90
/* Rows per entry of the sort key's index. To find the rows of one router, version 18.16 reads at
 * least this many rows of each hour in each part. ClickHouse's default is 8192. */
#define GRANULE_ROWS 2048
#define HOUR_COLUMN  "row_hour"
#define NAT_COLUMN   "nat_key"

int schema_name_check(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return *name && strchr(letters, *name) && !name[strspn(name, all)] ? 0 : -EINVAL;
}

/* ClickHouse's type for each kind of column: in the current version, and in version 18.16. */
static const char *const types[][2] = {
	[FEED_ID] = {"Int64", "Int64"},		[FEED_COUNT] = {"UInt64", "UInt64"},
	[FEED_NUMBER32] = {"UInt32", "UInt32"}, [FEED_NUMBER16] = {"UInt16", "UInt16"},
	[FEED_REAL] = {"Float64", "Float64"},	[FEED_TEXT] = {"String", "String"},
	[FEED_WORD] = {"String", "String"},	[FEED_ADDRESS] = {"IPv6", "String"},
	[FEED_TIME] = {"Int64", "Int64"},
};

static void type_print(FILE *out, const struct schema_options *o, const struct feed_column *c)
{
	bool is_low = c->kind == FEED_WORD && o->dialect == SCHEMA_CURRENT;

	fprintf(out, "%s%s%s%s%s", is_low ? "LowCardinality(" : "",
		c->is_nullable ? "Nullable(" : "", types[c->kind][o->dialect],
		c->is_nullable ? ")" : "", is_low ? ")" : "");
}

/* Print a column with the time in ClickHouse's own type. The server computes this column from the
 * time in milliseconds; the exporter does not send it. */
static void time_print(FILE *out, const struct schema_options *o, const struct feed_column *c)
{
	bool is_18 = o->dialect == SCHEMA_18;
	const char *type = is_18 ? "DateTime" : "DateTime64(3, 'UTC')";

	fprintf(out, ",\n    %s %s%s%s DEFAULT ", c->name, c->is_nullable ? "Nullable(" : "", type,
		c->is_nullable ? ")" : "");
	if (is_18)
		fprintf(out, "toDateTime(intDiv(%s_ms, 1000))", c->name);
	else
		fprintf(out, "fromUnixTimestamp64Milli(%s_ms, 'UTC')", c->name);
}

static const struct feed_column *day_column(const struct feed_table *t)
{
	size_t i = 0;

	while (strcmp(t->columns[i].name, t->day))
		i++;
	return &t->columns[i];
}

/* Print an expression for the time of day_column() in milliseconds. The expression is never
 * NULL. */
static void day_ms_print(FILE *out, const struct feed_table *t)
{
	bool is_nullable = day_column(t)->is_nullable;

	fprintf(out, "%s%s_ms%s", is_nullable ? "ifNull(" : "", t->day, is_nullable ? ", 0)" : "");
}

/* Print an index for each address column. With it, a query for one address skips the blocks of rows
 * that do not contain the address. Version 18.16 has no such indexes. */
static void indices_print(FILE *out, const struct schema_options *o, const struct feed_table *t)
{
	for (size_t i = 0; i < t->n_columns && o->dialect == SCHEMA_CURRENT; i++)
		if (t->columns[i].kind == FEED_ADDRESS)
			fprintf(out, ",\n    INDEX %s_index %s TYPE bloom_filter GRANULARITY 1",
				t->columns[i].name, t->columns[i].name);
}

/* Print a column with a hash of a flow's public address and port. Version 18.16 stores the column,
 * and reads only its 4 bytes per flow to find an address among all flows. The current version does
 * not need the column, and only computes it, so that the same queries run on both versions. */
static void nat_key_print(FILE *out, const struct schema_options *o, const struct feed_table *t)
{
	bool is_18 = o->dialect == SCHEMA_18;

	if (t == &feed_tables[FEED_FLOWS])
		fprintf(out,
			",\n    " NAT_COLUMN
			" UInt32 %s toUInt32(cityHash64(%s, ifNull(nat_sport, 0)))",
			is_18 ? "DEFAULT" : "ALIAS",
			is_18 ? "ifNull(nat_src, '')"
			      : "replaceRegexpOne(ifNull(toString(nat_src), ''), '^::ffff:', '')");
}

static void columns_print(FILE *out, const struct schema_options *o, const struct feed_table *t)
{
	const char *name_type = o->dialect == SCHEMA_18 ? "String" : "LowCardinality(String)";

	fprintf(out, "(\n    router %s,\n    history %s", name_type, name_type);
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct feed_column *c = &t->columns[i];

		fprintf(out, ",\n    %s%s ", c->name, c->kind == FEED_TIME ? "_ms" : "");
		type_print(out, o, c);
		if (c->kind == FEED_TIME)
			time_print(out, o, c);
	}
	fprintf(out,
		",\n    " ENCODE_VERSION " UInt64,\n    " HOUR_COLUMN " UInt32 DEFAULT intDiv(");
	day_ms_print(out, t);
	fprintf(out, ", 3600000)");
	nat_key_print(out, o, t);
	indices_print(out, o, t);
	fprintf(out, "\n)\n");
}

/* Print the expression for the time by which rows are partitioned. */
static void day_print(FILE *out, const struct schema_options *o, const struct feed_table *t)
{
	fprintf(out, "toDateTime(intDiv(");
	day_ms_print(out, t);
	fprintf(out, ", 1000)%s)", o->dialect == SCHEMA_18 ? "" : ", 'UTC'");
}

static void engine_print(FILE *out, const struct schema_options *o, const struct feed_table *t)
{
	if (o->cluster)
		fprintf(out,
			"ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/%s/%s', "
			"'{replica}', " ENCODE_VERSION ")\n",
			o->database, t->name);
	else
		fprintf(out, "ENGINE = ReplacingMergeTree(" ENCODE_VERSION ")\n");
	fprintf(out, "PARTITION BY toYYYYMMDD(");
	day_print(out, o, t);
	fprintf(out, ")\nORDER BY (" HOUR_COLUMN ", router, id, history)");
	if (o->dialect == SCHEMA_18)
		fprintf(out, "\nSETTINGS index_granularity = %d", GRANULE_ROWS);
	if (o->dialect == SCHEMA_CURRENT) {
		fprintf(out, "\nTTL ");
		day_print(out, o, t);
		fprintf(out, " + INTERVAL %d DAY\nCOMMENT '%s'", TTL_DAYS, t->text);
	}
	fprintf(out, ";\n\n");
}

static void cluster_print(FILE *out, const struct schema_options *o)
{
	if (o->cluster)
		fprintf(out, " ON CLUSTER %s", o->cluster);
}

static void table_print(FILE *out, const struct schema_options *o, const struct feed_table *t)
{
	fprintf(out, "CREATE TABLE IF NOT EXISTS %s.%s%s", o->database, t->name,
		o->cluster ? "_local" : "");
	cluster_print(out, o);
	fputc('\n', out);
	columns_print(out, o, t);
	engine_print(out, o, t);
	if (!o->cluster)
		return;
	fprintf(out, "CREATE TABLE IF NOT EXISTS %s.%s", o->database, t->name);
	cluster_print(out, o);
	fprintf(out,
		" AS %s.%s_local\nENGINE = Distributed(%s, %s, %s_local, cityHash64(router));\n\n",
		o->database, t->name, o->cluster, o->database, t->name);
}

/* Print a view with sums of usage per hour or day. It is not a materialized view: a materialized
 * view would count a batch twice if the batch was sent twice. */
static void rollup_print(FILE *out, const struct schema_options *o, const char *name,
			 const char *start)
{
	const char *zone = o->dialect == SCHEMA_18 ? "" : ", 'UTC'";

	fprintf(out, "CREATE VIEW IF NOT EXISTS %s.%s", o->database, name);
	cluster_print(out, o);
	fprintf(out,
		" AS SELECT router, uplink, %s(toDateTime(intDiv(time_ms, 1000)%s)) AS since,\n"
		"    sum(bytes_sent) AS sent, sum(bytes_received) AS received,\n"
		"    max(bytes_sent) * 8 / 300 AS peak_sent_bps,\n"
		"    max(bytes_received) * 8 / 300 AS peak_received_bps,\n"
		"    sum(flows_started) AS started, sum(flows_answered) AS answered\n"
		"FROM %s.usage FINAL GROUP BY router, uplink, since;\n\n",
		start, zone, o->database);
}

void schema_print(FILE *out, const struct schema_options *o)
{
	fprintf(out, "CREATE DATABASE IF NOT EXISTS %s", o->database);
	cluster_print(out, o);
	fprintf(out, ";\n\n");
	for (int i = 0; i < FEED_TABLES; i++)
		table_print(out, o, &feed_tables[i]);
	table_print(out, o, &heartbeat_table);
	rollup_print(out, o, "usage_hours", "toStartOfHour");
	rollup_print(out, o, "usage_days", "toStartOfDay");
}
