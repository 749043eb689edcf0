/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alert.h - tells people. Sinks: a program (alert exec), a JSON line (alert
 * json), syslog, an HTTP server (alert webhook). An alert of the same kind, uplinks
 * and reason is told at once the first time and then at most every min-interval,
 * with the number folded; when it has been quiet for two of them, that is told, and
 * it is new again.
 */
#ifndef WAYMARK_ALERT_ALERT_H
#define WAYMARK_ALERT_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/base/record.h"

enum alert_kind {
	ALERT_MISMATCH,
	ALERT_WRONG_SOURCE,
	ALERT_UNMARKED,
	ALERT_FOREIGN,
	ALERT_TAMPERING,
	ALERT_GAP,
	ALERT_UPLINK,
	ALERT_TEST,
};
const char *alert_kind_name(enum alert_kind k);

/* The whole story of one alert. Strings are "" where they do not apply. */
struct alert {
	enum alert_kind kind;
	int64_t time_ms;
	char expected[UPLINK_NAME_MAX]; /* uplink that the mark names */
	char egress[IFNAMSIZ];		/* interface that it left by */
	char egress_uplink[UPLINK_NAME_MAX];
	const char *reason;   /* reason_name() or free text; "" */
	const char *evidence; /* evidence_name, or "" */
	int64_t flow_id;      /* 0: none */
	int64_t mismatch_id;
	uint8_t proto;
	struct endpoints tuple; /* original direction */
	int direction;		/* enum direction, -1: does not apply */
	uint32_t mark;
	uint64_t count;	  /* set by the alerter: this one and those folded into it */
	bool is_over;	  /* set by the alerter: it has been quiet since; nothing has happened */
	uint64_t total;	  /* set by the alerter: all since it began */
	int64_t since_ms; /* ... and when that was */
	char text[256];	  /* one sentence for people */
};

/* "critical": flows go wrong; "warning": they may, or something was undone; "notice":
 * good to know. */
const char *alert_severity_name(const struct alert *a);

struct alerter;

/* is_running counts and bounds children of the exec sink. NULL with errno. */
struct alerter *alerter_new(const struct alert_config *c);
/* Tells what is folded; leaves a moment to programs and one to the webhook. */
void alerter_free(struct alerter *a);
void alerter_set_config(struct alerter *a, const struct alert_config *c);

/* Where alerts for the webhook are kept until it has acknowledged them. */
struct alert_outbox {
	void *data;
	int (*add)(void *data, int64_t id, int64_t time_ms, const char *line); /* 0 or -errno */
	void (*done)(void *data, int64_t id);
};
void alerter_set_outbox(struct alerter *a, const struct alert_outbox *o);

/* An alert that was kept and is not acknowledged yet; ids ascend, before any other
 * alert. With no webhook now it is dropped. 0 or -errno. */
int alerter_resume(struct alerter *a, int64_t id, const char *line);

/* Tells, or folds. Never blocks. */
void alerter_raise(struct alerter *a, const struct alert *alert);

/* What an alert was raised of goes on: it is not quiet. Of the alert its kind, time,
 * uplinks and reason. False: it is over, or was never raised. */
bool alerter_goes_on(struct alerter *a, const struct alert *alert);

/* Call now and then (each second) and on SIGCHLD: reaps children, ends those
 * over their time, sends the summaries that are due. */
void alerter_tick(struct alerter *a, int64_t now_ms);

struct alerter_stats {
	uint64_t raised, told, folded;
	uint64_t summaries; /* of those told: not raised, but said of those folded, or over.
			     * raised = told - summaries + folded */
	uint64_t failed;    /* a sink could not take it, or a program failed */
	uint64_t reused;    /* keys given up for others because the table was full */
	uint32_t children;
	char last_error[160]; /* why the last one failed; "" */
	struct {
		uint32_t pending;
		uint64_t delivered, retries, dropped;
		char last_error[160]; /* of the last attempt, where it failed; "" */
	} webhook;
};
void alerter_stats(const struct alerter *a, struct alerter_stats *out);

#endif
