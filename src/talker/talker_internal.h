/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talker_internal.h - the talker as its sinks see it.
 */
#ifndef WAYMARK_SRC_TALKER_TALKER_INTERNAL_H
#define WAYMARK_SRC_TALKER_TALKER_INTERNAL_H

#include "talker/frame.h"
#include "talker/worker.h"
#include "waymark/talker/talker.h"

/* The one frame to build and send; valid until the next call of this room. */
struct frame *talker_frame(struct talker *t, enum frame_type type, int64_t number);
/* Send it. 0, -EAGAIN: full; -EHOSTDOWN: no process answers. */
int talker_send(struct talker *t, int pass_fd);
/* Return whether an alert handed out now would be taken. */
bool talker_is_working(const struct talker *t);

/* Return how much the worker's counters grew since the last call by this reader; those of a
 * restarted worker count from 0. */
enum talker_reader { READER_EXEC, READER_WEBHOOK, READERS };
struct worker_status talker_status_news(struct talker *t, enum talker_reader reader);
int64_t talker_programs(const struct talker *t);
/* Why the last request to the webhook failed; "". */
void talker_webhook_error(const struct talker *t, char *to, size_t size);

/* Called with each id that the webhook has settled, and when a worker has started that
 * knows nothing yet. */
struct talker_webhook_events {
	void *data;
	void (*settled)(void *data, int64_t id);
	void (*started)(void *data);
};
void talker_set_webhook(struct talker *t, const struct talker_webhook_events *e);

/* The rows of talker_sinks. */
extern const struct sink talker_exec_sink, talker_webhook_sink;

#endif
