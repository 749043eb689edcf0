/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database.c - finds the path of the history: from --database, from the daemon if --socket is
 * given, or from the configuration. It does not open the history.
 */
#include "cli/database.h"

#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

static enum exit_status path_keep(char **path, const char *given)
{
	*path = strdup(given);
	if (*path)
		return CLI_DONE;
	cli_error("cannot open the history: out of memory");
	return CLI_FAILED;
}

/* Ask the daemon for the path, which daemons of earlier versions do not report. */
static enum exit_status database_ask(const char *socket, char **path)
{
	enum exit_status status = CLI_FAILED;
	struct answer a;
	int err = client_answer(socket, "status", &a);

	if (err)
		return client_explain(socket, err);
	if (a.database)
		status = path_keep(path, a.database);
	else
		cli_error("waymarkd at %s did not report the path of its history (name it: "
			  "--database FILE)",
			  socket);
	answer_free(&a);
	return status;
}

enum exit_status database_find(const struct invocation *in, char **path)
{
	enum exit_status status = CLI_FAILED;
	struct config *config;

	*path = NULL;
	if (in->values[OPTION_DATABASE])
		return path_keep(path, in->values[OPTION_DATABASE]);
	if (in->values[OPTION_SOCKET])
		return database_ask(in->values[OPTION_SOCKET], path);
	config = cli_config(in);
	if (config)
		status = path_keep(path, config->database);
	config_free(config);
	return status;
}
