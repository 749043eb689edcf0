/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - prints positions, lag and errors: as text, as JSON, for Prometheus. This works whether
 * or not the exporter is running.
 */
#include "export/status.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "export/exporter.h"
#include "export/log.h"
#include "waymark/base/clock.h"
#include "waymark/base/times.h"

struct status {
	struct export_state state;
	bool is_running;
	char history[64]; /* "": the history cannot be read */
	int64_t now_ms;
	int64_t pending[EXPORT_STATE_TARGETS][FEED_TABLES];
};

static void pending_read(struct status *s, struct feed *f, unsigned target)
{
	for (int i = 0; i < FEED_TABLES; i++)
		export_state_pending(&s->state.targets[target], f, (enum feed_table_id)i,
				     &s->pending[target][i]);
}

static void history_read(struct status *s, const char *path)
{
	struct feed *f = feed_open(path, NULL);

	if (!f)
		return;
	snprintf(s->history, sizeof(s->history), "%s", feed_history(f));
	for (unsigned i = 0; i < s->state.n_targets; i++)
		pending_read(s, f, i);
	feed_close(f);
}

static int64_t pending(const struct status *s, const struct export_state_target *t, int table)
{
	return s->pending[t - s->state.targets][table];
}

static int64_t pending_all(const struct status *s, const struct export_state_target *t)
{
	int64_t n = 0;

	for (int i = 0; i < FEED_TABLES; i++)
		n += pending(s, t, i);
	return n;
}

/* If rows are pending, return the age of the last acknowledged row in seconds; otherwise return
 * 0. */
static int64_t lag_s(const struct status *s, const struct export_state_target *t, int table)
{
	int64_t time_ms = t->tables[table].time_ms;

	if (!pending(s, t, table) || !time_ms || time_ms > s->now_ms)
		return 0;
	return (s->now_ms - time_ms) / 1000;
}

/* --- text ------------------------------------------------------------------------- */

static void target_text(FILE *out, const struct status *s, const struct export_state_target *t)
{
	char when[TIMES_STRLEN];

	fprintf(out, "%s: %lld rows pending, %lld s behind; %llu batches, %llu failures\n", t->name,
		(long long)pending_all(s, t), (long long)lag_s(s, t, FEED_FLOWS),
		(unsigned long long)t->batches, (unsigned long long)t->failures);
	if (t->acknowledged_ms)
		fprintf(out, "  last acknowledged: %s\n",
			times_format_iso(t->acknowledged_ms, when));
	if (t->error_ms)
		fprintf(out, "  failing: %s: %s\n", times_format_iso(t->error_ms, when), t->error);
	fprintf(out, "  %-14s %14s %12s %14s %10s\n", "table", "position", "pending", "rows",
		"missing");
	for (int i = 0; i < FEED_TABLES; i++)
		fprintf(out, "  %-14s %14lld %12lld %14llu %10llu\n", feed_tables[i].name,
			(long long)t->tables[i].position, (long long)pending(s, t, i),
			(unsigned long long)t->tables[i].rows,
			(unsigned long long)t->tables[i].missing);
}

static int text_print(FILE *out, const struct status *s)
{
	fprintf(out, "waymark-export %s, router %s, history %s\n",
		s->is_running ? "is running" : "is not running", s->state.router,
		s->history[0] ? s->history : "not readable");
	for (unsigned i = 0; i < s->state.n_targets; i++)
		target_text(out, s, &s->state.targets[i]);
	return 0;
}

/* --- JSON ------------------------------------------------------------------------- */

static json_t *time_json(int64_t ms)
{
	char text[TIMES_STRLEN];

	return ms ? json_string(times_format_iso(ms, text)) : json_null();
}

static json_t *tables_json(const struct status *s, const struct export_state_target *t)
{
	json_t *tables = json_object();

	for (int i = 0; i < FEED_TABLES; i++)
		json_object_set_new(tables, feed_tables[i].name,
				    json_pack("{s:I, s:I, s:I, s:I, s:I}", "position",
					      (json_int_t)t->tables[i].position, "pending",
					      (json_int_t)pending(s, t, i), "lag_seconds",
					      (json_int_t)lag_s(s, t, i), "rows",
					      (json_int_t)t->tables[i].rows, "missing",
					      (json_int_t)t->tables[i].missing));
	return tables;
}

static json_t *target_json(const struct status *s, const struct export_state_target *t)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:o}", "target", t->name,
			 "history", t->history, "pending", (json_int_t)pending_all(s, t),
			 "lag_seconds", (json_int_t)lag_s(s, t, FEED_FLOWS), "batches",
			 (json_int_t)t->batches, "failures", (json_int_t)t->failures,
			 "acknowledged", time_json(t->acknowledged_ms), "error_time",
			 time_json(t->error_ms), "error", t->error, "tables", tables_json(s, t));
}

static int json_print(FILE *out, const struct status *s)
{
	json_t *targets = json_array(), *root;

	for (unsigned i = 0; i < s->state.n_targets; i++)
		json_array_append_new(targets, target_json(s, &s->state.targets[i]));
	root = json_pack("{s:b, s:s, s:s, s:o}", "running", s->is_running, "router",
			 s->state.router, "history", s->history, "targets", targets);
	if (!root || json_dumpf(root, out, JSON_INDENT(2)) < 0) {
		json_decref(root);
		return -ENOMEM;
	}
	fputc('\n', out);
	json_decref(root);
	return 0;
}

/* --- metrics ---------------------------------------------------------------------- */

struct metric {
	const char *name, *type, *help;
	/* Return the value of a table or, if table is -1, of a target. */
	int64_t (*value)(const struct status *s, const struct export_state_target *t, int table);
	bool is_per_table;
};

static int64_t metric_position(const struct status *s, const struct export_state_target *t,
			       int table)
{
	(void)s;
	return t->tables[table].position;
}

static int64_t metric_rows(const struct status *s, const struct export_state_target *t, int table)
{
	(void)s;
	return (int64_t)t->tables[table].rows;
}

static int64_t metric_missing(const struct status *s, const struct export_state_target *t,
			      int table)
{
	(void)s;
	return (int64_t)t->tables[table].missing;
}

static int64_t metric_batches(const struct status *s, const struct export_state_target *t,
			      int table)
{
	(void)s;
	(void)table;
	return (int64_t)t->batches;
}

static int64_t metric_failures(const struct status *s, const struct export_state_target *t,
			       int table)
{
	(void)s;
	(void)table;
	return (int64_t)t->failures;
}

static int64_t metric_failing(const struct status *s, const struct export_state_target *t,
			      int table)
{
	(void)s;
	(void)table;
	return t->error_ms != 0;
}

static int64_t metric_acknowledged(const struct status *s, const struct export_state_target *t,
				   int table)
{
	(void)s;
	(void)table;
	return t->acknowledged_ms / 1000;
}

static const struct metric metrics[] = {
	{"position", "gauge", "Number of the last acknowledged change.", metric_position, true},
	{"pending_rows", "gauge", "Changes that are not acknowledged.", pending, true},
	{"lag_seconds", "gauge", "Age of the newest acknowledged row if other rows wait, else 0.",
	 lag_s, true},
	{"rows_total", "counter", "Rows that were acknowledged.", metric_rows, true},
	{"missing_rows_total", "counter", "Rows that were pruned before they were shipped.",
	 metric_missing, true},
	{"batches_total", "counter", "Batches that were acknowledged.", metric_batches, false},
	{"failures_total", "counter", "Attempts that were not acknowledged.", metric_failures,
	 false},
	{"failing", "gauge", "Whether the last attempt failed.", metric_failing, false},
	{"acknowledged_timestamp_seconds", "gauge", "When the last batch was acknowledged.",
	 metric_acknowledged, false},
};

static void metric_print(FILE *out, const struct status *s, const struct metric *m)
{
	fprintf(out,
		"# HELP waymark_export_%s %s\n"
		"# TYPE waymark_export_%s %s\n",
		m->name, m->help, m->name, m->type);
	for (unsigned i = 0; i < s->state.n_targets; i++) {
		const struct export_state_target *t = &s->state.targets[i];

		for (int table = 0; table < FEED_TABLES && m->is_per_table; table++)
			fprintf(out, "waymark_export_%s{target=\"%s\",table=\"%s\"} %lld\n",
				m->name, t->name, feed_tables[table].name,
				(long long)m->value(s, t, table));
		if (!m->is_per_table)
			fprintf(out, "waymark_export_%s{target=\"%s\"} %lld\n", m->name, t->name,
				(long long)m->value(s, t, -1));
	}
}

static int metrics_print(FILE *out, const struct status *s)
{
	fprintf(out,
		"# HELP waymark_export_up Whether waymark-export runs.\n"
		"# TYPE waymark_export_up gauge\n"
		"waymark_export_up %d\n",
		s->is_running);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		metric_print(out, s, &metrics[i]);
	return 0;
}

int status_print(FILE *out, const struct config *c, enum status_form form)
{
	static int (*const print[])(FILE *, const struct status *) = {
		[STATUS_TEXT] = text_print,
		[STATUS_JSON] = json_print,
		[STATUS_METRICS] = metrics_print,
	};
	static struct status s;
	int err = export_state_load(&s.state, c->export.state_file);

	if (err < 0) {
		export_log(LOG_ERR, "cannot read %s: %s", c->export.state_file,
			   err == -EBADMSG
				   ? "the file is damaged (waymark-export ships all rows again)"
				   : strerror(-err));
		return err;
	}
	/* Before the first run, the state file and the router's name in it are missing. */
	if (!*s.state.router)
		exporter_router(c, s.state.router, sizeof(s.state.router));
	s.now_ms = clock_now_ms();
	s.is_running = export_state_is_locked(c->export.state_file);
	history_read(&s, c->database);
	return print[form](out, &s);
}
