/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alert.h - raises alerts. Equal alerts are aggregated into fewer messages. The messages go to the
 * sinks: a program, a file of JSON lines, the system's log, a webhook.
 *
 * Two alerts are equal if they have the same kind, uplinks, egress and reason; some kinds compare
 * other fields (aggregation.c). The first alert is sent at once. Later equal alerts are counted and
 * sent as one summary, at most once per min-interval (a key of the configuration). An alert with a
 * lasting cause is over when the cause has ended. Most other alerts are over if no equal alert
 * comes for twice the min-interval (enum alert_lifetime). When an alert is over, the next equal
 * alert is sent at once.
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
	ALERT_QUOTA,
	ALERT_HEALTH,
	ALERT_DELIVERY,
	ALERT_STORE,
	ALERT_TEST,
};
/* Return the kind's name in the history and in the sinks' messages, or NULL. */
const char *alert_kind_name(enum alert_kind k);

/* How an alert ends. ALERT_ONCE: the alert reports a single event, and its end is not reported.
 * ALERT_UNTIL_QUIET: the alert ends if no equal alert comes for some time. ALERT_UNTIL_ENDED: the
 * alert has a lasting cause. It ends when the caller raises an alert with state ALERT_OVER and the
 * same kind, uplink and object. */
enum alert_lifetime { ALERT_ONCE, ALERT_UNTIL_QUIET, ALERT_UNTIL_ENDED };
enum alert_lifetime alert_kind_lifetime(enum alert_kind k);
/* Return "critical" for a wrong egress or a wrong source address of flows, "warning" for another
 * problem, or "notice" for information. */
const char *alert_kind_severity(enum alert_kind k);

enum alert_state { ALERT_RAISED, ALERT_SUMMARY, ALERT_OVER };
const char *alert_state_name(enum alert_state s);

/* All facts of one alert. A string that does not apply is "". */
struct alert {
	enum alert_kind kind;
	enum alert_state state; /* callers of alerter_raise() set ALERT_RAISED or, to end an alert,
				 * ALERT_OVER */
	int64_t time_ms;
	char uplink[UPLINK_NAME_MAX];	/* the uplink that the alert is about; "" in an alert about
					 * a mismatch, which has `expected` instead */
	char expected[UPLINK_NAME_MAX]; /* uplink that the mark names */
	char egress[IFNAMSIZ];		/* interface that packets left by */
	char egress_uplink[UPLINK_NAME_MAX];
	char family[8];	      /* "ipv4", "ipv6" */
	char object[160];     /* a rule, route, table or file, as ip and nft name it */
	char process[32];     /* name of the process that caused the alert, if known */
	uint32_t pid;	      /* 0: unknown */
	const char *reason;   /* reason_name() or free text; "": none */
	const char *evidence; /* evidence_name(); "": none */
	int64_t flow_id;      /* 0: none */
	int64_t mismatch_id;
	uint8_t proto;
	struct endpoints tuple; /* original direction */
	int direction;		/* enum direction; -1: does not apply */
	uint32_t mark;
	char text[256]; /* one sentence for people */

	/* Set by the alerter. */
	uint64_t count;	  /* number of alerts that this message reports */
	uint64_t total;	  /* number of equal alerts from the first to this one */
	int64_t since_ms; /* time of the first alert that `total` counts */
};

/* Return "notice" if the message says that the alert is over, else the severity of the alert's
 * kind. */
const char *alert_severity_name(const struct alert *a);

/* Names of the host and of the router that send the alerts. */
struct alert_identity {
	char host[256], router[256];
};

struct alerter;

/* Return a new alerter, or NULL with errno. */
struct alerter *alerter_new(const struct alert_config *c);
/* Send all pending summaries, wait at most a few seconds until programs have ended and the webhook
 * has sent its alerts, and free the alerter. */
void alerter_free(struct alerter *a);
void alerter_set_config(struct alerter *a, const struct alert_config *c);
/* Set the router's name; the default is the host's name. */
void alerter_set_router(struct alerter *a, const char *router);

/* Functions of the store that the alerter calls. add() stores the body of a message to the webhook,
 * so that the body survives a restart. The alerter calls done() when the webhook has delivered or
 * dropped the body; the store then removes it. record() writes each message to the history. */
struct alert_outbox {
	void *data;
	int (*add)(void *data, int64_t id, int64_t time_ms, const char *body); /* 0 or -errno */
	void (*done)(void *data, int64_t id);
	void (*record)(void *data, const struct alert *alert); /* NULL: not recorded */
};
void alerter_set_outbox(struct alerter *a, const struct alert_outbox *o);

/* Send a body that an earlier run of waymarkd stored with add() and that the webhook has not
 * delivered yet. Call this for each such body, in ascending order of ids, before the first alert is
 * raised. If no webhook is configured, the body is dropped. Return 0 or -errno. */
int alerter_resume(struct alerter *a, int64_t id, const char *body);

/* Send an alert, or aggregate it. Never blocks. */
void alerter_raise(struct alerter *a, const struct alert *alert);

/* Keep a raised alert from ending, because its cause persists although no equal alert is raised.
 * The caller sets in *alert the current time, and the same kind, uplinks, egress, object and reason
 * as in the raised alert. Return false if the raised alert is over or was never raised. */
bool alerter_goes_on(struct alerter *a, const struct alert *alert);

/* Send no alerts about this uplink before until_ms. If uplink is "", send no alerts at all before
 * until_ms. If until_ms is 0, end such a silence now. The string `by` names the user who requested
 * the silence. Silenced messages are written to the history and counted, but not sent. */
#define ALERT_BY_MAX 128
void alerter_silence(struct alerter *a, const char *uplink, int64_t until_ms, const char *by);
/* Call fn for each silence that has not expired. */
typedef void alerter_silence_fn(void *data, const char *uplink, int64_t until_ms, const char *by);
void alerter_silences(const struct alerter *a, alerter_silence_fn *fn, void *data);

/* Do the periodic work: reap programs, kill programs that exceed their time limit, and send the
 * messages that are due. Call at least once per second. */
void alerter_tick(struct alerter *a, int64_t now_ms);

struct alerter_stats {
	uint64_t raised, sent, aggregated, silenced;
	/* number of summaries, plus the number of messages that report the end of an alert because
	 * no equal alert came. raised = sent + silenced - summaries + aggregated */
	uint64_t summaries;
	uint64_t failed; /* number of failures of all sinks: lost alerts, failed programs, refused
			  * settings */
	uint64_t reused; /* number of times that the table of sent alerts was full and a new alert
			  * took over an old entry */
	uint32_t children;
	uint64_t programs_failed; /* only waymarkd sets it; also counted in `failed` */
	char program_error[160];  /* error of the last program that failed; "": none */
	uint64_t unwritten;	  /* number of failures to write the JSON file; also counted in
				   * `failed` */
	char write_error[160];	  /* error of the last failure to write; "": none */
	char last_error[160];	  /* error of the last failure of any sink; "": none */
	struct {
		uint32_t pending;
		uint64_t delivered, retries, dropped;
		char last_error[160]; /* error of the last delivery if it failed; else "" */
	} webhook;
};
void alerter_stats(const struct alerter *a, struct alerter_stats *out);

/* Send one test alert through each configured sink, one sink after the other. For each sink, call
 * fn with the sink's name, its target, and an error message (NULL: success). Return the number of
 * configured sinks. */
typedef void alerter_test_fn(void *data, const char *sink, const char *target, const char *error);
unsigned alerter_test(const struct alert_config *c, int64_t (*now_ms)(void), alerter_test_fn *fn,
		      void *data);

#endif
