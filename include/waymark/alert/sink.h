/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sink.h - the interface of a sink, which delivers alerts to one destination. A new sink needs a
 * file with a struct sink, a row in the table of sink.c, and a key in the configuration. waymarkd
 * replaces the sinks that run programs or connect to servers by the sinks of src/talker, which do
 * this in another process.
 *
 * No sink blocks. If a sink cannot take an alert, it counts a failure and keeps the error message
 * (sink_fail()).
 */
#ifndef WAYMARK_ALERT_SINK_H
#define WAYMARK_ALERT_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/alert/facts.h"

struct sink_status {
	uint64_t failed;
	char last_error[160];
};
/* Count a failure and keep its message. */
void __attribute__((format(printf, 2, 3)))
sink_fail(struct sink_status *s, const char *format, ...);

/* One alert in the forms that sinks need. Valid during the call. */
struct sink_message {
	const struct alert *alert;
	const struct facts *facts;
	const char *line; /* a JSON object on one line, with its line end */
};

struct sink_stats {
	uint32_t running; /* number of running programs; at least 1 while programs are queued */
	uint64_t programs_failed;
	char program_error[160]; /* error of the last program that failed; "": none */
	/* number of lost lines, plus the number of times that lines had to wait for the disk */
	uint64_t unwritten;
	char write_error[160]; /* error of the last failure that `unwritten` counts; "": none */
	uint32_t pending;      /* alerts that the destination has not acknowledged */
	uint64_t delivered, retries, dropped;
	char last_error[160]; /* error of the last delivery if it failed; else "" */
};

/* A function that is marked as optional can be NULL. */
struct sink {
	const char *name; /* the configuration key in section alert that turns the sink on */
	/* Return the destination of the alerts, without secrets, or NULL if the sink is off. */
	const char *(*target)(const struct alert_config *c);
	/* Optional: create the sink's state. data is the argument of alerter_new_with(); s outlives
	 * the state. On failure return NULL with errno. */
	void *(*open)(void *data, struct sink_status *s);
	/* Optional: end all work within a few seconds. Afterwards the alerter calls settled() for
	 * the last time, and then close(). */
	void (*stop)(void *self);
	/* Free the state. */
	void (*close)(void *self);
	/* Optional: take a new configuration. Return 0 or -errno. */
	int (*configure)(void *self, const struct alert_config *c);
	/* Send one alert, or queue it. */
	void (*send)(void *self, const struct alert_config *c, const struct sink_message *m,
		     struct sink_status *s);
	/* Optional: do periodic work, such as reaping programs. Called by alerter_tick(). */
	void (*tick)(void *self, int64_t now_ms);
	void (*stats)(void *self, struct sink_stats *out);

	/* A sink whose destination acknowledges alerts has body(), push() and settled() instead of
	 * send(). body() returns the text to send, malloc'd, or NULL with errno. push() queues this
	 * text. settled() returns the id of an alert that was delivered or dropped. Until settled()
	 * has returned the id, the outbox (alert.h) keeps the text, even across a restart of
	 * waymarkd. */
	char *(*body)(void *self, const struct alert_config *c, const struct sink_message *m);
	int (*push)(void *self, int64_t id, const char *body); /* 0 or -errno */
	int64_t (*settled)(void *self);			       /* one id per call; 0: no more */
};

/* Every sink, ended by NULL. */
#define SINKS_MAX 8
extern const struct sink *const sink_table[SINKS_MAX];

/* Create an alerter as alerter_new() does, but with other sinks: if a sink in the list `instead`
 * has the same name as a sink of sink_table, it replaces that sink. The list ends with NULL; if
 * `instead` is NULL, no sink is replaced. data is passed to the sinks' open(). */
struct alerter *alerter_new_with(const struct alert_config *c, const struct sink *const *instead,
				 void *data);

#endif
