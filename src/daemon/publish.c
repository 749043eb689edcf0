/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.c - publishes what the audit emits: records to the store's queue, alerts to the sinks,
 * mismatches to the log, and all to the watchers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/open_gap.h"
#include "daemon/publish.h"
#include "daemon/tamper_suspects.h"
#include "daemon/watch.h"
#include "daemon/log.h"
#include "waymark/alert/alert.h"
#include "waymark/talker/talker.h"
#include "waymark/audit/audit.h"
#include "waymark/base/proto.h"
#include "waymark/store/store.h"

/* Maximum number of log lines about mismatches and gaps per second; the history has all of them. */
#define LINES_PER_SECOND 20

/* Reason of the alert that is raised when records are lost because the queue is full. */
#define QUEUE_FULL	  "queue full"
#define CAUSE_PATIENCE_MS 1000

struct publish {
	uint64_t tamperings;	  /* number of changes of the steering by another process */
	uint64_t refused;	  /* number of records lost because the queue was full */
	uint64_t refused_counted; /* number of refused records in gaps that have ended */
	uint64_t refused_looked;  /* value of `refused` at the previous tick */
	int64_t refused_since_ms; /* when the first record was refused since the last gap */
	struct open_gap refused_gap;
	char refused_reason[96];
	uint32_t lines_this_second, lines_suppressed;
	char mark_object[96]; /* chain that contains the latest mark-setting rule of another table;
			       * "": none */
	struct who mark_writer;
};

void publish_record(void *data, const struct record *r)
{
	struct daemon *d = data;

	watch_record(d, r);
	if (!writer_push(d->writer, r))
		return;
	record_clear(r);
	if (d->publish->refused == d->publish->refused_counted)
		d->publish->refused_since_ms = clock_now_ms();
	d->publish->refused++;
}

/* --- records that found the queue full, and their gap ------------------------------------- */

static void refused_begin(struct daemon *d, const char *cause)
{
	struct publish *p = d->publish;
	char text[160];

	if (!cause)
		cause = "the disk is too slow for the rate of flows";
	snprintf(p->refused_reason, sizeof(p->refused_reason), "%s", cause);
	snprintf(text, sizeof(text), "the history loses records, because its queue is full: %s",
		 cause);
	publish_gap(d, QUEUE_FULL, text);
	p->refused_gap.started_ms = p->refused_since_ms;
	p->refused_gap.id =
		audit_gap(d->audit, GAP_STORE, p->refused_since_ms, 0, -1, p->refused_reason);
}

static void refused_end(struct daemon *d, int64_t now_ms)
{
	struct publish *p = d->publish;
	uint64_t lost = p->refused - p->refused_counted;

	log_notice("the history accepts records again: %" PRIu64
		   " records were lost (see 'waymark gaps')",
		   lost);
	audit_gap_end(d->audit, p->refused_gap.id, GAP_STORE, p->refused_gap.started_ms, now_ms,
		      (int64_t)lost, p->refused_reason);
	p->refused_gap.id = 0;
	p->refused_counted = p->refused;
}

/* Begin a gap if records were refused. End the gap when the queue is at most half full and no
 * record was refused since the last tick. */
static void refused_look(struct daemon *d, int64_t now_ms)
{
	struct publish *p = d->publish;
	bool is_refusing = p->refused != p->refused_looked, is_over;
	const char *cause;
	struct writer_stats ws;

	p->refused_looked = p->refused;
	if (p->refused == p->refused_counted)
		return;
	writer_stats(d->writer, &ws);
	is_over = !is_refusing && ws.depth <= ws.capacity / 2;
	cause = store_failure_cause(&ws, clock_steady_ms());
	/* The writer might find the cause only some time after the queue was full. Wait for the
	 * cause, at most CAUSE_PATIENCE_MS. */
	if (!p->refused_gap.id &&
	    (cause || is_over || now_ms - p->refused_since_ms >= CAUSE_PATIENCE_MS))
		refused_begin(d, cause);
	publish_gap_goes_on(d, QUEUE_FULL);
	if (is_over)
		refused_end(d, now_ms);
}

void publish_stop(struct daemon *d, int64_t now_ms)
{
	if (d->publish->refused_gap.id)
		refused_end(d, now_ms);
}

/* --- alerts that the webhook has not taken yet -------------------------------------- */

static int outbox_add(void *data, int64_t id, int64_t time_ms, const char *line)
{
	struct daemon *d = data;
	struct record r = {
		.type = RECORD_OUTBOX_ADD,
		.outbox = {.id = id, .time_ms = time_ms, .line = strdup(line)},
	};
	int err = -ENOMEM;

	if (r.outbox.line)
		err = writer_push(d->writer, &r);
	if (err)
		record_clear(&r);
	return err;
}

/* Record that an alert needs no further delivery. If the queue has no room for the record, the next
 * waymarkd sends the alert again. */
static void outbox_done(void *data, int64_t id)
{
	struct daemon *d = data;
	struct record r = {.type = RECORD_OUTBOX_DONE, .outbox.id = id};

	if (d->writer)
		writer_push(d->writer, &r);
}

/* Write the names of the uplinks that an alert is about, each once. */
static void uplinks_text(char *text, size_t size, const struct alert *a)
{
	const char *first = *a->expected ? a->expected : a->uplink;
	const char *second = a->egress_uplink;

	snprintf(text, size, "%s%s%s", first, *first && *second && strcmp(first, second) ? "," : "",
		 strcmp(first, second) ? second : "");
}

/* Write an alerter's message to the history, even if the alert is silenced. */
static void alert_record(void *data, const struct alert *a)
{
	struct alert_record *row = calloc(1, sizeof(*row));
	struct record r = {.type = RECORD_ALERT, .alert = row};

	if (!row)
		return;
	row->time_ms = a->time_ms;
	row->count = a->count;
	snprintf(row->kind, sizeof(row->kind), "%s", alert_kind_name(a->kind));
	snprintf(row->severity, sizeof(row->severity), "%s", alert_severity_name(a));
	snprintf(row->state, sizeof(row->state), "%s", alert_state_name(a->state));
	snprintf(row->reason, sizeof(row->reason), "%s", a->reason ? a->reason : "");
	snprintf(row->text, sizeof(row->text), "%s", a->text);
	uplinks_text(row->uplinks, sizeof(row->uplinks), a);
	publish_record(data, &r);
}

static int outbox_resume(void *data, int64_t id, const char *line)
{
	return alerter_resume(data, id, line);
}

int publish_open(struct daemon *d)
{
	struct alert_outbox outbox = {
		.data = d, .add = outbox_add, .done = outbox_done, .record = alert_record};
	int err;

	d->publish = calloc(1, sizeof(*d->publish));
	if (!d->publish)
		return -ENOMEM;
	d->alerter = alerter_new_with(&d->config->alert, talker_sinks, d->talker);
	if (!d->alerter)
		return -errno;
	alerter_set_outbox(d->alerter, &outbox);
	alerter_set_router(d->alerter, d->config->export.router);
	err = store_each_outbox(d->store, outbox_resume, d->alerter);
	if (err)
		log_err("cannot read the undelivered alerts from the history: %s", strerror(-err));
	return err;
}

/* --- alerts --------------------------------------------------------------------- */

static const char *uplink_name(const struct daemon *d, uint8_t slot)
{
	const struct uplink_config *u = config_uplink_by_slot(d->config, slot);

	return u ? u->name : "";
}

static const char *uplink_ifname(const struct daemon *d, uint8_t slot)
{
	const struct uplink_config *u = config_uplink_by_slot(d->config, slot);

	return u ? u->ifname : "";
}

static const char *mismatch_egress(const struct daemon *d, const struct mismatch_record *m)
{
	const char *other = audit_interface_name(d->audit, m->other_egress);

	return other ? other : uplink_ifname(d, m->egress);
}

static enum alert_kind kind_of(enum verdict v)
{
	switch (v) {
	case VERDICT_WRONG_SOURCE:
		return ALERT_WRONG_SOURCE;
	case VERDICT_FOREIGN:
		return ALERT_FOREIGN;
	case VERDICT_UNMARKED:
		return ALERT_UNMARKED;
	default:
		return ALERT_MISMATCH;
	}
}

/* Write the text of an alert about a rule or route that takes over flows. One alert covers flows of
 * several uplinks, so the text begins with the rule or route instead of an uplink. */
static void format_takeover(struct alert *a, const char *flow)
{
	bool is_rule = !strncmp(a->object, "priority ", strlen("priority "));

	snprintf(a->text, sizeof(a->text),
		 "%s %.85s takes over flow %" PRId64 " %.100s: %s left by %s",
		 is_rule ? "ip rule" : "route", a->object, a->flow_id, flow,
		 a->direction == DIR_REPLY ? "replies" : "packets", a->egress);
}

static void format_text(struct alert *a)
{
	char flow[ENDPOINTS_STRLEN];

	endpoints_format(&a->tuple, a->proto, flow);
	if (a->kind == ALERT_MISMATCH && a->object[0])
		format_takeover(a, flow);
	else if (a->kind == ALERT_MISMATCH)
		snprintf(a->text, sizeof(a->text),
			 "flow %" PRId64 " %s: marked for %s, %s left by %s: %s", a->flow_id, flow,
			 a->expected, a->direction == DIR_REPLY ? "replies" : "packets", a->egress,
			 a->reason);
	else
		snprintf(a->text, sizeof(a->text), "flow %" PRId64 " %s: %s, mark 0x%x, left by %s",
			 a->flow_id, flow, alert_kind_name(a->kind), a->mark, a->egress);
}

/* Return the lowest slot among the uplinks that the flow left by, because an alert names only one
 * egress. Return SLOT_NONE if the flow left by no uplink. */
static uint8_t first_slot(const struct flow_record *f)
{
	uint64_t set = f->egress[0] | f->egress[1];

	return set ? (uint8_t)__builtin_ctzll(set) : SLOT_NONE;
}

static void log_bounded(struct daemon *d, const char *text)
{
	if (d->publish->lines_this_second++ < LINES_PER_SECOND)
		log_warning("%s", text);
	else
		d->publish->lines_suppressed++;
}

struct alert publish_of_uplink(const struct uplink_config *u, enum alert_kind kind,
			       const char *reason)
{
	struct alert a = {
		.kind = kind,
		.time_ms = clock_now_ms(),
		.reason = reason,
		.evidence = "",
		.direction = -1,
		.mark = u->mark,
		.count = 1,
	};

	snprintf(a.uplink, sizeof(a.uplink), "%s", u->name);
	snprintf(a.expected, sizeof(a.expected), "%s", u->name);
	return a;
}

void publish_raise(struct daemon *d, const struct alert *a)
{
	alerter_raise(d->alerter, a);
	watch_alert(d, a);
}

void publish_note_mark_writer(struct daemon *d, const struct who *who, const char *object)
{
	struct publish *p = d->publish;

	p->mark_writer = *who;
	snprintf(p->mark_object, sizeof(p->mark_object), "%s", object);
}

/* The alert reports a changed mark: add the latest rule of another table that sets a mark, and the
 * process that added this rule. 'waymark check' lists such rules, too, but only the kernel's notice
 * of the change identifies the process. */
static void mark_writer_name(struct alert *a, const struct publish *p)
{
	size_t used = strlen(a->text);

	if (!*p->mark_object)
		return;
	snprintf(a->object, sizeof(a->object), "%s", p->mark_object);
	memcpy(a->process, p->mark_writer.process, sizeof(a->process));
	a->pid = (uint32_t)p->mark_writer.pid;
	snprintf(a->text + used, sizeof(a->text) - used,
		 "; %.31s added a rule that sets marks (%.60s)",
		 *a->process ? a->process : "another process", a->object);
}

void publish_verdict(struct daemon *d, const struct flow_record *f, const struct mismatch_record *m)
{
	uint8_t egress = m ? m->egress : first_slot(f);
	struct alert a = {
		.kind = kind_of(f->verdict),
		.time_ms = clock_now_ms(),
		.reason = "",
		.evidence = "",
		.flow_id = f->id,
		.proto = f->proto,
		.tuple = f->tuple[DIR_ORIGINAL],
		.direction = -1,
		.mark = f->mark,
		.count = 1,
	};

	snprintf(a.expected, sizeof(a.expected), "%s", uplink_name(d, f->uplink));
	snprintf(a.egress, sizeof(a.egress), "%s",
		 m ? mismatch_egress(d, m) : uplink_ifname(d, egress));
	snprintf(a.egress_uplink, sizeof(a.egress_uplink), "%s", uplink_name(d, egress));
	if (m) {
		a.mismatch_id = m->id;
		a.reason = reason_name(m->reason);
		a.evidence = evidence_name(m->evidence);
		a.direction = m->direction;
		snprintf(a.object, sizeof(a.object), "%s", m->object);
	}
	format_text(&a);
	if (m && m->reason == REASON_MARK_CHANGED)
		mark_writer_name(&a, d->publish);
	if (m)
		log_bounded(d, a.text);
	publish_raise(d, &a);
}

bool publish_goes_on(struct daemon *d, const struct mismatch_record *m)
{
	struct alert a = {
		.kind = ALERT_MISMATCH,
		.time_ms = clock_now_ms(),
		.reason = reason_name(m->reason),
	};

	snprintf(a.expected, sizeof(a.expected), "%s", uplink_name(d, m->expected));
	snprintf(a.egress, sizeof(a.egress), "%s", mismatch_egress(d, m));
	snprintf(a.object, sizeof(a.object), "%s", m->object);
	return alerter_goes_on(d->alerter, &a);
}

void publish_tampering(struct daemon *d, const struct tampering_record *t, const char *thing,
		       uint8_t family, const char *text)
{
	struct record r = {.type = RECORD_TAMPERING, .tampering = *t};
	struct alert a = {
		.kind = ALERT_TAMPERING,
		.time_ms = t->time_ms,
		.evidence = "",
		.direction = -1,
		.count = 1,
	};
	char reason[48];

	d->publish->tamperings++;
	publish_record(d, &r);
	a.pid = (uint32_t)t->pid;
	snprintf(a.process, sizeof(a.process), "%s", t->process);
	snprintf(a.object, sizeof(a.object), "%s", t->what);
	if (family)
		snprintf(a.family, sizeof(a.family), "%s", family == AF_INET6 ? "ipv6" : "ipv4");
	snprintf(reason, sizeof(reason), "%s-%s", thing, t->action);
	a.reason = reason;
	snprintf(a.text, sizeof(a.text), "%s", text);
	publish_raise(d, &a);
}

void publish_uplink_state(struct daemon *d, const struct uplink_state_record *state)
{
	struct record r = {.type = RECORD_UPLINK_STATE, .uplink_state = *state};

	publish_record(d, &r);
}

/* The other half of the free room is reserved for the ends of flows, because the audit never delays
 * their records. */
uint32_t publish_room(void *data)
{
	struct daemon *d = data;

	return writer_room(d->writer) / 2;
}

void publish_own(struct daemon *d, enum alert_kind kind, enum alert_state state, const char *reason,
		 const char *text)
{
	struct alert a = {
		.kind = kind,
		.state = state,
		.time_ms = clock_now_ms(),
		.reason = reason,
		.evidence = "",
		.direction = -1,
		.count = 1,
	};

	snprintf(a.text, sizeof(a.text), "%s", text);
	publish_raise(d, &a);
}

void publish_gap(struct daemon *d, const char *reason, const char *text)
{
	log_bounded(d, text);
	publish_own(d, ALERT_GAP, ALERT_RAISED, reason, text);
}

void publish_gap_goes_on(struct daemon *d, const char *reason)
{
	struct alert a = {.kind = ALERT_GAP, .time_ms = clock_now_ms(), .reason = reason};

	alerter_goes_on(d->alerter, &a);
}

void publish_second(struct daemon *d)
{
	if (d->publish->lines_suppressed)
		log_warning("%" PRIu32
			    " more mismatches in the last second ('waymark mismatches' lists all)",
			    d->publish->lines_suppressed);
	d->publish->lines_this_second = d->publish->lines_suppressed = 0;
}

void publish_tick(struct daemon *d, int64_t now_ms)
{
	refused_look(d, now_ms);
	alerter_tick(d->alerter, now_ms);
}

void publish_stats(const struct daemon *d, struct publish_stats *out)
{
	out->tamperings = d->publish->tamperings;
	out->refused = d->publish->refused;
	out->is_gap_pending =
		d->publish->refused != d->publish->refused_counted && !d->publish->refused_gap.id;
}

/* Do not free the alerter: daemon_stop() has freed it before the writer stopped. */
void publish_close(struct daemon *d)
{
	free(d->publish);
}
