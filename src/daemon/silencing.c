/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * silencing.c - lets an operator silence alerts, for maintenance. When a user begins a silence or
 * ends one early, the history gets a record with the name of the user.
 *
 * A silence ends when waymarkd stops. Must not know the kinds of alerts.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/peer.h"
#include "daemon/publish.h"
#include "daemon/silencing.h"
#include "waymark/alert/alert.h"
#include "waymark/base/clock.h"
#include "waymark/base/times.h"

#define SECONDS_MAX (366 * INT64_C(86400))

static void silence_list(void *data, const char *uplink, int64_t until_ms, const char *by)
{
	char until[TIMES_STRLEN];

	json_array_append_new(data,
			      json_pack("{s:s?, s:s, s:s}", "uplink", *uplink ? uplink : NULL,
					"until", times_format_iso(until_ms, until), "by", by));
}

static char *silences_print(const struct daemon *d)
{
	json_t *list = json_array(), *answer;
	char *text;

	alerter_silences(d->alerter, silence_list, list);
	answer = json_pack("{s:o}", "silences", list);
	text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	json_decref(answer);
	return text;
}

static char *refuse(const char *why, const char *what)
{
	json_t *answer = json_pack("{s:s+}", "error", why, what);
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	return text;
}

static void silence_record(struct daemon *d, const char *uplink, int64_t until_ms, const char *by)
{
	struct alert_record *row = calloc(1, sizeof(*row));
	struct record r = {.type = RECORD_ALERT, .alert = row};
	char until[TIMES_STRLEN];

	if (!row)
		return;
	row->time_ms = clock_now_ms();
	row->count = 1;
	snprintf(row->kind, sizeof(row->kind), "silence");
	snprintf(row->severity, sizeof(row->severity), "notice");
	snprintf(row->state, sizeof(row->state), until_ms ? "raised" : "over");
	snprintf(row->uplinks, sizeof(row->uplinks), "%s", uplink);
	snprintf(row->reason, sizeof(row->reason), "operator");
	snprintf(row->text, sizeof(row->text), "alerts %s%s are %s%s, by %s",
		 *uplink ? "of " : "of all uplinks", uplink,
		 until_ms ? "silenced until " : "no longer silenced",
		 until_ms ? times_format_iso(until_ms, until) : "", by);
	log_notice("%s", row->text);
	publish_record(d, &r);
}

static char *silence(struct daemon *d, const char *request, const struct control_peer *peer)
{
	char uplink[UPLINK_NAME_MAX] = "", user[PEER_NAME], process[PEER_NAME], by[ALERT_BY_MAX];
	int64_t for_s = -1, until_ms;

	if (sscanf(request, "%" SCNd64 " %31s", &for_s, uplink) < 1 || for_s < 0 ||
	    for_s > SECONDS_MAX)
		return refuse(
			"invalid request: expected silence SECONDS [UPLINK], at most one year", "");
	if (*uplink && !config_uplink_by_name(d->config, uplink))
		return refuse("no such uplink: ", uplink);
	peer_describe(peer, user, process);
	snprintf(by, sizeof(by), "user %s, process %s (pid %d)", user, process, (int)peer->pid);
	until_ms = for_s ? clock_now_ms() + for_s * 1000 : 0;
	alerter_silence(d->alerter, uplink, until_ms, by);
	silence_record(d, uplink, until_ms, by);
	return silences_print(d);
}

char *silencing_answer(struct daemon *d, const char *command, const struct control_peer *peer)
{
	if (!strcmp(command, "silences"))
		return silences_print(d);
	if (!strncmp(command, "silence ", 8))
		return silence(d, command + 8, peer);
	errno = ENOENT;
	return NULL;
}
