/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover_count.c - finds the byte counts of live flows, and whether the flows still send packets.
 * It asks the daemon or, if no daemon answers, dumps the conntrack table. The kernel reuses
 * conntrack ids. Therefore an entry belongs to a live flow of the history only if the protocol,
 * zone and tuple are equal too, and the entry did not start later.
 *
 * Must not know how bytes are displayed.
 */
#include "cli/commands/failover_count.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cli/live.h"
#include "waymark/base/clock.h"
#include "waymark/base/sort.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/privilege.h"

/* Buffer size for the event socket that conntrack_open() opens. It is small, because this file
 * reads no events. */
#define BUFFER_BYTES 4096
/* Maximum number of dumps. If the kernel marks a dump as inconsistent, entries may be missing, and
 * the dump is repeated. */
#define DUMPS 3
/* If an entry started more than START_SLACK_MS later than a flow of the history, it belongs to
 * another flow. The audit uses the same limit. */
#define START_SLACK_MS 1000
#define NS_PER_MS      1000000

struct count {
	struct failover *failover;
	int64_t now_ms;
	struct failover_live **by_ct_id; /* all live flows, sorted by ct_id */
};

static int by_ct_id(const void *a, const void *b)
{
	const struct failover_live *x = *(struct failover_live *const *)a;
	const struct failover_live *y = *(struct failover_live *const *)b;

	return (x->ct_id > y->ct_id) - (x->ct_id < y->ct_id);
}

static int by_id(const void *id, const void *live)
{
	int64_t wanted = *(const int64_t *)id, has = ((const struct failover_live *)live)->id;

	return (wanted > has) - (wanted < has);
}

static bool is_of(const struct failover_live *l, const struct ct_event *ev)
{
	const struct endpoints *a = &l->tuple, *b = &ev->tuple[DIR_ORIGINAL];

	return l->proto == ev->proto && l->zone == ev->zone && a->sport == b->sport &&
	       a->dport == b->dport && addr_is_equal(&a->src, &b->src) &&
	       addr_is_equal(&a->dst, &b->dst) &&
	       (!ev->start_ns || !l->started_ms ||
		ev->start_ns / NS_PER_MS <= l->started_ms + START_SLACK_MS);
}

/* Return the index in by_ct_id of the first flow whose ct_id is not lower than `ct_id`. */
static size_t position(const struct count *c, uint32_t ct_id)
{
	size_t low = 0, high = c->failover->n_live;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->by_ct_id[middle]->ct_id < ct_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Resolution of the idle time. The last packet came at least idle_ms ago, and at most idle_ms +
 * IDLE_STEP_MS ago. */
#define IDLE_STEP_MS 1000

/* Return whether the flow is established and certainly had a packet after the uplink went down. If
 * idle_ms is unknown, assume that an established flow had one. */
static bool is_sending(const struct failover *f, const struct failover_live *l,
		       const struct live_flow *live, int64_t now_ms)
{
	bool is_established = l->proto != IPPROTO_TCP || !live->tcp_state ||
			      !strcmp(live_tcp_name(live->tcp_state), "ESTABLISHED");

	return is_established &&
	       (live->idle_ms < 0 || now_ms - live->idle_ms - IDLE_STEP_MS > f->down_ms);
}

static void live_note(struct failover *f, struct failover_live *l, const struct live_flow *live,
		      int64_t now_ms)
{
	l->is_counted = live->has_counters;
	memcpy(l->packets, live->packets, sizeof(l->packets));
	memcpy(l->bytes, live->bytes, sizeof(l->bytes));
	if (!is_sending(f, l, live, now_ms))
		failover_set_idle(f, l);
}

/* Store the counters of an entry of a table dump. If a dump contains an entry twice, the later
 * counters replace the earlier ones. */
static void take_entry(void *data, const struct ct_event *ev)
{
	struct count *c = data;

	if (!ev->has_counters)
		return;
	for (size_t i = position(c, ev->id);
	     i < c->failover->n_live && c->by_ct_id[i]->ct_id == ev->id; i++) {
		struct failover_live *l = c->by_ct_id[i];

		if (!is_of(l, ev))
			continue;
		live_note(c->failover, l,
			  &(struct live_flow){.id = l->id,
					      .idle_ms = ev->idle_ms,
					      .packets = {ev->packets[0], ev->packets[1]},
					      .bytes = {ev->bytes[0], ev->bytes[1]},
					      .tcp_state = ev->tcp_state,
					      .has_counters = true},
			  c->now_ms);
	}
}

static void sums_update(struct failover *f)
{
	for (size_t i = 0; i < f->n_live; i++)
		if (f->live[i].is_counted)
			failover_add_live(f, &f->live[i]);
}

static int table_read(struct count *c)
{
	struct conntrack *conntrack = conntrack_open(BUFFER_BYTES);
	int err = conntrack ? -EINTR : -errno;

	for (int i = 0; i < DUMPS && err == -EINTR; i++)
		err = conntrack_dump(conntrack, take_entry, c);
	conntrack_close(conntrack);
	return err == -EINTR ? 0 : err;
}

/* Store the daemon's counters and idle times of the failover's live flows. Return 0 or -errno. */
static int daemon_count(struct failover *f, const char *socket)
{
	struct live_flows live;
	int err = live_flows_ask(&live, socket);

	for (size_t i = 0; !err && i < f->n_live; i++) {
		const struct live_flow *l = live_flows_find(&live, f->live[i].id);

		if (l)
			live_note(f, &f->live[i], l, live.taken_ms);
	}
	live_flows_free(&live);
	return err;
}

int failover_count(struct failover *f, const char *socket)
{
	struct count c = {.failover = f, .now_ms = clock_now_ms()};
	int err;

	if (!f->n_live)
		return 0;
	if (socket && !daemon_count(f, socket)) {
		sums_update(f);
		return 0;
	}
	if (!privilege_has_net_admin())
		return -EPERM;
	c.by_ct_id = calloc(f->n_live, sizeof(struct failover_live *));
	if (!c.by_ct_id)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_live; i++)
		c.by_ct_id[i] = &f->live[i];
	list_sort(c.by_ct_id, f->n_live, sizeof(struct failover_live *), by_ct_id);
	err = table_read(&c);
	sums_update(f);
	free(c.by_ct_id);
	return err;
}

const struct failover_live *failover_live_find(const struct failover *f, int64_t id)
{
	return f->n_live ? bsearch(&id, f->live, f->n_live, sizeof(*f->live), by_id) : NULL;
}
