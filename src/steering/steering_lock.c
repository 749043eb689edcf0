/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_lock.c - locks a file that only its owner and root can open. The folder itself is not
 * locked: other users can open it, and whoever can open a folder can lock it.
 */
#include "steering/steering_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "steering/steering_state.h"

#define FILE_NAME "steering.lock"
#define LOOK_MS	  10

static int file_open(const struct config *c)
{
	int folder = steering_state_folder(c, true), fd, err;

	if (folder < 0)
		return folder;
	fd = openat(folder, FILE_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		fd = openat(folder, FILE_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		steering_state_give(c, fd);
	}
	err = fd < 0 ? -errno : 0;
	close(folder);
	return err ? err : fd;
}

int steering_lock_take(const struct config *c, unsigned patience_ms)
{
	int fd = file_open(c), err;

	if (fd < 0)
		return fd;
	for (unsigned waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB); waited_ms += LOOK_MS) {
		err = errno;
		if (err != EWOULDBLOCK && err != EINTR)
			goto fail;
		err = EBUSY;
		if (waited_ms >= patience_ms)
			goto fail;
		poll(NULL, 0, LOOK_MS);
	}
	return fd;
fail:
	close(fd);
	return -err;
}

/* Return the pid in a line of /proc/locks, such as "1: FLOCK ADVISORY WRITE 123 00:1a:456 0 EOF".
 * 0: the line is not about a lock on the file of `st`. */
static long line_holder(const char *line, const struct stat *st)
{
	unsigned major, minor;
	uint64_t inode;
	long pid;

	if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%" SCNu64, &pid, &major, &minor, &inode) !=
		    4 ||
	    inode != st->st_ino || major != major(st->st_dev) || minor != minor(st->st_dev))
		return 0;
	return pid;
}

static long holder_find(const struct stat *st)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256];
	long pid = 0;

	while (locks && !pid && fgets(line, sizeof(line), locks))
		pid = line_holder(line, st);
	if (locks)
		fclose(locks);
	return pid;
}

/* Read the name of a process. A process chooses its own name, so '?' replaces every byte that is
 * not printable ASCII. */
static void name_read(long pid, char name[16])
{
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(name, 16, file))
		strcpy(name, "a process");
	if (file)
		fclose(file);
	name[strcspn(name, "\n")] = '\0';
	for (char *p = name; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

const char *steering_lock_holder(const struct config *c, char *buf, size_t size)
{
	int fd = file_open(c);
	struct stat st;
	char name[16];
	long pid = 0;

	if (fd >= 0 && !fstat(fd, &st))
		pid = holder_find(&st);
	if (fd >= 0)
		close(fd);
	if (pid > 0) {
		name_read(pid, name);
		snprintf(buf, size, "%s (pid %ld)", name, pid);
	} else {
		snprintf(buf, size, "another process");
	}
	return buf;
}
