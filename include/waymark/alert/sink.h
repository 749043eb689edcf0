/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sink.h - the interface of a place that takes alerts. A new sink is one file with a struct sink,
 * its row in the table of sink.c, and a key in the configuration. In waymarkd, src/talker replaces
 * the sinks that run programs or talk to servers.
 *
 * No sink blocks. Alerts that a sink cannot take are counted, with the last error as text.
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
	uint32_t running; /* programs that run, or wait to run */
	uint64_t programs_failed;
	char program_error[160]; /* of the last one that failed; "" */
	uint64_t unwritten;	 /* lines that are not in their file, or not at once */
	char write_error[160];	 /* of the last one; "" */
	uint32_t pending;	 /* alerts that are not acknowledged */
	uint64_t delivered, retries, dropped;
	char last_error[160]; /* of the last attempt, if it failed; "" */
};

/* Optional functions may be NULL. */
struct sink {
	const char *name; /* the key of section alert that turns it on */
	/* Return where alerts go, without secrets, or NULL: off. */
	const char *(*target)(const struct alert_config *c);
	/* Optional: create the sink's state. data: of alerter_new_with; s outlives the state.
	 * NULL with errno. */
	void *(*open)(void *data, struct sink_status *s);
	/* Optional: stop within a moment, before the last settled() and close(). */
	void (*stop)(void *self);
	/* Free the state. */
	void (*close)(void *self);
	/* Optional: take another configuration. 0 or -errno. */
	int (*configure)(void *self, const struct alert_config *c);
	/* Send one alert, or queue it. */
	void (*send)(void *self, const struct alert_config *c, const struct sink_message *m,
		     struct sink_status *s);
	/* Optional: reap, retry, expire. */
	void (*tick)(void *self, int64_t now_ms);
	void (*stats)(void *self, struct sink_stats *out);

	/* For a sink that acknowledges, in place of send: its bodies are kept across a restart
	 * until settled() returns their id. body() returns malloc'd text or NULL with errno. */
	char *(*body)(void *self, const struct alert_config *c, const struct sink_message *m);
	int (*push)(void *self, int64_t id, const char *body); /* 0 or -errno */
	int64_t (*settled)(void *self);			       /* 0: no more */
};

/* Every sink, ended by NULL. */
#define SINKS_MAX 8
extern const struct sink *const sink_table[SINKS_MAX];

/* As alerter_new; a sink of the list replaces that of the same name. instead ends with NULL,
 * or is NULL. data: for the sinks' open(). */
struct alerter *alerter_new_with(const struct alert_config *c, const struct sink *const *instead,
				 void *data);

#endif
