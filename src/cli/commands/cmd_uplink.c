/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_uplink.c - `waymark uplink NAME up|down|drain|auto [--for DURATION]`: sends an
 * operator's decision about an uplink to the daemon, which stores it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/uplink_name.h"
#include "waymark/base/suggest.h"
#include "waymark/base/units.h"
#include "waymark/status/answer.h"

/* Return CLI_DONE if text is "up", "down", "drain" or "auto". Otherwise print a message and return
 * CLI_USAGE. */
static enum exit_status word_check(const char *text)
{
	static const char *const words[] = {"up", "down", "drain", "auto"};
	struct suggestion s;

	suggest_start(&s, text);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], text) == 0)
			return CLI_DONE;
		suggest_consider(&s, words[i]);
	}
	cli_error("uplink: \"%s\": expected up, down, drain or auto%s%s", text,
		  s.best ? "; did you mean " : "", s.best ? s.best : "");
	return CLI_USAGE;
}

static enum exit_status request_fill(const struct invocation *in, char *request, size_t size)
{
	const char *name = in->operands[0], *word = in->operands[1];
	uint64_t for_s = 0;

	if (!name || !word) {
		cli_error("uplink: expected the name of an uplink, and up, down, drain or auto");
		return CLI_USAGE;
	}
	if (word_check(word) != CLI_DONE)
		return CLI_USAGE;
	if (in->values[OPTION_FOR] &&
	    (duration_parse(&for_s, in->values[OPTION_FOR]) < 0 || !for_s)) {
		cli_error("uplink: --for '%s' is not a duration; write it like 2h or 30min",
			  in->values[OPTION_FOR]);
		return CLI_USAGE;
	}
	snprintf(request, size, "uplink %s %s %" PRIu64, name, word, for_s);
	return CLI_DONE;
}

static enum exit_status decide(const struct invocation *in, const char *path, const char *request)
{
	enum exit_status status = CLI_DONE;
	struct answer a = {0};
	char *text = NULL;
	int err = client_ask(path, request, &text);

	if (!err)
		err = answer_parse(&a, text);
	free(text);
	if (err)
		return client_explain(path, err);
	if (a.error) {
		cli_error("uplink: %s", a.error);
		status = CLI_FAILED;
	} else {
		printf("uplink %s: %s\n", in->operands[0], in->operands[1]);
	}
	answer_free(&a);
	return status;
}

enum exit_status cmd_uplink(const struct invocation *in)
{
	char request[256], *path;
	enum exit_status status = request_fill(in, request, sizeof(request));

	if (status != CLI_DONE)
		return status;
	path = cli_socket(in);
	if (!path)
		return CLI_FAILED;
	status = uplink_name_check(in, path, in->operands[0]);
	if (status == CLI_DONE)
		status = decide(in, path, request);
	free(path);
	return status;
}
