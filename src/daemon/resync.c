/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resync.c - brings the audit's flows in step with the kernel's by a dump: at the
 * start, after something was lost, and now and then.
 *
 * The dump has a socket of its own and is read a little at a time, so that events,
 * ticks and everybody who asks are served meanwhile. What it says may be older than
 * events read since it began; the audit knows that.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

#define RANK 12

/* Reads of a turn, a hundred entries each. */
#define STEPS 8

/* A dump of a big table takes seconds: not more often than this, and not for more
 * than a fifth of the time. */
#define INTERVAL_MS  1000
#define PAUSE_FACTOR 4

/* Of flows that began while nobody listened the kernel may tell nothing, not even
 * their end (nf_conntrack_events=2), and what flows that live have sent only a dump
 * says: so the table is looked at now and then, for no more than a 50th of the time. */
#define ROUTINE_MS     60000
#define ROUTINE_FACTOR 49

static void take_entries(void *data, const struct ct_event *entries, size_t n)
{
	struct daemon *d = data;

	d->dump_entries += n;
	audit_ct_entries(d->audit, entries, n, d->step_ms);
	for (size_t i = 0; d->adopt && i < n; i++)
		adoption_take(d, &entries[i]);
	for (size_t i = 0; d->is_relabelling && i < n; i++)
		relabel_take(d, &entries[i]);
}

static void dump_close(struct daemon *d)
{
	if (!d->dump)
		return;
	loop_remove(d->loop, RANK, conntrack_dump_fd(d->dump));
	conntrack_dump_close(d->dump);
	d->dump = NULL;
}

static void end(struct daemon *d, int err)
{
	int64_t now_ms = clock_now_ms();

	dump_close(d);
	/* The ends of entries that expired while they were dumped are in the events. */
	observe_events(d);
	audit_dump_end(d->audit, err != 0, now_ms);
	d->last_resync_ms = now_ms;
	d->dump_took_ms = clock_steady_ms() - d->dump_started_steady_ms;
	d->resyncs++;
	if (!err)
		coverage_look(d, now_ms);
	if (err == -EINTR)
		resync_look(d, now_ms);
	else if (err)
		log_err("cannot dump the conntrack table: %s", strerror(-err));
	else if (d->is_ready && d->is_resync_news)
		log_info("looked at the whole table: %" PRIu64 " entries in %" PRId64 " ms",
			 d->dump_entries, d->dump_took_ms);
	d->is_resync_news = d->is_resync_news && d->next_resync_ms;
}

/* 1: it goes on; else it has ended. */
static int step(struct daemon *d)
{
	int ret = 1;

	d->step_ms = clock_now_ms();
	for (int i = 0; ret > 0 && i < STEPS; i++)
		ret = conntrack_dump_step(d->dump, take_entries, d);
	if (ret <= 0)
		end(d, ret);
	return ret;
}

static void on_dump(void *data)
{
	step(data);
}

static int begin(struct daemon *d, int64_t now_ms)
{
	int err;

	dump_close(d);
	d->next_resync_ms = 0;
	d->dump_entries = 0;
	d->dump_started_steady_ms = clock_steady_ms();
	/* First: an event that is read from now on is news for it. */
	audit_dump_begin(d->audit, now_ms);
	d->dump = conntrack_dump_open(d->conntrack);
	err = d->dump ? loop_add(d->loop, RANK, conntrack_dump_fd(d->dump), on_dump, d) : -errno;
	if (!err)
		return 0;
	dump_close(d);
	log_err("cannot dump the conntrack table: %s", strerror(-err));
	return err;
}

int resync_now(struct daemon *d)
{
	int ret = begin(d, clock_now_ms());

	if (ret)
		return ret;
	do {
		ret = step(d);
		observe_packets(d);
		observe_events(d);
	} while (ret > 0);
	return ret == -EINTR ? 0 : ret;
}

/* After the last dump: some times as long as it took, and not less than that. */
static int64_t pause_after(const struct daemon *d, int factor, int64_t least_ms)
{
	int64_t pause_ms = factor * d->dump_took_ms;

	return pause_ms > least_ms ? pause_ms : least_ms;
}

void resync_ask(struct daemon *d, int64_t now_ms)
{
	d->is_resync_news = true;
	resync_look(d, now_ms);
}

void resync_look(struct daemon *d, int64_t now_ms)
{
	int64_t pause_ms = pause_after(d, PAUSE_FACTOR, INTERVAL_MS);

	if (d->next_resync_ms)
		return;
	d->next_resync_ms = d->last_resync_ms + pause_ms;
	if (d->next_resync_ms < now_ms || d->next_resync_ms > now_ms + pause_ms)
		d->next_resync_ms = now_ms;
}

/* A clock that has been put back must not keep it from coming. */
static bool is_routine_due(const struct daemon *d, int64_t now_ms)
{
	return now_ms < d->last_resync_ms ||
	       now_ms - d->last_resync_ms >= pause_after(d, ROUTINE_FACTOR, ROUTINE_MS);
}

/* While the socket is not empty the kernel goes on dropping events: what a dump
 * would say would be as incomplete as before. */
void resync_tick(struct daemon *d, int64_t now_ms)
{
	int64_t most_ms = INTERVAL_MS + pause_after(d, PAUSE_FACTOR, INTERVAL_MS);

	if (d->last_resync_ms && !d->dump && is_routine_due(d, now_ms))
		resync_look(d, now_ms);
	if (!clock_is_due(d->next_resync_ms, now_ms, most_ms) || d->dump || d->events_gap.id)
		return;
	if (begin(d, now_ms))
		resync_ask(d, now_ms + INTERVAL_MS);
}

void resync_close(struct daemon *d)
{
	dump_close(d);
}
