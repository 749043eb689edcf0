/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec_sink.c - sends alerts to the talker, which runs the alert program. If the talker cannot take
 * an alert at once, the alert is counted as failed and dropped, because an alert that the program
 * gets hours later does not help.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talker/talker_internal.h"
#include "waymark/alert/facts.h"

struct exec_state {
	struct talker *talker;
	struct sink_status *status;
	uint64_t failed;
	char error[160]; /* message of the last failure */
};

static const char *sink_target(const struct alert_config *c)
{
	return c->exec;
}

static void *sink_open(void *data, struct sink_status *status)
{
	struct exec_state *s = calloc(1, sizeof(*s));

	if (s)
		*s = (struct exec_state){.talker = data, .status = status};
	return s;
}

static void sink_close(void *self)
{
	free(self);
}

static const char *error_text(int err)
{
	return err == -EHOSTDOWN ? "waymark-talker does not answer"
	       : err == -EAGAIN	 ? "waymark-talker is overloaded"
				 : strerror(-err);
}

static int program_send(struct talker *t, const char *path, const struct sink_message *m)
{
	char **environment = facts_environment(m->facts);
	struct frame *f = talker_frame(t, FRAME_PROGRAM, 0);

	if (!environment)
		return -errno;
	frame_put(f, path);
	frame_put(f, m->line);
	for (char **variable = environment; *variable; variable++)
		frame_put(f, *variable);
	facts_environment_free(environment);
	return talker_is_working(t) ? talker_send(t, -1) : -EHOSTDOWN;
}

static void failed_count(struct exec_state *s, uint64_t n, const char *error)
{
	sink_fail(s->status, "%s", error);
	s->status->failed += n - 1;
	s->failed += n;
	snprintf(s->error, sizeof(s->error), "%s", s->status->last_error);
}

static void sink_send(void *self, const struct alert_config *c, const struct sink_message *m,
		      struct sink_status *status)
{
	struct exec_state *s = self;
	int err = program_send(s->talker, c->exec, m);
	char text[256];

	(void)status;
	if (!err)
		return;
	snprintf(text, sizeof(text), "alert exec '%s': %s", c->exec, error_text(err));
	failed_count(s, 1, text);
}

static void sink_tick(void *self, int64_t now_ms)
{
	struct exec_state *s = self;
	struct worker_status news = talker_status_news(s->talker, READER_EXEC);

	(void)now_ms;
	if (news.programs_failed > 0)
		failed_count(s, (uint64_t)news.programs_failed, news.program_error);
}

static void sink_stats_get(void *self, struct sink_stats *out)
{
	const struct exec_state *s = self;

	out->running = (uint32_t)talker_programs(s->talker);
	out->programs_failed = s->failed;
	memcpy(out->program_error, s->error, sizeof(out->program_error));
}

const struct sink talker_exec_sink = {
	.name = "exec",
	.target = sink_target,
	.open = sink_open,
	.close = sink_close,
	.send = sink_send,
	.tick = sink_tick,
	.stats = sink_stats_get,
};
