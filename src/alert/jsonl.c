/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsonl.c - writes alerts as lines of JSON to a file. A separate thread writes, so that a disk that
 * hangs does not block the caller.
 *
 * Must not know the contents of a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "waymark/alert/sink.h"
#include "waymark/base/disk_worker.h"

/* Remove a line that was written only in part: truncate the file to its size before the write.
 * Otherwise the next line would be appended to this part. */
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

/* Append one line to the file at `path`. Open the file for each line, so that it can be rotated.
 * Return 0 or -errno. If the file is a FIFO without a reader, open() fails because of O_NONBLOCK,
 * or write() fails because the process ignores SIGPIPE. */
static int line_write(const char *path, const char *line)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, flags, 0640);
	int err = fd < 0 ? -errno : line_append(fd, line);

	if (fd >= 0)
		close(fd);
	return err;
}

struct jsonl {
	struct disk_worker *worker; /* created when the first line is sent */
	struct sink_status *status;
	char path[128];	    /* path of the file for the latest line; used in error messages */
	bool is_waiting;    /* the latest line had to wait for the disk, or was lost */
	uint64_t unwritten; /* see struct sink_stats */
	char error[160];
};

static void *jsonl_open(void *data, struct sink_status *status)
{
	struct jsonl *j = calloc(1, sizeof(*j));

	(void)data;
	if (j)
		j->status = status;
	return j;
}

static void jsonl_close(void *self)
{
	struct jsonl *j = self;

	disk_worker_free(j->worker);
	free(j);
}

static void line_fail(struct jsonl *j, const char *why)
{
	j->unwritten++;
	snprintf(j->error, sizeof(j->error), "alert json '%.90s': %s", j->path, why);
	sink_fail(j->status, "%s", j->error);
}

/* Note whether the latest line has to wait for the disk. Count a failure only for the first of
 * several consecutive lines that wait. */
static void wait_note(struct jsonl *j, bool is_waiting)
{
	if (is_waiting && !j->is_waiting)
		line_fail(j, "the disk does not answer; lines wait in memory");
	j->is_waiting = is_waiting;
}

static void jsonl_send(void *self, const struct alert_config *c, const struct sink_message *m,
		       struct sink_status *s)
{
	struct jsonl *j = self;
	int err = -ENOMEM;

	(void)s;
	snprintf(j->path, sizeof(j->path), "%s", c->json);
	if (!j->worker)
		j->worker = disk_worker_new();
	if (j->worker)
		err = disk_worker_run(j->worker, line_write, c->json, m->line);
	wait_note(j, err == -EINPROGRESS || err == -ENOBUFS);
	if (err == -ENOBUFS)
		line_fail(j, "the disk does not answer; a line is lost");
	else if (err < 0 && err != -EINPROGRESS)
		line_fail(j, strerror(-err));
}

static void jsonl_tick(void *self, int64_t now_ms)
{
	struct jsonl *j = self;
	struct disk_worker_late late = {0};

	(void)now_ms;
	if (j->worker)
		disk_worker_late(j->worker, &late);
	for (uint64_t i = 0; i < late.failed; i++)
		line_fail(j, strerror(-late.error));
}

static void jsonl_stats(void *self, struct sink_stats *out)
{
	const struct jsonl *j = self;

	out->unwritten = j->unwritten;
	memcpy(out->write_error, j->error, sizeof(out->write_error));
}

const struct sink jsonl_sink = {
	.name = "json",
	.target = jsonl_target,
	.open = jsonl_open,
	.close = jsonl_close,
	.send = jsonl_send,
	.tick = jsonl_tick,
	.stats = jsonl_stats,
};
