/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target_file.c - writes rows as JSON lines or CSV to standard output, to a file, or to a folder
 * whose files are rotated by size.
 *
 * In a folder, the JSON lines of all tables go to waymark.jsonl, and CSV goes to one file per
 * table. A batch is acknowledged when it is written and synced. If a crash left an incomplete line,
 * the line is removed when the file is opened again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "waymark/base/bytes.h"
#include "export/target.h"

#define TAIL_BYTES  65536
#define BATCH_BYTES 8388608 /* a batch is full when it takes this many bytes of memory */

struct file_target {
	const struct export_config *config;
	struct body *body;
	bool is_folder, is_stdout;
	char path[PATH_MAX]; /* path of the open file */
	int fd;		     /* -1: no file is open */
	struct export_origin origin;
	const struct feed_table *table;
};

static bool file_is_wanted(const struct config *c)
{
	return c->export.file != NULL;
}

static void file_shut(struct file_target *f)
{
	if (f->fd > STDOUT_FILENO)
		close(f->fd);
	f->fd = -1;
}

static void file_close(void *self)
{
	struct file_target *f = self;

	if (!f)
		return;
	file_shut(f);
	body_free(f->body);
	free(f);
}

static void *file_open(const struct target_env *env, FILE *errors)
{
	const struct export_config *e = &env->config->export;
	struct file_target *f = calloc(1, sizeof(*f));
	size_t length = strlen(e->file);
	struct stat info;

	if (f)
		f->body = body_new(false);
	if (!f || !f->body) {
		free(f);
		fprintf(errors, "cannot open target file: out of memory\n");
		errno = ENOMEM;
		return NULL;
	}
	f->fd = -1;
	f->config = e;
	f->is_stdout = strcmp(e->file, "-") == 0;
	f->is_folder = (length && e->file[length - 1] == '/') ||
		       (stat(e->file, &info) == 0 && S_ISDIR(info.st_mode));
	return f;
}

/* Refuse interim rows, which are rows of live flows. A CSV file has one header line and can hold
 * only one table: a single CSV file takes only table flows. A folder has one CSV file per table and
 * takes all tables, and so does JSON. */
static bool file_takes(void *self, const struct feed_table *t, bool is_interim)
{
	const struct file_target *f = self;

	if (is_interim)
		return false;
	return f->config->file_format != FILE_FORMAT_CSV || f->is_folder ||
	       t == &feed_tables[FEED_FLOWS];
}

static int file_begin(void *self, const struct export_origin *o, const struct feed_table *t)
{
	struct file_target *f = self;

	f->origin = *o;
	f->table = t;
	body_restart(f->body);
	return 0;
}

static int file_add(void *self, const struct feed_row *row)
{
	struct file_target *f = self;

	if (f->config->file_format == FILE_FORMAT_CSV)
		encode_csv(f->body, &f->origin, f->table, row);
	else
		encode_json(f->body, &f->origin, f->table, row);
	return body_size(f->body) >= BATCH_BYTES;
}

/* --- the file ---------------------------------------------------------------------- */

static void path_make(const struct file_target *f, char path[PATH_MAX])
{
	if (!f->is_folder)
		snprintf(path, PATH_MAX, "%s", f->config->file);
	else if (f->config->file_format == FILE_FORMAT_CSV)
		snprintf(path, PATH_MAX, "%s/%s.csv", f->config->file, f->table->name);
	else
		snprintf(path, PATH_MAX, "%s/waymark.jsonl", f->config->file);
}

/* Remove an incomplete line at the end of the file, which a crash may have left. */
static int tail_mend(int fd, off_t size)
{
	char bytes[TAIL_BYTES];
	off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
	ssize_t n = pread(fd, bytes, sizeof(bytes), from);

	if (n < 0)
		return -errno;
	while (n > 0 && bytes[n - 1] != '\n')
		n--;
	if (from + n == size || (n == 0 && from))
		return 0;
	return ftruncate(fd, from + n) < 0 ? -errno : 0;
}

static int header_write(struct file_target *f)
{
	struct body *b = body_new(false);
	const char *bytes;
	size_t size;
	int r = b ? 0 : -ENOMEM;

	if (r == 0) {
		encode_csv_names(b, f->table);
		r = body_finish(b, &bytes, &size);
	}
	if (r == 0)
		r = bytes_write(f->fd, bytes, size);
	body_free(b);
	return r;
}

static int file_prepare(struct file_target *f, const char *path)
{
	struct stat info;
	int r = 0;

	if (f->fd >= 0 && strcmp(path, f->path) == 0)
		return 0;
	file_shut(f);
	f->fd = f->is_stdout ? STDOUT_FILENO
			     : open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (f->fd < 0 || fstat(f->fd, &info) < 0)
		return -errno;
	snprintf(f->path, sizeof(f->path), "%s", path);
	if (S_ISREG(info.st_mode) && !f->is_stdout)
		r = tail_mend(f->fd, info.st_size);
	if (r == 0 && S_ISREG(info.st_mode))
		r = fstat(f->fd, &info) < 0 ? -errno : 0;
	if (r == 0 && f->config->file_format == FILE_FORMAT_CSV &&
	    (!S_ISREG(info.st_mode) || !info.st_size))
		r = header_write(f);
	if (r < 0)
		file_shut(f);
	return r;
}

/* Rename NAME.jsonl to NAME-TIME-N.jsonl. N is above 0 if a file was already rotated in the same
 * second. */
static int file_rotate(struct file_target *f)
{
	const char *end = strrchr(f->path, '.');
	char stamp[32], to[PATH_MAX];
	time_t now = time(NULL);
	struct tm tm;
	int n = 0;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	do {
		if (snprintf(to, sizeof(to), "%.*s-%s-%d%s", (int)(end - f->path), f->path, stamp,
			     n, end) >= (int)sizeof(to))
			return -ENAMETOOLONG;
		n++;
	} while (access(to, F_OK) == 0);
	file_shut(f);
	return rename(f->path, to) < 0 ? -errno : 0;
}

/* Write the whole batch. If writing fails, remove the part that was written. */
static int batch_write(struct file_target *f, const char *bytes, size_t size)
{
	struct stat info;
	int r;

	if (fstat(f->fd, &info) < 0)
		return -errno;
	r = bytes_write(f->fd, bytes, size);
	if (!S_ISREG(info.st_mode))
		return r;
	if (r == 0 && fdatasync(f->fd) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	if (!f->is_stdout && ftruncate(f->fd, info.st_size) < 0)
		file_shut(f);
	return r;
}

static bool is_large(const struct file_target *f)
{
	struct stat info;

	return f->is_folder && f->config->file_size_bytes && fstat(f->fd, &info) == 0 &&
	       (uint64_t)info.st_size >= f->config->file_size_bytes;
}

static int file_send(void *self, struct target_error *why)
{
	struct file_target *f = self;
	char path[PATH_MAX];
	const char *bytes;
	size_t size;
	int r = body_finish(f->body, &bytes, &size);

	path_make(f, path);
	if (r == 0)
		r = file_prepare(f, path);
	if (r == 0)
		r = batch_write(f, bytes, size);
	/* If the rotation fails, the batch is nevertheless written and acknowledged. */
	if (r == 0 && is_large(f))
		file_rotate(f);
	if (r < 0)
		snprintf(why->text, sizeof(why->text), "%.180s: %.60s",
			 f->is_stdout ? "standard output" : path, strerror(-r));
	/* A reader of standard output that has gone does not come back. */
	why->is_final = r == -EPIPE && f->is_stdout;
	return r;
}

const struct export_target target_file = {
	.name = "file",
	.is_wanted = file_is_wanted,
	.open = file_open,
	.close = file_close,
	.takes = file_takes,
	.begin = file_begin,
	.add = file_add,
	.send = file_send,
};
