/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resync.h - brings the audit's flows in step with the kernel's by a table dump. It
 * knows neither who reads events nor who uses the result: both are hooks.
 */
#ifndef WAYMARK_SRC_DAEMON_RESYNC_H
#define WAYMARK_SRC_DAEMON_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

struct resync;
struct daemon;

struct resync_hooks {
	/* Read pending events: they include the DESTROY of an entry that expired while it was
	 * dumped. */
	void (*catch_up)(struct daemon *d);
	/* A dump is complete. */
	void (*done)(struct daemon *d, int64_t now_ms);
	/* While events are being lost, a dump would be as incomplete as they are. */
	bool (*is_losing)(const struct daemon *d);
};

int resync_open(struct daemon *d); /* 0 or -errno */
void resync_set_hooks(struct daemon *d, const struct resync_hooks *hooks);
void resync_close(struct daemon *d);
/* Dump the whole table before it returns. 0 or -errno. */
int resync_now(struct daemon *d);
/* Ask for a dump: something was lost, which is worth a log line. */
void resync_ask(struct daemon *d, int64_t now_ms);
/* Ask for a dump as a matter of routine. */
void resync_look(struct daemon *d, int64_t now_ms);
/* Return whether a routine dump is due after one that ended at last_ms (0: none yet) and
 * took took_ms. A clock that was set back makes it due. */
bool resync_is_routine_due(int64_t last_ms, int64_t took_ms, int64_t now_ms);
void resync_tick(struct daemon *d, int64_t now_ms);

struct resync_stats {
	uint64_t resyncs; /* since the start */
	int64_t last_ms;  /* 0: none yet */
	int64_t next_ms;  /* 0: none asked for */
	bool is_running;
};
void resync_stats(const struct daemon *d, struct resync_stats *out);

#endif
