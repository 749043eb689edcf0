/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_data.c - reads what the live view shows: the daemon's status, the counters of the
 * interfaces, the newest rows of the history.
 *
 * Must not know the screen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"
#include "cli/egress_name.h"
#include "cli/filter.h"
#include "cli/history.h"
#include "cli/top/top.h"
#include "waymark/base/clock.h"
#include "waymark/base/sort.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"
#include "waymark/store/query.h"

#define DEVICES "/proc/net/dev"

/* --- the daemon ------------------------------------------------------------------------ */

static const char *trouble_of(int err)
{
	switch (-err) {
	case ENOENT:
	case ECONNREFUSED:
	case ENOTDIR:
		return "the daemon is not running";
	case ETIMEDOUT:
		return "the daemon does not answer";
	case EACCES:
	case EPERM:
		return "no permission to ask the daemon";
	default:
		return strerror(-err);
	}
}

static void daemon_look(struct top_data *t)
{
	char *text = NULL;
	int err = client_ask(t->config->control_socket, "status", &text);

	if (t->has_answer)
		answer_free(&t->answer);
	if (!err)
		err = answer_parse(&t->answer, text);
	free(text);
	t->has_answer = !err;
	snprintf(t->trouble, sizeof(t->trouble), "%s", err ? trouble_of(err) : "");
}

/* --- interfaces ------------------------------------------------------------------------- */

static void rate_set(struct top_rate *r, uint64_t rx, uint64_t tx, int64_t ms)
{
	bool is_known = ms > 0 && r->ifname[0] && rx >= r->rx && tx >= r->tx;

	r->rx_rate = is_known ? (double)(rx - r->rx) * 8000 / (double)ms : -1;
	r->tx_rate = is_known ? (double)(tx - r->tx) * 8000 / (double)ms : -1;
	r->rx = rx;
	r->tx = tx;
}

/* Parse a line of /proc/net/dev (proc_pid_net(5)) and store its counters: " NAME: bytes packets
 * errs drop fifo frame compressed multicast bytes ...". NAME may contain a colon. */
static bool device_take(struct top_data *t, char *line, int64_t ms)
{
	char *name = line + strspn(line, " "), *end = strrchr(line, ':');
	uint64_t rx, tx;
	size_t i;

	if (!end ||
	    sscanf(end + 1, "%" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &rx, &tx) != 2)
		return false;
	*end = '\0';
	for (i = 0; i < t->config->n_uplinks; i++) {
		if (strcmp(t->config->uplinks[i].ifname, name))
			continue;
		rate_set(&t->rates[i], rx, tx, ms);
		snprintf(t->rates[i].ifname, sizeof(t->rates[i].ifname), "%s", name);
		return true;
	}
	return false;
}

static void interfaces_look(struct top_data *t)
{
	int64_t now_ms = clock_steady_ms(), ms = t->rates_ms ? now_ms - t->rates_ms : 0;
	FILE *file = fopen(DEVICES, "re");
	char *line = NULL;
	size_t room = 0, i;

	for (i = 0; i < t->config->n_uplinks; i++)
		t->rates[i].rx_rate = t->rates[i].tx_rate = -1;
	while (file && getline(&line, &room, file) >= 0)
		device_take(t, line, ms);
	free(line);
	if (file)
		fclose(file);
	t->rates_ms = now_ms;
}

/* --- the history ----------------------------------------------------------------------------- */

static void text_copy(char *to, size_t size, const struct value *v)
{
	snprintf(to, size, "%s", v->kind == VALUE_TEXT ? v->text : "?");
}

static int64_t number_of(const struct value *v)
{
	return v->kind == VALUE_INTEGER ? v->integer : 0;
}

/* Return the next row to fill in, or NULL if the list is full. */
static struct top_row *row_next(struct top_row *rows, size_t *n)
{
	return *n == TOP_ROWS_MAX ? NULL : &rows[(*n)++];
}

/* Write "EXPECTED>EGRESS" to buf. If the egress belongs to an uplink, write the name of the
 * uplink. */
static void path_format(char *buf, size_t size, const char *expected, const char *egress)
{
	char name[EGRESS_NAME];

	snprintf(buf, size, "%.28s>%.28s", expected, egress_name(egress, strlen(egress), name));
}

static int mismatch_take(void *data, const struct value *v, size_t n)
{
	struct top_data *t = data;
	struct top_row *row = row_next(t->mismatched, &t->n_mismatched);
	const char *expected = value_text(v, n, "expected"), *egress = value_text(v, n, "egress");
	const char *reason = value_text(v, n, "reason");
	char when[TIMES_STRLEN], flow[TOP_TEXT / 2], path[64];

	if (!row)
		return 1;
	times_format(value_number(v, n, "time_ms", 0), TIMES_DATED, when);
	brief_format_flow(flow, sizeof(flow), v, n);
	path_format(path, sizeof(path), expected ? expected : "?", egress ? egress : "?");
	snprintf(row->text, sizeof(row->text), "%s %-15s %-16s %8" PRId64 "  %s", when, path,
		 reason ? reason : "-", value_number(v, n, "flow_id", 0), flow);
	return 0;
}

static int gap_take(void *data, const struct value *v, size_t n)
{
	struct top_data *t = data;
	struct top_row *row = row_next(t->gaps, &t->n_gaps);
	int64_t started = value_number(v, n, "started_ms", 0);
	int64_t ended = value_number(v, n, "ended_ms", -1), lost = value_number(v, n, "lost", -1);
	const char *source = value_text(v, n, "source"), *reason = value_text(v, n, "reason");
	char when[TIMES_STRLEN], lasted[UNITS_STRLEN] = "open", number[24] = "-";

	if (!row)
		return 1;
	if (ended >= started && ended >= 0)
		duration_format(ended - started, lasted);
	if (lost >= 0)
		snprintf(number, sizeof(number), "%" PRId64, lost);
	snprintf(row->text, sizeof(row->text), "%s %-9s %-8s %6s  %.170s",
		 times_format(started, TIMES_DATED, when), lasted, source ? source : "?", number,
		 reason ? reason : "");
	return 0;
}

static int cause_take(void *data, const struct value *v, size_t n)
{
	struct top_data *t = data;
	struct top_cause *c = &t->causes[t->n_causes];
	char expected[64], egress[64];

	t->mismatches += number_of(&v[3]);
	if (t->n_causes == TOP_CAUSES_MAX)
		return 0;
	t->n_causes++;
	text_copy(expected, sizeof(expected), &v[0]);
	text_copy(egress, sizeof(egress), &v[1]);
	path_format(c->path, sizeof(c->path), expected, egress);
	text_copy(c->reason, sizeof(c->reason), &v[2]);
	c->number = number_of(&v[3]);
	c->packets = number_of(&v[4]);
	c->first_ms = number_of(&v[5]);
	c->last_ms = number_of(&v[6]);
	c->hosts = number_of(&v[7]);
	c->flow_id = number_of(&v[9]);
	brief_format_flow(c->flow, sizeof(c->flow), v, n);
	return 0;
}

static int talker_take(void *data, const struct value *v, size_t n)
{
	struct top_data *t = data;
	struct top_talker *k = &t->talkers[t->n_talkers];

	(void)n;
	if (t->n_talkers == TOP_TALKERS_MAX)
		return 0;
	t->n_talkers++;
	text_copy(k->host, sizeof(k->host), &v[0]);
	k->flows = number_of(&v[1]);
	k->sent = number_of(&v[2]);
	k->received = number_of(&v[3]);
	return 0;
}

static int cause_compare(const void *a, const void *b)
{
	const struct top_cause *x = a, *y = b;

	return x->number == y->number ? 0 : x->number < y->number ? 1 : -1;
}

static int cause_compare_time(const void *a, const void *b)
{
	const struct top_cause *x = a, *y = b;

	return x->last_ms == y->last_ms ? 0 : x->last_ms < y->last_ms ? 1 : -1;
}

void top_causes_sort(struct top_data *t)
{
	list_sort(t->causes, t->n_causes, sizeof(*t->causes),
		  t->sort == TOP_BY_TIME ? cause_compare_time : cause_compare);
}

/* Read the talkers, but only every tenth time: they are sums of whole hours and change slowly. */
static int talkers_read(struct top_data *t, struct query *q)
{
	struct summary_span hours = {.until_ms = t->now_ms + 1, .step_ms = SUMMARY_BY_HOUR};

	if (t->talkers_wait) {
		t->talkers_wait--;
		return 0;
	}
	t->talkers_wait = 9;
	hours.since_ms = t->now_ms - TOP_HOUR_MS;
	hours.since_ms -= hours.since_ms % TOP_HOUR_MS;
	t->n_talkers = 0;
	return query_talkers(q, &hours, talker_take, t);
}

static int history_read(struct top_data *t, struct query *q)
{
	struct summary_span hour = {.since_ms = t->now_ms - TOP_HOUR_MS, .until_ms = t->now_ms + 1};
	struct query_filter f;
	int err = query_causes(q, &hour, cause_take, t);

	query_filter_init(&f);
	f.limit = TOP_ROWS_MAX;
	if (!err)
		err = talkers_read(t, q);
	top_causes_sort(t);
	if (!err)
		err = query_gaps(q, &f, gap_take, t);
	return err < 0 ? err : query_mismatches(q, &f, mismatch_take, t);
}

static void history_look(struct top_data *t)
{
	FILE *errors = fmemopen(t->history_trouble, sizeof(t->history_trouble), "w");
	struct query *q = query_open(t->database, errors);
	int err;

	if (errors)
		fclose(errors);
	t->n_causes = t->n_gaps = t->n_mismatched = 0;
	t->mismatches = 0;
	if (!q)
		return;
	t->history_trouble[0] = '\0';
	err = history_read(t, q);
	if (err < 0)
		snprintf(t->history_trouble, sizeof(t->history_trouble), "%s", query_error(q));
	query_close(q);
}

/* --- the last minutes --------------------------------------------------------------------- */

static const struct answer_uplink *uplink_find(const struct top_data *t, const char *name)
{
	for (size_t i = 0; t->has_answer && i < t->answer.n_uplinks; i++)
		if (t->answer.uplinks[i].name && !strcmp(t->answer.uplinks[i].name, name))
			return &t->answer.uplinks[i];
	return NULL;
}

/* Add the latest values of uplink i. If the uplink's number of mismatches has increased, record the
 * time. uplink_colour() then colours the uplink's row red for a while. */
static void past_add(struct top_data *t, size_t i)
{
	const struct answer_uplink *a = uplink_find(t, t->config->uplinks[i].name);
	struct top_rate *r = &t->rates[i];

	top_past_add(&r->rates, r->rx_rate < 0 ? -1 : r->rx_rate + r->tx_rate);
	top_past_add(&r->flows, a ? (double)a->flows_live : -1);
	top_past_add(&r->answered, a ? a->answered_share : -1);
	if (!a)
		return;
	if (a->mismatches > r->mismatches && r->flows.n > 1)
		r->mismatched_ms = t->now_ms;
	r->mismatches = a->mismatches;
}

void top_data_read(struct top_data *t)
{
	t->now_ms = clock_now_ms();
	daemon_look(t);
	interfaces_look(t);
	history_look(t);
	for (size_t i = 0; i < t->config->n_uplinks; i++)
		past_add(t, i);
}

void top_data_clear(struct top_data *t)
{
	if (t->has_answer)
		answer_free(&t->answer);
	t->has_answer = false;
}
