/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exporter.c - exports the counters to Prometheus: as a page that the talker requests, and as a
 * file for node_exporter's textfile collector. The file is replaced as a whole.
 *
 * Must not know HTTP, nor the meaning of the text.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/exporter.h"
#include "daemon/status.h"
#include "daemon/log.h"
#include "waymark/base/disk_worker.h"
#include "waymark/status/metrics.h"
#include "waymark/talker/talker.h"

#define FILE_INTERVAL_MS 15000

struct exporter {
	struct disk_worker *disk;	 /* writes the file; NULL until the first write */
	struct prometheus_config config; /* the settings in force; we own its string `textfile` */
	int64_t due_ms;			 /* when to write the file next; CLOCK_MONOTONIC */
	int file_error;			 /* -errno of the latest write; 0: it succeeded */
};

/* --- the text ------------------------------------------------------------------------ */

static char *text_print(const struct answer *a)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	metrics_print(out, a);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

char *exporter_page(struct daemon *d)
{
	struct answer a;
	char *text = status_fill(d, &a) ? NULL : text_print(&a);

	answer_free(&a);
	return text;
}

/* --- HTTP ------------------------------------------------------------------------------ */

static bool is_same_place(const struct prometheus_config *a, const struct prometheus_config *b)
{
	return a->port == b->port && (!a->port || addr_is_equal(&a->addr, &b->addr));
}

/* Serve at the new address. If that fails, continue to serve at the old address. */
static int http_set(struct daemon *d, const struct prometheus_config *c)
{
	struct exporter *e = d->exporter;
	char text[ADDR_STRLEN];
	int err;

	if (is_same_place(&e->config, c))
		return 0;
	err = talker_listen(d->talker, &c->addr, c->port);
	if (err) {
		log_err("cannot serve Prometheus at %s port %u: %s (choose another address or port "
			"in section prometheus)",
			addr_format(&c->addr, text), c->port, strerror(-err));
		return err;
	}
	e->config.addr = c->addr;
	e->config.port = c->port;
	return 0;
}

/* --- the file ----------------------------------------------------------------------------- */

static int text_write(int fd, const char *text)
{
	size_t length = strlen(text);
	ssize_t n = write(fd, text, length);

	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -ENOSPC;
}

/* Replace the file. Create the new file with O_EXCL, so that a link that another user has put into
 * the folder is not followed. */
static int file_replace(const char *path, const char *text)
{
	char new[4096 + 8];
	int fd, err;

	snprintf(new, sizeof(new), "%s.new", path);
	if (unlink(new) && errno != ENOENT)
		return -errno;
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	/* node_exporter runs as another user and must read the file. */
	err = fchmod(fd, 0644) ? -errno : text_write(fd, text);
	close(fd);
	if (!err && rename(new, path))
		err = -errno;
	if (err)
		unlink(new);
	return err;
}

/* Log the result of a write if it differs from the result of the previous write. */
static void file_judge(struct exporter *e, int err)
{
	if (err == e->file_error)
		return;
	e->file_error = err;
	if (err)
		log_err("cannot write prometheus textfile %s: %s", e->config.textfile,
			err == -EINPROGRESS ? "the disk does not answer" : strerror(-err));
	else
		log_notice("writing prometheus textfile %s works again", e->config.textfile);
}

static void file_write(struct exporter *e, char *text)
{
	int err = -ENOMEM;

	if (!e->disk)
		e->disk = disk_worker_new();
	if (e->disk && text)
		err = disk_worker_run(e->disk, file_replace, e->config.textfile, text);
	file_judge(e, err);
	free(text);
}

/* Return whether the disk worker is still writing the previous text. */
static bool is_file_busy(struct exporter *e)
{
	struct disk_worker_late late;

	if (e->file_error != -EINPROGRESS)
		return false;
	disk_worker_late(e->disk, &late);
	return !late.done && !late.failed;
}

static int file_remove(const char *path, const char *unused)
{
	(void)unused;
	return unlink(path) ? -errno : 0;
}

/* Write a last file that shows its readers that waymarkd does not run. */
static void file_end(struct exporter *e)
{
	if (e->config.textfile)
		file_write(e, text_print(NULL));
}

static int file_set(struct exporter *e, const struct prometheus_config *c)
{
	char *path = c->textfile ? strdup(c->textfile) : NULL;

	if (c->textfile && !path)
		return -ENOMEM;
	if (e->disk && e->config.textfile && (!path || strcmp(path, e->config.textfile)))
		disk_worker_run(e->disk, file_remove, e->config.textfile, NULL);
	free(e->config.textfile);
	e->config.textfile = path;
	e->due_ms = 0;
	e->file_error = 0;
	return 0;
}

/* --- for the daemon ------------------------------------------------------------------------ */

int exporter_reload(struct daemon *d)
{
	const struct prometheus_config *c = &d->config->prometheus;
	int err = http_set(d, c), file_err = file_set(d->exporter, c);

	return err ? err : file_err;
}

int exporter_open(struct daemon *d)
{
	d->exporter = calloc(1, sizeof(*d->exporter));
	return d->exporter ? exporter_reload(d) : -ENOMEM;
}

void exporter_tick(struct daemon *d)
{
	struct exporter *e = d->exporter;
	int64_t now_ms = clock_steady_ms();

	if (!e->config.textfile || now_ms < e->due_ms || is_file_busy(e))
		return;
	e->due_ms = now_ms + FILE_INTERVAL_MS;
	file_write(e, exporter_page(d));
}

void exporter_close(struct daemon *d)
{
	struct exporter *e = d->exporter;

	if (!e)
		return;
	if (d->is_ready)
		file_end(e);
	disk_worker_free(e->disk);
	free(e->config.textfile);
	free(e);
}
