/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - converts struct answer to JSON and back. The tables of counters.h describe most
 * members. The parser ignores members that it does not know.
 */
#include "waymark/status/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status/counters.h"
#include "waymark/status/json_text.h"

const char *answer_keep(struct answer *a, const char *text)
{
	char **more, *copy;

	if (!text)
		return NULL;
	copy = strdup(text);
	more = copy ? reallocarray(a->strings, a->n_strings + 1, sizeof(*more)) : NULL;
	if (!more) {
		free(copy);
		return NULL;
	}
	a->strings = more;
	a->strings[a->n_strings++] = copy;
	return copy;
}

/* --- from JSON ------------------------------------------------------------------------ */

/* Return the value at a path such as "store.depth", or NULL. */
static const json_t *value_find(const json_t *object, const char *path)
{
	const char *dot;
	char name[64];

	while ((dot = strchr(path, '.'))) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		object = json_object_get(object, name);
		path = dot + 1;
	}
	return json_object_get(object, path);
}

static void counter_take(struct answer *a, void *fields, const struct counter *c,
			 const json_t *value)
{
	void *field = (char *)fields + c->offset;

	switch (c->type) {
	case COUNTER_INTEGER:
		*(int64_t *)field = json_integer_value(value);
		break;
	case COUNTER_OPTIONAL:
		*(int64_t *)field = json_is_integer(value) ? json_integer_value(value) : -1;
		break;
	case COUNTER_REAL:
		*(double *)field = json_is_number(value) ? json_number_value(value) : -1;
		break;
	case COUNTER_BOOLEAN:
		*(bool *)field = json_is_true(value);
		break;
	case COUNTER_TEXT:
		*(const char **)field = answer_keep(a, json_string_value(value));
		break;
	}
}

static void counters_take(struct answer *a, void *fields, const struct counter *rows,
			  const json_t *object)
{
	for (; rows->key; rows++)
		counter_take(a, fields, rows, value_find(object, rows->key));
}

static void verdicts_take(struct answer *a, const json_t *o)
{
	const json_t *verdicts = json_object_get(o, "verdicts");

	a->has_verdicts = verdicts != NULL;
	for (int v = VERDICT_MISMATCH; v <= VERDICT_OK; v++)
		a->verdicts[v] = json_integer_value(
			json_object_get(verdicts, verdict_name((enum verdict)v)));
}

/* Join the strings of a JSON array, with commas between them. Return malloc'd text, or NULL with
 * errno. */
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

static void coverage_take(struct answer *a, struct answer_coverage *c, const json_t *o)
{
	const json_t *missing = json_object_get(o, "missing");

	c->is_there = json_is_object(o);
	counters_take(a, c, coverage_counters, o);
	for (int i = 0; i < COVERAGE_CAUSES; i++)
		c->missing[i] = json_integer_value(
			json_object_get(missing, coverage_cause_name((enum coverage_cause)i)));
}

static void reasons_take(int64_t reasons[REASONS], const json_t *object)
{
	for (int r = 0; r < REASONS; r++) {
		const char *name = reason_name((enum reason)r);

		if (name)
			reasons[r] = json_integer_value(json_object_get(object, name));
	}
}

/* Return the number of mismatches by reason, without reasons that did not occur. */
static json_t *reasons_json(const int64_t reasons[REASONS])
{
	json_t *object = json_object();

	for (int r = 0; r < REASONS; r++) {
		const char *name = reason_name((enum reason)r);

		if (name && reasons[r])
			json_object_set_new(object, name, json_integer(reasons[r]));
	}
	return object;
}

static int uplink_take(struct answer *a, struct answer_uplink *u, const json_t *o)
{
	counters_take(a, u, uplink_counters, o);
	coverage_take(a, &u->coverage, json_object_get(o, "coverage"));
	reasons_take(u->mismatches_by_reason, json_object_get(o, "mismatches_by_reason"));
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
		err = uplink_take(a, &a->uplinks[i], item);
		if (err)
			return err;
	}
	return 0;
}

static void delays_take(struct delays *d, const json_t *object)
{
	const json_t *counts = json_object_get(object, "counts");

	for (size_t i = 0; i < DELAY_BUCKETS; i++)
		d->count[i] = json_integer_value(json_array_get(counts, i));
	d->sum_ms = json_integer_value(json_object_get(object, "sum_ms"));
}

int answer_parse(struct answer *a, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	int err;

	memset(a, 0, sizeof(*a));
	if (!json)
		return -EPROTO;
	if (json_is_array(json)) {
		err = uplinks_take(a, json);
	} else {
		counters_take(a, a, general_counters, json);
		verdicts_take(a, json);
		delays_take(&a->store.delays, json_object_get(json, "event_to_row"));
		err = uplinks_take(a, json_object_get(json, "uplinks"));
	}
	json_decref(json);
	if (err)
		answer_free(a);
	return err;
}

void answer_free(struct answer *a)
{
	for (size_t i = 0; i < a->n_uplinks; i++)
		free(a->uplinks[i].addresses);
	for (size_t i = 0; i < a->n_strings; i++)
		free(a->strings[i]);
	free(a->strings);
	free(a->uplinks);
	memset(a, 0, sizeof(*a));
}

/* --- to JSON -------------------------------------------------------------------------- */

static json_t *counter_json(const void *fields, const struct counter *c)
{
	const void *field = (const char *)fields + c->offset;
	const char *text;

	switch (c->type) {
	case COUNTER_INTEGER:
		return json_integer(*(const int64_t *)field);
	case COUNTER_OPTIONAL:
		if (*(const int64_t *)field < 0)
			return json_null();
		return json_integer(*(const int64_t *)field);
	case COUNTER_REAL:
		if (*(const double *)field < 0)
			return json_null();
		return json_real(*(const double *)field);
	case COUNTER_BOOLEAN:
		return json_boolean(*(const bool *)field);
	case COUNTER_TEXT:
		text = *(const char *const *)field;
		return text ? json_text_new(text) : json_null();
	}
	return json_null();
}

/* Set the value at a path such as "store.depth", and create the objects on the path. */
static void value_set(json_t *object, const char *path, json_t *value)
{
	const char *dot;
	char name[64];
	json_t *inner;

	while ((dot = strchr(path, '.'))) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		inner = json_object_get(object, name);
		if (!inner) {
			inner = json_object();
			json_object_set_new(object, name, inner);
		}
		object = inner;
		path = dot + 1;
	}
	json_object_set_new(object, path, value);
}

static json_t *counters_json(const void *fields, const struct counter *rows)
{
	json_t *object = json_object();

	for (; object && rows->key; rows++)
		value_set(object, rows->key, counter_json(fields, rows));
	return object;
}

static json_t *missing_json(const struct answer_coverage *c)
{
	json_t *object = json_object();

	for (int i = 0; i < COVERAGE_CAUSES; i++)
		json_object_set_new(object, coverage_cause_name((enum coverage_cause)i),
				    json_integer(c->missing[i]));
	return object;
}

/* Return the coverage as JSON, or JSON null if coverage has not been compared yet. */
static json_t *coverage_json(const struct answer_coverage *c)
{
	json_t *object;

	if (!c->is_there)
		return json_null();
	object = counters_json(c, coverage_counters);
	json_object_set_new(object, "missing", c->is_known ? missing_json(c) : json_null());
	return object;
}

static json_t *strings_split(const char *text)
{
	json_t *array = json_array();

	while (text && *text) {
		size_t n = strcspn(text, ",");

		json_array_append_new(array, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return array;
}

static json_t *uplinks_json(const struct answer *a)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < a->n_uplinks; i++) {
		const struct answer_uplink *u = &a->uplinks[i];
		json_t *object = counters_json(u, uplink_counters);

		json_object_set_new(object, "addresses", strings_split(u->addresses));
		json_object_set_new(object, "coverage", coverage_json(&u->coverage));
		json_object_set_new(object, "mismatches_by_reason",
				    reasons_json(u->mismatches_by_reason));
		json_array_append_new(array, object);
	}
	return array;
}

static char *json_print(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;

	json_decref(json);
	if (!text)
		errno = ENOMEM;
	return text;
}

char *answer_uplinks_json(const struct answer *a)
{
	return json_print(json_pack("{so}", "uplinks", uplinks_json(a)));
}

static json_t *verdicts_json(const struct answer *a)
{
	json_t *object = json_object();

	for (int v = VERDICT_MISMATCH; v <= VERDICT_OK; v++)
		json_object_set_new(object, verdict_name((enum verdict)v),
				    json_integer(a->verdicts[v]));
	return object;
}

/* Return the delays as a histogram with the bounds 5, 10, 25, 50, 100, 250, 500 ms, 1, 2.5 and 10
 * s. Each count includes only the delays between two bounds. The last one is for delays above 10
 * s. */
static json_t *delays_json(const struct delays *d)
{
	json_t *counts = json_array();

	for (size_t i = 0; i < DELAY_BUCKETS; i++)
		json_array_append_new(counts, json_integer(d->count[i]));
	return json_pack("{so,sI}", "counts", counts, "sum_ms", (json_int_t)d->sum_ms);
}

char *answer_json(const struct answer *a)
{
	json_t *object = counters_json(a, general_counters);

	if (!a->error)
		json_object_del(object, "error");
	json_object_set_new(object, "verdicts", verdicts_json(a));
	json_object_set_new(object, "event_to_row", delays_json(&a->store.delays));
	json_object_set_new(object, "uplinks", uplinks_json(a));
	return json_print(object);
}

/* --- as text -------------------------------------------------------------------------- */

const char *answer_details(const struct answer *a, const char *heading, char *buf, size_t size)
{
	bool has_any = false;
	size_t used = 0;

	for (const struct counter *c = general_counters; c->key; c++) {
		int64_t n;

		if (!c->heading || strcmp(c->heading, heading) != 0 || used >= size)
			continue;
		n = *(const int64_t *)((const char *)a + c->offset);
		has_any = has_any || n;
		used += (size_t)snprintf(buf + used, size - used, "%s%" PRId64 " %s",
					 used ? ", " : "", n, c->words);
	}
	return has_any ? buf : NULL;
}
