/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.c - computes the usage of each uplink from the counters of interfaces and rules, writes the
 * usage in bins, and adds it to the quotas.
 *
 * If counters cannot be read, the last values are kept. The next difference then includes
 * everything since the last successful reading. Must not know how differences are computed
 * (audit/usage.c), nor what a quota causes (quota.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/coverage.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/quota.h"
#include "daemon/usage.h"
#include "waymark/audit/usage.h"
#include "waymark/kernel/link_counters.h"
#include "waymark/kernel/nft_counters.h"
#include "waymark/store/store.h"

#define READ_EVERY_MS  5000
#define WRITE_EVERY_MS 60000

/* State of one uplink. */
struct carried {
	struct usage_reading last;
	struct usage_record pending; /* usage that is not written yet */
	int64_t pending_ms;	     /* start of the time that `pending` covers; 0: not known */
	struct usage_totals totals;
	struct flow_counts written_flows; /* counts of flows in the latest written record */
};

struct usage {
	struct nft_counters *rules;
	struct link_counters *links;
	int64_t read_ms, write_ms; /* steady clock */
	int64_t bin;		   /* number of the bin in which the latest write happened */
	struct carried carried[UPLINKS_MAX];
};

/* --- readings -------------------------------------------------------------------------------- */

static void reading_take(struct daemon *d, const struct nft_counters_reading *rules,
			 const struct uplink_config *u, int64_t now_ms, struct usage_reading *out)
{
	const struct nft_counters_uplink *counted = nft_counters_find(rules, u->mark);
	struct tally sent, received;
	uint32_t ifindex;

	*out = d->usage->carried[u->slot].last;
	out->time_ms = now_ms;
	out->boot = coverage_boot(d);
	if (!link_counters_read(d->usage->links, u->ifname, &ifindex, &sent, &received)) {
		out->ifindex = ifindex;
		out->sent = sent;
		out->received = received;
	}
	if (!rules->table || !counted)
		return;
	out->table = rules->table;
	out->flows = (struct flow_counts){0};
	for (int f = 0; f < COUNTED_FAMILIES; f++) {
		out->flows.flows_started += counted->flows[f].flows_started;
		out->flows.flows_answered += counted->flows[f].flows_answered;
	}
}

/* Return the time of the boot, or 0 if it cannot be read. The counters start from 0 at the boot, so
 * they cover no earlier time. */
static int64_t boot_ms(int64_t now_ms)
{
	struct timespec up;

	if (clock_gettime(CLOCK_BOOTTIME, &up))
		return 0;
	return now_ms - (int64_t)up.tv_sec * 1000;
}

static void reading_settle(struct daemon *d, const struct uplink_config *u,
			   const struct usage_reading *now)
{
	struct carried *c = &d->usage->carried[u->slot];
	struct usage_record step = {.slot = u->slot};

	if (!c->pending_ms)
		c->pending_ms = c->last.time_ms ? c->last.time_ms : now->time_ms;
	if (c->last.boot != now->boot && c->pending_ms < boot_ms(now->time_ms))
		c->pending_ms = boot_ms(now->time_ms);
	usage_settle(&c->last, now, &step);
	c->last = *now;
	c->totals.sent_bytes += step.sent.bytes;
	c->totals.received_bytes += step.received.bytes;
	usage_merge(&c->pending, &step);
	quota_add(d, u->slot, now->time_ms, step.sent.bytes + step.received.bytes);
}

void usage_read(struct daemon *d, int64_t now_ms)
{
	struct nft_counters_reading rules;
	struct usage_reading now;

	if (!d->usage)
		return;
	if (nft_counters_read(d->usage->rules, &rules))
		rules = (struct nft_counters_reading){0};
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		reading_take(d, &rules, &d->config->uplinks[i], now_ms, &now);
		reading_settle(d, &d->config->uplinks[i], &now);
	}
	d->usage->read_ms = clock_steady_ms();
}

/* --- records --------------------------------------------------------------------------------- */

static void part_publish(void *data, const struct usage_record *part)
{
	struct record r = {.type = RECORD_USAGE, .usage = *part};

	publish_record(data, &r);
}

/* Write a record for each uplink even if nothing was counted: after a restart, waymarkd continues
 * from the reading in the record. */
void usage_write(struct daemon *d, int64_t now_ms)
{
	usage_read(d, now_ms);
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		struct carried *c = &d->usage->carried[d->config->uplinks[i].slot];

		c->written_flows = c->pending.flows;
		c->pending.slot = d->config->uplinks[i].slot;
		c->pending.reading = c->last;
		usage_split(&c->pending, c->pending_ms, now_ms, part_publish, d);
		c->pending = (struct usage_record){0};
		c->pending_ms = now_ms;
	}
	d->usage->write_ms = d->usage->read_ms;
	d->usage->bin = now_ms / USAGE_BIN_MS;
}

void usage_tick(struct daemon *d, int64_t now_ms)
{
	struct usage *s = d->usage;
	int64_t steady_ms = clock_steady_ms();

	if (now_ms / USAGE_BIN_MS != s->bin || steady_ms - s->write_ms >= WRITE_EVERY_MS)
		usage_write(d, now_ms);
	else if (steady_ms - s->read_ms >= READ_EVERY_MS)
		usage_read(d, now_ms);
}

void usage_totals(const struct daemon *d, uint8_t slot, struct usage_totals *out)
{
	*out = d->usage->carried[slot].totals;
}

struct flow_counts usage_recent_flows(const struct daemon *d, uint8_t slot)
{
	const struct carried *c = &d->usage->carried[slot];

	return (struct flow_counts){
		.flows_started = c->written_flows.flows_started + c->pending.flows.flows_started,
		.flows_answered = c->written_flows.flows_answered + c->pending.flows.flows_answered,
	};
}

/* --- start and stop -------------------------------------------------------------------------- */

static void last_take(void *data, uint8_t slot, const struct usage_reading *r)
{
	struct usage *s = data;

	if (slot < UPLINKS_MAX)
		s->carried[slot].last = *r;
}

int usage_open(struct daemon *d)
{
	struct usage *s = calloc(1, sizeof(*s));
	int err;

	d->usage = s;
	if (!s)
		return -ENOMEM;
	s->rules = nft_counters_open();
	s->links = s->rules ? link_counters_open() : NULL;
	if (!s->links) {
		err = -errno;
		log_err("cannot open the byte counters of the uplinks: %s", strerror(-err));
		return err;
	}
	err = store_each_usage_reading(d->store, last_take, s);
	if (err)
		log_err("cannot read the last usage from the history: %s", strerror(-err));
	return err;
}

void usage_forget(struct daemon *d, uint8_t slot)
{
	d->usage->carried[slot] = (struct carried){0};
}

void usage_close(struct daemon *d)
{
	if (!d->usage)
		return;
	nft_counters_close(d->usage->rules);
	link_counters_close(d->usage->links);
	free(d->usage);
}
