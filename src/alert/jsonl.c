/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsonl.c - alerts as lines of JSON in a file.
 *
 * It knows lines, not what they say.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "waymark/alert/sink.h"

/* Half a line would spoil the next one: a file is cut back to what it was. */
static void line_undo(int fd, const struct stat *before)
{
	if (S_ISREG(before->st_mode) && ftruncate(fd, before->st_size) < 0)
		return;
}

static int line_append(int fd, const char *line)
{
	size_t length = strlen(line);
	struct stat before;
	ssize_t n;

	if (fstat(fd, &before) < 0)
		return -errno;
	n = write(fd, line, length);
	if (n < 0)
		return -errno;
	if ((size_t)n == length)
		return 0;
	line_undo(fd, &before);
	return -ENOSPC;
}

static const char *jsonl_target(const struct alert_config *c)
{
	return c->json;
}

/* The file is opened for each line, so that it may be rotated. A FIFO without a reader and
 * a full disk are failures. The process ignores SIGPIPE. */
static void jsonl_send(void *self, const struct alert_config *c, const struct sink_message *m,
		       struct sink_status *s)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(c->json, flags, 0640);
	int err = fd < 0 ? -errno : line_append(fd, m->line);

	(void)self;
	if (fd >= 0)
		close(fd);
	if (err < 0)
		sink_fail(s, "alert json '%s': %s", c->json, strerror(-err));
}

const struct sink jsonl_sink = {.name = "json", .target = jsonl_target, .send = jsonl_send};
