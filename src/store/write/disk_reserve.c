/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_reserve.c - keeps DATABASE.reserve, a file that only occupies space and is deleted when the
 * disk is full.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/write/disk_reserve.h"

/* The disk has plenty of free space if this much is free in addition to the size of the reserve. */
#define PLENTY_BYTES (INT64_C(48) << 20)

static bool path_of(const char *database, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s.reserve", database) < PATH_MAX;
}

static int64_t free_bytes(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : 0;
}

static bool make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool is_made;

	if (fd < 0)
		return false;
	is_made = posix_fallocate(fd, 0, DISK_RESERVE_BYTES) == 0;
	close(fd);
	if (!is_made)
		unlink(path);
	return is_made;
}

bool disk_reserve_keep(const char *database)
{
	bool has_plenty = free_bytes(database) >= DISK_RESERVE_BYTES + PLENTY_BYTES;
	char path[PATH_MAX];

	if (path_of(database, path) && has_plenty && access(path, F_OK) < 0)
		make(path);
	return has_plenty;
}

bool disk_reserve_spend(const char *database)
{
	char path[PATH_MAX];

	return path_of(database, path) && unlink(path) == 0;
}
