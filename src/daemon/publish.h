/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.h - passes records to the store and the watchers, and alerts to the sinks. Call
 * publish_open() after the store is open and before the writer starts.
 */
#ifndef WAYMARK_SRC_DAEMON_PUBLISH_H
#define WAYMARK_SRC_DAEMON_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/alert/alert.h"
#include "waymark/base/record.h"

struct publish;
struct daemon;
struct who;

int publish_open(struct daemon *d); /* 0 or -errno */
void publish_close(struct daemon *d);
/* If a gap is open because the queue was full, end the gap. Call this before the history is
 * closed. */
void publish_stop(struct daemon *d, int64_t now_ms);
void publish_tick(struct daemon *d, int64_t now_ms);
/* Log how many log lines about mismatches and gaps were suppressed. Call once per second. */
void publish_second(struct daemon *d);

/* Publish a record, and take ownership of what it points to. `data` is the struct daemon. */
void publish_record(void *data, const struct record *r);
/* Callback `room` of struct audit_port: return how many more records the queue can take. The room
 * that is reserved for the ends of flows does not count. `data` is the struct daemon. */
uint32_t publish_room(void *data);

/* Send an alert to the sinks and the watchers. */
void publish_raise(struct daemon *d, const struct alert *a);
/* Return a new alert about an uplink. Its time is the current time. The caller sets `text` and, if
 * the alert has one, `egress`. */
struct alert publish_of_uplink(const struct uplink_config *u, enum alert_kind kind,
			       const char *reason);
/* Raise the alert about a flow's verdict. `m` is the mismatch that caused the verdict, or NULL if
 * no mismatch caused it. */
void publish_verdict(struct daemon *d, const struct flow_record *f,
		     const struct mismatch_record *m);
/* Another process added a rule that sets a mark: save where the rule is (`object`, for example
 * "table ip t, chain c") and the process. Alerts about a changed mark name both. */
void publish_note_mark_writer(struct daemon *d, const struct who *who, const char *object);
/* Call this while a mismatch persists, so that its alert does not end. Return false if its alert is
 * over or was never raised. */
bool publish_goes_on(struct daemon *d, const struct mismatch_record *m);
/* Raise an alert about waymarkd itself, which concerns no flow and no uplink. */
void publish_own(struct daemon *d, enum alert_kind kind, enum alert_state state, const char *reason,
		 const char *text);
/* Raise the alert about a gap. 'reason' identifies the gap in a word or two; 'text' is for
 * people. */
void publish_gap(struct daemon *d, const char *reason, const char *text);
/* Call this while the gap with this reason persists, so that its alert does not end. */
void publish_gap_goes_on(struct daemon *d, const char *reason);
/* Publish that another process changed the steering, as a record and as an alert. 'thing' says what
 * was changed: "ruleset", "rule", "route" or "sysctl". 'family' is AF_INET or AF_INET6, or 0 if the
 * thing has no family. */
void publish_tampering(struct daemon *d, const struct tampering_record *t, const char *thing,
		       uint8_t family, const char *text);
/* Publish the record of an uplink's state. This raises no alert. */
void publish_uplink_state(struct daemon *d, const struct uplink_state_record *state);

struct publish_stats {
	uint64_t tamperings; /* number of changes of the steering by another process */
	uint64_t refused;    /* number of records lost because the queue was full */
	bool is_gap_pending; /* some refused records are not covered by a gap yet */
};
void publish_stats(const struct daemon *d, struct publish_stats *out);

#endif
