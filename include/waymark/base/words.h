/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - enumerations of the history and their names: verdicts, reasons, evidence,
 * sources of gaps, causes of uplink states.
 */
#ifndef WAYMARK_BASE_WORDS_H
#define WAYMARK_BASE_WORDS_H

/* The verdicts, in the order in which the audit tests for them (verdict.c). The numbers are stored
 * and must not change. */
enum verdict {
	VERDICT_NONE = 0,
	VERDICT_MISMATCH = 1,
	VERDICT_WRONG_SOURCE = 2,
	VERDICT_FOREIGN = 3,
	VERDICT_UNMARKED = 4,
	VERDICT_UNKNOWN = 5,
	VERDICT_LOCAL = 6,
	VERDICT_OK = 7,
};
const char *verdict_name(enum verdict v); /* "mismatch", "wrong-source", ... */
int verdict_parse(const char *name);	  /* an enum verdict, or -EINVAL */

/* Why a flow is a mismatch, why its verdict is unknown, or why it was deleted. */
enum reason {
	REASON_NONE = 0,
#define REASON(constant, number, ...) REASON_##constant = (number),
#include "waymark/base/reasons.def"
	REASONS,
};
const char *reason_name(enum reason r); /* NULL for REASON_NONE */
int reason_parse(const char *name);

/* What shows the egress of a flow: a stray packet that a rule logged, or a label bit that a rule
 * set when a packet left (uplinks.h). The numbers are stored and must not change. */
enum evidence { EVIDENCE_STRAY_PACKET = 0, EVIDENCE_EGRESS_SEEN = 1 };
const char *evidence_name(enum evidence e); /* "packet", "label" */

/* What has missed data during a gap: the event socket, the collection of evidence, the whole daemon
 * (it was not running), or the store. The numbers are stored and must not change. */
enum gap_source { GAP_EVENTS = 0, GAP_EVIDENCE = 1, GAP_DAEMON = 2, GAP_STORE = 3 };
const char *gap_source_name(enum gap_source s); /* "events", "evidence", ... */

/* Why an uplink is in its state. The numbers are stored and must not change. */
enum state_cause {
	CAUSE_NONE = 0,
	CAUSE_LINK = 1,
	CAUSE_ADDRESS = 2,
	CAUSE_GATEWAY = 3,
	CAUSE_HEALTH = 4,
	CAUSE_OPERATOR = 5,
};
const char *state_cause_name(enum state_cause c); /* NULL for CAUSE_NONE */

#endif
