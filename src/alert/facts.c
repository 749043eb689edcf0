/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.c - what an alert says, as names and text; the environment of programs.
 *
 * It knows no sink: who prints, writes or runs comes after it.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/facts.h"
#include "waymark/base/proto.h"
#include "waymark/base/times.h"

#define ENVIRONMENT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const char *alert_kind_name(enum alert_kind k)
{
	static const char *const names[] = {
		[ALERT_MISMATCH] = "mismatch",	 [ALERT_WRONG_SOURCE] = "wrong-source",
		[ALERT_UNMARKED] = "unmarked",	 [ALERT_FOREIGN] = "foreign",
		[ALERT_TAMPERING] = "tampering", [ALERT_GAP] = "gap",
		[ALERT_UPLINK] = "uplink",	 [ALERT_TEST] = "test",
	};

	return (unsigned)k < sizeof(names) / sizeof(names[0]) ? names[k] : NULL;
}

const char *alert_severity_name(const struct alert *a)
{
	if (a->is_over || a->kind == ALERT_TEST)
		return "notice";
	if (a->kind == ALERT_UPLINK)
		return a->reason && !strcmp(a->reason, "up") ? "notice" : "warning";
	return a->kind == ALERT_MISMATCH || a->kind == ALERT_WRONG_SOURCE ? "critical" : "warning";
}

struct filling {
	struct fact *next;
};

static struct fact *fact_next(struct filling *f, const char *name, bool is_number)
{
	struct fact *fact = f->next++;

	fact->name = name;
	fact->is_number = is_number;
	fact->text[0] = '\0';
	return fact;
}

static void fill_text(struct filling *f, const char *name, const char *text)
{
	struct fact *fact = fact_next(f, name, false);

	snprintf(fact->text, sizeof(fact->text), "%s", text ? text : "");
}

static void fill_number(struct filling *f, const char *name, bool is_known, uint64_t value)
{
	struct fact *fact = fact_next(f, name, true);

	if (is_known)
		snprintf(fact->text, sizeof(fact->text), "%" PRIu64, value);
}

static const char *direction_name(int direction)
{
	switch (direction) {
	case DIR_ORIGINAL:
		return "original";
	case DIR_REPLY:
		return "reply";
	default:
		return "";
	}
}

/* Alerts that are not of a flow have neither tuple nor mark. */
static void fill_flow(struct filling *f, const struct alert *alert)
{
	bool has_flow = !addr_is_none(&alert->tuple.src);
	char proto[PROTO_STRLEN], text[ADDR_STRLEN];

	fill_text(f, "proto", has_flow ? proto_name(alert->proto, proto) : "");
	fill_text(f, "src", addr_format(&alert->tuple.src, text));
	fill_number(f, "sport", has_flow, alert->tuple.sport);
	fill_text(f, "dst", addr_format(&alert->tuple.dst, text));
	fill_number(f, "dport", has_flow, alert->tuple.dport);
	fill_text(f, "direction", direction_name(alert->direction));
	fill_number(f, "mark", has_flow, alert->mark);
}

void facts_fill(struct fact facts[FACTS_COUNT], const struct alert *alert)
{
	struct filling f = {.next = facts};
	char time[TIMES_STRLEN];

	fill_text(&f, "kind", alert_kind_name(alert->kind));
	fill_text(&f, "severity", alert_severity_name(alert));
	fill_text(&f, "state", alert->is_over ? "over" : "raised");
	fill_text(&f, "time", times_format_iso(alert->time_ms, time));
	fill_number(&f, "flow_id", alert->flow_id != 0, (uint64_t)alert->flow_id);
	fill_number(&f, "mismatch_id", alert->mismatch_id != 0, (uint64_t)alert->mismatch_id);
	fill_text(&f, "expected", alert->expected);
	fill_text(&f, "egress", alert->egress);
	fill_text(&f, "egress_uplink", alert->egress_uplink);
	fill_text(&f, "reason", alert->reason);
	fill_text(&f, "evidence", alert->evidence);
	fill_flow(&f, alert);
	fill_number(&f, "count", true, alert->count);
	fill_number(&f, "total", true, alert->total);
	fill_text(&f, "text", alert->text);
}

static char *variable_new(const struct fact *fact)
{
	char *variable;

	if (asprintf(&variable, FACTS_PREFIX "%s=%s", fact->name, fact->text) < 0)
		return NULL;
	for (char *p = variable + strlen(FACTS_PREFIX); *p != '='; p++)
		*p = (char)toupper((unsigned char)*p);
	return variable;
}

char **facts_environment(const struct fact facts[FACTS_COUNT])
{
	char **environment = calloc(FACTS_COUNT + 2, sizeof(*environment));

	if (!environment)
		return NULL;
	environment[0] = strdup(ENVIRONMENT_PATH);
	if (!environment[0])
		goto fail;
	for (size_t i = 0; i < FACTS_COUNT; i++) {
		environment[i + 1] = variable_new(&facts[i]);
		if (!environment[i + 1])
			goto fail;
	}
	return environment;

fail:
	facts_environment_free(environment);
	errno = ENOMEM;
	return NULL;
}

void facts_environment_free(char **environment)
{
	if (!environment)
		return;
	for (char **p = environment; *p; p++)
		free(*p);
	free(environment);
}
