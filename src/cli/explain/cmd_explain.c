/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_explain.c - `waymark explain`: prints the verdict of a flow, the reason and what to do, and
 * then the steps that led to the verdict. It reads the history, the configuration and the present
 * state of the kernel. It asks the daemon only if --socket is given.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "cli/filter.h"
#include "cli/history.h"
#include "cli/render_text.h"
#include "cli/running.h"
#include "waymark/base/clock.h"
#include "waymark/base/proto.h"
#include "waymark/base/units.h"
#include "waymark/status/json_text.h"
#include "waymark/base/times.h"

/* A change by another process might have caused a mismatch if they are at most this time apart. A
 * gap might explain a verdict until this time after the flow's end. */
#define AROUND_MS  5000

#define LINE_WIDTH 80
#define INDENT	   11

/* --- the flow ------------------------------------------------------------------------ */

struct wanted {
	struct flow_filter filter;
	struct row_copy *flow;
	bool is_id;
};

/* Copy the first row that matches, and stop the query. Rows come newest first. A query_row_fn. */
static int flow_take(void *data, const struct value *values, size_t n)
{
	struct wanted *w = data;
	int err;

	if (!w->is_id && !filter_fits_row(&w->filter, values, n))
		return 0;
	err = row_copy_add(w->flow, values, n);
	return err ? err : 1;
}

static int id_parse(const char *text, int64_t *id)
{
	uint64_t number;
	int err = number_parse(&number, text, INT64_MAX);

	*id = err ? 0 : (int64_t)number;
	return err || !number ? -EINVAL : 0;
}

static int side_parse(const char *text, struct prefix *p, int32_t *port)
{
	int err = addr_port_parse(&p->addr, port, text);

	p->len = (uint8_t)(8 * addr_size(p->addr.family));
	return err;
}

/* Parse "tcp A:P > B:Q", the form that `waymark flows` prints. Return 0 or -EINVAL. */
static int tuple_parse(const char *text, struct flow_filter *f)
{
	char proto[16], src[80], dst[80], rest;
	int number;

	if (sscanf(text, " %15s %79s > %79s %c", proto, src, dst, &rest) != 3)
		return -EINVAL;
	number = proto_parse(proto);
	f->q.proto = (int16_t)number;
	if (number < 0 || side_parse(src, &f->q.src, &f->sport) ||
	    side_parse(dst, &f->q.dst, &f->dport))
		return -EINVAL;
	f->q.port = f->dport;
	return 0;
}

static bool has_tuple(const struct invocation *in)
{
	return in->values[OPTION_SRC] || in->values[OPTION_DST] || in->values[OPTION_SPORT] ||
	       in->values[OPTION_DPORT] || in->values[OPTION_PROTO];
}

static enum exit_status wish_check(const struct invocation *in, int64_t *id, struct flow_filter *f)
{
	*id = 0;
	if (in->operand && has_tuple(in)) {
		cli_error("explain: give either an id or addresses and ports, not both");
		return CLI_USAGE;
	}
	if (!in->operand && !has_tuple(in)) {
		cli_error("explain: expected a flow's id or 'tcp A:P > B:Q' ('waymark flows' "
			  "shows both), or --src, --dst, --sport, --dport or --proto");
		return CLI_USAGE;
	}
	if (in->operand && id_parse(in->operand, id) && tuple_parse(in->operand, f)) {
		cli_error("explain: \"%s\": expected a flow's id, or 'tcp A:P > B:Q'", in->operand);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static enum exit_status flow_find(struct query *q, int64_t id, const struct flow_filter *f,
				  struct row_copy *flow)
{
	struct wanted w = {.flow = flow, .filter = *f, .is_id = id != 0};
	int err = id ? query_flow(q, id, flow_take, &w) : history_flows(q, f, flow_take, &w);

	if (flow->n)
		return CLI_DONE;
	if (id && err == -ENOENT)
		cli_error("explain: no flow %" PRId64
			  " in the history ('waymark flows' lists the flows)",
			  id);
	else if (err < 0)
		cli_error("explain: %s", query_error(q));
	else
		cli_error("explain: no matching flow in the history ('waymark flows' lists the "
			  "flows and takes the same options)");
	return CLI_FAILED;
}

/* --- reading what is known of the flow ---------------------------------------------------- */

static void addr_take(struct addr *a, const char *first, const char *second)
{
	*a = (struct addr){0};
	if (first || second)
		addr_parse(a, first ? first : second);
}

static uint16_t port_take(const struct row_copy_row *f, const char *column)
{
	return (uint16_t)row_copy_number(f, column, 0);
}

/* Set the addresses and ports in *e to those of a packet as routing sees it: after DNAT and before
 * SNAT. The packet is one that the mark steers: a reply if the flow entered by an uplink, otherwise
 * a packet of the original direction. */
static void packet_take(struct explanation *e)
{
	const struct row_copy_row *f = e->flow;
	uint16_t client_port = port_take(f, "sport");
	uint16_t server_port = port_take(f, row_copy_text(f, "nat_dport") ? "nat_dport" : "dport");
	const char *proto = row_copy_text(f, "proto");
	int number = proto ? proto_parse(proto) : -1;
	struct addr client, server;

	addr_take(&client, row_copy_text(f, "src"), NULL);
	addr_take(&server, row_copy_text(f, "nat_dst"), row_copy_text(f, "dst"));
	e->src = e->ingress ? server : client;
	e->dst = e->ingress ? client : server;
	e->proto = number > 0 ? (uint8_t)number : 0;
	e->sport = e->ingress ? server_port : client_port;
	e->dport = e->ingress ? client_port : server_port;
}

static void flow_read(struct explanation *e, const struct row_copy_row *row)
{
	const char *verdict = row_copy_text(row, "verdict"), *reason = row_copy_text(row, "reason");
	int known = verdict ? verdict_parse(verdict) : -1, why = reason ? reason_parse(reason) : -1;

	e->flow = row;
	e->id = row_copy_number(row, "id", 0);
	e->mark = (uint32_t)row_copy_number(row, "mark", 0);
	e->uplink = config_uplink_by_mark(e->config, e->mark);
	e->ingress = row_copy_text(row, "ingress");
	e->verdict = known > 0 ? (enum verdict)known : VERDICT_NONE;
	e->reason = why > 0 ? (enum reason)why : REASON_NONE;
	packet_take(e);
}

static int gaps_read(struct explanation *e, struct query *q)
{
	const char *started = row_copy_text(e->flow, "started"),
		   *ended = row_copy_text(e->flow, "ended");
	struct query_filter f;

	if (e->reason != REASON_GAP)
		return 0;
	query_filter_init(&f);
	f.limit = 5;
	if (started)
		times_parse_since(started, clock_now_ms(), &f.since_ms);
	if (ended)
		times_parse_since(ended, clock_now_ms(), &f.until_ms);
	f.until_ms += f.until_ms ? AROUND_MS : 0;
	return query_gaps(q, &f, row_copy_add, &e->gaps);
}

static int tampering_read(struct explanation *e, struct query *q)
{
	struct query_filter f;
	int64_t at_ms;

	if (!e->mismatches.n || times_parse_since(row_copy_text(&e->mismatches.rows[0], "time"),
						  clock_now_ms(), &at_ms))
		return 0;
	query_filter_init(&f);
	f.since_ms = at_ms - AROUND_MS;
	f.until_ms = at_ms + AROUND_MS;
	f.limit = 10;
	return query_tampering(q, &f, row_copy_add, &e->tampering);
}

static int details_read(struct explanation *e, struct query *q)
{
	int err = query_flow_mismatches(q, e->id, row_copy_add, &e->mismatches);

	if (!err)
		err = query_flow_mark_changes(q, e->id, row_copy_add, &e->changes);
	if (!err)
		err = query_flow_deletions(q, e->id, row_copy_add, &e->deletions);
	if (!err)
		err = gaps_read(e, q);
	return err ? err : tampering_read(e, q);
}

/* --- printing the explanation -------------------------------------------------------------- */

static void side_format(char *buf, size_t size, const struct row_copy_row *f, const char *address,
			const char *port)
{
	const char *text = row_copy_text(f, address);
	int64_t number = row_copy_number(f, port, -1);
	bool is_v6 = text && strchr(text, ':');

	snprintf(buf, size, is_v6 && number >= 0 ? "[%s]" : "%s", text ? text : "?");
	if (number >= 0)
		snprintf(buf + strlen(buf), size - strlen(buf), ":%" PRId64, number);
}

static void translation_say(struct explanation *e)
{
	char src[80], dst[80], was_src[80], was_dst[80];

	side_format(src, sizeof(src), e->flow, "nat_src", "nat_sport");
	side_format(dst, sizeof(dst), e->flow, "nat_dst", "nat_dport");
	side_format(was_src, sizeof(was_src), e->flow, "src", "sport");
	side_format(was_dst, sizeof(was_dst), e->flow, "dst", "dport");
	if (row_copy_text(e->flow, "nat_src") && strcmp(src, was_src))
		narrative_say(&e->story, "flow", "Source translated to %s.", src);
	if (row_copy_text(e->flow, "nat_dst") && strcmp(dst, was_dst))
		narrative_say(&e->story, "flow", "Destination translated to %s.", dst);
}

static void flow_say(struct explanation *e)
{
	const char *started = row_copy_text(e->flow, "started"),
		   *ended = row_copy_text(e->flow, "ended"),
		   *state = row_copy_text(e->flow, "state");
	char from[TIMES_STRLEN], until[TIMES_STRLEN], tuple[160];

	brief_format_flow(tuple, sizeof(tuple), e->flow->values, e->flow->n);
	narrative_say(&e->story, "flow", "%" PRId64 ": %s", e->id, tuple);
	narrative_say(&e->story, "flow", "Started %s, %s%s%s.", narrative_time(started, from),
		      state, ended ? " " : "", ended ? narrative_time(ended, until) : "");
	translation_say(e);
}

static json_t *row_json(const struct row_copy_row *row)
{
	json_t *o = json_object();

	for (size_t i = 0; i < row->n; i++) {
		const struct value *v = &row->values[i];

		json_object_set_new(o, v->name,
				    v->kind == VALUE_TEXT      ? json_text_new(v->text)
				    : v->kind == VALUE_INTEGER ? json_integer(v->integer)
							       : json_null());
	}
	return o;
}

static json_t *rows_json(const struct row_copy *k)
{
	json_t *list = json_array();

	for (size_t i = 0; i < k->n; i++)
		json_array_append_new(list, row_json(&k->rows[i]));
	return list;
}

static json_t *story_json(const struct narrative *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct narrative_step *step = &s->steps[i];

		json_array_append_new(list, json_pack("{ss so so}", "step", step->name, "text",
						      json_text_new(step->text), "command",
						      step->command ? json_text_new(step->command)
								    : json_null()));
	}
	return list;
}

static int json_show(const struct explanation *e)
{
	json_t *o = json_pack("{so so so so so so}", "flow", row_json(e->flow), "mismatches",
			      rows_json(&e->mismatches), "mark_changes", rows_json(&e->changes),
			      "tampering", rows_json(&e->tampering), "deletions",
			      rows_json(&e->deletions), "story", story_json(&e->story));
	int err = o && !json_dumpf(o, stdout, JSON_INDENT(1)) ? 0 : -ENOMEM;

	putchar('\n');
	json_decref(o);
	return err;
}

/* Print a word, preceded by a blank if has_blank. Return the number of columns printed. */
static size_t word_print(const char *text, size_t length, bool has_blank)
{
	char word[256];

	snprintf(word, sizeof(word), "%.*s", (int)length, text);
	fputs(has_blank ? " " : "", stdout);
	return text_put_terminal(stdout, word, SIZE_MAX) + has_blank;
}

/* Print a step's name and its text, wrapped at LINE_WIDTH columns. */
static void wrapped_print(const char *name, const char *text)
{
	size_t at = 0, word;

	printf("%-*s", INDENT, name);
	while (*text) {
		word = strcspn(text, " ");
		if (at && at + 1 + word > LINE_WIDTH - INDENT) {
			printf("\n%*s", INDENT, "");
			at = 0;
		}
		at += word_print(text, word, at > 0);
		text += word + strspn(text + word, " ");
	}
	putchar('\n');
}

static void text_show(const struct explanation *e)
{
	const char *name = "";

	for (size_t i = 0; i < e->story.n; i++) {
		const struct narrative_step *s = &e->story.steps[i];

		wrapped_print(strcmp(s->name, name) ? s->name : "", s->text);
		if (s->command)
			printf("%*s  $ %s\n", INDENT, "", s->command);
		name = s->name;
	}
}

/* Collect the steps in the order in which they are printed: flow, verdict, marks, path, evidence.
 * explain_verdict() needs the result of explain_path(). Therefore explain_path() is called first,
 * and its steps are appended later. */
static void steps_order(struct explanation *e)
{
	struct narrative path = {0}, first;

	flow_say(e);
	first = e->story;
	e->story = (struct narrative){0};
	explain_marks(e);
	explain_path(e);
	path = e->story;
	e->story = first;
	explain_verdict(e);
	narrative_append(&e->story, &path);
	explain_evidence(e);
}

static enum exit_status explain(const struct invocation *in, struct explanation *e, struct query *q)
{
	if (details_read(e, q) < 0) {
		cli_error("explain: %s", query_error(q));
		return CLI_FAILED;
	}
	steps_order(e);
	if (e->story.error || (in->style.format == RENDER_JSON && json_show(e))) {
		cli_error("cannot explain the flow: out of memory");
		return CLI_FAILED;
	}
	if (in->style.format != RENDER_JSON)
		text_show(e);
	return CLI_DONE;
}

static enum exit_status explain_run(const struct invocation *in, struct explanation *e, int64_t id,
				    const struct flow_filter *f)
{
	const char *path = in->values[OPTION_DATABASE];
	struct query *q = history_open(path ? path : e->config->database);
	struct row_copy flow = {0};
	enum exit_status status = q ? flow_find(q, id, f, &flow) : CLI_FAILED;

	if (status == CLI_DONE) {
		flow_read(e, &flow.rows[0]);
		status = explain(in, e, q);
	}
	row_copy_free(&e->mismatches);
	row_copy_free(&e->changes);
	row_copy_free(&e->gaps);
	row_copy_free(&e->tampering);
	row_copy_free(&e->deletions);
	narrative_free(&e->story);
	row_copy_free(&flow);
	query_close(q);
	return status;
}

enum exit_status cmd_explain(const struct invocation *in)
{
	struct explanation e = {.database = in->values[OPTION_DATABASE]};
	struct flow_filter filter;
	struct config *config;
	int64_t id;
	enum exit_status status = filter_parse(&filter, in, clock_now_ms());

	if (status == CLI_DONE)
		status = wish_check(in, &id, &filter);
	if (status != CLI_DONE)
		return status;
	filter.q.limit = 0;
	status = running_config(in, &config);
	if (!config)
		return status;
	e.config = config;
	status = explain_run(in, &e, id, &filter);
	config_free(config);
	return status;
}
