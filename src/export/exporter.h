/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exporter.h - the program: one thread per target, each with its own connection to the
 * history; what they share is the state file.
 */
#ifndef WAYMARK_SRC_EXPORT_EXPORTER_H
#define WAYMARK_SRC_EXPORT_EXPORTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "export/state.h"
#include "export/target.h"
#include "waymark/config/config.h"

struct export_options {
	bool is_once;	/* end when everything is acknowledged */
	bool has_since; /* go back to since_ms first */
	int64_t since_ms;
	const char *const *targets; /* names, ended by NULL; NULL: those configured */
};

struct exporter {
	const struct config *config;
	const struct export_options *options;
	char router[256];
	char config_hash[20];
	char uplinks[UPLINKS_MAX * (UPLINK_NAME_MAX + 10)]; /* of the heartbeat */
	pthread_mutex_t mutex;				    /* over the state */
	pthread_cond_t woken;
	struct state state;
	int state_error; /* of the last attempt to save it */
	bool is_stopping;
	unsigned n_running; /* shippers */
};

/* Run until a signal, or until everything is acknowledged. Return 0 or -errno; errors have been
 * logged. */
int exporter_run(const struct config *c, const struct export_options *options);

/* Save the state; the caller has the mutex. A failure is logged when it begins. */
void exporter_save(struct exporter *x);

/* Wait, at most this long, until the exporter stops. True: it does. */
bool exporter_sleep(struct exporter *x, int64_t ms);
bool exporter_is_stopping(struct exporter *x);

uint32_t exporter_random(void);

/* Return this router's name in exported data: from the configuration, or the host's. */
void exporter_router(const struct config *c, char *to, size_t size);

#endif
