/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_tick.c - periodic work: writes flows that changed, and forgets flows that ended.
 */
#include "audit/audit_internal.h"

/* A lost flow is kept longer than an ended one, because its DESTROY may arrive late: the kernel
 * holds the event back as long as our socket has no room for it. */
void flow_linger(struct audit *a, flow_ref ref)
{
	bool is_lost = flows_get(a->flows, ref)->state == FLOW_LOST;

	flow_queue_push(a->flows, is_lost ? &a->lost[a->lost_now] : &a->linger[a->linger_now], ref);
	a->stats.lingering++;
}

static void changed_emit(struct audit *a, flow_ref ref)
{
	struct flow *f = flows_get(a->flows, ref);

	f->is_queued = 0;
	if (f->state != FLOW_ENDED) /* an ended flow has been written already */
		flow_emit(a, ref, NULL, 0);
	if (f->state == FLOW_LOST)
		a->stats.verdicts[f->verdict]++;
	if (f->state != FLOW_LIVE)
		flow_linger(a, ref);
}

/* Emit changed flows, but not more than the writer can take: a dump or a burst may change more
 * flows at once. since_ms: no flow in the queue changed before this time. */
static void emit_changed(struct audit *a, int64_t since_ms)
{
	uint32_t room = a->port.room ? a->port.room(a->port.data) : UINT32_MAX;
	flow_ref ref;

	a->event_ms = since_ms;
	while (room-- && (ref = flow_queue_pop(a->flows, &a->changed)) != FLOW_REF_NONE)
		changed_emit(a, ref);
	a->event_ms = 0;
}

static void forget(struct audit *a, struct flow_queue *q)
{
	flow_ref ref;

	while ((ref = flow_queue_pop(a->flows, q)) != FLOW_REF_NONE) {
		mismatch_forget(a, ref);
		flows_remove(a->flows, ref);
		a->stats.lingering--;
	}
}

static void forget_lingering(struct audit *a)
{
	a->linger_now = (a->linger_now + 1) % LINGER_TICKS;
	forget(a, &a->linger[a->linger_now]);
	if (a->linger_now)
		return;
	a->lost_now = (a->lost_now + 1) % LOST_TURNS;
	forget(a, &a->lost[a->lost_now]);
}

void audit_tick(struct audit *a, int64_t now_ms)
{
	a->ticks++;
	gaps_note_time(a, now_ms);
	pending_settle(a, now_ms, SETTLE_TICK);
	mismatch_settle(a, now_ms);
	emit_changed(a, a->changed_since_ms);
	if (!a->changed.length)
		a->changed_since_ms = a->changing_since_ms;
	a->changing_since_ms = now_ms;
	flow_queue_append(a->flows, &a->changed, &a->changing);
	mismatch_emit_dirty(a);
	forget_lingering(a);
}

static void live_touch(void *data, flow_ref ref, struct flow *f)
{
	if (f->state == FLOW_LIVE)
		flow_touch(data, ref);
}

void audit_write_live(struct audit *a)
{
	flows_each(a->flows, live_touch, a);
}

uint32_t audit_flush(struct audit *a, int64_t now_ms)
{
	pending_settle(a, now_ms, SETTLE_LAST);
	mismatch_settle(a, now_ms);
	flow_queue_append(a->flows, &a->changed, &a->changing);
	emit_changed(a, a->changed_since_ms);
	mismatch_emit_dirty(a);
	return a->changed.length;
}
