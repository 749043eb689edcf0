/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observe.c - conntrack events and logged packets into the audit; what was lost
 * on the way into gaps, and a dump to find again what can be found.
 *
 * Logged packets are read before events wherever both wait: a packet's message
 * is older than the events that it caused.
 */
#include <errno.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

/* Room for more than 13,000 events that wait (1,280 bytes each). */
#define EVENTS_BUFFER_BYTES (16u << 20)
#define NFLOG_BUFFER_BYTES (4u << 20)

/* Messages a turn: the other sources have their turn after so many. */
#define BATCH 512

/* A dump of a big table takes seconds: not more often than this. */
#define RESYNC_INTERVAL_MS 1000

/* Turns in which a socket is to become empty, so that nothing waits for ever. */
#define EMPTY_TURNS 256

/* So often, in entries, a dump pauses to read the events that came meanwhile. */
#define DUMP_PAUSE 2048

static void take_event(void *data, const struct ct_event *ev)
{
	struct daemon *d = data;

	audit_ct_event(d->audit, ev, d->last_event_ms);
}

static void take_packet(void *data, const struct nflog_packet *p)
{
	struct daemon *d = data;
	const char *name = ifnames_get(d->ifnames, p->oifindex);
	const struct uplink_config *u = name ? config_uplink_by_ifname(d->config, name) : NULL;

	if (u)
		audit_packet(d->audit, p, u->slot, d->last_packet_ms);
}

/* What the group lost between two messages: how much is known, which is not. */
static void packets_lost(struct daemon *d, int64_t since_ms, uint64_t holes)
{
	int64_t now_ms = clock_now_ms();

	log_warning("evidence lost: %llu NFLOG messages; see 'waymark gaps'",
		    (unsigned long long)holes);
	audit_gap(d->audit, GAP_NFLOG, since_ms, now_ms, holes ? (int64_t)holes : -1,
		  "NFLOG messages were lost before they were read");
}

static int read_packets(struct daemon *d)
{
	int64_t before_ms = d->last_packet_ms;
	uint64_t holes = 0;
	int n;

	d->last_packet_ms = clock_now_ms();
	n = nflog_receive(d->nflog, take_packet, d, BATCH, &holes);
	if (holes || n == -ENOBUFS)
		packets_lost(d, before_ms, holes);
	return n;
}

/* The socket drops everything between the overrun and its next read. Flows that
 * ended in it left no word; a dump finds those that live. */
static void events_lost(struct daemon *d, int64_t since_ms)
{
	if (!d->events_gap.id) {
		log_warning("conntrack events were lost: the socket's buffer was full; "
			    "looking at the whole table");
		d->events_gap.started_ms = since_ms;
		d->events_gap.id = audit_gap(d->audit, GAP_EVENTS, since_ms, 0, -1,
					     "conntrack events overran the socket's buffer");
	}
	if (!d->next_resync_ms) {
		d->next_resync_ms = d->last_resync_ms + RESYNC_INTERVAL_MS;
		if (d->next_resync_ms < d->last_event_ms)
			d->next_resync_ms = d->last_event_ms;
	}
}

static int read_events(struct daemon *d)
{
	int64_t before_ms = d->last_event_ms;
	int n;

	d->last_event_ms = clock_now_ms();
	n = ctnl_receive(d->ctnl, take_event, d, BATCH);
	if (n == -ENOBUFS)
		events_lost(d, before_ms);
	else if (n < 0 && n != -EAGAIN)
		log_err("cannot read conntrack events: %s", strerror(-n));
	if (audit_is_in_doubt(d->audit))
		read_packets(d);
	audit_settle(d->audit, d->last_event_ms);
	return n;
}

static void on_packets(void *data)
{
	read_packets(data);
}

static void on_events(void *data)
{
	struct daemon *d = data;

	read_packets(d);
	read_events(d);
}

static void on_names(void *data)
{
	struct daemon *d = data;

	ifnames_receive(d->ifnames);
}

/* --- dumps ------------------------------------------------------------------- */

static void take_entry(void *data, const struct ct_event *ev)
{
	struct daemon *d = data;

	audit_ct_event(d->audit, ev, d->last_event_ms);
	if (d->adopt)
		adoption_take(d, ev);
	if (++d->dump_entries % DUMP_PAUSE)
		return;
	read_packets(d);
	while (read_events(d) == BATCH)
		;
}

static int resync(struct daemon *d)
{
	int err;

	/* After an overrun the kernel goes on dropping until the socket is empty. */
	for (int turn = 0; d->events_gap.id && turn < EMPTY_TURNS && read_events(d) > 0; turn++)
		;
	d->next_resync_ms = 0;
	d->dump_entries = 0;
	audit_dump_begin(d->audit);
	err = ctnl_dump(d->ctnl, take_entry, d);
	audit_dump_end(d->audit, err != 0, clock_now_ms());
	d->last_resync_ms = clock_now_ms();
	if (err == -EINTR)
		d->next_resync_ms = d->last_resync_ms + RESYNC_INTERVAL_MS;
	else if (err)
		log_err("cannot dump the conntrack table: %s", strerror(-err));
	return err == -EINTR ? 0 : err;
}

/* A gap lasts until a dump has gone through without another overrun. */
static void events_gap_end(struct daemon *d)
{
	if (!d->events_gap.id || d->next_resync_ms)
		return;
	audit_gap_end(d->audit, d->events_gap.id, GAP_EVENTS, d->events_gap.started_ms,
		      d->last_resync_ms, -1, "conntrack events overran the socket's buffer");
	d->events_gap.id = 0;
}

void observe_tick(struct daemon *d, int64_t now_ms)
{
	if (d->next_resync_ms && d->next_resync_ms <= now_ms) {
		resync(d);
		events_gap_end(d);
	}
}

void observe_drain(struct daemon *d)
{
	for (int turn = 0; turn < EMPTY_TURNS && read_packets(d) > 0; turn++)
		;
	for (int turn = 0; turn < EMPTY_TURNS && read_events(d) > 0; turn++)
		;
}

/* --- start and stop ------------------------------------------------------------ */

static int open_failed(const char *what, const char *cure)
{
	int err = errno;

	log_err("%s: %s; %s", what, strerror(err), cure);
	return -err;
}

int observe_open(struct daemon *d)
{
	char what[80];

	d->ctnl = ctnl_open(EVENTS_BUFFER_BYTES);
	if (!d->ctnl)
		return open_failed("cannot subscribe to conntrack events",
				   "it needs CAP_NET_ADMIN and nf_conntrack_netlink");
	d->nflog = nflog_open(d->config->nflog_group, NFLOG_BUFFER_BYTES);
	if (!d->nflog) {
		snprintf(what, sizeof(what), "cannot take NFLOG group %u", d->config->nflog_group);
		return open_failed(what, errno == EBUSY ?
						 "another program has it: choose another nflog-group" :
						 "it needs CAP_NET_ADMIN and nfnetlink_log");
	}
	d->ifnames = ifnames_open();
	if (!d->ifnames)
		return open_failed("cannot follow interface names", "it needs rtnetlink");
	return 0;
}

void observe_before(struct daemon *d, bool is_new)
{
	d->last_event_ms = d->last_packet_ms = clock_now_ms();
	if (is_new && !d->is_ready)
		audit_set_evidence_since(d->audit, d->last_event_ms);
	if (d->config->mode != MODE_STEER || adoption_begin(d))
		return;
	resync(d);
	adoption_end(d);
}

int observe_start(struct daemon *d)
{
	int err;

	d->last_event_ms = d->last_packet_ms = clock_now_ms();
	err = loop_add(d->loop, 0, nflog_fd(d->nflog), on_packets, d);
	if (!err)
		err = loop_add(d->loop, 1, ctnl_fd(d->ctnl), on_events, d);
	if (!err)
		err = loop_add(d->loop, 2, ifnames_fd(d->ifnames), on_names, d);
	return err || d->last_resync_ms ? err : resync(d);
}

void observe_close(struct daemon *d)
{
	ifnames_close(d->ifnames);
	nflog_close(d->nflog);
	ctnl_close(d->ctnl);
}
