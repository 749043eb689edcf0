/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl.c - reads and writes a sysctl. A name has slashes: "net/ipv4/ip_forward".
 *
 * Must not know which values Waymark needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "waymark/kernel/sysctl.h"

/* Open a sysctl. A name with "/../" is refused, because it would lead out of /proc/sys. This
 * refuses no interface, because no interface has the name "..". */
static int sysctl_open(const char *name, int flags)
{
	char path[sizeof("/proc/sys/") + SYSCTL_NAME_MAX];
	int n = snprintf(path, sizeof(path), "/proc/sys/%s", name);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(path) || strstr(name, "/../"))
		return -EINVAL;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *name, char *buf, size_t size)
{
	int fd = sysctl_open(name, O_RDONLY);
	ssize_t n;
	int err;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

/* Write the whole value at once: the kernel handles each write as a new value. */
int sysctl_write(const char *name, const char *value)
{
	size_t size = strlen(value);
	int fd = sysctl_open(name, O_WRONLY);
	ssize_t n;
	int err;

	if (fd < 0)
		return fd;
	n = write(fd, value, size);
	err = n < 0 ? -errno : (size_t)n == size ? 0 : -EIO;
	close(fd);
	return err;
}
