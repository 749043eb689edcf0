/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - what the daemon reports about itself. The daemon fills in struct answer and sends it
 * as JSON over the control socket; the command-line tool parses the JSON; both programs print
 * metrics from the struct.
 *
 * Most fields are rows of the table in answer.def. The JSON of another version of waymarkd may lack
 * a field. answer_parse() sets such a field to 0 or NULL, or to -1 if its type is OPTIONAL or REAL.
 */
#ifndef WAYMARK_STATUS_ANSWER_H
#define WAYMARK_STATUS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/delays.h"
#include "waymark/audit/coverage.h"
#include "waymark/base/record.h"

/* The C type of each row type, and the declaration of a row's field. */
#define ANSWER_INTEGER		       int64_t
#define ANSWER_OPTIONAL		       int64_t
#define ANSWER_REAL		       double
#define ANSWER_BOOLEAN		       bool
#define ANSWER_TEXT		       const char *
#define ANSWER_FIELD(type, field, ...) ANSWER_##type field;

/* Coverage of an uplink since the daemon started. It says how much of the traffic that left by the
 * uplink is in the history. */
struct answer_coverage {
	bool is_there; /* false: coverage has not been compared yet */
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

/* The daemon's report. It owns the strings that answer_keep() adds, and the addresses of its
 * uplinks. All other strings must live longer than the answer. */
struct answer {
	char **strings; /* the strings that answer_keep() added */
	size_t n_strings;
#define ANSWER ANSWER_FIELD
#include "waymark/status/answer.def"
	bool has_verdicts;		  /* `verdicts` is known */
	int64_t verdicts[VERDICT_OK + 1]; /* ended flows by verdict, since the daemon started */
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
		struct delays delays; /* delays of the rows since the daemon started; the delay of a
				       * row is the time from its event to its commit */
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

/* Parse the daemon's JSON; unknown members are ignored. Return 0, -EPROTO if `text` is not an
 * answer, or -ENOMEM. */
int answer_parse(struct answer *a, const char *text);
/* Return the answer as malloc'd JSON, or NULL with errno. */
char *answer_json(const struct answer *a);
/* Return only the uplinks of the answer as malloc'd JSON, or NULL with errno. */
char *answer_uplinks_json(const struct answer *a);
/* Write to buf the counters that `waymark status` prints below a heading, for example "3 lost, 0
 * beyond max-flows". Return buf, or NULL if all of these counters are 0. */
const char *answer_details(const struct answer *a, const char *heading, char *buf, size_t size);
/* Copy a string and let the answer own the copy. Return the copy, or NULL if text is NULL or memory
 * is short. */
const char *answer_keep(struct answer *a, const char *text);
void answer_free(struct answer *a);

#endif
