/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_alert.c - `waymark alert silence --for DURATION [--uplink U]`, `alert unsilence`, `alert
 * list`: silences alerts during maintenance, ends a silence, or lists the silences. The history
 * records which user silenced the alerts.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/uplink_name.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

static enum exit_status seconds_read(const struct invocation *in, uint64_t *seconds)
{
	const char *given = in->values[OPTION_FOR];

	if (!given) {
		cli_error("alert silence: --for DURATION is missing; write it like 2h or 30min");
		return CLI_USAGE;
	}
	if (duration_parse(seconds, given) < 0 || !*seconds) {
		cli_error("alert silence: --for '%s' is not a duration; write it like 2h or 30min",
			  given);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static enum exit_status request_fill(const struct invocation *in, char *request, size_t size)
{
	const char *word = in->operand ? in->operand : "";
	const char *uplink = in->values[OPTION_UPLINK] ? in->values[OPTION_UPLINK] : "";
	uint64_t seconds = 0;

	if (!strcmp(word, "silence")) {
		if (seconds_read(in, &seconds) != CLI_DONE)
			return CLI_USAGE;
		snprintf(request, size, "silence %" PRIu64 " %s", seconds, uplink);
	} else if (!strcmp(word, "unsilence")) {
		snprintf(request, size, "silence 0 %s", uplink);
	} else if (!strcmp(word, "list")) {
		snprintf(request, size, "silences");
	} else {
		cli_error("alert: expected 'alert silence --for DURATION', 'alert unsilence' or "
			  "'alert list'");
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void silences_show(const json_t *list)
{
	char until[TIMES_STRLEN];
	const json_t *one;
	int64_t ms;
	size_t i;

	if (!json_array_size(list))
		puts("no alerts are silenced");
	json_array_foreach(list, i, one)
	{
		const char *uplink = text_of(one, "uplink"), *iso = text_of(one, "until");

		if (!iso || times_parse_iso(iso, &ms) < 0)
			continue;
		printf("alerts of %s are silenced until %s, by %s\n",
		       uplink ? uplink : "all uplinks", times_format(ms, TIMES_DATED, until),
		       text_of(one, "by") ? text_of(one, "by") : "?");
	}
}

static enum exit_status answer_show(const struct invocation *in, const char *text)
{
	json_t *answer = json_loads(text, 0, NULL), *list = json_object_get(answer, "silences");
	const char *error = text_of(answer, "error");
	enum exit_status status = list ? CLI_DONE : CLI_FAILED;

	if (!list)
		cli_error("alert: %s", error ? error : "invalid reply from waymarkd");
	else if (in->style.format == RENDER_JSON)
		json_dumpf(list, stdout, JSON_COMPACT);
	else
		silences_show(list);
	if (list && in->style.format == RENDER_JSON)
		putchar('\n');
	json_decref(answer);
	return status;
}

enum exit_status cmd_alert(const struct invocation *in)
{
	char request[256], *path, *text = NULL;
	enum exit_status status = request_fill(in, request, sizeof(request));
	int err;

	if (status != CLI_DONE)
		return status;
	path = cli_socket(in);
	if (!path)
		return CLI_FAILED;
	if (in->values[OPTION_UPLINK])
		status = uplink_name_check(in, path, in->values[OPTION_UPLINK]);
	if (status == CLI_DONE) {
		err = client_ask(path, request, &text);
		status = err ? client_explain(path, err) : answer_show(in, text);
	}
	free(text);
	free(path);
	return status;
}
