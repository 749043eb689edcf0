/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resync.h - synchronizes the audit's flows with the kernel's table by a dump. Must not know which
 * modules read events or which modules use the result. It calls both by hooks.
 */
#ifndef WAYMARK_SRC_DAEMON_RESYNC_H
#define WAYMARK_SRC_DAEMON_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

struct resync;
struct daemon;

struct resync_hooks {
	/* Read the pending events. Called during resync_now(), and when a dump ends: the events
	 * include the DESTROY of each entry that expired during the dump. */
	void (*catch_up)(struct daemon *d);
	/* Called when a dump has read the whole table. */
	void (*done)(struct daemon *d, int64_t now_ms);
	/* Return whether events are being lost. If so, a due dump waits. */
	bool (*is_losing)(const struct daemon *d);
};

int resync_open(struct daemon *d); /* 0 or -errno */
void resync_set_hooks(struct daemon *d, const struct resync_hooks *hooks);
void resync_close(struct daemon *d);
/* Dump the whole table before returning. Return 0 or -errno. */
int resync_now(struct daemon *d);
/* Request a dump because events were lost. The end of this dump is logged. */
void resync_ask(struct daemon *d, int64_t now_ms);
/* Request a dump for another reason. The end of this dump is not logged. */
void resync_look(struct daemon *d, int64_t now_ms);
/* Return whether a routine dump is due: one without a request, a long time after the previous
 * dump. `last_ms` is the end of the previous dump, and `took_ms` is its duration. If `last_ms` is 0
 * (no dump has ended), return false. If the clock was set back, return true. */
bool resync_is_routine_due(int64_t last_ms, int64_t took_ms, int64_t now_ms);
void resync_tick(struct daemon *d, int64_t now_ms);

struct resync_stats {
	uint64_t resyncs; /* number of dumps since the start */
	int64_t last_ms;  /* end of the latest dump; 0: no dump has ended */
	int64_t next_ms;  /* when the requested dump is due; 0: no dump is requested */
	bool is_running;
};
void resync_stats(const struct daemon *d, struct resync_stats *out);

#endif
