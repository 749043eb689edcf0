/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.c - sends each record and alert as a line of JSON to the watchers. Without watchers no line
 * is formatted.
 *
 * Flows can come faster than people or programs can read. After FLOW_LINES_A_SECOND lines of any
 * kind in a second, lines of flows are dropped. After OTHER_LINES_A_SECOND lines, all lines are
 * dropped. The number of dropped lines is sent at the end of the second.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/watch.h"
#include "waymark/status/json_text.h"
#include "waymark/audit/audit.h"
#include "waymark/base/proto.h"
#include "waymark/base/times.h"

/* Numbers of lines sent and dropped in the current second. */
struct watch {
	uint32_t lines, skipped;
};

int watch_open(struct daemon *d)
{
	d->watch = calloc(1, sizeof(*d->watch));
	return d->watch ? 0 : -ENOMEM;
}

void watch_close(struct daemon *d)
{
	free(d->watch);
}

#define FLOW_LINES_A_SECOND  1000
#define OTHER_LINES_A_SECOND 2000

static json_t *json_time(int64_t ms)
{
	char text[TIMES_STRLEN];

	return ms ? json_string(times_format_iso(ms, text)) : json_null();
}

static json_t *json_text(const char *text)
{
	json_t *o = text && *text ? json_text_new(text) : NULL;

	return o ? o : json_null();
}

static const char *name_of(const struct daemon *d, uint8_t slot)
{
	const struct uplink_config *u = config_uplink_by_slot(d->config, slot);

	return u ? u->name : NULL;
}

static json_t *json_interfaces(const struct daemon *d, uint64_t set, uint64_t other)
{
	json_t *list = json_array();

	for (; set; set &= set - 1) {
		const struct uplink_config *u =
			config_uplink_by_slot(d->config, (unsigned)__builtin_ctzll(set));

		json_array_append_new(list, json_text(u ? u->ifname : NULL));
	}
	for (; other; other &= other - 1)
		json_array_append_new(list, json_text(audit_interface_name(
						    d->audit, (uint16_t)__builtin_ctzll(other))));
	return list;
}

static void tuple_put(json_t *o, uint8_t proto, const struct endpoints *t)
{
	char text[ADDR_STRLEN], name[PROTO_STRLEN];

	json_object_set_new(o, "proto", json_string(proto_name(proto, name)));
	json_object_set_new(o, "src", json_text(addr_format(&t->src, text)));
	json_object_set_new(o, "sport", json_integer(t->sport));
	json_object_set_new(o, "dst", json_text(addr_format(&t->dst, text)));
	json_object_set_new(o, "dport", json_integer(t->dport));
}

static json_t *flow_json(const struct daemon *d, const struct flow_record *f)
{
	static const char *const states[] = {"live", "ended", "lost", "ended"};
	json_t *o = json_pack("{ss sI ss so so}", "type", "flow", "id", (json_int_t)f->id, "state",
			      states[f->state], "started", json_time(f->started_ms), "ended",
			      json_time(f->ended_ms));

	tuple_put(o, f->proto, &f->tuple[DIR_ORIGINAL]);
	json_object_set_new(o, "mark", json_integer(f->mark));
	json_object_set_new(o, "uplink", json_text(name_of(d, f->uplink)));
	json_object_set_new(o, "egress", json_interfaces(d, f->egress[0], f->other_egress[0]));
	json_object_set_new(o, "egress_reply",
			    json_interfaces(d, f->egress[1], f->other_egress[1]));
	json_object_set_new(o, "verdict", json_text(verdict_name(f->verdict)));
	json_object_set_new(o, "reason", json_text(reason_name(f->reason)));
	if (f->has_counters) {
		json_object_set_new(o, "bytes", json_integer((json_int_t)f->bytes[0]));
		json_object_set_new(o, "bytes_reply", json_integer((json_int_t)f->bytes[1]));
	}
	return o;
}

static json_t *mismatch_json(const struct daemon *d, const struct mismatch_record *m)
{
	const struct uplink_config *out = config_uplink_by_slot(d->config, m->egress);
	json_t *o = json_pack("{ss sI sI so}", "type", "mismatch", "id", (json_int_t)m->id,
			      "flow_id", (json_int_t)m->flow_id, "time", json_time(m->time_ms));

	tuple_put(o, m->proto, &m->tuple);
	json_object_set_new(o, "direction", json_string(m->direction ? "reply" : "original"));
	json_object_set_new(o, "mark", json_integer(m->mark));
	json_object_set_new(o, "expected", json_text(name_of(d, m->expected)));
	json_object_set_new(
		o, "egress",
		json_text(out ? out->ifname : audit_interface_name(d->audit, m->other_egress)));
	json_object_set_new(o, "reason", json_text(reason_name(m->reason)));
	json_object_set_new(o, "evidence", json_string(evidence_name(m->evidence)));
	json_object_set_new(o, "packets", json_integer((json_int_t)m->packets));
	return o;
}

static json_t *gap_json(const struct gap_record *g)
{
	return json_pack("{ss sI so so so so}", "type", "gap", "id", (json_int_t)g->id, "started",
			 json_time(g->started_ms), "ended", json_time(g->ended_ms), "lost",
			 g->lost < 0 ? json_null() : json_integer((json_int_t)g->lost), "reason",
			 json_text(g->reason));
}

static json_t *record_json(const struct daemon *d, const struct record *r)
{
	switch (r->type) {
	case RECORD_FLOW:
		return flow_json(d, &r->flow);
	case RECORD_MISMATCH:
		return mismatch_json(d, &r->mismatch);
	case RECORD_GAP:
		return gap_json(&r->gap);
	case RECORD_MARK_CHANGE:
		return json_pack("{ss sI so sI sI}", "type", "mark-change", "flow_id",
				 (json_int_t)r->mark_change.flow_id, "time",
				 json_time(r->mark_change.time_ms), "old",
				 (json_int_t)r->mark_change.old_mark, "new",
				 (json_int_t)r->mark_change.new_mark);
	case RECORD_TAMPERING:
		return json_pack("{ss so so sI so so}", "type", "tampering", "time",
				 json_time(r->tampering.time_ms), "what",
				 json_text(r->tampering.what), "pid", (json_int_t)r->tampering.pid,
				 "process", json_text(r->tampering.process), "action",
				 json_text(r->tampering.action));
	case RECORD_UPLINK_STATE:
		return json_pack("{ss so so ss so so}", "type", "uplink-state", "time",
				 json_time(r->uplink_state.time_ms), "uplink",
				 json_text(name_of(d, r->uplink_state.slot)), "state",
				 r->uplink_state.state, "cause",
				 json_text(state_cause_name(r->uplink_state.cause)), "addresses",
				 json_text(r->uplink_state.addresses));
	case RECORD_DELETED_FLOW:
		return json_pack("{ss so sI sI ss}", "type", "deleted-flow", "time",
				 json_time(r->deleted_flow.time_ms), "flow_id",
				 (json_int_t)r->deleted_flow.flow_id, "mismatch_id",
				 (json_int_t)r->deleted_flow.mismatch_id, "action",
				 r->deleted_flow.action);
	default:
		return NULL;
	}
}

static void line_send(struct daemon *d, json_t *o)
{
	char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (line)
		control_broadcast(d->control, line);
	free(line);
	json_decref(o);
}

static bool may_send(struct daemon *d, bool is_flow)
{
	uint32_t limit = is_flow ? FLOW_LINES_A_SECOND : OTHER_LINES_A_SECOND;

	if (d->watch->lines < limit) {
		d->watch->lines++;
		return true;
	}
	d->watch->skipped++;
	return false;
}

void watch_record(struct daemon *d, const struct record *r)
{
	if (control_has_watchers(d->control) && may_send(d, r->type == RECORD_FLOW))
		line_send(d, record_json(d, r));
}

void watch_alert(struct daemon *d, const struct alert *a)
{
	if (!control_has_watchers(d->control) || !may_send(d, false))
		return;
	line_send(d, json_pack("{ss ss so so so so sI so}", "type", "alert", "kind",
			       alert_kind_name(a->kind), "time", json_time(a->time_ms), "uplink",
			       json_text(a->expected), "egress", json_text(a->egress), "reason",
			       json_text(a->reason), "flow_id", (json_int_t)a->flow_id, "text",
			       json_text(a->text)));
}

void watch_second(struct daemon *d)
{
	if (d->watch->skipped && control_has_watchers(d->control))
		line_send(d, json_pack("{ss sI}", "type", "skipped", "lines",
				       (json_int_t)d->watch->skipped));
	d->watch->lines = d->watch->skipped = 0;
}
