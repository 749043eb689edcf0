/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.h - hands records to the store and the watchers, and alerts to the sinks.
 * Opened after the store, before its writer.
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
/* End lasting conditions before the history is closed. */
void publish_stop(struct daemon *d, int64_t now_ms);
void publish_tick(struct daemon *d, int64_t now_ms);
/* Call once a second: reports how many lines were suppressed. */
void publish_second(struct daemon *d);

/* Publish a record; data is the daemon. Takes over what the record owns. */
void publish_record(void *data, const struct record *r);
/* Return how many less urgent records there is room for; data is the daemon. */
uint32_t publish_room(void *data);

/* Raise an alert at the sinks and the watchers. */
void publish_raise(struct daemon *d, const struct alert *a);
/* An alert about an uplink, raised now; the caller adds text and egress. */
struct alert publish_of_uplink(const struct uplink_config *u, enum alert_kind kind,
			       const char *reason);
/* Raise the alert of a flow's verdict, and of its mismatch unless m is NULL. */
void publish_verdict(struct daemon *d, const struct flow_record *f,
		     const struct mismatch_record *m);
/* Note the latest rule of another table that sets a mark ("table ip t, chain c"), and the
 * process that added it: alerts of a changed mark name both. */
void publish_note_mark_writer(struct daemon *d, const struct who *who, const char *object);
/* Return whether the alert of a mismatch is still raised. */
bool publish_goes_on(struct daemon *d, const struct mismatch_record *m);
/* Publish an alert about waymarkd itself, of no flow and no uplink. */
void publish_own(struct daemon *d, enum alert_kind kind, enum alert_state state, const char *reason,
		 const char *text);
/* Raise the alert of a gap: reason in a word or two, text for people. */
void publish_gap(struct daemon *d, const char *reason, const char *text);
/* Note that the gap with this reason lasts: its alert is not over. */
void publish_gap_goes_on(struct daemon *d, const char *reason);
/* Publish record and alert; thing: "route", "ruleset", ...; family: AF_INET, AF_INET6, or 0. */
void publish_tampering(struct daemon *d, const struct tampering_record *t, const char *thing,
		       uint8_t family, const char *text);
/* Publish the record alone. */
void publish_uplink_state(struct daemon *d, const struct uplink_state_record *state);

struct publish_stats {
	uint64_t tamperings; /* changes of the steering by another process */
	uint64_t refused;    /* records that found the queue full */
	bool is_gap_pending; /* some of them are in no gap yet */
};
void publish_stats(const struct daemon *d, struct publish_stats *out);

#endif
