/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - decodes the daemon's JSON. Takes what it knows, skips the rest.
 */
#include "waymark/status/answer.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
	const char *key;
	int64_t *value;
};

static void numbers_take(const json_t *object, const struct wanted *wanted)
{
	for (; wanted->key; wanted++)
		*wanted->value = json_integer_value(json_object_get(object, wanted->key));
}

/* -1: not known. */
static int64_t delay_take(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const char *string_take(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void general_take(struct answer *a, const json_t *o)
{
	const struct wanted wanted[] = {
		{"pid", &a->pid},
		{"uptime_s", &a->uptime_s},
		{"flows_live", &a->flows_live},
		{"gaps_open", &a->gaps_open},
		{"mismatches", &a->mismatches},
		{"flows_total", &a->flows_total},
		{"flows_lost", &a->flows_lost},
		{"flows_untracked", &a->flows_untracked},
		{"table_flows", &a->table_flows},
		{"table_bytes", &a->table_bytes},
		{"looks", &a->looks},
		{"looks_due", &a->looks_due},
		{NULL, NULL},
	};

	numbers_take(o, wanted);
	a->version = string_take(o, "version");
	a->mode = string_take(o, "mode");
	a->started = string_take(o, "started");
	a->last_event = string_take(o, "last_event");
	a->is_ready = json_is_true(json_object_get(o, "ready"));
	a->flows_per_s = json_number_value(json_object_get(o, "flows_per_s"));
}

static void verdicts_take(struct answer *a, const json_t *o)
{
	const json_t *verdicts = json_object_get(o, "verdicts");
	int v;

	a->has_verdicts = verdicts != NULL;
	for (v = VERDICT_MISMATCH; v <= VERDICT_OK; v++)
		a->verdicts[v] = json_integer_value(
			json_object_get(verdicts, verdict_name((enum verdict)v)));
}

static void sources_take(struct answer *a, const json_t *o)
{
	const json_t *e = json_object_get(o, "events");
	const struct wanted events[] = {
		{"received", &a->events.received},
		{"overruns", &a->events.overruns},
		{"refused", &a->events.refused},
		{"listeners", &a->events.listeners},
		{"resyncs", &a->events.resyncs},
		{"parse_errors", &a->events.parse_errors},
		{"forged", &a->events.forged},
		{"buffer_bytes", &a->events.buffer_bytes},
		{NULL, NULL},
	};
	const struct wanted nflog[] = {
		{"received", &a->nflog.received},
		{"overruns", &a->nflog.overruns},
		{"holes", &a->nflog.holes},
		{"orphans", &a->nflog.orphans},
		{"buffer_bytes", &a->nflog.buffer_bytes},
		{NULL, NULL},
	};

	numbers_take(e, events);
	a->events.mode = string_take(e, "mode");
	a->events.is_resyncing = json_is_true(json_object_get(e, "resyncing"));
	numbers_take(json_object_get(o, "nflog"), nflog);
}

static void sinks_take(struct answer *a, const json_t *o)
{
	const json_t *store = json_object_get(o, "store");
	const struct wanted wanted[] = {
		{"written", &a->store.written},
		{"queued", &a->store.queued},
		{"dropped", &a->store.dropped},
		{"failed", &a->store.failed},
		{"batches", &a->store.batches},
		{"depth", &a->store.depth},
		{"depth_max", &a->store.depth_max},
		{"capacity", &a->store.capacity},
		{"database_bytes", &a->store.database_bytes},
		{NULL, NULL},
	};
	const struct wanted alerts[] = {
		{"raised", &a->alerts.raised}, {"sent", &a->alerts.sent},
		{"aggregated", &a->alerts.aggregated}, {"summaries", &a->alerts.summaries},
		{"failed", &a->alerts.failed}, {NULL, NULL},
	};
	const struct wanted webhook[] = {
		{"pending", &a->alerts.webhook_pending},
		{"delivered", &a->alerts.webhook_delivered},
		{"retries", &a->alerts.webhook_retries},
		{"dropped", &a->alerts.webhook_dropped},
		{NULL, NULL},
	};

	const struct wanted deletions[] = {
		{"deleted", &a->deletions.deleted},
		{"not_deleted", &a->deletions.not_deleted},
		{NULL, NULL},
	};

	numbers_take(store, wanted);
	a->store.p50_ms = delay_take(store, "event_to_row_p50_ms");
	a->store.p99_ms = delay_take(store, "event_to_row_p99_ms");
	a->store.is_pruning = json_is_true(json_object_get(store, "pruning"));
	a->store.last_commit = string_take(store, "last_commit");
	a->store.last_error = string_take(store, "last_error");
	numbers_take(json_object_get(o, "alerts"), alerts);
	numbers_take(json_object_get(json_object_get(o, "alerts"), "webhook"), webhook);
	numbers_take(json_object_get(o, "deletions"), deletions);
}

/* Strings of an array, comma-separated; NULL with errno. */
static char *strings_join(const json_t *array)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	const json_t *item;

	if (!out)
		return NULL;
	json_array_foreach(array, i, item) fprintf(
		out, "%s%s", i ? "," : "", json_is_string(item) ? json_string_value(item) : "");
	fclose(out);
	return text;
}

static void coverage_take(struct answer_coverage *c, const json_t *o)
{
	const json_t *missing = json_object_get(o, "missing");
	const json_t *share = json_object_get(o, "share");
	const struct wanted wanted[] = {
		{"left_packets", &c->left_packets},
		{"left_bytes", &c->left_bytes},
		{"seen_packets", &c->seen_packets},
		{"seen_bytes", &c->seen_bytes},
		{NULL, NULL},
	};

	numbers_take(o, wanted);
	c->is_there = json_is_object(o);
	c->is_known = json_is_true(json_object_get(o, "known"));
	c->since = string_take(o, "since");
	c->until = string_take(o, "until");
	c->share = json_is_number(share) ? json_number_value(share) : -1;
	for (int i = 0; i < COVERAGE_CAUSES; i++)
		c->missing[i] = json_integer_value(
			json_object_get(missing, coverage_cause_name((enum coverage_cause)i)));
}

static int uplink_take(struct answer_uplink *u, const json_t *o)
{
	const struct wanted wanted[] = {
		{"mark", &u->mark},
		{"weight", &u->weight},
		{"flows_live", &u->flows_live},
		{"bytes", &u->bytes},
		{"mismatches", &u->mismatches},
		{NULL, NULL},
	};

	numbers_take(o, wanted);
	u->name = string_take(o, "name");
	u->ifname = string_take(o, "interface");
	u->state = string_take(o, "state");
	u->gateway = string_take(o, "gateway");
	u->gateway6 = string_take(o, "gateway6");
	coverage_take(&u->coverage, json_object_get(o, "coverage"));
	u->addresses = strings_join(json_object_get(o, "addresses"));
	return u->addresses ? 0 : -ENOMEM;
}

static int uplinks_take(struct answer *a, const json_t *array)
{
	const json_t *item;
	size_t i;
	int err = 0;

	if (!json_array_size(array))
		return 0;
	a->uplinks = calloc(json_array_size(array), sizeof(*a->uplinks));
	if (!a->uplinks)
		return -ENOMEM;
	json_array_foreach(array, i, item)
	{
		a->n_uplinks++;
		err = uplink_take(&a->uplinks[i], item);
		if (err)
			return err;
	}
	return 0;
}

int answer_parse(struct answer *a, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	int err;

	memset(a, 0, sizeof(*a));
	a->json = json;
	if (!json)
		return -EPROTO;
	if (json_is_array(json)) {
		err = uplinks_take(a, json);
	} else {
		a->error = string_take(json, "error");
		general_take(a, json);
		verdicts_take(a, json);
		sources_take(a, json);
		sinks_take(a, json);
		err = uplinks_take(a, json_object_get(json, "uplinks"));
	}
	if (err)
		answer_free(a);
	return err;
}

void answer_free(struct answer *a)
{
	size_t i;

	for (i = 0; i < a->n_uplinks; i++)
		free(a->uplinks[i].addresses);
	free(a->uplinks);
	json_decref(a->json);
	memset(a, 0, sizeof(*a));
}
