/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_watch.c - `waymark watch`: prints flows, mismatches, alerts and other records when the daemon
 * publishes them. Each record is one line for users or, with --json, the unchanged JSON of the
 * daemon.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands/burst.h"
#include "waymark/base/clock.h"
#include "waymark/base/times.h"

struct watching {
	const struct invocation *in;
	const char *error; /* the daemon's refusal of the request, malloc'd; NULL: not refused */
	struct burst burst;
	/* the highest mismatch id so far; a mismatch record without a higher id is an update */
	int64_t mismatch;
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

static void interfaces_print(const char *what, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) printf(
		"%s%s", i ? "," : what, json_is_string(item) ? json_string_value(item) : "?");
}

/* Return whether the flow left only by the interface of its uplink, or by no uplink. If so,
 * flow_print() prints no list of interfaces. */
static bool is_as_marked(const json_t *o)
{
	return !strcmp(text_of(o, "verdict"), "ok") || !strcmp(text_of(o, "verdict"), "local");
}

static void flow_print(const json_t *o)
{
	printf("%-8s %" PRId64 " %s: ", "flow", number_of(o, "id"), text_of(o, "state"));
	addresses_print(o);
	if (json_is_string(json_object_get(o, "uplink")))
		printf(", by %s", text_of(o, "uplink"));
	if (!is_as_marked(o)) {
		interfaces_print(", left by ", json_object_get(o, "egress"));
		interfaces_print(", replies by ", json_object_get(o, "egress_reply"));
	}
	printf(": %s", text_of(o, "verdict"));
	if (json_is_string(json_object_get(o, "reason")))
		printf(" (%s)", text_of(o, "reason"));
}

static void mismatch_print(const json_t *o)
{
	printf("%-8s %" PRId64 " of flow %" PRId64 ": ", "MISMATCH", number_of(o, "id"),
	       number_of(o, "flow_id"));
	addresses_print(o);
	printf(", %s of %s left by %s: %s",
	       strcmp(text_of(o, "direction"), "reply") ? "packets" : "replies",
	       text_of(o, "expected"), text_of(o, "egress"), text_of(o, "reason"));
}

static void gap_print(const json_t *o)
{
	printf("%-8s %" PRId64 " from %s to %s: %s", "gap", number_of(o, "id"),
	       text_of(o, "started"), text_of(o, "ended"), text_of(o, "reason"));
}

static void change_print(const json_t *o)
{
	printf("%-8s flow %" PRId64 ": mark %" PRId64 " became %" PRId64, "mark",
	       number_of(o, "flow_id"), number_of(o, "old"), number_of(o, "new"));
}

static void tampering_print(const json_t *o)
{
	printf("%-8s %s, by %s; %s", "tamper", text_of(o, "what"), text_of(o, "process"),
	       text_of(o, "action"));
}

/* Return whether the flow was deleted to move it to an uplink of a lower tier. */
static bool is_returned(const json_t *o)
{
	return !strcmp(text_of(o, "action"), "returned");
}

static void deletion_print(const json_t *o)
{
	printf("%-8s flow %" PRId64 ": conntrack entry deleted", "deleted",
	       number_of(o, "flow_id"));
	if (is_returned(o))
		printf(" (on-uplink-up = return)");
	else
		printf(", because of mismatch %" PRId64, number_of(o, "mismatch_id"));
}

static void state_print(const json_t *o)
{
	printf("%-8s %s is %s", "uplink", text_of(o, "uplink"), text_of(o, "state"));
	if (strcmp(text_of(o, "state"), "up") != 0)
		return;
	if (!strcmp(text_of(o, "cause"), "address"))
		printf(" with new addresses: %s", text_of(o, "addresses"));
	else if (!strcmp(text_of(o, "cause"), "gateway"))
		printf(" with a new gateway");
}

static void alert_print(const json_t *o)
{
	printf("%-8s %s: %s", "ALERT", text_of(o, "kind"), text_of(o, "text"));
}

static void skipped_print(const json_t *o)
{
	printf("%-8s %" PRId64 " lines of this second; 'waymark flows' lists all flows", "skipped",
	       number_of(o, "lines"));
}

/* Write the kind (burst.h) of a flow's line to buf. The kind is also the text of the line that
 * reports suppressed lines: held_print() replaces %u by their number. */
static void flow_name(const json_t *o, char buf[BURST_KIND])
{
	snprintf(buf, BURST_KIND, "%-8s %%u more flows by %.32s: %.8s, %.16s", "flow",
		 text_of(o, "uplink"), text_of(o, "state"), text_of(o, "verdict"));
}

static void mismatch_name(const json_t *o, char buf[BURST_KIND])
{
	snprintf(buf, BURST_KIND,
		 "%-8s %%u more mismatches: packets of %.24s left by %.16s (%.16s)", "MISMATCH",
		 text_of(o, "expected"), text_of(o, "egress"), text_of(o, "reason"));
}

/* Write the kind (burst.h) of a mismatch's update to buf. waymarkd publishes a mismatch again when
 * it has counted more stray packets. */
static void again_name(const json_t *o, char buf[BURST_KIND])
{
	snprintf(buf, BURST_KIND,
		 "%-8s continues (%%u updates): packets of %.24s left by %.16s (%.16s)", "MISMATCH",
		 text_of(o, "expected"), text_of(o, "egress"), text_of(o, "reason"));
}

static void change_name(const json_t *o, char buf[BURST_KIND])
{
	snprintf(buf, BURST_KIND, "%-8s %%u more flows: mark %" PRId64 " became %" PRId64, "mark",
		 number_of(o, "old"), number_of(o, "new"));
}

static void deletion_name(const json_t *o, char buf[BURST_KIND])
{
	snprintf(buf, BURST_KIND, "%-8s %%u more conntrack entries deleted%s", "deleted",
		 is_returned(o) ? " (on-uplink-up = return)" : "");
}

static void alert_name(const json_t *o, char buf[BURST_KIND])
{
	snprintf(buf, BURST_KIND, "%-8s %%u more alerts: %.16s %.16s", "ALERT", text_of(o, "kind"),
		 text_of(o, "reason"));
}

static const struct kind {
	const char *type;
	void (*print)(const json_t *o);
	/* write the kind (burst.h) of the record's line to buf; NULL: never suppress the line */
	void (*name)(const json_t *o, char buf[BURST_KIND]);
} kinds[] = {
	{"flow", flow_print, flow_name},
	{"mismatch", mismatch_print, mismatch_name},
	{"gap", gap_print, NULL},
	{"mark-change", change_print, change_name},
	{"tampering", tampering_print, NULL},
	{"alert", alert_print, alert_name},
	{"skipped", skipped_print, NULL},
	{"uplink-state", state_print, NULL},
	{"deleted-flow", deletion_print, deletion_name},
};

static void clock_print(void)
{
	char clock[TIMES_STRLEN];

	printf("%s ", times_format((int64_t)time(NULL) * 1000, TIMES_OF_DAY, clock));
}

static void held_print(void *data, const char *name, unsigned held)
{
	const char *number = strstr(name, "%u");

	(void)data;
	clock_print();
	printf("%.*s%u%s\n", (int)(number - name), name, held, number + 2);
}

/* Return whether the record updates a mismatch that was printed before. */
static bool is_again(struct watching *w, const json_t *o)
{
	int64_t id = number_of(o, "id");

	if (strcmp(text_of(o, "type"), "mismatch"))
		return false;
	if (id <= w->mismatch)
		return true;
	w->mismatch = id;
	return false;
}

static void line_print(struct watching *w, const json_t *o)
{
	const char *type = text_of(o, "type");
	char name[BURST_KIND];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].type, type))
			continue;
		if (kinds[i].name) {
			bool again = is_again(w, o);

			(again ? again_name : kinds[i].name)(o, name);
			if (!burst_take(&w->burst, name, again, clock_steady_ms()))
				return;
		}
		clock_print();
		kinds[i].print(o);
		putchar('\n');
	}
}

/* Print one line from the daemon, and the number of suppressed lines if it is due. `line` is NULL
 * if no line has arrived for a while. Return 0 to continue. A client_line_fn. */
static int line_take(void *data, const char *line)
{
	struct watching *w = data;
	json_t *o = line ? json_loads(line, 0, NULL) : NULL;
	const char *error = json_string_value(json_object_get(o, "error"));

	burst_count(&w->burst, clock_steady_ms(), held_print, w);
	if (error && !json_object_get(o, "type"))
		w->error = strdup(error);
	else if (line && w->in->style.format == RENDER_JSON)
		puts(line);
	else if (o)
		line_print(w, o);
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
		cli_error("watch: waymarkd refused the request: %s", w.error);
	} else if (!err) {
		cli_error("watch: connection closed: waymarkd stopped, or this client fell behind");
		status = CLI_NO_DAEMON;
	}
	free((char *)(uintptr_t)w.error);
	free(path);
	return status;
}
