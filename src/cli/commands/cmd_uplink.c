/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_uplink.c - `waymark uplink NAME up|down|drain|auto [--for DURATION]`: hands an
 * operator's word to the daemon, which keeps it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "waymark/base/units.h"
#include "waymark/status/answer.h"

static bool is_word(const char *text)
{
	static const char *const words[] = {"up", "down", "drain", "auto"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text) == 0)
			return true;
	return false;
}

static enum exit_status request_fill(const struct invocation *in, char *request, size_t size)
{
	const char *name = in->operands[0], *word = in->operands[1];
	uint64_t for_s = 0;

	if (!name || !word || !is_word(word)) {
		cli_error("uplink: write uplink NAME up, down, drain or auto");
		return CLI_USAGE;
	}
	if (strlen(name) > 60 || strpbrk(name, " \"\\\n")) {
		cli_error("uplink: no such uplink: '%s'", name);
		return CLI_FAILED;
	}
	if (in->values[OPTION_FOR] &&
	    (duration_parse(&for_s, in->values[OPTION_FOR]) < 0 || !for_s)) {
		cli_error("uplink: --for '%s' is not a duration; write it like 2h or 30min",
			  in->values[OPTION_FOR]);
		return CLI_USAGE;
	}
	snprintf(request, size, "uplink %s %s %" PRIu64, name, word, for_s);
	return CLI_DONE;
}

enum exit_status cmd_uplink(const struct invocation *in)
{
	char request[120];
	enum exit_status status = request_fill(in, request, sizeof(request));
	struct config *c;
	struct answer a = {0};
	char *text = NULL;
	int err;

	if (status != CLI_DONE)
		return status;
	c = cli_config(in);
	if (!c)
		return CLI_FAILED;
	err = client_ask(c->control_socket, request, &text);
	if (!err)
		err = answer_parse(&a, text);
	if (err) {
		status = client_explain(c->control_socket, err);
	} else if (a.error) {
		cli_error("uplink: %s", a.error);
		status = CLI_FAILED;
	} else {
		printf("uplink %s: %s\n", in->operands[0], in->operands[1]);
	}
	if (!err)
		answer_free(&a);
	free(text);
	config_free(c);
	return status;
}
