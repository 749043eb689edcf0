/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resync.c - synchronizes the audit's flows with the kernel's table by a dump: at the start, after
 * events were lost, on request, and at long intervals.
 *
 * The dump has its own socket and is read a little at a time, so that events, ticks and clients are
 * served meanwhile. An entry of the dump can be older than an event that was read while the dump
 * was running; the audit takes that into account.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <stdlib.h>

#include "daemon/adoption.h"
#include "daemon/daemon.h"
#include "daemon/live.h"
#include "daemon/relabel.h"
#include "daemon/resync.h"
#include "daemon/log.h"
#include "waymark/audit/audit.h"
#include "waymark/kernel/conntrack.h"

/* Reads per turn, each of about a hundred entries. */
#define STEPS 8

/* A dump of a large table takes seconds. The pause after a dump is at least INTERVAL_MS and at
 * least PAUSE_FACTOR times the dump's duration, so that dumps take at most a fifth of the time. */
#define INTERVAL_MS  1000
#define PAUSE_FACTOR 4

/* The table is also dumped without a request, for two reasons. If nf_conntrack_events is 2, the
 * kernel sends no events, not even DESTROY, for flows that began while no process listened. And
 * only a dump shows the counters of live flows. Routine dumps take at most a 50th of the time. */
#define ROUTINE_MS     60000
#define ROUTINE_FACTOR 49

struct resync {
	struct resync_hooks hooks;
	struct conntrack_dump *dump; /* the running dump, or NULL */
	int64_t next_ms;	     /* when the requested dump is due; 0: none is requested */
	int64_t dump_started_steady_ms, dump_took_ms; /* steady clock */
	int64_t step_ms;			      /* time of the latest read of the dump */
	int64_t last_ms;		/* when the latest dump ended; 0: no dump has ended */
	bool is_news;			/* events were lost, so the end of the requested or running
					 * dump is logged */
	uint64_t resyncs, dump_entries; /* number of dumps since the start; number of entries of the
					 * newest dump */
};

int resync_open(struct daemon *d)
{
	d->resync = calloc(1, sizeof(*d->resync));
	return d->resync ? 0 : -ENOMEM;
}

/* Set hooks. If a hook is NULL, the hook that was set before stays. */
void resync_set_hooks(struct daemon *d, const struct resync_hooks *hooks)
{
	struct resync_hooks *own = &d->resync->hooks;

	own->catch_up = hooks->catch_up ? hooks->catch_up : own->catch_up;
	own->done = hooks->done ? hooks->done : own->done;
	own->is_losing = hooks->is_losing ? hooks->is_losing : own->is_losing;
}

static void take_entries(void *data, const struct ct_event *entries, size_t n)
{
	struct daemon *d = data;

	d->resync->dump_entries += n;
	audit_ct_entries(d->audit, entries, n, d->resync->step_ms);
	live_take(d, entries, n);
	for (size_t i = 0; adoption_is_active(d) && i < n; i++)
		adoption_take(d, &entries[i], d->resync->step_ms);
	for (size_t i = 0; relabel_is_active(d) && i < n; i++)
		relabel_take(d, &entries[i]);
}

static void dump_close(struct daemon *d)
{
	if (!d->resync->dump)
		return;
	loop_remove(d->loop, LOOP_DUMP, conntrack_dump_fd(d->resync->dump));
	conntrack_dump_close(d->resync->dump);
	d->resync->dump = NULL;
}

static void end(struct daemon *d, int err)
{
	int64_t now_ms = clock_now_ms();

	dump_close(d);
	/* Read the events, which include the DESTROY of entries that expired during the dump. */
	d->resync->hooks.catch_up(d);
	audit_dump_end(d->audit, err != 0, now_ms);
	live_end(d, err, now_ms);
	d->resync->last_ms = now_ms;
	d->resync->dump_took_ms = clock_steady_ms() - d->resync->dump_started_steady_ms;
	d->resync->resyncs++;
	if (!err && d->resync->hooks.done)
		d->resync->hooks.done(d, now_ms);
	if (err == -EINTR)
		resync_look(d, now_ms);
	else if (err)
		log_err("cannot dump the conntrack table: %s", strerror(-err));
	else if (d->is_ready && d->resync->is_news)
		log_info("resync: read %" PRIu64 " conntrack entries in %" PRId64 " ms",
			 d->resync->dump_entries, d->resync->dump_took_ms);
	d->resync->is_news = d->resync->is_news && d->resync->next_ms;
}

/* Read a part of the dump. Return a positive number if the dump continues, 0 if it is complete, or
 * -errno if it failed. */
static int step(struct daemon *d)
{
	int ret = 1;

	for (int i = 0; ret > 0 && i < STEPS; i++) {
		/* The kernel fills a buffer when the previous buffer is read, so the buffer that is
		 * read now was filled before. Read the clock here: step_ms must not be earlier than
		 * the entries of the buffer. */
		d->resync->step_ms = clock_now_ms();
		ret = conntrack_dump_step(d->resync->dump, take_entries, d);
	}
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
	d->resync->next_ms = 0;
	d->resync->dump_entries = 0;
	d->resync->dump_started_steady_ms = clock_steady_ms();
	/* Call this before the dump starts: the audit must remember the events that are read from
	 * now on, because they can be newer than entries of the dump. */
	audit_dump_begin(d->audit, now_ms);
	live_begin(d, now_ms);
	d->resync->dump = conntrack_dump_open(d->conntrack);
	err = d->resync->dump
		      ? loop_add(d->loop, LOOP_DUMP, conntrack_dump_fd(d->resync->dump), on_dump, d)
		      : -errno;
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
		d->resync->hooks.catch_up(d);
	} while (ret > 0);
	return ret == -EINTR ? 0 : ret;
}

/* Return `took_ms` multiplied by `factor`, but at least `least_ms`. */
static int64_t pause_of(int64_t took_ms, int factor, int64_t least_ms)
{
	return factor * took_ms > least_ms ? factor * took_ms : least_ms;
}

static int64_t pause_after(const struct daemon *d)
{
	return pause_of(d->resync->dump_took_ms, PAUSE_FACTOR, INTERVAL_MS);
}

void resync_ask(struct daemon *d, int64_t now_ms)
{
	d->resync->is_news = true;
	resync_look(d, now_ms);
}

void resync_look(struct daemon *d, int64_t now_ms)
{
	int64_t pause_ms = pause_after(d);

	if (d->resync->next_ms)
		return;
	d->resync->next_ms = d->resync->last_ms + pause_ms;
	if (d->resync->next_ms < now_ms || d->resync->next_ms > now_ms + pause_ms)
		d->resync->next_ms = now_ms;
}

bool resync_is_routine_due(int64_t last_ms, int64_t took_ms, int64_t now_ms)
{
	return last_ms && (now_ms < last_ms ||
			   now_ms - last_ms >= pause_of(took_ms, ROUTINE_FACTOR, ROUTINE_MS));
}

/* Start a dump that is due, unless events are being lost. The kernel drops events until the event
 * socket has been read empty, so the flows would be out of sync again right after the dump. */
void resync_tick(struct daemon *d, int64_t now_ms)
{
	struct resync *r = d->resync;
	int64_t most_ms = INTERVAL_MS + pause_after(d);

	if (!r->dump && resync_is_routine_due(r->last_ms, r->dump_took_ms, now_ms))
		resync_look(d, now_ms);
	if (!clock_is_due(d->resync->next_ms, now_ms, most_ms) || d->resync->dump ||
	    d->resync->hooks.is_losing(d))
		return;
	if (begin(d, now_ms))
		resync_ask(d, now_ms + INTERVAL_MS);
}

void resync_stats(const struct daemon *d, struct resync_stats *out)
{
	*out = (struct resync_stats){
		.resyncs = d->resync->resyncs,
		.last_ms = d->resync->last_ms,
		.next_ms = d->resync->next_ms,
		.is_running = d->resync->dump != NULL,
	};
}

void resync_close(struct daemon *d)
{
	if (!d->resync)
		return;
	dump_close(d);
	free(d->resync);
}
