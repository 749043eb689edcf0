/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talker_internal.h - the functions of the talker that its sinks use.
 */
#ifndef WAYMARK_SRC_TALKER_TALKER_INTERNAL_H
#define WAYMARK_SRC_TALKER_TALKER_INTERNAL_H

#include "talker/frame.h"
#include "talker/worker.h"
#include "waymark/talker/talker.h"

/* Begin a frame and return it; send it with talker_send(). There is only one frame per talker,
 * which the next call of any talker function can overwrite. */
struct frame *talker_frame(struct talker *t, enum frame_type type, int64_t number);
/* Send the frame of talker_frame(). Return 0, -EAGAIN if the channel is full, or -EHOSTDOWN if the
 * talker has exited. */
int talker_send(struct talker *t, int pass_fd);
/* Return whether the talker accepts alerts now. */
bool talker_is_working(const struct talker *t);

/* Return how much the worker's counters grew since the last call with the same `reader`. Each sink
 * is a reader of its own. The counters of a restarted worker begin at 0. */
enum talker_reader { READER_EXEC, READER_WEBHOOK, READERS };
struct worker_status talker_status_news(struct talker *t, enum talker_reader reader);
int64_t talker_programs(const struct talker *t);
/* Write to buf why the last request to the webhook failed, or "" if it did not fail. */
void talker_webhook_error(const struct talker *t, char *buf, size_t size);

/* The talker calls settled() with the id of each alert that the webhook has delivered or dropped.
 * It calls started() when a new worker has started. The new worker must get the settings and alerts
 * again. */
struct talker_webhook_events {
	void *data;
	void (*settled)(void *data, int64_t id);
	void (*started)(void *data);
};
void talker_set_webhook(struct talker *t, const struct talker_webhook_events *e);

/* The elements of talker_sinks[]. */
extern const struct sink talker_exec_sink, talker_webhook_sink;

#endif
