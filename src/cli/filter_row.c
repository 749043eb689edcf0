/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter_row.c - tests rows of the views by their named values.
 *
 * Pure: must not know whether a row comes from the history or from the daemon.
 */
#include <string.h>

#include "cli/filter.h"
#include "waymark/base/times.h"

const struct value *value_find(const struct value *values, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(values[i].name, name))
			return values[i].kind == VALUE_NULL ? NULL : &values[i];
	return NULL;
}

const char *value_text(const struct value *values, size_t n, const char *name)
{
	const struct value *v = value_find(values, n, name);

	return v && v->kind == VALUE_TEXT ? v->text : NULL;
}

int64_t value_number(const struct value *values, size_t n, const char *name, int64_t other)
{
	const struct value *v = value_find(values, n, name);

	return v && v->kind == VALUE_INTEGER ? v->integer : other;
}

/* Return the time in a column; 0: unknown. */
static int64_t value_time(const struct value *values, size_t n, const char *name)
{
	const char *text = value_text(values, n, name);
	int64_t ms = 0;

	return text && !times_parse_iso(text, &ms) ? ms : 0;
}

/* Return the start of the row's flow, or the time of the row's mismatch; 0: unknown. */
static int64_t row_started(const struct value *values, size_t n)
{
	int64_t ms = value_time(values, n, "started");

	return ms ? ms : value_time(values, n, "time");
}

/* Return whether the row overlaps the interval of the filter. A flow without an end is live, and
 * lasts until now. A row without a start matches as if it began before the interval. */
static bool fits_time(const struct flow_filter *f, const struct value *values, size_t n)
{
	int64_t started, ended;
	bool is_event;

	if (!f->q.since_ms && !f->q.until_ms)
		return true;
	started = row_started(values, n);
	ended = value_time(values, n, "ended");
	is_event = value_text(values, n, "time") != NULL;
	if (f->q.until_ms && started && started >= f->q.until_ms)
		return false;
	if (is_event)
		return !f->q.since_ms || started >= f->q.since_ms;
	if (!ended && f->q.since_ms > f->now_ms)
		return false;
	return !f->q.since_ms || !ended || ended >= f->q.since_ms;
}

static bool lies_in(const struct prefix *p, const struct value *values, size_t n, const char *name)
{
	const char *text = value_text(values, n, name);
	struct addr a;

	return text && !addr_parse(&a, text) && prefix_contains(p, &a);
}

static bool fits_host(const struct prefix *p, const struct value *values, size_t n)
{
	return addr_is_none(&p->addr) || lies_in(p, values, n, "src") ||
	       lies_in(p, values, n, "dst") || lies_in(p, values, n, "nat_src") ||
	       lies_in(p, values, n, "nat_dst");
}

static bool fits_port(int32_t port, const struct value *values, size_t n, const char *name,
		      const char *translated)
{
	return port < 0 || value_number(values, n, name, -1) == port ||
	       value_number(values, n, translated, -1) == port;
}

static bool list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (; list && *list; list += strspn(list, ",")) {
		size_t item = strcspn(list, ",");

		if (item == length && !strncmp(list, name, length))
			return true;
		list += item;
	}
	return false;
}

bool filter_fits_row(const struct flow_filter *f, const struct value *values, size_t n)
{
	return fits_time(f, values, n) && fits_host(&f->host, values, n) &&
	       fits_port(f->sport, values, n, "sport", "nat_sport") &&
	       fits_port(f->dport, values, n, "dport", "nat_dport") &&
	       (!f->egress || list_has(value_text(values, n, "egress"), f->egress) ||
		list_has(value_text(values, n, "egress_reply"), f->egress));
}

static bool fits_size(const struct flow_filter *f, const struct value *values, size_t n)
{
	int64_t sent = value_number(values, n, "bytes", -1),
		received = value_number(values, n, "bytes_reply", -1);

	if (f->is_unanswered && value_number(values, n, "packets_reply", 0) > 0)
		return false;
	return !f->min_bytes ||
	       (sent >= 0 &&
		(uint64_t)sent + (uint64_t)(received > 0 ? received : 0) >= f->min_bytes);
}

static bool fits_duration(const struct flow_filter *f, const struct value *values, size_t n)
{
	int64_t started = row_started(values, n), ended = value_time(values, n, "ended");

	return !f->min_duration_ms ||
	       (started && (ended ? ended : f->now_ms) - started >= (int64_t)f->min_duration_ms);
}

bool filter_is_about_flows(const struct flow_filter *f)
{
	return f->q.is_live || f->q.verdict != VERDICT_NONE || f->ingress || f->min_bytes ||
	       f->min_duration_ms || f->is_unanswered || f->started_since_ms;
}

bool filter_fits_flow(const struct flow_filter *f, const struct value *values, size_t n)
{
	const char *state = value_text(values, n, "state"), *ingress,
		   *verdict = value_text(values, n, "verdict");

	ingress = value_text(values, n, "ingress");
	if (f->q.is_live && (!state || strcmp(state, "live")))
		return false;
	if (f->q.verdict != VERDICT_NONE &&
	    (!verdict || strcmp(verdict, verdict_name(f->q.verdict))))
		return false;
	if (f->ingress && (!ingress || strcmp(ingress, f->ingress)))
		return false;
	if (f->started_since_ms && row_started(values, n) < f->started_since_ms)
		return false;
	return fits_size(f, values, n) && fits_duration(f, values, n);
}
