/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_data.c - what the live view shows: the daemon's answer, the interfaces'
 * counters, the newest of the history.
 *
 * It knows nothing of the screen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"
#include "cli/top/top.h"
#include "waymark/store/query.h"

#define DEVICES "/proc/net/dev"

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the daemon ------------------------------------------------------------------------ */

static const char *trouble_of(int err)
{
	switch (-err) {
	case ENOENT:
	case ECONNREFUSED:
	case ENOTDIR:
		return "the daemon does not run";
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

/* proc_pid_net(5): "  NAME: bytes packets errs drop fifo frame compressed multicast
 * bytes ...". The name may hold a colon. */
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
	int64_t now_ms = monotonic_ms(), ms = t->rates_ms ? now_ms - t->rates_ms : 0;
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

struct rows {
	struct top_row *rows;
	size_t *n;
	const char *const *columns; /* in the order shown; ends with NULL */
};

static void text_append(char *text, const char *format, const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, TOP_TEXT - length, format, word);
}

static const char *value_text(const struct value *v, char *buf, size_t size)
{
	if (v->kind == VALUE_TEXT)
		return v->text;
	snprintf(buf, size, "%" PRId64, v->integer);
	return v->kind == VALUE_INTEGER ? buf : "-";
}

static int row_take(void *data, const struct value *v, size_t n)
{
	struct rows *to = data;
	char number[24];

	if (*to->n == TOP_ROWS_MAX)
		return 1;
	to->rows[*to->n].text[0] = '\0';
	for (const char *const *c = to->columns; *c; c++)
		for (size_t i = 0; i < n; i++)
			if (!strcmp(v[i].name, *c))
				text_append(to->rows[*to->n].text, "%s ",
					    value_text(&v[i], number, sizeof(number)));
	(*to->n)++;
	return 0;
}

static int history_read(struct top_data *t, struct query *q)
{
	static const char *const mismatch[] = {"time",	 "flow_id", "proto", "src",
					       "sport",	 "dst",	    "dport", "expected",
					       "egress", "reason",  NULL};
	static const char *const gap[] = {"started", "ended", "source", "lost", "reason", NULL};
	struct rows mismatches = {t->mismatches, &t->n_mismatches, mismatch};
	struct rows gaps = {t->gaps, &t->n_gaps, gap};
	struct query_filter f;
	int err;

	query_filter_init(&f);
	f.limit = TOP_ROWS_MAX;
	err = query_mismatches(q, &f, row_take, &mismatches);
	return err < 0 ? err : query_gaps(q, &f, row_take, &gaps);
}

static void history_look(struct top_data *t)
{
	FILE *errors = fmemopen(t->history_trouble, sizeof(t->history_trouble), "w");
	struct query *q = query_open(t->database, errors);
	int err;

	if (errors)
		fclose(errors);
	t->n_mismatches = t->n_gaps = 0;
	if (!q)
		return;
	t->history_trouble[0] = '\0';
	err = history_read(t, q);
	if (err < 0)
		snprintf(t->history_trouble, sizeof(t->history_trouble), "%s", query_error(q));
	query_close(q);
}

void top_data_read(struct top_data *t)
{
	daemon_look(t);
	interfaces_look(t);
	history_look(t);
}

void top_data_clear(struct top_data *t)
{
	if (t->has_answer)
		answer_free(&t->answer);
	t->has_answer = false;
}
