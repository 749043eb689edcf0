/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_watch.c - `waymark watch`: flows, mismatches and alerts as the daemon publishes
 * them: one line per record for people, or its JSON as it is.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "waymark/base/times.h"

struct watching {
	const struct invocation *in;
	const char *error; /* the daemon's refusal, malloc'd */
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "-";
}

static int64_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void addresses_print(const json_t *o)
{
	static const char *const sides[][2] = {{"src", "sport"}, {"dst", "dport"}};

	printf("%s", text_of(o, "proto"));
	for (int i = 0; i < 2; i++) {
		const char *address = text_of(o, sides[i][0]);
		bool is_v6 = strchr(address, ':');

		printf("%s%s%s%s:%" PRId64, i ? " > " : " ", is_v6 ? "[" : "", address,
		       is_v6 ? "]" : "", number_of(o, sides[i][1]));
	}
}

static void interfaces_print(const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		printf("%s%s", i ? "," : "", json_is_string(item) ? json_string_value(item) : "?");
	if (!json_array_size(list))
		putchar('-');
}

static void flow_print(const json_t *o)
{
	printf("%-8s %" PRId64 " %s: ", "flow", number_of(o, "id"), text_of(o, "state"));
	addresses_print(o);
	printf(", mark %" PRId64 " (%s), left by ", number_of(o, "mark"), text_of(o, "uplink"));
	interfaces_print(json_object_get(o, "egress"));
	fputs(", replies by ", stdout);
	interfaces_print(json_object_get(o, "egress_reply"));
	printf(": %s", text_of(o, "verdict"));
	if (json_is_string(json_object_get(o, "reason")))
		printf(" (%s)", text_of(o, "reason"));
}

static void mismatch_print(const json_t *o)
{
	printf("%-8s %" PRId64 " of flow %" PRId64 ": ", "MISMATCH", number_of(o, "id"),
	       number_of(o, "flow_id"));
	addresses_print(o);
	printf(", %s, for %s, left by %s: %s, %" PRId64 " packets", text_of(o, "direction"),
	       text_of(o, "expected"), text_of(o, "egress"), text_of(o, "reason"),
	       number_of(o, "packets"));
}

static void gap_print(const json_t *o)
{
	printf("%-8s %" PRId64 " from %s to %s: %s", "gap", number_of(o, "id"),
	       text_of(o, "started"), text_of(o, "ended"), text_of(o, "reason"));
}

static void change_print(const json_t *o)
{
	printf("%-8s of flow %" PRId64 " from %" PRId64 " to %" PRId64, "mark",
	       number_of(o, "flow_id"), number_of(o, "old"), number_of(o, "new"));
}

static void tampering_print(const json_t *o)
{
	printf("%-8s %s, by %s; %s", "tamper", text_of(o, "what"), text_of(o, "process"),
	       text_of(o, "action"));
}

static void deletion_print(const json_t *o)
{
	printf("%-8s flow %" PRId64 ": its entry is %s, for mismatch %" PRId64, "deleted",
	       number_of(o, "flow_id"), text_of(o, "action"), number_of(o, "mismatch_id"));
}

static void state_print(const json_t *o)
{
	printf("%-8s %s is %s", "uplink", text_of(o, "uplink"), text_of(o, "state"));
}

static void alert_print(const json_t *o)
{
	printf("%-8s %s: %s", "ALERT", text_of(o, "kind"), text_of(o, "text"));
}

static void skipped_print(const json_t *o)
{
	printf("%-8s %" PRId64 " lines in that second; 'waymark flows' has all", "skipped",
	       number_of(o, "lines"));
}

static const struct {
	const char *type;
	void (*print)(const json_t *o);
} kinds[] = {
	{"flow", flow_print},
	{"mismatch", mismatch_print},
	{"gap", gap_print},
	{"mark-change", change_print},
	{"tampering", tampering_print},
	{"alert", alert_print},
	{"skipped", skipped_print},
	{"uplink-state", state_print},
	{"deleted-flow", deletion_print},
};

static void line_print(const json_t *o)
{
	const char *type = text_of(o, "type");
	char clock[TIMES_STRLEN];

	times_format((int64_t)time(NULL) * 1000, TIMES_OF_DAY, clock);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].type, type))
			continue;
		printf("%s ", clock);
		kinds[i].print(o);
		putchar('\n');
	}
}

/* Not 0 ends it. */
static int line_take(void *data, const char *line)
{
	struct watching *w = data;
	json_t *o = json_loads(line, 0, NULL);
	const char *error = json_string_value(json_object_get(o, "error"));

	if (error && !json_object_get(o, "type"))
		w->error = strdup(error);
	else if (w->in->style.format == RENDER_JSON)
		puts(line);
	else if (o)
		line_print(o);
	json_decref(o);
	return w->error || fflush(stdout) ? 1 : 0;
}

enum exit_status cmd_watch(const struct invocation *in)
{
	char *path = cli_socket(in);
	struct watching w = {.in = in};
	enum exit_status status = CLI_FAILED;
	int err;

	if (!path)
		return CLI_FAILED;
	err = client_watch(path, line_take, &w);
	if (err < 0) {
		status = client_explain(path, err);
	} else if (w.error) {
		cli_error("watch: waymarkd refuses: %s", w.error);
	} else if (!err) {
		cli_error("watch: connection closed: waymarkd stopped, or this client fell behind");
		status = CLI_NO_DAEMON;
	}
	free((char *)(uintptr_t)w.error);
	free(path);
	return status;
}
