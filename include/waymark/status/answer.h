/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - what the daemon reports of itself: filled in by the daemon, sent as JSON over
 * the control socket, parsed by the tool, printed as metrics.
 *
 * A field that another version leaves out is 0, or NULL. Most fields are rows of the table
 * in answer.def.
 */
#ifndef WAYMARK_STATUS_ANSWER_H
#define WAYMARK_STATUS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/delays.h"
#include "waymark/audit/coverage.h"
#include "waymark/base/record.h"

/* The C type of a row's field, and the field. */
#define ANSWER_INTEGER		       int64_t
#define ANSWER_OPTIONAL		       int64_t
#define ANSWER_REAL		       double
#define ANSWER_BOOLEAN		       bool
#define ANSWER_TEXT		       const char *
#define ANSWER_FIELD(type, field, ...) ANSWER_##type field;

/* How much of what left by an uplink is in the history, since the daemon started. */
struct answer_coverage {
	bool is_there; /* something was compared */
#define COVERAGE ANSWER_FIELD
#include "waymark/status/answer.def"
	int64_t missing[COVERAGE_CAUSES];
};

struct answer_uplink {
#define UPLINK ANSWER_FIELD
#include "waymark/status/answer.def"
	char *addresses; /* comma-separated */
	int64_t mismatches_by_reason[REASONS];
	struct answer_coverage coverage;
};

/* Strings belong to the answer. */
struct answer {
	char **strings; /* owned */
	size_t n_strings;
#define ANSWER ANSWER_FIELD
#include "waymark/status/answer.def"
	bool has_verdicts;
	int64_t verdicts[VERDICT_OK + 1]; /* flows, by verdict, since the start */
	struct {
#define EVENTS ANSWER_FIELD
#include "waymark/status/answer.def"
	} events;
	struct {
#define NFLOG ANSWER_FIELD
#include "waymark/status/answer.def"
	} nflog;
	struct {
#define STORE ANSWER_FIELD
#include "waymark/status/answer.def"
		struct delays delays; /* from event to row, since the start */
	} store;
	struct {
#define ALERTS ANSWER_FIELD
#include "waymark/status/answer.def"
	} alerts;
	struct {
#define DELETIONS ANSWER_FIELD
#include "waymark/status/answer.def"
	} deletions;
	struct answer_uplink *uplinks;
	size_t n_uplinks;
};

/* Parse the daemon's JSON; unknown members are skipped. Return 0, -EPROTO if text is not an answer,
 * or -ENOMEM. */
int answer_parse(struct answer *a, const char *text);
/* Return the answer as JSON, malloc'd, or NULL with errno. */
char *answer_json(const struct answer *a);
/* Return the list of uplinks alone as JSON. */
char *answer_uplinks_json(const struct answer *a);
/* Return the details of a heading of `waymark status`, "3 lost, 0 beyond max-flows", or NULL
 * while all are 0. */
const char *answer_details(const struct answer *a, const char *heading, char *buf, size_t size);
/* Copy a string into the answer, which owns it; NULL stays NULL. */
const char *answer_keep(struct answer *a, const char *text);
void answer_free(struct answer *a);

#endif
