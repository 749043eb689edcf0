/* SPDX-License-Identifier: GPL-2.0-or-later */
/* commands.c - decides which commands a client of the control socket is allowed to send, and runs
 * the commands. */
#include "daemon/commands.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/coverage.h"
#include "daemon/daemon.h"
#include "daemon/live.h"
#include "daemon/operator.h"
#include "daemon/status.h"
#include "daemon/uplink_control.h"
#include "daemon/silencing.h"
#include "waymark/status/answer.h"
#include "waymark/store/store.h"

/* Return the status as print() formats it, or NULL with errno. */
static char *answer_print(const struct daemon *d, char *(*print)(const struct answer *))
{
	struct answer a;
	char *text = NULL;
	int err = status_fill(d, &a);

	if (!err)
		text = print(&a);
	answer_free(&a);
	if (!text)
		errno = ENOMEM;
	return text;
}

static char *uplink_answer(struct daemon *d, const char *request, const struct control_peer *peer)
{
	int err;
	char *why = uplink_control_obey(d, request, peer, &err);
	json_t *answer = err ? json_pack("{s:s}", "error", why ? why : strerror(-err)) : NULL;
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	free(why);
	json_decref(answer);
	return err ? text : answer_print(d, answer_json);
}

static char *forget_answer(const struct daemon *d, const char *text)
{
	struct addr host;
	int err = addr_parse(&host, text) ? -EINVAL : writer_forget(d->writer, &host);

	if (!err)
		return answer_print(d, answer_json);
	errno = -err;
	return NULL;
}

bool commands_may(const struct control_peer *peer, const char *command)
{
	static const char *const questions[] = {"status", "uplinks", "look", "watch", "silences"};

	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		if (!strcmp(command, questions[i]))
			return true;
	return !strncmp(command, "live ", 5) || peer->uid == 0 || peer->uid == geteuid();
}

char *commands_answer(void *data, const char *command, const struct control_peer *peer)
{
	struct daemon *d = data;
	char *text = operator_answer(d, command, peer);

	if (text || errno != ENOENT)
		return text;
	text = silencing_answer(d, command, peer);
	if (text || errno != ENOENT)
		return text;
	if (!strncmp(command, "uplink ", 7))
		return uplink_answer(d, command + 7, peer);
	if (!strncmp(command, "live ", 5))
		return live_answer(d, command + 5, clock_now_ms());
	if (!strcmp(command, "uplinks"))
		return answer_print(d, answer_uplinks_json);
	if (!strncmp(command, "forget ", 7))
		return forget_answer(d, command + 7);
	if (!strcmp(command, "prune"))
		writer_prune(d->writer);
	else if (!strcmp(command, "look"))
		coverage_ask(d, clock_now_ms());
	else if (strcmp(command, "status")) {
		errno = ENOENT;
		return NULL;
	}
	return answer_print(d, answer_json);
}
