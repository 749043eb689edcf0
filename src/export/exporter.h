/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exporter.h - the exporter: one thread per target, each with its own connection to the history.
 * The threads share the state file.
 */
#ifndef WAYMARK_SRC_EXPORT_EXPORTER_H
#define WAYMARK_SRC_EXPORT_EXPORTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "waymark/store/export_state.h"
#include "export/target.h"
#include "waymark/config/config.h"

struct export_options {
	bool is_once;	/* end when all rows are acknowledged */
	bool has_since; /* start with the first change that was made at since_ms or later */
	int64_t since_ms;
	const char *const *targets; /* names, ended by NULL; NULL or an empty list: all configured
				     * targets */
};

struct exporter {
	const struct config *config;
	const struct export_options *options;
	char router[256];
	char config_hash[20];
	/* all uplinks as "NAME:WEIGHT:TIER ...", for the heartbeat */
	char uplinks[UPLINKS_MAX * (UPLINK_NAME_MAX + 10)];
	pthread_mutex_t mutex; /* guards the fields that follow */
	pthread_cond_t woken;
	struct export_state state;
	int state_error; /* result of the last attempt to save the state: 0 or -errno */
	bool is_stopping;
	unsigned n_running; /* threads that have not ended */
};

/* Run until a signal arrives or, if is_once is set, until all rows are acknowledged. Return 0 or
 * -errno; errors have been logged. */
int exporter_run(const struct config *c, const struct export_options *options);

/* Save the state to its file. The caller must hold the mutex. If several calls fail in a row, only
 * the first failure is logged. */
void exporter_save(struct exporter *x);

/* Sleep for this many milliseconds, or until the exporter stops. Return whether the exporter
 * stops. */
bool exporter_sleep(struct exporter *x, int64_t ms);
bool exporter_is_stopping(struct exporter *x);

uint32_t exporter_random(void);

/* Write to buf the router's name for the exported data: the configured name or, if none is
 * configured, the host's name. */
void exporter_router(const struct config *c, char *buf, size_t size);

#endif
