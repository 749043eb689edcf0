/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file.c - checks the database file before anything is written. The file must be ours, and no other
 * daemon may use it.
 *
 * Knows nothing of the schema.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"
#include "store/store_internal.h"

/* The file's header, https://www.sqlite.org/fileformat2.html section 1.3. */
#define HEADER_SIZE	      100
#define HEADER_MAGIC	      "SQLite format 3"
#define HEADER_APPLICATION_ID 68

static uint32_t header_u32(const uint8_t *header, size_t offset)
{
	return (uint32_t)header[offset] << 24 | (uint32_t)header[offset + 1] << 16 |
	       (uint32_t)header[offset + 2] << 8 | header[offset + 3];
}

/* Count the tables of a database that has no application id; if it has none, it can become ours.
 * Read the database without its write-ahead log and without a lock, so that neither the database
 * nor any file beside it changes. Return -1 if the database is unreadable. */
static int64_t tables_count(const char *path)
{
	char *uri = sqlite3_mprintf("file:%w?immutable=1", path);
	int64_t n = -1;
	sqlite3 *db = NULL;

	if (uri && !strpbrk(path, "?#%") &&
	    sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK)
		db_integer(db, "SELECT count(*) FROM sqlite_schema", &n, -1);
	sqlite3_close(db);
	sqlite3_free(uri);
	return n;
}

static int header_check(const char *path, const uint8_t *header, ssize_t got, char *error,
			size_t size)
{
	uint32_t id;

	if (got == 0)
		return 0;
	if (got < HEADER_SIZE || memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC))) {
		snprintf(error, size,
			 "%s is not an SQLite database; name another file, or move "
			 "this one away",
			 path);
		return -EPROTO;
	}
	id = header_u32(header, HEADER_APPLICATION_ID);
	if (id == STORE_APPLICATION_ID || (id == 0 && tables_count(path) == 0))
		return 0;
	snprintf(error, size,
		 "%s is the database of another program (application id 0x%x); "
		 "name another file",
		 path, id);
	return -EPROTO;
}

static int folder_check(const char *path, char *error, size_t size)
{
	char copy[PATH_MAX], *folder;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		snprintf(error, size, "the database's path is too long");
		return -ENAMETOOLONG;
	}
	folder = dirname(copy);
	if (access(folder, W_OK | X_OK) == 0)
		return 0;
	if (errno == ENOENT)
		snprintf(error, size, "%s: the folder %s does not exist; create the folder", path,
			 folder);
	else
		snprintf(error, size, "%s: cannot write in the folder %s: %s", path, folder,
			 strerror(errno));
	return -errno;
}

int store_file_check(const char *path, char *error, size_t size)
{
	uint8_t header[HEADER_SIZE];
	struct stat info;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return folder_check(path, error, size);
	if (fd < 0 || fstat(fd, &info) < 0) {
		int r = -errno;

		snprintf(error, size, "cannot read %s: %s", path, strerror(-r));
		if (fd >= 0)
			close(fd);
		return r;
	}
	got = S_ISREG(info.st_mode) ? pread(fd, header, sizeof(header), 0) : -1;
	close(fd);
	if (got < 0) {
		snprintf(error, size, "%s is not a regular file and cannot be a database", path);
		return -EPROTO;
	}
	return header_check(path, header, got, error, size);
}

bool store_file_lost_header(const char *path)
{
	char *lock = sqlite3_mprintf("%s.lock", path), magic[sizeof(HEADER_MAGIC)] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat info, lock_info;
	bool is_lost = lock && fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
		       info.st_size > 0 && lstat(lock, &lock_info) == 0 &&
		       S_ISREG(lock_info.st_mode) && pread(fd, magic, sizeof(magic), 0) >= 0 &&
		       memcmp(magic, HEADER_MAGIC, sizeof(magic));

	if (fd >= 0)
		close(fd);
	sqlite3_free(lock);
	return is_lost;
}

static void holder_name(int fd, char *buf, size_t size)
{
	char text[32] = "";
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	if (got > 0 && strtol(text, NULL, 10) > 0)
		snprintf(buf, size, "process %ld", strtol(text, NULL, 10));
	else
		snprintf(buf, size, "another process");
}

int store_lock(const char *path, char *error, size_t size)
{
	char lock_path[PATH_MAX], who[48];
	int fd, r;

	if (snprintf(lock_path, sizeof(lock_path), "%s.lock", path) >= (int)sizeof(lock_path)) {
		snprintf(error, size, "the database's path is too long");
		return -ENAMETOOLONG;
	}
	fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		r = -errno;
		snprintf(error, size, "cannot create the lock file %s: %s", lock_path,
			 strerror(-r));
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		holder_name(fd, who, sizeof(who));
		snprintf(error, size, "%s is in use by %s; only one daemon can write a history",
			 path, who);
		close(fd);
		return r;
	}
	/* The pid is only for the message above; the lock is the kernel's flock. */
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
		fsync(fd);
	return fd;
}
