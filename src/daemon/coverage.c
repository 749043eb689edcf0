/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.c - computes for each uplink how many of the packets that left by this uplink are in the
 * history. After each table dump (resync.c) it reads the counters of the rules and the interfaces,
 * and compares them with the counters of the flows. The time between two comparisons is an
 * interval.
 *
 * If a dump fails, the interval lasts until the next successful dump. Must not know how counters
 * are compared (audit/coverage.c).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/coverage.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/resync.h"
#include "daemon/usage.h"
#include "waymark/audit/audit.h"
#include "waymark/audit/coverage.h"
#include "waymark/kernel/link_counters.h"
#include "waymark/kernel/nft_counters.h"
#include "waymark/kernel/sysctl.h"
#include "waymark/steering/steering.h"
#include "waymark/store/store.h"

#define HOUR_MS INT64_C(3600000)

/* Numbers that show whether packets of an interval might be missing from the history. */
struct doubts {
	struct audit_doubts audit;
	uint64_t unwritten; /* records that did not reach the history */
};

struct coverage {
	struct nft_counters *rules;
	struct link_counters *links;
	uint64_t boot;
	struct coverage_reading base[UPLINKS_MAX]; /* counters at the interval's start; time_ms 0:
						    * no interval has begun */
	struct coverage_record sum[UPLINKS_MAX];   /* sum of the intervals since waymarkd started */
	uint64_t lost[UPLINKS_MAX][FLOW_SHARES];   /* numbers of lost flows at the interval's
						    * start */
	struct doubts doubts;			   /* values at the interval's start */
	struct nft_counters_reading before;	   /* counters just before the latest load of the
						    * ruleset, which reset them */
	int64_t looked_ms, hour_asked_ms;
	uint64_t comparisons, comparisons_due;
	uint64_t queued; /* number of records that the writer had been given when the latest
			  * comparison ended */
};

/* --- readings ---------------------------------------------------------------------- */

/* Return a number that identifies this boot: FNV-1a of the boot id. 0: unknown. */
static uint64_t boot_number(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	char text[64];

	if (sysctl_read("kernel/random/boot_id", text, sizeof(text)))
		return 0;
	for (const char *p = text; *p; p++)
		hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t coverage_boot(const struct daemon *d)
{
	return d->coverage->boot;
}

static void flows_read(const struct daemon *d, uint8_t slot, struct coverage_reading *r)
{
	struct audit_coverage c;

	audit_coverage(d->audit, slot, &c);
	for (int i = 0; i < FLOW_SHARES; i++) {
		r->flows[i].packets = c.ended[i].packets + c.live[i].packets;
		r->flows[i].bytes = c.ended[i].bytes + c.live[i].bytes;
	}
}

/* Prepare a reading that is saved for the next waymarkd: subtract the counters of the flows that
 * have ended, because the next waymarkd does not know these flows. */
static void ended_take_off(const struct daemon *d, uint8_t slot, struct coverage_reading *r)
{
	struct audit_coverage c;

	audit_coverage(d->audit, slot, &c);
	for (int i = 0; i < FLOW_SHARES; i++) {
		r->flows[i].packets -= c.ended[i].packets;
		r->flows[i].bytes -= c.ended[i].bytes;
	}
}

static void rules_take(const struct coverage *c, const struct nft_counters_reading *rules,
		       uint32_t mark, struct coverage_reading *r)
{
	const struct nft_counters_uplink *counted = nft_counters_find(rules, mark);

	r->boot = c->boot;
	r->table = counted ? rules->table : 0;
	if (counted)
		memcpy(r->rules, counted->rules, sizeof(r->rules));
}

static void reading_take(struct daemon *d, const struct nft_counters_reading *rules,
			 const struct uplink_config *u, int64_t now_ms, struct coverage_reading *r)
{
	*r = (struct coverage_reading){.time_ms = now_ms};
	rules_take(d->coverage, rules, u->mark, r);
	if (link_counters_read(d->coverage->links, u->ifname, &r->ifindex, &r->link, NULL))
		r->ifindex = 0;
	flows_read(d, u->slot, r);
}

static void doubts_read(const struct daemon *d, struct doubts *out)
{
	struct writer_stats ws;

	audit_coverage_doubts(d->audit, &out->audit);
	writer_stats(d->writer, &ws);
	out->unwritten = ws.dropped + ws.failed;
}

static bool has_gap(const struct doubts *before, const struct doubts *now)
{
	return now->audit.gaps_open || now->audit.gaps != before->audit.gaps ||
	       now->audit.lost > before->audit.lost || now->unwritten != before->unwritten;
}

/* --- comparisons ------------------------------------------------------------------- */

static void record_emit(struct daemon *d, const struct coverage_record *r)
{
	struct record out = {.type = RECORD_COVERAGE, .coverage = malloc(sizeof(*r))};

	if (!out.coverage) {
		log_err("cannot record the coverage: out of memory");
		return;
	}
	*out.coverage = *r;
	ended_take_off(d, r->slot, &out.coverage->reading);
	publish_record(d, &out);
}

static void lost_note(struct daemon *d, uint8_t slot, bool has_lost[FLOW_SHARES])
{
	struct audit_coverage c;

	audit_coverage(d->audit, slot, &c);
	for (int i = 0; i < FLOW_SHARES; i++)
		has_lost[i] = c.lost[i] != d->coverage->lost[slot][i];
	memcpy(d->coverage->lost[slot], c.lost, sizeof(c.lost));
}

static void example_take(struct daemon *d, struct coverage_record *r)
{
	struct stray_packet p;

	if (audit_flowless_take(d->audit, r->slot, &p))
		endpoints_format(&p.tuple, p.proto, r->untracked_example);
}

static void unasked_take(struct daemon *d, struct coverage_record *r)
{
	struct endpoints example;

	r->unasked = audit_unasked_take(d->audit, r->slot, &example);
	if (r->unasked)
		endpoints_format(&example, IPPROTO_UDP, r->unasked_example);
}

/* Compare what an uplink's rules, interface and flows have counted in the current interval, and
 * begin the next interval. If no interval has begun, only begin one. */
static void uplink_look(struct daemon *d, const struct uplink_config *u,
			const struct coverage_reading *now, const struct doubts *doubts)
{
	struct coverage *c = d->coverage;
	struct coverage_record r = {.slot = u->slot, .reading = *now};

	lost_note(d, u->slot, r.has_lost);
	if (c->base[u->slot].time_ms) {
		r.has_gap = has_gap(&c->doubts, doubts);
		r.has_uncounted = doubts->audit.uncounted != c->doubts.audit.uncounted;
		coverage_settle(&c->base[u->slot], now, &r);
		example_take(d, &r);
		unasked_take(d, &r);
		coverage_add(&c->sum[u->slot], &r);
	}
	record_emit(d, &r);
	c->base[u->slot] = *now;
}

static uint64_t records_queued(const struct daemon *d)
{
	struct writer_stats ws;

	writer_stats(d->writer, &ws);
	return ws.queued;
}

void coverage_look(struct daemon *d, int64_t now_ms)
{
	struct coverage *c = d->coverage;
	struct nft_counters_reading rules;
	struct coverage_reading now;
	struct doubts doubts;
	int err = nft_counters_read(c->rules, &rules);

	if (err) {
		log_err("cannot read the counters of the ruleset: %s", strerror(-err));
		return;
	}
	doubts_read(d, &doubts);
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		reading_take(d, &rules, &d->config->uplinks[i], now_ms, &now);
		uplink_look(d, &d->config->uplinks[i], &now, &doubts);
	}
	c->doubts = doubts;
	c->looked_ms = now_ms;
	c->comparisons++;
	c->queued = records_queued(d);
}

void coverage_ask(struct daemon *d, int64_t now_ms)
{
	struct resync_stats resync;

	resync_stats(d, &resync);
	/* A running dump might already have passed entries that changed before the request. So its
	 * comparison does not count, and the one after the next dump is due. */
	d->coverage->comparisons_due = d->coverage->comparisons + (resync.is_running ? 2 : 1);
	resync_look(d, now_ms);
}

void coverage_stats(const struct daemon *d, struct coverage_stats *out)
{
	const struct coverage *c = d->coverage;
	struct writer_stats ws;

	writer_stats(d->writer, &ws);
	out->comparisons = c->comparisons - (c->comparisons && ws.queued - ws.depth < c->queued);
	out->comparisons_due = c->comparisons_due;
}

/* Request a dump again while a requested comparison is missing. At the start of each hour, also
 * request a dump, so that an interval ends then. */
void coverage_tick(struct daemon *d, int64_t now_ms)
{
	struct coverage *c = d->coverage;

	if (c->comparisons < c->comparisons_due)
		resync_look(d, now_ms);
	if (!c->looked_ms || now_ms / HOUR_MS == c->looked_ms / HOUR_MS ||
	    now_ms / HOUR_MS == c->hour_asked_ms / HOUR_MS)
		return;
	c->hour_asked_ms = now_ms;
	resync_look(d, now_ms);
}

const struct coverage_record *coverage_sum(const struct daemon *d, uint8_t slot)
{
	return &d->coverage->sum[slot];
}

/* --- loads of the ruleset ---------------------------------------------------------- */

static void rules_rebase(struct daemon *d, uint64_t table)
{
	struct coverage *c = d->coverage;

	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		struct coverage_reading last = {0};

		if (!c->base[u->slot].time_ms)
			continue;
		rules_take(c, &c->before, u->mark, &last);
		coverage_rebase(&c->base[u->slot], &last, table);
	}
}

/* Save the counters before a load of the ruleset (`is_done` false), because the load resets them.
 * After the load (`is_done` true), adapt `base` to the new counters. Packets that leave between the
 * save and the load are not counted. */
static void on_load(void *data, bool is_done)
{
	struct daemon *d = data;
	struct coverage *c = d->coverage;
	struct nft_counters_reading now;

	usage_read(d, clock_now_ms());
	if (!is_done && nft_counters_read(c->rules, &c->before))
		c->before.table = 0;
	if (!is_done)
		return;
	if (nft_counters_read(c->rules, &now))
		now.table = 0;
	rules_rebase(d, now.table);
}

/* --- start and stop ---------------------------------------------------------------- */

/* Continue the interval of an earlier waymarkd: `r` is the last reading that it saved for the slot.
 * If `r` is from this boot, the interval starts at `r`. */
static void base_take(void *data, uint8_t slot, const struct coverage_reading *r)
{
	struct coverage *c = data;

	if (slot < UPLINKS_MAX && r->boot == c->boot)
		c->base[slot] = *r;
}

int coverage_open(struct daemon *d)
{
	struct coverage *c = calloc(1, sizeof(*c));
	int err;

	d->coverage = c;
	if (!c)
		return -ENOMEM;
	c->boot = boot_number();
	c->rules = nft_counters_open();
	c->links = c->rules ? link_counters_open() : NULL;
	if (!c->links) {
		err = -errno;
		log_err("cannot open the counters of the ruleset and the interfaces: %s",
			strerror(-err));
		return err;
	}
	audit_coverage_doubts(d->audit, &c->doubts.audit);
	steering_set_load(d->steering, on_load, d);
	err = store_each_reading(d->store, base_take, c);
	if (err)
		log_err("cannot read the last counter values from the history: %s", strerror(-err));
	return err;
}

void coverage_forget(struct daemon *d, uint8_t slot)
{
	d->coverage->base[slot] = (struct coverage_reading){0};
	d->coverage->sum[slot] = (struct coverage_record){0};
}

void coverage_stop(struct daemon *d)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		uint8_t slot = d->config->uplinks[i].slot;
		struct coverage_record r = {.slot = slot, .reading = d->coverage->base[slot]};

		if (r.reading.time_ms)
			record_emit(d, &r);
	}
}

void coverage_close(struct daemon *d)
{
	if (!d->coverage)
		return;
	nft_counters_close(d->coverage->rules);
	link_counters_close(d->coverage->links);
	free(d->coverage);
}
