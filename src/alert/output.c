/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.c - reads a program's output from a pipe without blocking. Bytes other than printable
 * ASCII are replaced by '?', because they could be control sequences for the terminal that shows
 * the output. Output beyond the limit is read and dropped, so that the program does not block on a
 * full pipe.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "waymark/alert/output.h"

#define LINE_BYTES 256

struct output {
	int fd;
	size_t taken; /* number of bytes that were not dropped, at most EXEC_OUTPUT_BYTES */
	size_t n;     /* number of bytes in line[] */
	char line[LINE_BYTES]; /* the beginning of a line whose end has not been read */
};

struct output *output_open(int *fd)
{
	struct output *o = calloc(1, sizeof(*o));
	int ends[2];

	*fd = -1;
	if (!o || pipe2(ends, O_CLOEXEC)) {
		free(o);
		return NULL;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	o->fd = ends[0];
	*fd = ends[1];
	return o;
}

void output_close(struct output *o)
{
	if (!o)
		return;
	close(o->fd);
	free(o);
}

static void line_end(struct output *o, const char *path, exec_output_fn *fn, void *data)
{
	o->line[o->n] = '\0';
	if (o->n)
		fn(data, path, o->line);
	o->n = 0;
}

static void byte_take(struct output *o, char c, const char *path, exec_output_fn *fn, void *data)
{
	if (o->taken >= EXEC_OUTPUT_BYTES)
		return;
	o->taken++;
	if (c != '\n')
		o->line[o->n++] = (char)(c < ' ' || c > '~' ? '?' : c);
	if (c == '\n' || o->n == LINE_BYTES - 1)
		line_end(o, path, fn, data);
	if (o->taken < EXEC_OUTPUT_BYTES)
		return;
	line_end(o, path, fn, data);
	fn(data, path, "(the rest of the program's output is dropped)");
}

void output_take(struct output *o, const char *path, exec_output_fn *fn, void *data)
{
	char part[1024];
	ssize_t n = 0;

	/* Limit the reads per call, because a program can write without end. */
	for (int turn = 0; o && turn < 64; turn++) {
		n = read(o->fd, part, sizeof(part));
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			byte_take(o, part[i], path, fn, data);
	}
	if (o && n == 0)
		line_end(o, path, fn, data);
}
