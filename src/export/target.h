/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.h - the interface to the systems to which rows are shipped. Each kind of target is a table
 * of functions in a file of its own.
 *
 * The shipper begins a batch, fills it with rows, and sends it until it is acknowledged. A batch
 * may arrive more than once. A target knows neither positions nor waiting times.
 */
#ifndef WAYMARK_SRC_EXPORT_TARGET_H
#define WAYMARK_SRC_EXPORT_TARGET_H

#include <stdbool.h>
#include <stdio.h>

#include "export/encode.h"
#include "waymark/config/config.h"
#include "waymark/store/feed.h"

/* Why a batch was not acknowledged. The text can name the target's host, but no other part of a URL
 * and no password. */
struct target_error {
	char text[256];
	bool is_final; /* no later attempt can succeed */
};

struct target_env {
	const struct config *config;
	const char *router;
	const bool *is_stopping; /* true: the exporter stops, and the target must stop waiting */
};

struct export_target {
	const char *name; /* name on the command line */
	/* Return whether the configuration sets up this target. */
	bool (*is_wanted)(const struct config *c);
	/* Open the target. On failure return NULL with errno and print one line to errors. */
	void *(*open)(const struct target_env *env, FILE *errors);
	void (*close)(void *self);
	/* Return whether the target accepts rows of this table. If is_interim is set, the rows are
	 * rows of live flows. */
	bool (*takes)(void *self, const struct feed_table *t, bool is_interim);
	/* begin() begins a batch; add() adds a row to it. Both return 0 or -errno. If the added row
	 * has filled the batch, add() returns 1. */
	int (*begin)(void *self, const struct export_origin *o, const struct feed_table *t);
	int (*add)(void *self, const struct feed_row *row);
	/* Send the batch. Return 0 if all of it is acknowledged, else -errno with the cause in
	 * *why. */
	int (*send)(void *self, struct target_error *why);
};

extern const struct export_target target_clickhouse, target_ipfix, target_file;

/* All targets, ended by NULL. */
extern const struct export_target *const export_targets[];

#endif
