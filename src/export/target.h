/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.h - what rows are shipped to: one table of functions per kind of target, one
 * file each.
 *
 * A batch begins, takes rows, and is sent until it is acknowledged; sending it again is
 * allowed. A target knows neither cursors nor waits.
 */
#ifndef WAYMARK_SRC_EXPORT_TARGET_H
#define WAYMARK_SRC_EXPORT_TARGET_H

#include <stdbool.h>
#include <stdio.h>

#include "export/encode.h"
#include "waymark/config/config.h"
#include "waymark/store/feed.h"

/* Why a batch was not acknowledged. No part of a URL or a password. */
struct target_error {
	char text[256];
};

struct target_env {
	const struct config *config;
	const char *router;
	const bool *is_stopping; /* set by a signal: give up pending work */
};

struct export_target {
	const char *name; /* as on the command line */
	/* Whether the configuration asks for it. */
	bool (*is_wanted)(const struct config *c);
	/* NULL with errno; one line is printed to errors. */
	void *(*open)(const struct target_env *env, FILE *errors);
	void (*close)(void *self);
	/* Whether it has a place for rows of this table, and for unfinished flows. */
	bool (*takes)(void *self, const struct feed_table *t, bool is_interim);
	/* 0 or -errno; add also 1: the batch is full with this row. */
	int (*begin)(void *self, const struct export_origin *o, const struct feed_table *t);
	int (*add)(void *self, const struct feed_row *row);
	/* 0: acknowledged, all of it. Else -errno and why. */
	int (*send)(void *self, struct target_error *why);
};

extern const struct export_target target_clickhouse, target_ipfix, target_file;

/* All of them, ended by NULL. */
extern const struct export_target *const export_targets[];

#endif
