/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.c - writes an alert as the text that a server gets: a JSON object, a list for Alertmanager,
 * or the operator's template with the facts filled in.
 */
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/body.h"
#include "waymark/base/times.h"
#include "waymark/status/json_text.h"

static json_t *fact_json(const struct fact *fact)
{
	if (fact->text[0] == '\0')
		return json_null();
	if (fact->is_number)
		return json_integer(strtoll(fact->text, NULL, 10));
	return json_text_new(fact->text);
}

/* Return the JSON text of an object and a newline, malloc'd, or NULL. */
static char *line_new(const json_t *object)
{
	size_t length = json_dumpb(object, NULL, 0, JSON_COMPACT);
	char *line = length ? malloc(length + 2) : NULL;

	if (!line)
		return NULL;
	json_dumpb(object, line, length, JSON_COMPACT);
	memcpy(line + length, "\n", 2);
	return line;
}

static json_t *facts_object(const struct facts *facts)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < facts->n; i++) {
		if (json_object_set_new(object, facts->list[i].name, fact_json(&facts->list[i]))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Return the object as one line of JSON, and release the object. On failure return NULL with
 * errno. */
static char *object_line(json_t *object)
{
	char *line = object ? line_new(object) : NULL;

	json_decref(object);
	if (!line)
		errno = ENOMEM;
	return line;
}

char *body_json(const struct facts *facts)
{
	return object_line(facts_object(facts));
}

/* --- Alertmanager: POST /api/v2/alerts ------------------------------------------- */

/* Time after which Alertmanager ends an alert by itself. It matters only if the message that ends
 * the alert is lost. */
#define OPEN_MS 86400000LL

/* Facts that identify an alert. They must be equal in the messages of its start and its end. */
static const char *const label_facts[] = {"kind",   "uplink", "expected", "egress",
					  "reason", "object", "family",	  "router"};
/* Facts that can differ between the messages of one alert. */
static const char *const annotation_facts[] = {"text",	  "count", "total", "host",    "version",
					       "flow_id", "src",   "dst",   "process", "pid"};

static int strings_put(json_t *object, const struct facts *facts, const char *const *names,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = facts_text(facts, names[i]);

		if (text && *text && json_object_set_new(object, names[i], json_text_new(text)))
			return -1;
	}
	return 0;
}

static json_t *labels_new(const struct facts *facts, const struct alert *alert)
{
	json_t *labels = json_pack("{ss ss}", "alertname", "Waymark", "severity",
				   alert_kind_severity(alert->kind));

	if (labels &&
	    strings_put(labels, facts, label_facts, sizeof(label_facts) / sizeof(label_facts[0]))) {
		json_decref(labels);
		return NULL;
	}
	return labels;
}

static json_t *annotations_new(const struct facts *facts)
{
	json_t *annotations = json_object();

	if (annotations && strings_put(annotations, facts, annotation_facts,
				       sizeof(annotation_facts) / sizeof(annotation_facts[0]))) {
		json_decref(annotations);
		return NULL;
	}
	return annotations;
}

char *body_alertmanager(const struct facts *facts, const struct alert *alert)
{
	char starts[TIMES_STRLEN], ends[TIMES_STRLEN];
	bool is_over = alert->state == ALERT_OVER;
	int64_t since_ms = alert->since_ms ? alert->since_ms : alert->time_ms;
	json_t *labels = labels_new(facts, alert), *annotations = annotations_new(facts);

	if (!labels || !annotations) {
		json_decref(labels);
		json_decref(annotations);
		errno = ENOMEM;
		return NULL;
	}
	times_format_iso(since_ms, starts);
	times_format_iso(is_over ? alert->time_ms : alert->time_ms + OPEN_MS, ends);
	return object_line(json_pack("[{so so ss ss}]", "labels", labels, "annotations",
				     annotations, "startsAt", starts, "endsAt", ends));
}

/* --- a template -------------------------------------------------------------------- */

/* Write `text` with the escapes of a JSON string, but without quotes around it. */
static void escaped_put(FILE *out, const char *text)
{
	json_t *string = json_text_new(text);
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

	if (quoted)
		fwrite(quoted + 1, 1, strlen(quoted) - 2, out);
	free(quoted);
	json_decref(string);
}

/* Replace one placeholder: write the text of the fact whose name begins at p, which is just after
 * "{{". Return a pointer to the text after "}}", or NULL if "}}" is missing or no fact has this
 * name. */
static const char *placeholder_put(FILE *out, const char *p, const struct facts *facts)
{
	const char *end = strstr(p, "}}");
	char name[32];
	const char *text;

	if (!end || end - p >= (ptrdiff_t)sizeof(name))
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)(end - p), p);
	text = facts_text(facts, name);
	if (!text)
		return NULL;
	escaped_put(out, text);
	return end + 2;
}

char *body_template(const char *template, const struct facts *facts)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (const char *p = template; *p;) {
		const char *open = strstr(p, "{{");
		const char *next;

		if (!open) {
			fputs(p, out);
			break;
		}
		fwrite(p, 1, (size_t)(open - p), out);
		next = placeholder_put(out, open + 2, facts);
		if (!next)
			fputs("{{", out);
		p = next ? next : open + 2;
	}
	if (fclose(out)) {
		free(text);
		errno = ENOMEM;
		return NULL;
	}
	return text;
}
