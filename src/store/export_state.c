/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export_state.c - reads and writes the state file, which is one line of JSON and one line with its
 * checksum.
 */
#include "waymark/store/export_state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_BYTES_MAX 1048576
#define STATE_FORMAT	1

struct export_state_target *export_state_target(struct export_state *s, const char *name)
{
	struct export_state_target *t;

	for (unsigned i = 0; i < s->n_targets; i++)
		if (strcmp(s->targets[i].name, name) == 0)
			return &s->targets[i];
	if (s->n_targets == EXPORT_STATE_TARGETS)
		return NULL;
	t = &s->targets[s->n_targets++];
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

bool export_state_is_locked(const char *path)
{
	char name[PATH_MAX];
	bool is_locked;
	int fd;

	snprintf(name, sizeof(name), "%s.lock", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_locked = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return is_locked;
}

int export_state_pending(const struct export_state_target *t, struct feed *f,
			 enum feed_table_id table, int64_t *count)
{
	bool is_this = strcmp(t->history, feed_history(f)) == 0;

	*count = 0;
	if (table != FEED_FLOWS && strcmp(t->name, "ipfix") == 0)
		return 0; /* IPFIX has flows alone */
	return feed_pending(f, table, is_this ? t->tables[table].position : 0, count);
}

/* Return a checksum (FNV-1a). It detects incomplete files, but no deliberate changes. */
static uint64_t checksum(const char *text, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* --- reading ---------------------------------------------------------------------- */

static int64_t number(json_t *from, const char *name)
{
	return json_integer_value(json_object_get(from, name));
}

static void text(json_t *from, const char *name, char *to, size_t size)
{
	const char *value = json_string_value(json_object_get(from, name));

	snprintf(to, size, "%s", value ? value : "");
}

static void table_read(json_t *from, struct export_state_table *t)
{
	t->position = number(from, "position");
	t->seen = number(from, "seen");
	t->time_ms = number(from, "time_ms");
	t->sent = number(from, "sent");
	t->sent_changes = number(from, "sent_changes");
	t->sent_missing = number(from, "sent_missing");
	t->changes = json_object_get(from, "changes") ? number(from, "changes") : -1;
	t->rows = (uint64_t)number(from, "rows");
	t->missing = (uint64_t)number(from, "missing");
}

static void target_read(json_t *from, struct export_state_target *t)
{
	json_t *tables = json_object_get(from, "tables");

	text(from, "history", t->history, sizeof(t->history));
	t->batches = (uint64_t)number(from, "batches");
	t->failures = (uint64_t)number(from, "failures");
	t->acknowledged_ms = number(from, "acknowledged_ms");
	t->error_ms = number(from, "error_ms");
	text(from, "error", t->error, sizeof(t->error));
	for (int i = 0; i < FEED_TABLES; i++)
		table_read(json_object_get(tables, feed_tables[i].name), &t->tables[i]);
}

static int state_read(struct export_state *s, const char *line, size_t size)
{
	json_t *root = json_loadb(line, size, 0, NULL), *targets, *from;
	const char *name;

	if (!root || number(root, "format") != STATE_FORMAT) {
		json_decref(root);
		return -EBADMSG;
	}
	text(root, "router", s->router, sizeof(s->router));
	targets = json_object_get(root, "targets");
	json_object_foreach(targets, name, from)
	{
		struct export_state_target *t = export_state_target(s, name);

		if (t)
			target_read(from, t);
	}
	json_decref(root);
	return 0;
}

static int file_read(const char *path, char **out, size_t *size)
{
	FILE *file = fopen(path, "re");
	char *bytes = file ? malloc(STATE_BYTES_MAX) : NULL;

	*out = bytes;
	*size = 0;
	if (!file)
		return -errno;
	if (bytes)
		*size = fread(bytes, 1, STATE_BYTES_MAX, file);
	fclose(file);
	return bytes ? 0 : -ENOMEM;
}

static int file_check(const char *bytes, size_t size, size_t *line)
{
	const char *end = memchr(bytes, '\n', size);
	char wanted[24];
	size_t n;

	if (!end)
		return -EBADMSG;
	*line = (size_t)(end - bytes);
	n = (size_t)snprintf(wanted, sizeof(wanted), "%016llx\n",
			     (unsigned long long)checksum(bytes, *line));
	return size == *line + 1 + n && memcmp(end + 1, wanted, n) == 0 ? 0 : -EBADMSG;
}

int export_state_load(struct export_state *s, const char *path)
{
	size_t size, line = 0;
	char *bytes;
	int r;

	memset(s, 0, sizeof(*s));
	r = file_read(path, &bytes, &size);
	if (r == 0)
		r = file_check(bytes, size, &line);
	if (r == 0)
		r = state_read(s, bytes, line);
	free(bytes);
	return r == -ENOENT ? 0 : r;
}

/* --- writing ---------------------------------------------------------------------- */

static json_t *table_write(const struct export_state_table *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "position",
			 (json_int_t)t->position, "seen", (json_int_t)t->seen, "time_ms",
			 (json_int_t)t->time_ms, "sent", (json_int_t)t->sent, "sent_changes",
			 (json_int_t)t->sent_changes, "sent_missing", (json_int_t)t->sent_missing,
			 "changes", (json_int_t)t->changes, "rows", (json_int_t)t->rows, "missing",
			 (json_int_t)t->missing);
}

static json_t *target_write(const struct export_state_target *t)
{
	json_t *tables = json_object();

	for (int i = 0; i < FEED_TABLES; i++)
		json_object_set_new(tables, feed_tables[i].name, table_write(&t->tables[i]));
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:o}", "history", t->history, "batches",
			 (json_int_t)t->batches, "failures", (json_int_t)t->failures,
			 "acknowledged_ms", (json_int_t)t->acknowledged_ms, "error_ms",
			 (json_int_t)t->error_ms, "error", t->error, "tables", tables);
}

static char *state_write(const struct export_state *s)
{
	json_t *targets = json_object(), *root;
	char *line;

	for (unsigned i = 0; i < s->n_targets; i++)
		json_object_set_new(targets, s->targets[i].name, target_write(&s->targets[i]));
	root = json_pack("{s:i, s:s, s:o}", "format", STATE_FORMAT, "router", s->router, "targets",
			 targets);
	line = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return line;
}

static int file_write(int fd, const char *line)
{
	char sum[24];
	size_t size = strlen(line);
	struct {
		const char *bytes;
		size_t size;
	} parts[] = {{line, size}, {"\n", 1}, {sum, 17}};

	snprintf(sum, sizeof(sum), "%016llx\n", (unsigned long long)checksum(line, size));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		while (parts[i].size) {
			ssize_t n = write(fd, parts[i].bytes, parts[i].size);

			if (n < 0)
				return -errno;
			parts[i].bytes += n;
			parts[i].size -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int folder_sync(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, r;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int file_replace(const char *path, const char *line)
{
	char fresh[PATH_MAX];
	int fd, r;

	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh))
		return -ENAMETOOLONG;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	r = file_write(fd, line);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r == 0)
		return folder_sync(path);
	unlink(fresh);
	return r;
}

int export_state_save(const struct export_state *s, const char *path)
{
	char *line = state_write(s);
	int r = line ? file_replace(path, line) : -ENOMEM;

	free(line);
	return r;
}
