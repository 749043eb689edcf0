/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli.c - prints messages, reads the configuration and checks the privileges for commands.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/error_lines.h"
#include "waymark/base/suggest.h"
#include "waymark/kernel/privilege.h"

void cli_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("waymark: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

bool cli_ask(const char *format, ...)
{
	char answer[8] = "";
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

char *cli_socket(const struct invocation *in)
{
	const char *given = in->values[OPTION_SOCKET];
	struct config *config = given ? NULL : cli_config(in);
	char *path = NULL;

	if (given || config)
		path = strdup(given ? given : config->control_socket);
	if (!path && (given || config))
		cli_error("cannot read the path of the control socket: out of memory");
	config_free(config);
	return path;
}

struct config *cli_config(const struct invocation *in)
{
	struct config *config = NULL;
	struct error_lines errors;
	int err = error_lines_open(&errors);

	if (!err)
		err = config_load(&config, in->config_path, errors.stream);
	error_lines_close(&errors, in->config_path, err);
	return config;
}

bool cli_has_privilege(const struct invocation *in)
{
	if (privilege_has_net_admin())
		return true;
	cli_error("%s needs CAP_NET_ADMIN; run it as root", in->command->name);
	return false;
}

enum exit_status cli_render_end(struct render *r)
{
	int err = render_end(r);

	if (!err || err == -EPIPE)
		return err ? CLI_FAILED : CLI_DONE;
	cli_error("cannot write the output: %s", strerror(-err));
	return CLI_FAILED;
}
