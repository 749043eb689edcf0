/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error_lines.c - collects lines in a memory stream, and prints them as messages of waymark.
 */
#include "cli/error_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int error_lines_open(struct error_lines *r)
{
	r->text = NULL;
	r->stream = open_memstream(&r->text, &r->size);
	return r->stream ? 0 : -errno;
}

void error_lines_each(struct error_lines *r, error_lines_line_fn *fn, void *data)
{
	char *rest, *line;

	if (r->stream)
		fclose(r->stream);
	rest = r->text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			fn(data, line);
	free(r->text);
	r->stream = NULL;
	r->text = NULL;
}

static void line_print(void *data, const char *line)
{
	*(size_t *)data += 1;
	cli_error("%s", line);
}

void error_lines_close(struct error_lines *r, const char *what, int err)
{
	size_t lines = 0;

	error_lines_each(r, line_print, &lines);
	if (err && !lines)
		cli_error("%s: %s", what, strerror(-err));
}
