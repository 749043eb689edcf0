/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.c - writes the facts of an alert as names and text, and as the environment of programs.
 *
 * Must not know the sinks.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "waymark/alert/facts.h"
#include "waymark/base/proto.h"
#include "waymark/base/times.h"

#define ENVIRONMENT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The alert from which a fact is taken, and the buffer for the fact's text. The text stays empty if
 * the fact is unknown or does not apply. */
struct source {
	const struct alert *alert;
	const struct alert_identity *identity;
	bool has_flow; /* the alert names a flow (alert->tuple) */
	char *text;
	size_t size;
};

static void put_text(struct source *s, const char *text)
{
	snprintf(s->text, s->size, "%s", text ? text : "");
}

static void put_number(struct source *s, bool is_known, uint64_t value)
{
	if (is_known)
		snprintf(s->text, s->size, "%" PRIu64, value);
}

#define TEXT_FACT(name, expression)                                                                \
	static void put_##name(struct source *s)                                                   \
	{                                                                                          \
		put_text(s, expression);                                                           \
	}
#define NUMBER_FACT(name, is_known, expression)                                                    \
	static void put_##name(struct source *s)                                                   \
	{                                                                                          \
		put_number(s, is_known, (uint64_t)(expression));                                   \
	}

static const char *direction_text(int direction)
{
	if (direction == DIR_ORIGINAL)
		return "original";
	return direction == DIR_REPLY ? "reply" : "";
}

static const char *family_text(const struct source *s)
{
	if (*s->alert->family)
		return s->alert->family;
	if (!s->has_flow)
		return "";
	return s->alert->tuple.src.family == AF_INET6 ? "ipv6" : "ipv4";
}

/* Return the uplink that the alert is about. For a mismatch, it is the uplink that the mark
 * names. */
static const char *uplink_text(const struct alert *a)
{
	return *a->uplink ? a->uplink : a->expected;
}

TEXT_FACT(kind, alert_kind_name(s->alert->kind))
TEXT_FACT(severity, alert_severity_name(s->alert))
TEXT_FACT(state, alert_state_name(s->alert->state))
TEXT_FACT(host, s->identity->host)
TEXT_FACT(router, s->identity->router)
TEXT_FACT(version, PACKAGE_VERSION)
TEXT_FACT(uplink, uplink_text(s->alert))
TEXT_FACT(family, family_text(s))
TEXT_FACT(object, s->alert->object)
TEXT_FACT(process, s->alert->process)
NUMBER_FACT(pid, s->alert->pid != 0, s->alert->pid)
NUMBER_FACT(flow_id, s->alert->flow_id != 0, s->alert->flow_id)
NUMBER_FACT(mismatch_id, s->alert->mismatch_id != 0, s->alert->mismatch_id)
TEXT_FACT(expected, s->alert->expected)
TEXT_FACT(egress, s->alert->egress)
TEXT_FACT(egress_uplink, s->alert->egress_uplink)
TEXT_FACT(reason, s->alert->reason)
TEXT_FACT(evidence, s->alert->evidence)
NUMBER_FACT(sport, s->has_flow, s->alert->tuple.sport)
NUMBER_FACT(dport, s->has_flow, s->alert->tuple.dport)
TEXT_FACT(direction, direction_text(s->alert->direction))
NUMBER_FACT(mark, s->has_flow, s->alert->mark)
NUMBER_FACT(count, true, s->alert->count)
NUMBER_FACT(total, true, s->alert->total)
TEXT_FACT(text_fact, s->alert->text)

static void put_time_of(struct source *s, int64_t time_ms)
{
	char time[TIMES_STRLEN];

	put_text(s, time_ms ? times_format_iso(time_ms, time) : "");
}

static void put_time(struct source *s)
{
	put_time_of(s, s->alert->time_ms);
}

static void put_since(struct source *s)
{
	put_time_of(s, s->alert->since_ms);
}

static void put_proto(struct source *s)
{
	char proto[PROTO_STRLEN];

	put_text(s, s->has_flow ? proto_name(s->alert->proto, proto) : "");
}

static void put_src(struct source *s)
{
	char text[ADDR_STRLEN];

	put_text(s, addr_format(&s->alert->tuple.src, text));
}

static void put_dst(struct source *s)
{
	char text[ADDR_STRLEN];

	put_text(s, addr_format(&s->alert->tuple.dst, text));
}

static const struct fact_row {
	const char *name;
	bool is_number;
	void (*put)(struct source *s);
} fact_rows[] = {
	{"kind", false, put_kind},
	{"severity", false, put_severity},
	{"state", false, put_state},
	{"time", false, put_time},
	{"since", false, put_since},
	{"host", false, put_host},
	{"router", false, put_router},
	{"version", false, put_version},
	{"uplink", false, put_uplink},
	{"family", false, put_family},
	{"object", false, put_object},
	{"process", false, put_process},
	{"pid", true, put_pid},
	{"flow_id", true, put_flow_id},
	{"mismatch_id", true, put_mismatch_id},
	{"expected", false, put_expected},
	{"egress", false, put_egress},
	{"egress_uplink", false, put_egress_uplink},
	{"reason", false, put_reason},
	{"evidence", false, put_evidence},
	{"proto", false, put_proto},
	{"src", false, put_src},
	{"sport", true, put_sport},
	{"dst", false, put_dst},
	{"dport", true, put_dport},
	{"direction", false, put_direction},
	{"mark", true, put_mark},
	{"count", true, put_count},
	{"total", true, put_total},
	{"text", false, put_text_fact},
};
_Static_assert(sizeof(fact_rows) / sizeof(fact_rows[0]) <= FACTS_MAX, "FACTS_MAX is too small");

void facts_fill(struct facts *facts, const struct alert *alert,
		const struct alert_identity *identity)
{
	struct source s = {.alert = alert,
			   .identity = identity,
			   .has_flow = !addr_is_none(&alert->tuple.src),
			   .size = sizeof(facts->list[0].text)};

	facts->n = sizeof(fact_rows) / sizeof(fact_rows[0]);
	for (size_t i = 0; i < facts->n; i++) {
		struct fact *fact = &facts->list[i];

		fact->name = fact_rows[i].name;
		fact->is_number = fact_rows[i].is_number;
		fact->text[0] = '\0';
		s.text = fact->text;
		fact_rows[i].put(&s);
	}
}

const char *facts_text(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->n; i++) {
		if (!strcmp(facts->list[i].name, name))
			return facts->list[i].text;
	}
	return NULL;
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

char **facts_environment(const struct facts *facts)
{
	char **environment = calloc(facts->n + 2, sizeof(*environment));

	if (!environment)
		return NULL;
	environment[0] = strdup(ENVIRONMENT_PATH);
	if (!environment[0])
		goto fail;
	for (size_t i = 0; i < facts->n; i++) {
		environment[i + 1] = variable_new(&facts->list[i]);
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
